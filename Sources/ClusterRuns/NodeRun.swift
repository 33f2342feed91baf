import Cluster
import Datasets
import Foundation
import Messages
import Recipes
import Runs
import Synchronization
import Training
import ZeroMQ

/// A node: it computes for a coordinator, which says what is trained, and for predictions.
package final class NodeRun: Sendable {
  /// What to be, and where.
  package struct Options: Sendable {
    package var coordinator: String
    /// The data on this machine, where the recipe does not say.
    package var data: String?
    /// Unique in the cluster; nil: by host and process, or by rank where a scheduler sets one.
    package var name: String?
    /// Where peers reach this node; nil: a free port.
    package var bind: String?
    package var lanes: Int
    package var security: SecurityRequest
    /// Seconds that a node that no other can replace may take to hand its state over.
    package var grace = 10
    /// Seconds that the coordinator may be silent while nothing moves.
    package var patience = 120

    package init(coordinator: String, lanes: Int, security: SecurityRequest) {
      (self.coordinator, self.lanes, self.security) = (coordinator, lanes, security)
    }
  }

  /// How it ended.
  package enum Ending: Sendable {
    case done
    /// The training failed.
    case failed
    /// This node was asked to leave.
    case left
  }

  private let node: Node
  private let configuration: Node.Configuration
  private let helpers: PredictionHelpers
  private let data: String?
  private let grace: Duration
  private let note: @Sendable (String) -> Void
  private let wasAsked = Atomic(false)
  private let predicting = Mutex<PredictionWorker?>(nil)

  /// - Parameter note: hears what the node has to say.
  package init(_ options: Options, note: @escaping @Sendable (String) -> Void) throws {
    guard (0...86_400).contains(options.grace), (1...864_000).contains(options.patience) else {
      throw RecipeError("--grace must be from 0 to 86400, --patience from 1 to 864000")
    }
    guard options.data != StandardInput.name else {
      throw RecipeError("--data -: a node that is asked again could not read it again; write the data to a file")
    }
    let endpoint = try Endpoint(options.coordinator)
    let name = try options.name ?? NodeRun.defaultName(note)
    guard (1...Limits.name).contains(name.utf8.count) else { throw RecipeError("--name must be 1 to 255 bytes") }
    var configuration = Node.Configuration(
      name: name, build: try ClusterIdentity.build(), coordinator: endpoint,
      dataBind: try options.bind.map { try Endpoint($0) } ?? NodeRun.dataBind(for: endpoint), lanes: options.lanes,
      security: try options.security.node(toward: endpoint))
    configuration.patience = .seconds(options.patience)
    if !endpoint.isLoopback { configuration.advertisedHosts = try NodeRun.hosts(options.bind, toward: endpoint) }
    let data = options.data
    let helpers = PredictionHelpers(
      security: configuration.security, build: configuration.build, name: name, data: data, note: note)
    configuration.assist = { helpers.begin($0) }
    node = try Node(configuration, prepare: { try NodeRun.prepare($0, data: data) }, note: note)
    grace = .seconds(options.grace)
    (self.configuration, self.helpers, self.data, self.note) = (configuration, helpers, data, note)
  }

  /// Leaves; the others take over what this node computes.
  /// - Returns: whether it was not asked before.
  @discardableResult
  package func leave(_ reason: String) -> Bool {
    if wasAsked.exchange(true, ordering: .acquiringAndReleasing) { return false }
    node.leave(reason, grace: grace)
    predicting.withLock { $0 }?.leave()
    return true
  }

  /// Computes until the job is over, or this node has left.
  package func run() async throws -> Ending {
    let result: Result<Node.Ending, any Error>
    do { result = .success(try await node.run()) } catch { result = .failure(error) }
    await helpers.end(leaving: wasAsked.load(ordering: .acquiring))
    switch try result.get() {
    case .stopped(let stop):
      note("the job is over: \(stop.explanation)")
      return stop.reason == .failed ? .failed : .done
    case .predicting: return try await predict()
    case .left:
      note("left")
      return .left
    }
  }

  private func predict() async throws -> Ending {
    let (data, lanes) = (data, configuration.lanes)
    let worker = try PredictionWorker(
      configuration.coordinator, security: configuration.security, build: configuration.build,
      name: configuration.name, patience: configuration.patience,
      prepare: { try PredictionWork.prepare($0, data: data, lanes: lanes) })
    predicting.withLock { $0 = worker }
    let stop = try await worker.run()
    predicting.withLock { $0 = nil }
    note(stop.explanation)
    return stop.reason == .asked ? .left : .done
  }

  /// By rank where a scheduler sets one, so that a node that is started again takes its own place.
  private static func defaultName(_ note: (String) -> Void) throws -> String {
    let process = ProcessInfo.processInfo
    guard let placement = try Placement.detect(process.environment) else {
      return "\(process.hostName)-\(process.processIdentifier)"
    }
    note("rank \(placement.rank)\(placement.size.map { " of \($0)" } ?? ""), says \(placement.source)")
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
    let job = try TrainingJob(recipe)
    guard job.plan.shards == reply.shards, UInt64(job.plan.steps) == reply.steps else {
      throw ClusterError(.refused, "the coordinator's recipe has other shards or steps than were announced")
    }
    return Node.Job(
      learner: job.trained, plan: job.plan, data: job.dataDigest, objective: job.progressMetrics.first)
  }

  private static func dataBind(for coordinator: Endpoint) -> Endpoint {
    SocketFolder.neighbor(of: coordinator)
      ?? Endpoint(.tcp(host: coordinator.isLoopback ? "127.0.0.1" : "*", port: .any))
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
