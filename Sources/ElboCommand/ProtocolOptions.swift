import ArgumentParser
import ClusterRuns
import Recipes
import Reports
import Runs

/// A benchmark in place of one training.
struct ProtocolOptions: ParsableArguments {
  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp("A benchmark's protocol in place of one training: uci, all official splits.", valueName: "name"))
  var benchmark: String?

  @Option(
    help: ArgumentHelp(
      "With --protocol: values of a key to choose among on validation data; repeatable.", valueName: "key.path=value,…")
  )
  var grid: [String] = []

  @Option(help: ArgumentHelp("With --protocol: these splits alone, comma-separated.", valueName: "k,k,…"))
  var splits: String?

  @Option(help: "With --protocol: so many processes of this machine compute splits, in place of --lanes.")
  var nodes: Int?

  @Option(help: ArgumentHelp("With --protocol: machines that compute splits, over ssh.", valueName: "hosts.yaml"))
  var hosts: String?

  @Flag(help: .hidden)
  var supervised = false

  /// Whether a protocol is asked for.
  /// - Throws: `RecipeError` when it is none that there is, or its options are given without it.
  func isWanted(recipe: String?, _ output: TrainingOutputOptions) throws -> Bool {
    guard let benchmark else {
      guard splits == nil, nodes == nil, hosts == nil, grid.isEmpty else {
        throw RecipeError(
          "--splits, --nodes, --hosts and --grid belong to --protocol; to train by nodes: elbo launch \(recipe ?? "RECIPE")"
        )
      }
      return false
    }
    guard benchmark == "uci", recipe != nil, output.resume == nil, output.from == nil else {
      throw RecipeError(
        "--protocol knows uci, with a recipe, as in: elbo train bbb-regression --protocol uci --data DIR")
    }
    return true
  }

  func run(_ recipe: String, _ options: RecipeOptions, _ output: TrainingOutputOptions, lanes: Int) async throws {
    let signals = supervised ? SignalWatch(isSupervised: true) { _ in ExitStatus.interrupted.endAtOnce() } : nil
    defer { signals?.end() }
    let uci = try UCIRun(
      recipe: recipe, overrides: options.overrides, grid: grid, places: WorkPlace.all(nodes: nodes, hosts: hosts),
      lanes: lanes, chosen: splits)
    let outcome = try await uci.run(
      heard: { [quiet = output.quiet] in if !quiet { StandardError.write($0.line + "\n") } },
      note: { StandardError.write($0 + "\n") })
    if splits != nil, output.json {
      for result in outcome.results { print(try result.json) }
    } else if output.json {
      print(outcome.table.json)
    } else {
      print("\(outcome.name), mean ± standard error over splits\n" + outcome.table.text, terminator: "")
    }
  }
}
