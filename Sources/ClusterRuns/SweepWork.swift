import Files
import Foundation
import Recipes
import Runs
import Training

/// How far a sweep has come: which points are left, and what the comparisons so far have found.
package struct SweepProgress: Sendable {
  package let sweep: Sweep
  package let folder: String
  private let journal: SweepJournal
  private var alive: [Int]
  /// The comparisons, each with the best first.
  package private(set) var rungs: [[SweepStanding]] = []
  private var rung = 0

  /// - Parameter folder: of its trainings and results, which is made.
  package init(_ sweep: Sweep, folder: String) throws {
    (self.sweep, self.folder) = (sweep, folder)
    do {
      try FileManager.default.createDirectory(atPath: folder + "/points", withIntermediateDirectories: true)
    } catch {
      throw FileError("make the folder", folder, systemError: EACCES)
    }
    journal = try SweepJournal(of: folder)
    alive = Array(sweep.points.indices)
  }

  /// Whether the last comparison is made.
  package var isDone: Bool { rung == sweep.rungCount }

  /// The trainings that the next comparison needs and that are not done yet.
  package var wanted: [SweepWork.Item] {
    alive.flatMap { sweep.points[$0].trainings }.compactMap { training in
      let steps = sweep.steps(of: training, at: rung)
      guard journal[training.name, steps] == nil else { return nil }
      return SweepWork.Item(sweep: sweep, folder: folder, journal: journal, training: training, steps: steps)
    }
  }

  /// Makes a comparison whose trainings are done, and leaves the points behind that are not good enough.
  package mutating func compare() {
    let standings = sweep.standings(of: alive, at: rung, journal)
    if !standings.isEmpty { rungs.append(standings) }
    rung += 1
    alive = standings.prefix(isDone ? 0 : sweep.pointCount(at: rung)).filter { $0.failure == nil }.map(\.point)
  }

  package var outcome: SweepOutcome { SweepOutcome(sweep, rungs) }
}

/// Trainings of sweeps, shared out among lanes of this process, processes of this machine, or hosts.
package struct SweepWork: Sendable {
  /// A training to so many steps.
  package struct Item: Sendable {
    package let sweep: Sweep
    let folder: String
    let journal: SweepJournal
    package let training: Sweep.Training
    package let steps: Int
  }

  private let places: [WorkPlace]
  /// Of this process, or of each other one; nil: the processors, shared.
  private let lanes: Int?
  private let stopped = StopRequest()
  /// Also when a training was found to be wrong.
  private let halt = StopRequest()
  private let children = Children()

  package init(places: [WorkPlace], lanes: Int?) { (self.places, self.lanes) = (places, lanes) }

  /// Whether its end was asked for.
  package var isStopped: Bool { stopped.isRequested }

  /// Has trainings end with a checkpoint. Returns false when that was asked before.
  package func stop() -> Bool {
    guard !stopped.isRequested else { return false }
    stopped.request()
    halt.request()
    children.send(SIGTERM)
    return true
  }

  /// Trains, and writes each result down as soon as it is known.
  /// - Parameters:
  ///   - heard: hears of each result.
  ///   - note: hears why a training was lost.
  /// - Returns: false when it was stopped.
  package func train(
    _ items: [Item], heard: @escaping @Sendable (Item, SweepResult) -> Void,
    note: @escaping @Sendable (String) -> Void
  ) async throws -> Bool {
    guard !items.isEmpty else { return !isStopped }
    let results = try await WorkPlace.share(
      items,
      among: workers(for: items.count).map { worker in
        { item in
          guard !halt.isRequested else { return false }
          do {
            guard let result = try await worker(item) else { return false }
            try item.journal.add(result)
            heard(item, result)
            return true
          } catch {
            if stopped.isRequested { return false }
            if !(error is WorkPlace.Lost) { halt.request() }
            throw error
          }
        }
      }, note: { note("\($0.training.name): \($1.description)") })
    return results.allSatisfy { $0 }
  }

  private func workers(for count: Int) throws -> [@Sendable (Item) async throws -> SweepResult?] {
    guard places.isEmpty else { return places.map { place in { try await run($0, at: place) } } }
    let lanes = try lanes ?? Run.defaultLanes()
    let workers = max(min(lanes, count), 1)
    return (0..<workers).map { _ in
      { item in
        try await item.sweep.train(
          item.training, to: item.steps, in: "\(item.folder)/points/\(item.training.name)", lanes: lanes / workers,
          until: halt)
      }
    }
  }

  private func run(_ item: Item, at place: WorkPlace) async throws -> SweepResult? {
    let sweep = item.sweep
    var there = sweep.request.overrides
    there.data = place.host?.data ?? there.data
    there.seed = item.training.seed
    let axes = zip(sweep.request.axes, item.training.values).map { "\($0.key)=\($1)" }
    let lanes = place.host.map { $0.lanes ?? self.lanes } ?? self.lanes ?? max(1, Run.processors / places.count)
    let words =
      ["sweep", sweep.request.recipe] + there.arguments + axes.flatMap { ["--over", $0] }
      + ["--on", sweep.metric, "--out", item.folder, "--until", "\(item.steps)"]
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
