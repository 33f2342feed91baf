import ArgumentParser
import ClusterRuns
import Dispatch
import Foundation
import Models
import Recipes
import Runs
import Training

struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train here, in this process.",
    discussion: """
      Examples:
        elbo train vae
        elbo train vae --data FOLDER --set objective.estimator=a --seed 3
        elbo train my-recipe.yaml --epochs 50 --out runs/mine
        elbo train --resume runs/mine --epochs 100
        elbo train bbb-regression --protocol uci --data uci/yacht --grid objective.prior_deviation=0.3,1 --nodes 4
      """)

  @Argument(help: "A built-in recipe's name, or a recipe file; not needed with --resume.")
  var recipe: String?

  @OptionGroup var options: RecipeOptions
  @OptionGroup var lanes: LaneOptions
  @OptionGroup var output: TrainingOutputOptions

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp("A benchmark's protocol in place of one training: uci, all official splits.", valueName: "name"))
  var benchmark: String?

  @Option(
    help: ArgumentHelp(
      "With --protocol: values of a key to choose among on validation data; repeatable.", valueName: "key.path=value,…")
  )
  var grid: [String] = []

  @Option(help: ArgumentHelp("With --protocol: these splits alone, parted by commas.", valueName: "k,k,…"))
  var splits: String?

  @Option(help: "With --protocol: so many processes of this machine compute splits, in place of --lanes.")
  var nodes: Int?

  @Option(help: ArgumentHelp("With --protocol: machines that compute splits, over ssh.", valueName: "hosts.yaml"))
  var hosts: String?

  func run() async throws {
    let lanes = try lanes.count()
    if let benchmark {
      guard benchmark == "uci", let recipe, output.resume == nil else {
        throw RecipeError(
          "--protocol knows uci, with a recipe, as in: elbo train bbb-regression --protocol uci --data DIR")
      }
      try await UCIRun(
        recipe: recipe, options: options.overrides, grid: grid, places: UCIPlace.all(nodes: nodes, hosts: hosts),
        lanes: lanes,
        chosen: splits
      ).run(json: output.json, quiet: output.quiet)
      return
    }
    guard splits == nil, nodes == nil, hosts == nil, grid.isEmpty else {
      throw RecipeError(
        "--splits, --nodes, --hosts and --grid belong to --protocol; to train by nodes: elbo launch \(recipe ?? "RECIPE")"
      )
    }
    let prepared = try output.request(recipe, options).prepare()
    let job = prepared.job
    if output.dryRun {
      print(job.recipe.resolved, terminator: "")
      return
    }
    let session = try TrainingSession(
      job, run: prepared.run ?? RunFolder(creating: output.out, name: job.model.name), from: prepared.checkpoint,
      lanes: lanes, quiet: output.quiet)
    let stop = StopRequest()
    let signals = SignalWatch { _ in
      if stop.isRequested { Foundation.exit(ExitStatus.interrupted.rawValue) }
      stop.request()
    }
    defer { signals.end() }
    let summary = try await session.run(until: stop)
    try Results.print(summary, json: output.json, run: session.run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }
}
