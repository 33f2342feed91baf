import ArgumentParser
import Cluster
import ClusterRuns
import Foundation
import Models
import Recipes
import Reports
import Runs
import Training
import ZeroMQ

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

  @OptionGroup var options: RecipeOptions
  @OptionGroup var lanes: LaneOptions
  @OptionGroup var heartbeat: HeartbeatOptions
  @OptionGroup var output: TrainingOutputOptions
  @OptionGroup var security: SecurityOptions

  func run() async throws {
    guard (1...4096).contains(nodes) else { throw RecipeError("--nodes is \(nodes): it must be from 1 to 4096") }
    let endpoint = try Endpoint(bind)
    let security = try security.request.coordinator(at: endpoint)
    let request = output.request(recipe, options)
    let lanes = try lanes.count()
    if let (run, summary) = try request.finished() {
      StandardError.write("\(run.path) is finished; this is what came of it\n")
      return try Results.print(summary, json: output.json, run: run)
    }
    let prepared = try request.prepareRestartable()
    if output.dryRun {
      print(prepared.job.recipe.resolved, terminator: "")
      return
    }
    let cluster = try ClusterSession(
      prepared.job, run: try prepared.run ?? RunFolder(creating: output.out, name: prepared.job.model.name),
      from: prepared.checkpoint, isRestart: prepared.isRestart, bind: endpoint, security: security, nodes: nodes,
      heartbeat: try heartbeat.interval(), lanes: lanes, quiet: output.quiet)
    let bound = try await cluster.open()
    cluster.session.note("coordinator at \(bound); start nodes with: elbo node --coordinator \(bound)")
    let signals = SignalWatch { _ in cluster.stop() }
    defer { signals.end() }
    let result: Result<Summary, any Error>
    do { result = .success(try await cluster.run()) } catch { result = .failure(error) }
    await cluster.coordinator.close()
    let summary = try result.get()
    try Results.print(summary, json: output.json, run: cluster.session.run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }
}
