import Foundation
import Metrics
import Recipes
import Reports
import Runs
import Training

/// The official splits of a UCI set: independent jobs for lanes of this process or for other processes.
package struct UCIRun: Sendable {
  package let recipe: String
  package let overrides: RecipeOverrides
  package let grid: [SweepAxis]
  /// Who computes splits; empty: this process.
  package let places: [WorkPlace]
  package let lanes: Int
  /// The splits that are wanted; nil: all of them.
  package let wanted: [Int]?

  /// - Parameters:
  ///   - grid: `key=value,value,…` for each key.
  ///   - chosen: numbers of splits, comma-separated.
  package init(
    recipe: String, overrides: RecipeOverrides, grid: [String], places: [WorkPlace], lanes: Int, chosen: String?
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
    self.grid = try grid.map { try SweepAxis($0, option: "--grid") }
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
    let compute: [@Sendable (Int) async throws -> UCIProtocol.Result] =
      places.isEmpty
      ? (0..<lanes).map { _ in { try await uci.run($0) } }
      : places.map { place in
        var there = overrides
        there.data = place.host?.data ?? folder
        let arguments =
          ["train", recipe] + there.arguments + grid.flatMap { ["--grid", $0.text] }
          + ["--protocol", "uci", "--lanes", "1", "--json", "--quiet", "--supervised"]
        return { split in
          let output = try await place.run(arguments + ["--splits", "\(split)"])
          guard let result = try? UCIProtocol.Result(json: output), result.split == split else {
            throw WorkPlace.Lost(description: "\(place.name) printed no result")
          }
          return result
        }
      }
    let results = try await WorkPlace.share(
      (wanted ?? Array(0..<splits.count)).sorted(),
      among: compute.map { worker in
        { split in
          let result = try await worker(split)
          heard(result)
          return result
        }
      }, note: { note("split \($0): \($1.description)") })
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
}

extension UCIProtocol.Result {
  package init(json: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) }

  /// For people.
  package var line: String {
    let chosen = choice.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    return "split \(split): RMSE \(rootMeanSquaredError), log-likelihood \(logLikelihood)\(chosen)"
  }

  /// For programs, one line.
  package var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}
