import Metrics
import Models
import Recipes
import Reports
import Training

/// `--protocol uci`: all official splits of a set, on as many lanes at once, and a table beside the published one.
struct UCIRun {
  let recipe: String
  let options: RecipeOptions
  let grid: [UCIProtocol.Axis]
  let lanes: Int

  /// - Parameter grid: `key=value,value,…` for each key.
  init(recipe: String, options: RecipeOptions, grid: [String], lanes: Int) throws {
    self.recipe = recipe
    self.options = options
    self.lanes = lanes
    self.grid = try grid.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      let values = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
      guard !values.isEmpty else {
        throw RecipeError("--grid \(text): write key.path=value,value, as in --grid objective.prior_deviation=0.3,1")
      }
      return UCIProtocol.Axis(key: parts[0], values: values)
    }
  }

  func run(json: Bool, quiet: Bool) async throws {
    guard let folder = options.data else {
      throw RecipeError("--protocol uci needs --data: a folder of a UCI set with its official splits")
    }
    let splits = try UCISplits(folder)
    let (recipe, options) = (recipe, options)
    let make: @Sendable () throws -> Recipe = {
      let reading = try Recipe.named(recipe)
      try options.apply(to: reading)
      return reading
    }
    let train = try make()["train"]
    let uci = UCIProtocol(
      splits, grid: grid, seed: UInt64(try train.integer("seed", default: 0, in: 0...Int.max)),
      shards: try train.integer("shards", default: 2, in: 1...4096), recipe: make)

    var results: [UCIProtocol.Result] = []
    try await withThrowingTaskGroup(of: UCIProtocol.Result.self) { group in
      var next = 0
      func start() {
        guard next < splits.count else { return }
        let split = next
        next += 1
        group.addTask { try await uci.run(split) }
      }
      for _ in 0..<lanes { start() }
      for try await result in group {
        results.append(result)
        if !quiet {
          let choice = result.choice.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
          StandardError.write(
            "split \(result.split): RMSE \(result.rootMeanSquaredError), log-likelihood \(result.logLikelihood)\(choice)\n"
          )
        }
        start()
      }
    }
    results.sort { $0.split < $1.split }
    report(results, splits, json: json)
  }

  private func report(_ results: [UCIProtocol.Result], _ splits: UCISplits, json: Bool) {
    func row(_ name: String, _ values: [Double]) -> ResultsTable.Row {
      ResultsTable.Row(
        name, values.reduce(0, +) / Double(values.count), digits: 3, error: standardError(values))
    }
    var rows = [
      ResultsTable.Row("splits", .integer(results.count)), row("test/reg/RMSE", results.map(\.rootMeanSquaredError)),
      row("test/reg/LL", results.map(\.logLikelihood)),
    ]
    for item in UCIProtocol.published(splits.name) {
      rows.append(.init("\(item.method): RMSE, LL", .text("\(item.error), \(item.logLikelihood)")))
    }
    let table = ResultsTable(rows)
    print(json ? table.json + "\n" : "\(splits.name), mean ± standard error over splits\n" + table.text, terminator: "")
  }
}
