import Files
import Foundation
import Recipes
import Reports
import Runs
import Training

/// A sweep, its trainings shared out among lanes of this process, processes of this machine, or hosts.
///
/// A process that dies is started again. When this process dies, the same call trains what is missing: the folder of each
/// training is named by the digest of its recipe, and each result is written down as soon as it is known.
package struct SweepRun: Sendable {
  package let sweep: Sweep
  /// Of all trainings, results and figures.
  package let folder: String
  private let places: [WorkPlace]
  /// Of this process, or of each other one; nil: the processors, shared.
  private let lanes: Int?
  private let stopped = StopRequest()
  /// Also when a training was found to be wrong.
  private let halt = StopRequest()
  private let children = Children()

  package init(_ sweep: Sweep, folder: String, places: [WorkPlace], lanes: Int?) {
    (self.sweep, self.folder, self.places, self.lanes) = (sweep, folder, places, lanes)
  }

  /// Has trainings end with a checkpoint. Returns false when that was asked before.
  package func stop() -> Bool {
    guard !stopped.isRequested else { return false }
    stopped.request()
    halt.request()
    children.send(SIGTERM)
    return true
  }

  /// - Parameters:
  ///   - heard: hears of each result that is new, and how many are to come at this comparison.
  ///   - note: hears why a training was lost.
  /// - Returns: nil when it was stopped.
  package func run(
    heard: @escaping @Sendable (Sweep.Training, SweepResult) -> Void, note: @escaping @Sendable (String) -> Void
  ) async throws -> SweepOutcome? {
    do {
      try FileManager.default.createDirectory(atPath: folder + "/points", withIntermediateDirectories: true)
    } catch {
      throw FileError("make the folder", folder, systemError: EACCES)
    }
    let journal = try SweepJournal(of: folder)
    var (alive, rungs) = (Array(sweep.points.indices), [[SweepStanding]]())
    for rung in 0..<sweep.rungCount {
      let wanted = alive.flatMap { sweep.points[$0].trainings }.map {
        (training: $0, steps: sweep.steps(of: $0, at: rung))
      }
      .filter { journal[$0.training.name, $0.steps] == nil }
      let results = try await WorkPlace.share(
        wanted.map { Item(training: $0.training, steps: $0.steps) },
        among: workers(for: wanted.count).map { worker in
          { item in
            guard !halt.isRequested else { return false }
            do {
              guard let result = try await worker(item) else { return false }
              try journal.add(result)
              heard(item.training, result)
              return true
            } catch {
              if stopped.isRequested { return false }
              if !(error is WorkPlace.Lost) { halt.request() }
              throw error
            }
          }
        }, note: { note("\($0.training.name): \($1.description)") })
      guard results.allSatisfy({ $0 }) else { return nil }
      let standings = sweep.standings(of: alive, at: rung, journal)
      rungs.append(standings)
      alive = standings.prefix(rung + 1 < sweep.rungCount ? sweep.pointCount(at: rung + 1) : 0)
        .filter { $0.failure == nil }.map(\.point)
    }
    return SweepOutcome(sweep, rungs.filter { !$0.isEmpty })
  }

  private struct Item: Sendable {
    let training: Sweep.Training
    let steps: Int
  }

  private func workers(for count: Int) throws -> [@Sendable (Item) async throws -> SweepResult?] {
    guard places.isEmpty else { return places.map { place in { try await run($0, at: place) } } }
    let lanes = try lanes ?? Run.defaultLanes()
    let workers = max(min(lanes, count), 1)
    return (0..<workers).map { _ in
      { item in
        try await sweep.train(
          item.training, to: item.steps, in: "\(folder)/points/\(item.training.name)", lanes: lanes / workers,
          until: halt)
      }
    }
  }

  private func run(_ item: Item, at place: WorkPlace) async throws -> SweepResult? {
    var there = sweep.request.overrides
    there.data = place.host?.data ?? there.data
    there.seed = item.training.seed
    let axes = zip(sweep.request.axes, item.training.values).map { "\($0.key)=\($1)" }
    let lanes = place.host.map { $0.lanes ?? self.lanes } ?? self.lanes ?? max(1, Run.processors / places.count)
    let words =
      ["sweep", sweep.request.recipe] + there.arguments + axes.flatMap { ["--over", $0] }
      + ["--on", sweep.metric, "--out", folder, "--until", "\(item.steps)"]
      + (lanes.map { ["--lanes", "\($0)"] } ?? [])
    let output = try await place.run(words, among: children)
    guard let result = try? SweepResult(json: output.utf8), result.steps == item.steps else {
      throw WorkPlace.Lost(description: "\(place.name) printed no result")
    }
    guard result.training == item.training.name else {
      throw RecipeError("\(place.name) has other data than this machine, or another version of elbo")
    }
    return result
  }
}
