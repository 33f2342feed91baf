import ArgumentParser
import ClusterRuns
import Runs
import Training

struct LaunchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "launch", abstract: "Train with several node processes, which are started and ended here.",
    discussion: """
      Examples:
        elbo launch vae --nodes 4
        elbo launch vae --nodes 2 --lanes 1 --out runs/two
        elbo launch --resume runs/two --nodes 3
        elbo launch vae --hosts hosts.yaml --bind tcp://10.0.0.1:7700

      Between machines everything is encrypted, with keys that are made for this launch and handed over by ssh; unless
      --plain. The result is that of `elbo train` with the same recipe, seed and V. Logs of the nodes are in the run folder.
      """)

  @Argument(help: "A built-in recipe's name, or a recipe file; not needed with --resume.")
  var recipe: String?

  @Option(help: "How many node processes on this machine.")
  var nodes = 2

  @Option(help: ArgumentHelp("Machines to start a node on each, over ssh.", valueName: "hosts.yaml"))
  var hosts: String?

  @Option(
    help: ArgumentHelp(
      "Where to listen (default: a socket that only you reach); with --hosts, an address that they reach.",
      valueName: "tcp://host:port"))
  var bind: String?

  @OptionGroup var security: LaunchSecurityOptions

  @OptionGroup var options: RecipeOptions

  @Option(help: "How many threads compute in each node (default: the processors, shared).")
  var lanes: Int?

  @OptionGroup var heartbeat: HeartbeatOptions
  @OptionGroup var output: TrainingOutputOptions
  @OptionGroup var page: PageOptions

  func run() async throws {
    let launch = try Launch(
      nodes: nodes, hosts: hosts, bind: bind, lanes: lanes, heartbeat: try heartbeat.interval(),
      security: security.request)
    let request = try output.request(recipe, options)
    let prepared = try request.prepare()
    if output.dryRun { return Results.print(dryRunOf: prepared.job, quiet: output.quiet) }
    let page = try await page.start(endsByItself: prepared.job.endsByItself)
    var signals: SignalWatch?
    defer { signals?.end() }
    let (run, summary) = try await page.following(\.summary.status) {
      try await launch.run(prepared, request, quiet: output.quiet, observer: page?.live) { cluster in
        signals = SignalWatch { _ in cluster.stop() }
        page?.show(cluster)
      }
    }
    try Results.print(summary, json: output.json, run: run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }
}
