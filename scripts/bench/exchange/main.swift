// Times the exchange of a cluster by itself: nodes whose contributions cost nothing, so that a step is an exchange.
//
//     exchange-bench [--nodes N] [--megabytes M] [--steps S] [--bfloat16] [--sent | --encrypted] [--compute MS [--late]]
//                                                                            all nodes in this process, over loopback
//     exchange-bench --listen tcp://HOST:PORT …                              the coordinator and one node here
//     exchange-bench --join tcp://HOST:PORT …                                one more node, elsewhere
//
// Nodes on loopback share memory, unless the payloads are to be `--sent`, or sent `--encrypted` (CURVE). `--compute`
// has a contribution take so long, of which the last two thirds are a backward pass that finishes an eighth of the
// numbers at a time; they go as they are done, or with `--late` when all are. Prints a line of JSON: milliseconds a step,
// of each step after the first tenth, by node.
import Cluster
import Foundation
import Messages
import Synchronization
import Tensors
import Training
import ZeroMQ

/// A vector of so many megabytes that nobody computes, though that may be made to take time.
private final class Ballast: Learner {
  let parameters: FlatBuffer
  let phases: [Phase]
  let order = Order.Kind.sweep
  let exampleCount: Int
  let evaluationMetrics: [String] = []
  let evaluationCount = 0
  private let times = Mutex<[ContinuousClock.Instant]>([])
  private let computing: Duration

  init(megabytes: Double, shards: Int, computing: Duration) {
    self.computing = computing
    var small = Layout()
    _ = small.add("parameters", [16])
    parameters = FlatBuffer("parameters", small)
    var large = Layout()
    _ = large.add("ballast", [max(16, Int(megabytes * 1e6) / 4)])
    phases = [Phase("exchange", layout: large, metrics: [])]
    exampleCount = shards
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) {
    guard computing > .zero else { return }
    let (start, count) = (ContinuousClock.now, contribution.values.layout.count)
    // Ranges of whole cache lines.
    func eighth(_ part: Int) -> Int { part == 8 ? count : count * part / 8 / 16 * 16 }
    for part in 0...8 {
      // As a forward pass, then eighths of the backward one.
      let end = start + computing * (Double(4 + part) / 12)
      while .now < end {}
      if part > 0 { contribution.finished?(eighth(8 - part)..<eighth(9 - part)) }
    }
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) -> Verdict {
    times.withLock { $0.append(.now) }
    return .goOn
  }

  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {}

  /// Milliseconds from one total to the next.
  var milliseconds: [Double] {
    let times = times.withLock { $0 }
    return zip(times.dropFirst(), times).dropFirst(times.count / 10).map { ($0 - $1) / .milliseconds(1) }
  }
}

private struct Options {
  var nodes = 2
  var megabytes = 10.0
  var steps = 100
  var precision = ExchangePrecision.float32
  var sharesMemory = true
  var isEncrypted = false
  var computing = Duration.zero
  var sendsEarly: Bool?
  var listen: String?
  var join: String?

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let word = rest.popFirst() {
      switch (word, rest.first) {
      case ("--bfloat16", _): precision = .bfloat16
      case ("--sent", _): sharesMemory = false
      case ("--encrypted", _): isEncrypted = true
      case ("--late", _): sendsEarly = false
      case ("--compute", let value?): computing = .milliseconds(Double(value) ?? 0)
      case ("--nodes", let value?): nodes = Int(value) ?? nodes
      case ("--megabytes", let value?): megabytes = Double(value) ?? megabytes
      case ("--steps", let value?): steps = Int(value) ?? steps
      case ("--listen", let value?): listen = value
      case ("--join", let value?): join = value
      default: fatalError("exchange-bench: what is \(word)?")
      }
      if !["--bfloat16", "--sent", "--encrypted", "--late"].contains(word) { rest = rest.dropFirst() }
    }
  }
}

private let options = Options(Array(CommandLine.arguments.dropFirst()))
private let nothing = Digest(bytes: [UInt8](repeating: 1, count: 32))!
private let isLocal = try [options.listen, options.join].allSatisfy { try $0.map { try Endpoint($0).isLoopback } ?? true }
/// Of the coordinator, then of the nodes.
private let keys = try (0...options.nodes).map { _ in try CurveKeyPair.generate() }

/// Of the coordinator, which is number 0, or of a node.
private func security(of index: Int) -> ClusterSecurity {
  guard options.isEncrypted else { return isLocal ? .plainOnLoopback : .plain }
  return .curve(keys[index], coordinator: keys[0].publicKey, allowed: AllowList(keys.dropFirst().map(\.publicKey), roles: [.node]))
}

@Sendable private func node(_ index: Int, at endpoint: Endpoint) async throws -> [Double] {
  let learner = Ballast(megabytes: options.megabytes, shards: options.nodes, computing: options.computing)
  let plan = TrainingPlan(
    seed: 0, shards: options.nodes, steps: options.steps, reportEvery: options.steps, precision: options.precision)
  guard case .tcp(let host, _) = endpoint.transport else { fatalError("exchange-bench: a tcp endpoint is needed") }
  let bind = Endpoint(.tcp(host: isLocal ? "127.0.0.1" : options.listen == nil ? "*" : host, port: .any))
  var configuration = Node.Configuration(
    name: "node-\(index)-\(ProcessInfo.processInfo.processIdentifier)", build: "exchange-bench", coordinator: endpoint,
    dataBind: bind, lanes: 1, security: security(of: index))
  (configuration.sharesMemory, configuration.sendsEarly) = (options.sharesMemory, options.sendsEarly)
  if let own = ProcessInfo.processInfo.environment["EXCHANGE_BENCH_HOST"] { configuration.advertisedHosts = [own] }
  let node = try Node(
    configuration,
    prepare: { _ in Node.Job(learner: learner, plan: plan, data: nothing, objective: nil) }, note: { _ in })
  _ = try await node.run()
  return learner.milliseconds
}

@Sendable private func lead(_ coordinator: Coordinator) async {
  for await event in coordinator.events {
    switch event {
    case .state(let offer, _) where offer.step >= UInt64(options.steps):
      coordinator.end(Stop(reason: .completed, explanation: "all steps are done"))
    case .ended: return
    default: break
    }
  }
}

@Sendable private func run() async throws -> [[Double]] {
  if let join = options.join { return [try await node(2, at: try Endpoint(join))] }
  let log = FileManager.default.temporaryDirectory.path + "/exchange-bench-\(UUID().uuidString).log"
  defer { try? FileManager.default.removeItem(atPath: log) }
  let learner = Ballast(megabytes: 0, shards: options.nodes, computing: .zero)
  let coordinator = try Coordinator(
    Coordinator.Configuration(
      bind: try Endpoint(options.listen ?? "tcp://127.0.0.1:*"), security: security(of: 0), build: "exchange-bench",
      name: "exchange-bench", recipe: "nothing", recipeDigest: nothing, data: nothing, shards: options.nodes,
      steps: options.steps, stateCount: LearnerState.count(of: learner), expectedNodes: options.nodes, log: log),
    resuming: nil)
  let endpoint = try await coordinator.open()
  let here = options.listen == nil ? options.nodes : 1
  let times = try await withThrowingTaskGroup(of: [Double].self) { group in
    for index in 1...here { group.addTask { try await node(index, at: endpoint) } }
    await lead(coordinator)
    return try await group.reduce(into: []) { $0.append($1) }
  }
  await coordinator.close()
  return times
}

private let times = try await run()
print(String(decoding: try JSONEncoder().encode(["milliseconds": times]), as: UTF8.self))
