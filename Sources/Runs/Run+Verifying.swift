import Files
import Foundation
import Learners
import Recipes
import Reports
import Synchronization
import Training

/// What a training that was repeated came to.
public struct Verification: Codable, Sendable {
  public enum Status: String, Codable, Sendable { case equal, differs, interrupted }

  public var status: Status
  public var run: String
  /// After how many steps the parameters are compared.
  public var step: Int
  /// What the run says.
  public var parameters_sha256: String
  /// Of the repetition; nil: it was not made, or did not come so far.
  public var repeated_sha256: String?
  /// What is known to be other than it was, a sentence each; of equal parameters too.
  public var differences: [String]
  /// The repetition's run folder, where it was kept.
  public var repetition: String?

  public func json() throws -> String {
    try JSONDocument.text(of: self)
  }
}

extension Run {
  /// Repeats a training from its recipe, from the first step, and compares the parameters, bit for bit.
  ///
  /// ```swift
  /// let verification = try await Run.verify("runs/vae")
  /// print(verification.status == .equal)
  /// ```
  ///
  /// - Parameters:
  ///   - path: a run folder, whatever it was trained on: one process, or nodes.
  ///   - step: compares with the checkpoint of this step and stops there; nil: with the newest.
  ///   - data: where the data lies, if not where the recipe says; it must have the same fingerprint.
  ///   - keeping: whether the repetition stays, beside the run as `RUN.verify-PROCESS`.
  ///   - lanes: how many threads compute, which changes no result.
  ///   - quiet: whether to show no progress on standard error.
  ///   - stop: ends the repetition.
  /// - Throws: `TrainingError` when the path is no run with a checkpoint of that step, or its data is not there.
  public static func verify(
    _ path: String, step: Int? = nil, data: String? = nil, keeping: Bool = false, lanes: Int = Run.processors,
    quiet: Bool = true, until stop: StopRequest = StopRequest()
  ) async throws -> Verification {
    let path = Setting.run(path)
    guard !ModelFile.isFile(path) else {
      throw TrainingError(.noRun, "\(path) is a model file, which holds no training", advice: "name the run folder")
    }
    let run = try RunFolder(opening: path)
    let wanted = try checkpoint(of: run, step: step).state
    let recipe = try Recipe.file(run.recipe)
    if let data { recipe.set(DataKey.source.description, text: data) }
    let job = try TrainingJob(recipe)
    var verification = Verification(
      status: .differs, run: path, step: wanted.step, parameters_sha256: wanted.parameters_sha256,
      differences: try differences(of: wanted, in: run))
    guard job.data.fingerprint == wanted.data else {
      verification.differences.insert("the data \(job.data.name) is not what the run was trained on", at: 0)
      return verification
    }
    let name = path.hasSuffix("/") ? String(path.dropLast()) : path
    let scratch = "\(name).verify-\(ProcessInfo.processInfo.processIdentifier)"
    let (folder, lock) = try RunFolder.create(
      at: scratch, name: job.model.name, note: { StandardError.write($0 + "\n") })
    defer {
      lock.release()
      if !keeping { try? FileManager.default.removeItem(atPath: folder.path) }
    }
    let watch = StepWatch(end: wanted.step, quiet: quiet, outer: stop)
    let start = try job.source.map { _ in try checkpoint(of: run, step: 0) }
    try start?.restore(job.trained, optimizer: true)
    let session = try TrainingSession(
      job, run: folder, from: start, lanes: lanes, quiet: true, pictures: nil, observer: watch)
    let summary = try await session.run(until: watch.stop)
    watch.finish()
    verification.repetition = keeping ? folder.path : nil
    guard summary.steps == wanted.step || !stop.isRequested else {
      verification.status = .interrupted
      return verification
    }
    verification.repeated_sha256 = try checkpoint(of: folder, step: summary.steps).state.parameters_sha256
    if summary.steps != wanted.step {
      verification.differences.append("the repetition ended after \(summary.steps) steps")
    } else if verification.repeated_sha256 == wanted.parameters_sha256 {
      verification.status = .equal
    }
    return verification
  }

  private static func checkpoint(of run: RunFolder, step: Int?) throws -> Checkpoint {
    let all = try Checkpoint.all(of: run)
    guard let newest = all.last else { throw Checkpoint.none(in: run) }
    guard let step else { return newest }
    guard let found = all.first(where: { $0.state.step == step }) else {
      let steps = all.map { "\($0.state.step)" }.joined(separator: ", ")
      throw TrainingError(
        .noRun, "\(run.path) has no checkpoint of step \(step)",
        advice: "it has \(steps); train.checkpoint_keep_every keeps more")
    }
    return found
  }

  /// What of the run is known to be other than here.
  private static func differences(of state: Checkpoint.State, in run: RunFolder) throws -> [String] {
    var differences: [String] = []
    let recipe = RecipeText(String(decoding: try InputFile.read(run.recipe, limit: 1 << 20), as: UTF8.self))
    if TrainingJob.digest(of: recipe) != state.recipe {
      differences.append("recipe.yaml is not the recipe that the run was trained by")
    }
    if let elbo = state.elbo, elbo != Version.elbo {
      differences.append("the run was trained by elbo \(elbo), this is \(Version.elbo)")
    }
    if state.isOfOtherNumerics { differences.append("numbers come out otherwise here" + machine(of: run)) }
    if state.numerics == nil { differences.append("the run does not say how numbers came out where it was trained") }
    if let steps = state.numerics_changes, !steps.isEmpty {
      differences.append(
        "the training went on where numbers came out otherwise, from step "
          + steps.map(String.init).joined(separator: " and from step "))
    }
    return differences
  }

  /// What the run's environment says that is not so here.
  private static func machine(of run: RunFolder) -> String {
    guard let bytes = try? InputFile.read(run.environment, limit: 1 << 20),
      let there = try? JSONDecoder().decode(Environment.self, from: Data(bytes))
    else { return "" }
    let here = Environment(lanes: 1, commandLine: [])
    let parts = [
      ("processor", there.processor, here.processor), ("kernels", there.kernels, here.kernels),
      ("oneDNN", there.oneDNN, here.oneDNN),
    ].filter { $0.1 != $0.2 }.map { "\($0.0) \($0.1) there, \($0.2) here" }
    return parts.isEmpty ? "" : ": " + parts.joined(separator: "; ")
  }
}

/// Stops a training at a step, and shows how far it is.
private final class StepWatch: TrainingObserver {
  let stop = StopRequest()
  private let end: Int
  private let outer: StopRequest
  private let progress: Mutex<(reporter: ProgressReporter, examples: Int)>

  init(end: Int, quiet: Bool, outer: StopRequest) {
    (self.end, self.outer) = (end, outer)
    progress = Mutex((.standardError(isQuiet: quiet), 0))
  }

  func step(_ report: TrainingReport) {
    progress.withLock { progress in
      progress.examples += report.examples
      progress.reporter.update(
        TrainingProgress(
          step: report.step, totalSteps: end, epoch: nil, totalEpochs: nil, examples: progress.examples, metrics: []))
    }
    if report.step == end || outer.isRequested { stop.request() }
  }

  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
  func finish() { progress.withLock { $0.reporter.finish() } }
}
