import ArgumentParser
import ClusterRuns
import Reports
import Runs
import Training

struct CoordinatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coordinator", abstract: "Train with nodes that are started elsewhere.",
    discussion: """
      Examples:
        elbo coordinator vae --bind tcp://127.0.0.1:7700 --nodes 2
        elbo node --coordinator tcp://127.0.0.1:7700                    twice

      Started again with the same --out after it was killed, it goes on: its nodes come back to it. When all was done, it
      says again what came of it.
      """)

  @Argument(help: "A built-in recipe's name, or a recipe file; not needed with --resume.")
  var recipe: String?

  @Option(help: ArgumentHelp("Where to listen.", valueName: "tcp://host:port"))
  var bind = "tcp://127.0.0.1:7700"

  @Option(help: "Begin when so many nodes are there; more may join later.")
  var nodes = 1

  @Option(
    help: ArgumentHelp(
      "Begin with fewer nodes when the others have not come so long after the first.", valueName: "seconds"))
  var wait = 60.0

  @OptionGroup var options: RecipeOptions
  @OptionGroup var lanes: LaneOptions
  @OptionGroup var heartbeat: HeartbeatOptions
  @OptionGroup var output: TrainingOutputOptions
  @OptionGroup var page: PageOptions
  @OptionGroup var security: SecurityOptions

  func run() async throws {
    let serving = try CoordinatorRun(
      bind: bind, nodes: nodes, wait: wait, heartbeat: try heartbeat.interval(), lanes: try lanes.count(),
      security: security.request)
    let request = try output.request(recipe, options)
    if let (run, summary) = try request.finished() {
      StandardError.write("\(run.path) is finished; this is what came of it\n")
      return try Results.print(summary, json: output.json, run: run)
    }
    let prepared = try request.prepareRestartable()
    if output.dryRun { return Results.print(dryRunOf: prepared.job, quiet: output.quiet) }
    let page = try await page.start(endsByItself: prepared.job.endsByItself)
    var signals: SignalWatch?
    defer { signals?.end() }
    let (run, summary) = try await page.following(\.summary.status) {
      try await serving.run(prepared, request, quiet: output.quiet, observer: page?.live) { cluster in
        signals = SignalWatch { _ in cluster.stop() }
        page?.show(cluster)
      }
    }
    try Results.print(summary, json: output.json, run: run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }
}
