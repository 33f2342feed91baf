import ArgumentParser
import Cluster
import Foundation
import Models
import Recipes
import Training
import ZeroMQ

struct LaunchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "launch", abstract: "Train with several node processes, which are started and ended here.",
    discussion: """
      Examples:
        elbo launch vae --nodes 4
        elbo launch vae --nodes 2 --lanes 1 --out runs/two
        elbo launch --resume runs/two --nodes 3

      The result is that of `elbo train` with the same recipe, seed and V. Logs of the nodes are in the run folder.
      """)

  @Argument(help: "A built-in recipe's name, or a recipe file; not needed with --resume.")
  var recipe: String?

  @Option(help: "How many node processes on this machine.")
  var nodes = 2

  @Option(help: ArgumentHelp("Where to listen (default: a free port).", valueName: "tcp://host:port"))
  var bind = "tcp://127.0.0.1:*"

  @OptionGroup var options: RecipeOptions

  @Option(help: "How many threads compute in each node (default: the processors, shared).")
  var lanes: Int?

  @OptionGroup var heartbeat: HeartbeatOptions
  @OptionGroup var output: TrainingOutputOptions

  func run() async throws {
    guard (1...1024).contains(nodes) else { throw RecipeError("--nodes is \(nodes): it must be from 1 to 1024") }
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let lanes = lanes ?? max(1, processors / nodes)
    guard (1...1024).contains(lanes) else { throw RecipeError("--lanes is \(lanes): it must be from 1 to 1024") }
    let endpoint = try Endpoint(bind)
    guard endpoint.isLoopback else {
      throw RecipeError("--bind \(endpoint): launch starts nodes on this machine, so listen on tcp://127.0.0.1:PORT")
    }
    let request = TrainingRequest(recipe: recipe, options: options, output: output)
    let prepared = try request.prepare()
    if output.dryRun {
      print(prepared.job.recipe.resolved, terminator: "")
      return
    }
    let cluster = try ClusterSession(
      prepared.job, run: try prepared.run ?? RunFolder(creating: output.out, name: prepared.job.model.name),
      from: prepared.checkpoint, isRestart: false, bind: endpoint, security: .plainOnLoopback, nodes: nodes,
      heartbeat: try heartbeat.interval(), lanes: processors, quiet: output.quiet)
    let bound = try await cluster.open()
    let signals = SignalWatch { _ in cluster.stop() }
    defer { signals.end() }
    let launcher = LocalNodes(
      count: nodes, arguments: ["node", "--coordinator", "\(bound)", "--lanes", "\(lanes)", "--supervised"],
      folder: cluster.session.run.path + "/logs", note: { cluster.session.note($0) })
    let result: Result<Summary, any Error>
    if cluster.isDone {
      result = .success(try await cluster.run())
    } else {
      cluster.session.note("\(nodes) nodes with \(lanes) lanes each; elbo status \(bound)")
      result = await launcher.run(cluster)
    }
    await cluster.coordinator.close()
    let summary = try result.get()
    try Results.print(summary, json: output.json, run: cluster.session.run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }
}
