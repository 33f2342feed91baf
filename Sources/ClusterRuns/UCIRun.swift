import Cluster
import Metrics
import Models
import Recipes
import Reports
import Runs
import Synchronization
import Training

/// The official splits of a UCI set: independent jobs for lanes of this process or for other processes.
package struct UCIRun: Sendable {
  package let recipe: String
  package let overrides: RecipeOverrides
  package let grid: [UCIProtocol.Axis]
  /// Who computes splits; empty: this process.
  package let places: [UCIPlace]
  package let lanes: Int
  /// The splits that are wanted; nil: all of them.
  package let wanted: [Int]?

  /// - Parameters:
  ///   - grid: `key=value,value,…` for each key.
  ///   - chosen: numbers of splits, comma-separated.
  package init(
    recipe: String, overrides: RecipeOverrides, grid: [String], places: [UCIPlace], lanes: Int, chosen: String?
  ) throws {
    self.recipe = recipe
    self.overrides = overrides
    self.places = places
    self.lanes = lanes
    wanted = try chosen?.split(separator: ",").map {
      guard let split = Int($0), split >= 0 else {
        throw RecipeError("--splits \(chosen!): write numbers of splits, comma-separated, as in --splits 0,1,2")
      }
      return split
    }
    self.grid = try grid.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      let values = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
      guard !values.isEmpty else {
        throw RecipeError("--grid \(text): write key.path=value,value, as in --grid objective.prior_deviation=0.3,1")
      }
      return UCIProtocol.Axis(key: parts[0], values: values)
    }
  }

  /// Computes the wanted splits.
  /// - Parameters:
  ///   - heard: hears of each split that is done.
  ///   - note: hears why a process gave a split back.
  package func run(
    heard: @escaping @Sendable (UCIProtocol.Result) -> Void, note: @escaping @Sendable (String) -> Void
  ) async throws -> Outcome {
    guard let folder = overrides.data else {
      throw RecipeError("--protocol uci needs --data: a folder of a UCI set with its official splits")
    }
    let splits = try UCISplits(folder)
    if let beyond = wanted?.first(where: { $0 >= splits.count }) {
      throw RecipeError("--splits names \(beyond), but \(splits.name) has splits 0 to \(splits.count - 1)")
    }
    let uci = try UCIProtocol(splits, grid: grid) { [recipe, overrides] in
      let reading = try Recipe.named(recipe)
      try overrides.apply(to: reading)
      return reading
    }
    let grid = grid.flatMap { ["--grid", "\($0.key)=\($0.values.joined(separator: ","))"] }
    let workers: [Worker] =
      places.isEmpty
      ? (0..<lanes).map { _ in { try await uci.run($0) } }
      : places.map { place in
        var there = overrides
        there.data = place.host?.data ?? folder
        let arguments = [recipe] + there.arguments + grid
        return { try await place.run($0, arguments) }
      }
    let results = try await UCIRun.results(
      of: wanted ?? Array(0..<splits.count), by: workers, heard: heard, note: note)
    return Outcome(name: splits.name, results: results)
  }

  /// What came of the splits.
  package struct Outcome: Sendable {
    /// The data set's.
    package let name: String
    /// In the order of the splits.
    package let results: [UCIProtocol.Result]

    /// Means over splits with their standard errors, beside what was published.
    package var table: ResultsTable {
      func row(_ name: String, _ values: [Double]) -> ResultsTable.Row {
        .init(name, values.reduce(0, +) / Double(values.count), digits: 3, error: standardError(values))
      }
      let rows: [ResultsTable.Row] = [
        .init("splits", .integer(results.count)), row("test/reg/RMSE", results.map(\.rootMeanSquaredError)),
        row("test/reg/LL", results.map(\.logLikelihood)),
      ]
      return ResultsTable(
        rows
          + UCIProtocol.published(name).map {
            .init("\($0.method): RMSE, LL", .text("\($0.error), \($0.logLikelihood)"))
          })
    }
  }

  private typealias Worker = @Sendable (Int) async throws -> UCIProtocol.Result

  /// Has workers take splits until all are computed. The split of a worker that is lost goes to those that are left.
  private static func results(
    of wanted: [Int], by workers: [Worker], heard: @escaping @Sendable (UCIProtocol.Result) -> Void,
    note: @escaping @Sendable (String) -> Void
  ) async throws -> [UCIProtocol.Result] {
    let queue = SplitQueue(wanted)
    var (results, workers) = ([UCIProtocol.Result](), workers)
    while results.count < wanted.count {
      let rounds = try await withThrowingTaskGroup(of: (results: [UCIProtocol.Result], isLeft: Bool, index: Int).self) {
        group in
        for (index, worker) in workers.enumerated() {
          group.addTask {
            var done: [UCIProtocol.Result] = []
            while let split = queue.next() {
              do {
                done.append(try await worker(split))
                heard(done.last!)
              } catch let error as UCIPlace.Lost {
                // Ended because another one has failed, which is what is told.
                try Task.checkCancellation()
                note("split \(split): \(error.description)")
                queue.giveBack(split)
                return (done, false, index)
              }
            }
            return (done, true, index)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      results += rounds.flatMap(\.results)
      workers = rounds.filter(\.isLeft).map { workers[$0.index] }
      guard !workers.isEmpty || results.count == wanted.count else {
        throw ClusterError(
          .unreachable, "no process is left to compute \(wanted.count - results.count) splits",
          advice: "see what was said of each, and compute the rest with --splits")
      }
    }
    return results.sorted { $0.split < $1.split }
  }
}

/// The splits that nobody computes yet.
private final class SplitQueue: Sendable {
  private let left: Mutex<[Int]>

  init(_ splits: [Int]) { left = Mutex(splits) }

  func next() -> Int? { left.withLock { $0.isEmpty ? nil : $0.removeFirst() } }

  func giveBack(_ split: Int) { left.withLock { $0.append(split) } }
}
