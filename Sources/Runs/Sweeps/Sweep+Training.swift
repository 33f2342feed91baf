import Files
import Foundation
import Metrics
import Recipes
import Reports
import Training

extension Sweep {
  /// Trains to so many steps in a folder, from where an earlier start has left off.
  /// - Parameters:
  ///   - steps: all, or as many as an evaluation comes after.
  ///   - folder: the run's own.
  ///   - stop: ends it after the step that it is in, with a checkpoint.
  /// - Returns: nil when it was stopped. That numbers became infinite is a result too.
  package func train(
    _ training: Training, to steps: Int, in folder: String, lanes: Int, until stop: StopRequest
  ) async throws -> SweepResult? {
    if let run = try? RunFolder(opening: folder), let result = try result(of: training, after: steps, run) {
      return result
    }
    let prepared = try await goingOn(training, in: folder, until: stop)
    let (run, lock) = try prepared.prepared.claim(prepared.request)
    defer { lock.release() }
    let own = StopRequest()
    let session = try await prepared.prepared.starting(run) {
      try TrainingSession(
        prepared.prepared.job, run: run, from: prepared.prepared.checkpoint, lanes: lanes, quiet: true, pictures: nil,
        observer: StepLimit(steps, own, outer: stop))
    }
    do {
      _ = try await session.run(until: own)
    } catch let error as TrainingError where error.code == .diverged {
      return SweepResult(training: training.name, steps: steps, trained: steps, failure: error.message)
    }
    if let result = try result(of: training, after: steps, run) { return result }
    guard stop.isRequested else {
      throw TrainingError(
        .damagedFile, "\(run.metrics) has no line of step \(steps)", advice: "remove \(run.path), and start again")
    }
    return nil
  }

  /// The run that is there, or a new one where none has a checkpoint.
  private func goingOn(
    _ training: Training, in folder: String, until stop: StopRequest
  ) async throws -> (prepared: TrainingRequest.Prepared, request: TrainingRequest) {
    let new = asking(for: training, out: folder)
    // Who was killed may still be about to end.
    let deadline = ContinuousClock.now + .seconds(30)
    while FileManager.default.fileExists(atPath: folder + "/recipe.yaml") {
      let request = TrainingRequest(
        recipe: nil, overrides: RecipeOverrides(data: self.request.overrides.data), out: nil, resume: folder,
        dryRun: false, pictures: nil, data: data)
      do {
        return (try request.prepare(), request)
      } catch let error as TrainingError where error.code == .isWritten && .now < deadline && !stop.isRequested {
        try await Task.sleep(for: .milliseconds(100))
      } catch let error as TrainingError where error.code == .noRun || error.code == .damagedFile {
        // It was killed before its first checkpoint.
        try FileManager.default.removeItem(atPath: folder)
      }
    }
    return (try new.prepare(), new)
  }

  /// What a run says of a training after so many steps; nil: it has not come so far.
  private func result(of training: Training, after steps: Int, _ run: RunFolder) throws -> SweepResult? {
    if let summary = Summary(of: run), summary.status == .finished, summary.steps <= steps {
      return SweepResult(
        training: training.name, steps: steps, trained: summary.steps, metrics: try chosen(summary.metrics),
        parametersSHA256: summary.parameters_sha256)
    }
    guard steps < training.steps, FileManager.default.fileExists(atPath: run.metrics) else { return nil }
    let records = try MetricsReader.records(of: run.metrics).filter { record in
      record.step <= steps && record.metrics.keys.contains { $0.hasPrefix("validation/") }
    }
    guard let last = records.last, last.step == steps else { return nil }
    var metrics = try chosen(last.metrics)
    if training.selects {
      metrics[metric] = records.compactMap { $0.metrics[metric] }.reduce(direction.worst) {
        direction.isBetter($1, than: $0) ? $1 : $0
      }
    }
    return SweepResult(training: training.name, steps: steps, trained: steps, metrics: metrics)
  }

  /// Metrics of the held-out parts.
  private func chosen(_ metrics: [String: Double]) throws(RecipeError) -> [String: Double] {
    guard metrics[metric] != nil else {
      let choices = SelectionRule.choices(among: metrics.keys).joined(separator: ", ")
      throw RecipeError("--on is \(metric), which is not measured here: name one of \(choices)")
    }
    return metrics.filter { name, _ in
      (name.hasPrefix("validation/") || name.hasPrefix("test/")) && !ClassMetric.isOne(name)
    }
  }
}

/// Ends a training after so many steps, or when another request is made.
private struct StepLimit: TrainingObserver {
  private let steps: Int
  private let stop: StopRequest
  private let outer: StopRequest

  init(_ steps: Int, _ stop: StopRequest, outer: StopRequest) {
    (self.steps, self.stop, self.outer) = (steps, stop, outer)
  }

  func step(_ report: TrainingReport) {
    if report.step >= steps && report.step < report.steps || outer.isRequested { stop.request() }
  }
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}
