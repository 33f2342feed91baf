import ArgumentParser
import Cluster
import ClusterRuns
import Files
import Foundation
import Messages
import Recipes
import Reports
import Runs
import Synchronization
import Training
import ZeroMQ

struct NodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node", abstract: "Compute for a coordinator, which says what is trained.",
    discussion: """
      Example:
        elbo node --coordinator tcp://10.0.0.1:7700

      The recipe comes from the coordinator; the data must be on this machine too, where the recipe says or where
      --data says. SIGTERM and Ctrl-C make the node leave; the others take over its shards.
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

  @Option(
    help: ArgumentHelp("How long a node that nobody can replace may take to hand its state over.", valueName: "seconds")
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
    guard grace >= 0, grace <= 86_400, patience > 0, patience <= 864_000 else {
      throw RecipeError("--grace must be from 0 to 86400, --patience from 1 to 864000")
    }
    let endpoint = try Endpoint(coordinator)
    let name = try self.name ?? Self.defaultName()
    guard (1...Limits.name).contains(name.utf8.count) else { throw RecipeError("--name must be 1 to 255 bytes") }
    var configuration = Node.Configuration(
      name: name, build: try ClusterIdentity.build(), coordinator: endpoint,
      dataBind: try bind.map { try Endpoint($0) } ?? NodeCommand.dataBind(for: endpoint), lanes: try lanes.count(),
      security: try security.request.node(toward: endpoint))
    configuration.patience = .seconds(patience)
    if !endpoint.isLoopback { configuration.advertisedHosts = try NodeCommand.hosts(bind, toward: endpoint) }
    let data = data
    let note: @Sendable (String) -> Void = { StandardError.write($0 + "\n") }
    let helpers = PredictionHelpers(
      security: configuration.security, build: configuration.build, data: data, note: note)
    configuration.assist = { helpers.begin($0) }
    let node = try Node(configuration, prepare: { try NodeCommand.prepare($0, data: data) }, note: note)
    let grace = Duration.seconds(grace)
    let wasAsked = Atomic(false)
    let predicting = Mutex<PredictionWorker?>(nil)
    let signals = SignalWatch(isSupervised: supervised) { reason in
      if wasAsked.exchange(true, ordering: .acquiringAndReleasing) { Foundation.exit(ExitStatus.interrupted.rawValue) }
      node.leave(reason, grace: grace)
      predicting.withLock { $0 }?.leave()
    }
    defer { signals.end() }
    let result: Result<Node.Ending, any Error>
    do { result = .success(try await node.run()) } catch { result = .failure(error) }
    await helpers.end(leaving: wasAsked.load(ordering: .acquiring))
    switch try result.get() {
    case .stopped(let stop):
      note("the job is over: \(stop.explanation)")
      if stop.reason == .failed { throw ExitStatus.failed }
    case .predicting:
      let lanes = configuration.lanes
      let worker = try PredictionWorker(
        endpoint, security: configuration.security, build: configuration.build, patience: configuration.patience,
        prepare: { try PredictionWork.prepare($0, data: data, lanes: lanes) })
      predicting.withLock { $0 = worker }
      let stop = try await worker.run()
      predicting.withLock { $0 = nil }
      note(stop.explanation)
      if stop.reason == .asked { throw ExitStatus.interrupted }
    case .left:
      note("left")
      throw ExitStatus.interrupted
    }
  }

  /// By rank where a scheduler tells it, so that a node that is started again takes its own place.
  private static func defaultName() throws -> String {
    let process = ProcessInfo.processInfo
    guard let placement = try Placement.detect(process.environment) else {
      return "\(process.hostName)-\(process.processIdentifier)"
    }
    StandardError.write(
      "rank \(placement.rank)\(placement.size.map { " of \($0)" } ?? ""), says \(placement.source)\n")
    return "rank-\(placement.rank)"
  }

  /// Makes the learner that the coordinator's recipe asks for.
  private static func prepare(_ reply: RecipeReply, data: String?) throws -> Node.Job {
    guard let yaml = String(validating: reply.yaml, as: UTF8.self) else {
      throw ClusterError(.refused, "the coordinator's recipe is not text")
    }
    guard ClusterIdentity.digest(of: yaml) == reply.digest else {
      throw ClusterError(.refused, "the coordinator's recipe does not have the SHA-256 that was announced")
    }
    let recipe = try Recipe(yaml: yaml, source: "the coordinator's recipe")
    if let data { recipe.set("data.source", text: data) }
    let job = try Job(recipe)
    guard job.plan.shards == reply.shards, UInt64(job.plan.steps) == reply.steps else {
      throw ClusterError(.refused, "the coordinator's recipe has other shards or steps than were announced")
    }
    return Node.Job(
      learner: job.learner, plan: job.plan, data: job.dataDigest, objective: job.progressMetrics.first)
  }

  private static func dataBind(for coordinator: Endpoint) -> Endpoint {
    Endpoint(.tcp(host: coordinator.isLoopback ? "127.0.0.1" : "*", port: .any))
  }

  /// By which host peers reach this node: the one that was named, or this machine's address on the way to the
  /// coordinator.
  private static func hosts(_ bind: String?, toward coordinator: Endpoint) throws -> [String] {
    if let bind, case .tcp(let host, _) = try Endpoint(bind).transport, !["*", "0.0.0.0", "::"].contains(host) {
      return [host]
    }
    guard let address = LocalAddress.toward(coordinator) else {
      throw ClusterError(
        .unreachable, "there is no route to \(coordinator)",
        advice: "name this machine's address: --bind tcp://HOST:PORT")
    }
    return [address]
  }
}

/// As `2/3`, the third of three.
extension ProcessorShare: ExpressibleByArgument {
  public init?(argument: String) {
    let parts = argument.split(separator: "/").map { Int($0) }
    guard parts.count == 2, let index = parts[0], let count = parts[1] else { return nil }
    self.init(index: index, count: count)
  }
}
