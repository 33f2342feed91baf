import ArgumentParser
import ClusterRuns
import Foundation
import Reports
import Training

struct NodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node", abstract: "Compute for a coordinator, which says what is trained.",
    discussion: """
      Example:
        elbo node --coordinator tcp://10.0.0.1:7700

      The recipe comes from the coordinator; the data must be on this machine too, where the recipe says or where
      --data says. SIGTERM, SIGHUP and Ctrl-C make the node leave; the others take over its shards.
      """)

  @Option(help: ArgumentHelp("The coordinator's endpoint.", valueName: "tcp://host:port"))
  var coordinator: String

  @Option(help: ArgumentHelp("The data on this machine: a name, a folder or a file.", valueName: "dir|file"))
  var data: String?

  @Option(help: "The node's name, unique in the cluster (default: host and process).")
  var name: String?

  @Option(help: ArgumentHelp("Where peers reach this node (default: a free port).", valueName: "tcp://host:port"))
  var bind: String?

  @OptionGroup var lanes: LaneOptions
  @OptionGroup var security: SecurityOptions
  @OptionGroup var log: LogOptions

  @Option(
    help: ArgumentHelp(
      "How long a node that no other can replace may take to hand its state over.", valueName: "seconds")
  )
  var grace = 10

  @Option(help: ArgumentHelp("How long the coordinator may be silent while nothing moves.", valueName: "seconds"))
  var patience = 120

  @Flag(help: .hidden)
  var supervised = false

  @Option(help: .hidden)
  var share: ProcessorShare?

  func run() async throws {
    share?.keep()
    var options = NodeRun.Options(coordinator: coordinator, lanes: try lanes.count(), security: security.request)
    (options.data, options.name, options.bind) = (data, name, bind)
    (options.grace, options.patience) = (grace, patience)
    let node = try NodeRun(options) { StandardError.write($0 + "\n") }
    let signals = SignalWatch(isSupervised: supervised) { reason in
      if !node.leave(reason) { ExitStatus.interrupted.endAtOnce() }
    }
    defer { signals.end() }
    switch try await node.run() {
    case .done: break
    case .failed: throw ExitStatus.failed
    case .left: throw ExitStatus.interrupted
    }
  }
}
