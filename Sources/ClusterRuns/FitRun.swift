import Files
import Foundation
import Recipes
import Runs
import Training

/// `elbo fit`: reads, plans, searches, trains the best, calibrates it and reports.
///
/// The search is of sweeps, so the same call goes on where another was killed, and lanes and processes find the same.
package struct FitRun: Sendable {
  private let reading: FitReading
  private let request: FitRequest
  private let given: FitPlan?
  package let folder: String
  private let work: SweepWork
  private let lanes: Int
  /// How many trainings run side by side.
  private let workers: Int
  private let finals = StopRequest()

  /// - Parameters:
  ///   - plan: to repeat; nil: one is made, or the one in the folder goes on.
  ///   - lanes: of this process, or of each other one; nil: the processors, shared.
  package init(
    _ reading: FitReading, _ request: FitRequest, plan: FitPlan?, folder: String, places: [WorkPlace], lanes: Int?
  ) throws {
    if let host = places.compactMap(\.host).first(where: { $0.data != nil }) {
      throw RecipeError(
        "\(host.host) has data of its own, and a fit trains on the parts in \(folder)/data: leave data out of the file of hosts, "
          + "and let all of them see that folder")
    }
    // Processes of other machines begin elsewhere.
    let folder = folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
    (self.reading, self.request, given, self.folder) = (reading, request, plan, folder)
    work = SweepWork(places: places, lanes: lanes)
    self.lanes = try lanes ?? Run.defaultLanes()
    workers = places.isEmpty ? self.lanes : min(places.count, Run.processors)
  }

  /// Has trainings end with a checkpoint. Returns false when that was asked before.
  package func stop() -> Bool {
    finals.request()
    return work.stop()
  }

  /// - Parameters:
  ///   - say: hears how far it has come, a line at a time.
  ///   - note: hears why a training was lost.
  /// - Returns: nil when it was stopped.
  package func run(
    say: @escaping @Sendable (String) -> Void, note: @escaping @Sendable (String) -> Void
  ) async throws -> FitAnswer? {
    let start = ContinuousClock.now
    let parts = FitParts(reading, seed: request.seed)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError("make the folder", folder, systemError: EACCES)
    }
    var plan = try await plan(parts)
    let plannedRungs = plan.candidates.map(\.rungs).max()!
    try AtomicFile.write(path, plan.yaml)
    for line in plan.omitted { say("not tried: " + line) }
    let opened = OpenedData()
    var progress = try plan.candidates.map {
      try SweepProgress(
        $0.sweep(reading, plan, in: folder, data: opened), folder: "\(folder)/search/\($0.name)")
    }
    var rung = 0
    while rung < plan.rungs {
      let wanted = progress.filter { !$0.isDone }.flatMap(\.wanted)
      guard try await work.train(wanted, heard: { _, _ in }, note: note) else { return nil }
      for place in progress.indices where !progress[place].isDone { progress[place].compare() }
      rung += 1
      say(line(plan, progress, rung))
      guard given == nil, rung < plan.rungs, ContinuousClock.now - start > .seconds(60 * plan.minutes) else { continue }
      plan.rungs = rung
      try AtomicFile.write(path, plan.yaml)
      say("the \(plan.minutes) minutes are over: the search ends here, at a whole comparison")
    }
    return try await answer(plan, plannedRungs, parts, progress, say)
  }

  private var path: String { folder + "/plan.yaml" }

  /// The plan that is given, that a killed call has made, or a new one. Writes the parts of the data.
  private func plan(_ parts: FitParts) async throws -> FitPlan {
    let digest = try parts.digest(reading)
    let known = FileManager.default.fileExists(atPath: path) ? try FitPlan(contentsOf: path) : nil
    let repeated = given.map { $0.digest == digest }
    guard repeated ?? true else {
      throw RecipeError("--plan is of other data than \(request.data): name the data that it was made for")
    }
    if let known {
      let isSame = given.map { $0 == known } ?? (known.digest == digest && known.minutes == request.minutes)
      guard isSame, known.seed == request.seed, known.target == reading.target, known.task == reading.task,
        known.sequence == request.sequence, known.time == request.time
      else {
        throw RecipeError("\(folder) holds a fit of other data, time or seed: name another folder with --out")
      }
    }
    try parts.write(reading, to: folder)
    if let plan = given ?? known { return plan }
    let speed = try await FitSpeed.measured(
      reading, learning: parts.learning.count, seed: request.seed, in: folder)
    return try FitPlan(
      reading, request, learning: parts.learning.count, digest: digest, speed: speed * Double(workers))
  }

  /// What a comparison has found.
  private func line(_ plan: FitPlan, _ progress: [SweepProgress], _ rung: Int) -> String {
    let best = zip(plan.candidates, progress).map { candidate, progress in
      let first = progress.outcome.ranking[0]
      return candidate.name + " " + (first.failure == nil ? String(format: "%.4g", first.value) : "failed")
    }
    let metric = plan.task.hasTarget ? "validation/" + plan.task.likelihood : "validation log-likelihood"
    return "comparison \(rung) of \(plan.rungs), \(metric): " + best.joined(separator: ", ")
  }

  // MARK: The answer

  private func answer(
    _ plan: FitPlan, _ plannedRungs: Int, _ parts: FitParts, _ progress: [SweepProgress],
    _ say: @Sendable (String) -> Void
  ) async throws -> FitAnswer? {
    let outcomes = progress.map(\.outcome)
    let tried = zip(plan.candidates, outcomes).map { FitAnswer.Tried($0, $1) }
    let whole = tried.indices.filter { tried[$0].likelihood != nil }
    guard let best = whole.min(by: { tried[$0].likelihood! < tried[$1].likelihood! }) else {
      throw TrainingError(
        .diverged, "every training failed, the first of them: \(tried[0].failure!)",
        advice: "look at the columns with --dry-run, and leave some out with --drop")
    }
    let baseline = whole.first { tried[$0].name == plan.task.baseline }
    /// A run of a family's best point; nil: it was stopped.
    func train(_ place: Int, _ suffix: String = "", share: Double = 1, data: String? = nil) async throws -> String? {
      let outcome = outcomes[place]
      let training = outcome.sweep.points[try outcome.best().point].trainings[0]
      let path = "\(folder)/models/\(tried[place].name)\(suffix)"
      let isWhole = try await Run.trainChosen(
        training, of: outcome.sweep, share: share, data: data, in: path, lanes: lanes, until: finals)
      return isWhole ? path : nil
    }
    // What is calibrated must not have learned from the calibration rows. What is scored has learned from these too, and what
    // predicts from all rows: more rows are better, and a forecast starts where the rows end.
    let (name, data) = (tried[best].name, try parts.writeJoined(reading, tested: false, in: folder))
    say("training \(name) on all rows but those that are scored")
    guard let scored = try await train(best, data: data) else { return nil }
    var models = FitModels(scored)
    if plan.task.hasTarget {
      say("training \(name) without the rows that calibrate")
      guard let path = try await train(best, "-calibrating") else { return nil }
      models.calibrating = path
    }
    if let baseline, baseline != best {
      say("training \(tried[baseline].name) on all rows but those that are scored")
      guard let path = try await train(baseline, data: data) else { return nil }
      models.baseline = path
    }
    if plan.task != .series {
      say("training \(name) on a quarter and a half of them")
      for share in FitAnswer.shares {
        guard let path = try await train(best, "-\(share)", share: share, data: data) else { return nil }
        models.smaller.append(path)
      }
    }
    if reading.testCount == 0 {
      say("training \(name) on all rows")
      let all = try parts.writeJoined(reading, tested: true, in: folder)
      guard let final = try await train(best, "-all", data: all) else { return nil }
      models.final = final
    }
    let answer = try FitAnswer(
      reading, parts, plan, plannedRungs: plannedRungs, tried: tried, chosen: tried[best].name,
      models: models, lanes: lanes, in: folder)
    try Run(opening: models.final).export(to: folder + "/" + Run.fittedModel)
    try answer.write(reading, to: folder)
    // The journals hold what was found; the trainings themselves are not needed again.
    for place in progress { try? FileManager.default.removeItem(atPath: place.folder + "/points") }
    return answer
  }
}
