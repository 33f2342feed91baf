import CKernels
import Cluster
import Foundation
import Messages
import Synchronization
import Tensors
import Testing
import Training
import ZeroMQ

/// Contributions that depend on the parameters, the shard and the step, and come range by range, the last first, as
/// those of a backward pass do.
final class Walk: Learner {
  static let count = 3 << 18
  static let statisticCount = 1001
  let parameters: FlatBuffer
  let phases: [Phase]
  let order = Order.Kind.sweep
  let exampleCount: Int
  let evaluationMetrics: [String] = []
  let evaluationCount = 0
  private let during: StepHook

  init(shards: Int, during: @escaping StepHook = { _ in }) {
    var layout = Layout()
    layout.add("position", [Walk.count])
    parameters = FlatBuffer("parameters", layout)
    var statistics = Layout()
    statistics.add("drift", [Walk.statisticCount])
    phases = [Phase("walk", layout: layout, statistics: statistics, metrics: ["length"])]
    exampleCount = 3 * shards
    self.during = during
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    try during(step.number)
    let (values, position) = (contribution.values.float32, parameters.float32)
    let part = Walk.count / 8
    for start in stride(from: Walk.count - part, through: 0, by: -part) {
      for index in start..<start + part {
        let noise = Float((index &* 31 &+ shard.index &* 977 &+ step.number &* 13) % 1000) / 997
        values[index] = noise - position[index] / 3
      }
      contribution.finished?(start..<start + part)
    }
    for (index, value) in values.prefix(Walk.statisticCount).enumerated() {
      contribution.statistics.float64[index] += Double(value) / 3
    }
    contribution.metrics["length"] += Double(shard.index)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) -> Verdict {
    for block in 0..<total.blockCount {
      let (range, sum) = (total.range(ofBlock: block), total.float32(block: block))
      for (index, value) in zip(range, sum) { parameters.float32[index] += value / 7 }
    }
    let drift = total.statistics()[phases[0].statistics.slots[0]]
    for (index, value) in drift.enumerated() { parameters.float32[index] += Float(value / 11) }
    return .goOn
  }

  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {}
}

/// What a learner of a test calls with the step's number for each shard that it computes, on a lane.
typealias StepHook = @Sendable (Int) throws -> Void

/// Holds the trainers of a cluster at one step until it is opened: whatever a test does meanwhile happens there.
final class Gate: Sendable {
  private let step: Int
  private let arrivals: AsyncStream<Void>
  private let arrival: AsyncStream<Void>.Continuation
  private let lock = NSCondition()
  // Guarded by the lock.
  private nonisolated(unsafe) var isOpen = false

  /// How the thread that made the gate computes: a thread that begins takes that over from the one that begins it, so a
  /// lane, which flushes denormals, must not begin one of Swift's.
  private let mode = elbo_floating_point_mode()

  init(at step: Int) {
    self.step = step
    (arrivals, arrival) = AsyncStream.makeStream()
  }

  /// On a trainer's thread.
  func pass(_ number: Int) {
    guard number == step else { return }
    let own = elbo_floating_point_mode()
    elbo_set_floating_point_mode(mode)
    arrival.yield()
    elbo_set_floating_point_mode(own)
    lock.withLock { while !isOpen { lock.wait() } }
  }

  /// Waits until so many shards are held.
  func reached(by count: Int) async {
    var left = count
    for await _ in arrivals {
      left -= 1
      if left == 0 { return }
    }
  }

  func open() {
    lock.withLock {
      isOpen = true
      lock.broadcast()
    }
  }
}

/// Lines that somebody says, to be awaited.
struct Notes: Sendable {
  let lines: AsyncStream<String>
  let say: @Sendable (String) -> Void

  init() {
    let (lines, continuation) = AsyncStream.makeStream(of: String.self)
    self.lines = lines
    say = { continuation.yield($0) }
  }

  /// The first line from now on that contains the text.
  func first(with text: String) async -> String? {
    for await line in lines where line.contains(text) { return line }
    return nil
  }
}

/// A coordinator and whole nodes in one process, over loopback.
struct LocalCluster: Sendable {
  static let nothing = Digest(bytes: [UInt8](repeating: 1, count: 32))!

  var nodes: Int
  var shards: Int
  var learner: @Sendable (_ shards: Int, @escaping StepHook) throws -> any Learner = {
    Walk(shards: $0, during: $1)
  }
  var lanes = 1
  /// The first so many nodes show each other their memory.
  var sharing = Int.max
  /// Whether parts of contributions go as they come.
  var sendsEarly: Bool?
  var precision = ExchangePrecision.float32
  var steps = 6
  /// Of the coordinator, then of the nodes; none: plain text.
  var keys: [CurveKeyPair] = []
  var patience = Duration.seconds(120)
  var missedHeartbeats = 150
  /// Nodes whose address leads nowhere: they reach the others, and no node reaches them.
  var unreachable: Set<Int> = []
  /// Of the coordinator.
  let log = FileManager.default.temporaryDirectory.path + "/nodes-test-\(UUID().uuidString).log"

  init(nodes: Int, shards: Int) { (self.nodes, self.shards) = (nodes, shards) }

  var plan: TrainingPlan {
    TrainingPlan(seed: 0, shards: shards, steps: steps, reportEvery: 1000, precision: precision)
  }

  /// Of the coordinator, which is number 0, or of a node.
  func security(of index: Int) -> ClusterSecurity {
    guard !keys.isEmpty else { return .plainOnLoopback }
    return .curve(
      keys[index], coordinator: keys[0].publicKey, allowed: AllowList(keys.dropFirst().map(\.publicKey), roles: [.node])
    )
  }

  /// Of a learner's parameters and of all that a later step depends on.
  static func checksum(of learner: any Learner) -> UInt32 {
    UInt32(([learner.parameters] + learner.auxiliary).sha256.prefix(8), radix: 16)!
  }

  /// The checksum after a training without nodes.
  func alone() async throws -> UInt32 {
    let learner = try learner(shards) { _ in }
    try await train(learner)
    return Self.checksum(of: learner)
  }

  /// Trains without nodes, from a step on, up to another.
  func train(_ learner: any Learner, from first: Int = 0, to last: Int? = nil, lanes: Int = 1) async throws {
    var plan = plan
    plan.steps = last ?? steps
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: lanes), observer: Silence())
    _ = try await trainer.train(from: first, until: StopRequest())
  }

  /// - Parameters:
  ///   - log: of another job than this cluster's, or of its own.
  ///   - state: what nodes begin with, and at which step.
  func coordinator(
    at endpoint: Endpoint? = nil, log: String? = nil, from state: (step: Int, state: LearnerState)? = nil
  ) async throws -> (Coordinator, Endpoint) {
    var configuration = Coordinator.Configuration(
      bind: try endpoint ?? Endpoint("tcp://127.0.0.1:*"), security: security(of: 0), build: "test", name: "test",
      recipe: "nothing", recipeDigest: Self.nothing, data: Self.nothing, shards: shards, steps: steps,
      stateCount: LearnerState.count(of: try learner(shards) { _ in }), expectedNodes: nodes, log: log ?? self.log)
    // Nodes that are slow to be heard, on a machine with other work, are not what these tests are about.
    configuration.heartbeat = .milliseconds(200)
    configuration.missedHeartbeats = missedHeartbeats
    let coordinator = try Coordinator(configuration, resuming: state)
    return (coordinator, try await coordinator.open())
  }

  /// Ends the job when its last state has come, and waits for that.
  func lead(_ coordinator: Coordinator) async throws {
    for await event in coordinator.events {
      if case .state(let offer, _) = event, offer.converged || offer.step >= UInt64(steps) {
        coordinator.end(Stop(reason: .completed, explanation: "all steps are done"))
      }
      if case .ended = event { return }
    }
  }

  /// Takes part to the end; the checksum then.
  /// - Parameters:
  ///   - during: after the gate, for each shard that the node computes.
  ///   - began: hears of the node before it runs.
  func node(
    _ index: Int, at endpoint: Endpoint, gate: Gate? = nil, notes: Notes? = nil,
    during: @escaping StepHook = { _ in }, began: (Node) -> Void = { _ in }
  ) async throws -> UInt32 {
    let plan = plan
    let learner = try learner(shards) { step in
      gate?.pass(step)
      try during(step)
    }
    var configuration = Node.Configuration(
      name: "node-\(index)", build: "test", coordinator: endpoint, dataBind: try Endpoint("tcp://127.0.0.1:*"),
      lanes: lanes, security: security(of: index))
    configuration.sharesMemory = index <= sharing
    configuration.sendsEarly = sendsEarly
    configuration.patience = patience
    // Of this machine too, and nothing listens there.
    if unreachable.contains(index) { configuration.advertisedHosts = ["127.0.0.2"] }
    let node = try Node(
      configuration,
      prepare: { _ in Node.Job(learner: learner, plan: plan, data: Self.nothing, objective: nil) },
      note: { notes?.say($0) })
    began(node)
    _ = try await node.run()
    return Self.checksum(of: learner)
  }

  /// Trains with two nodes, and a third one that joins while both are held in a step.
  /// - Returns: the checksums of the three.
  func trained(joinedAt step: Int) async throws -> [UInt32] {
    let (gate, notes) = (Gate(at: step), Notes())
    let (coordinator, endpoint) = try await self.coordinator()
    let checksums = try await withThrowingTaskGroup(of: UInt32.self) { group in
      for index in 1...2 {
        group.addTask { try await node(index, at: endpoint, gate: gate, notes: index == 1 ? notes : nil) }
      }
      await gate.reached(by: 2)
      defer { gate.open() }
      group.addTask { try await node(3, at: endpoint, gate: gate) }
      #expect(await notes.first(with: ": 3 nodes") != nil)
      gate.open()
      try await lead(coordinator)
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await coordinator.close()
    return checksums
  }

  func removeLog() { try? FileManager.default.removeItem(atPath: log) }
}

private struct Silence: TrainingObserver {
  func step(_ report: TrainingReport) {}
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}
