import ArgumentParser
import Cluster
import ClusterRuns
import Foundation
import Models
import Recipes
import Runs
import Subprocess
import SystemPackage
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
      "Where to listen (default: a free port on this machine); with --hosts, an address that they reach.",
      valueName: "tcp://host:port"))
  var bind = "tcp://127.0.0.1:*"

  @OptionGroup var security: LaunchSecurityOptions

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
    let hosts = try hosts.map { try HostsFile(contentsOf: $0).hosts }
    let count = hosts?.count ?? nodes
    guard endpoint.isLoopback || hosts != nil else {
      throw RecipeError("--bind \(endpoint): launch starts nodes on this machine, so listen on tcp://127.0.0.1:PORT")
    }
    if case .tcp(let host, _) = endpoint.transport, ["*", "0.0.0.0", "::"].contains(host) {
      throw RecipeError("--bind \(endpoint): name the address at which the hosts reach this machine")
    }
    let security = try LaunchSecurity(security.request, at: endpoint, nodes: count)
    let request = output.request(recipe, options)
    let prepared = try request.prepare()
    if output.dryRun {
      print(prepared.job.recipe.resolved, terminator: "")
      return
    }
    let cluster = try ClusterSession(
      prepared.job, run: try prepared.run ?? RunFolder(creating: output.out, name: prepared.job.model.name),
      from: prepared.checkpoint, isRestart: false, bind: endpoint,
      security: security.coordinator, nodes: count,
      heartbeat: try heartbeat.interval(), lanes: processors, quiet: output.quiet)
    let bound = try await cluster.open()
    let signals = SignalWatch { _ in cluster.stop() }
    defer { signals.end() }
    let launcher = NodeProcesses(
      commands: (1...count).map { index in
        hosts.map { remote($0[index - 1], index, bound, security) } ?? local(index, bound, lanes: lanes, security)
      },
      folder: cluster.session.run.path + "/logs", note: { cluster.session.note($0) })
    let result: Result<Summary, any Error>
    if cluster.isDone {
      result = .success(try await cluster.run())
    } else {
      cluster.session.note("\(count) nodes; elbo status \(bound)\(security.statusArguments)")
      result = await launcher.run(cluster)
    }
    await cluster.coordinator.close()
    let summary = try result.get()
    try Results.print(summary, json: output.json, run: cluster.session.run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }

  private func local(
    _ index: Int, _ endpoint: Endpoint, lanes: Int, _ security: LaunchSecurity
  ) -> NodeProcesses.Command {
    var words = [
      "node", "--coordinator", "\(endpoint)", "--name", "node-\(index)", "--lanes", "\(lanes)", "--supervised",
    ]
    // Where there is room for others, they might be given the same part.
    if nodes * lanes == ProcessInfo.processInfo.activeProcessorCount { words += ["--share", "\(index - 1)/\(nodes)"] }
    return NodeProcesses.Command(
      executable: .path("/proc/self/exe"), arguments: words + security.nodeArguments,
      input: security.input(ofNode: index))
  }

  private func remote(
    _ host: HostsFile.Host, _ index: Int, _ endpoint: Endpoint, _ security: LaunchSecurity
  ) -> NodeProcesses.Command {
    var words = [host.elbo, "node", "--coordinator", "\(endpoint)", "--name", "node-\(index)", "--supervised"]
    words += security.nodeArguments
    if let lanes = host.lanes ?? lanes { words += ["--lanes", "\(lanes)"] }
    if let data = host.data { words += ["--data", data] }
    let command = host.command(words)
    return NodeProcesses.Command(
      executable: command.0, arguments: command.1, input: security.input(ofNode: index))
  }
}
