import Cluster
import Messages

/// A cluster in one thread: seeded faults, a clock that jumps, and machines that are the real ones.
struct Simulation {
  /// What may go wrong. Faults end at `faultsEnd`, so that every run can finish.
  struct Faults {
    var drop = 0.0
    var duplicate = 0.0
    var delay: (low: Duration, high: Duration) = (.microseconds(100), .milliseconds(2))
    /// Of single messages, far beyond the others: they arrive out of order.
    var straggle = 0.0
    var crashes = 0
    var pauses = 0
    var partitions = 0
    var coordinatorCrashes = 0
    var lateJoiners = 0
    var leavers = 0
    var slowNodes = 0
    /// Processors that round differently: totals agree all the same.
    var mixedProcessors = false
    /// A crash when this many messages were delivered.
    var crashAtMessage: (number: Int, of: CrashSide)?
    enum CrashSide { case sender, receiver, coordinator }
    /// Through the wire format.
    var encoded = false
    /// What happens when, besides what the seed says.
    var script: [(at: Duration, event: Event)] = []
  }

  enum Failure: Error {
    case wrong(String)
    case hung(String)
  }

  enum Message {
    case control(ControlMessage)
    case data(DataMessage, [UInt64])
  }

  enum Event {
    case deliver(Message, from: Int, to: Int, life: Int)
    case wake(Int, life: Int)
    case wakeCoordinator(life: Int)
    case bucket(Int, life: Int, version: Int, shard: Int, PhaseIndex, Range<Int>, isLast: Bool)
    case absorbed(Int, life: Int)
    case loaded(Int, life: Int, PhaseIndex, Digest)
    case crash(Int)
    case start(Int)
    case crashCoordinator
    case startCoordinator
    case pause(Int, Duration)
    case partition(Int, Int, Duration)
    /// Nothing goes from the one to the other any more, until it is healed.
    case cut(from: Int, to: Int)
    case heal(from: Int, to: Int)
    case leave(Int)
  }

  static let coordinatorIndex = -1

  let model: SymbolicModel
  /// How long a shard takes.
  var work: (low: Duration, high: Duration) = (.milliseconds(1), .milliseconds(10))
  let faults: Faults
  let faultsEnd: Timestamp
  let reference: (state: [UInt64], totals: [PhaseIndex: UInt64])
  var random: SplitMix
  var queue = EventQueue<Event>()
  var now = Timestamp.zero
  var nodes: [Int: SimulatedNode] = [:]
  /// How often each process has started; what was meant for an earlier life is lost.
  var lives: [Int: Int] = [:]
  var coordinator: SimulatedCoordinator?
  var log: [UInt8] = DurableLog.magic
  var configuration: Membership.Configuration
  var pausedUntil: [Int: Timestamp] = [:]
  var cutUntil: [[Int]: Timestamp] = [:]
  /// Sender and receiver of the links that are cut for good.
  var cuts: Set<[Int]> = []
  var ended: Stop?
  /// What the coordinator has fetched.
  var result: [UInt64]?
  var delivered = 0
  var absorbedInView: [String: UInt64] = [:]
  /// When each view was announced.
  var viewTimes: [Timestamp] = []
  var views: Int { viewTimes.count }
  /// The one that was announced last.
  var lastView: View?
  var rescues = 0
  var stateTransfers = 0
  var failure: Failure?
  var events = 0
  var trace: [String]?

  init(seed: UInt64, model: SymbolicModel, nodeCount: Int, faults: Faults, tracing: Bool = false) {
    self.model = model
    self.faults = faults
    random = SplitMix(seed: seed)
    reference = model.undisturbed()
    configuration = Membership.Configuration(
      job: simulatedJob, build: "sim", recipe: simulatedDigest, shards: model.shards, expectedNodes: nodeCount)
    configuration.startTimeout = .seconds(20)
    configuration.stuckAfter = .seconds(20)
    faultsEnd = .zero + .seconds(15)
    if tracing { trace = [] }
    queue.add(.startCoordinator, at: .zero)
    for index in 0..<nodeCount { queue.add(.start(index), at: .zero + random.duration(.zero, .milliseconds(50))) }
    for (time, event) in faults.script { queue.add(event, at: .zero + time) }
    scheduleFaults(nodeCount)
  }

  private mutating func scheduleFaults(_ nodeCount: Int) {
    // Most faults fall where the work is: the undisturbed run takes a second or less.
    func sometime() -> Timestamp { .zero + random.duration(.milliseconds(20), .seconds(8)) }
    for joiner in 0..<faults.lateJoiners { queue.add(.start(nodeCount + joiner), at: sometime()) }
    for crash in 0..<faults.crashes {
      let index = Int.random(in: 0..<nodeCount, using: &random)
      let time = sometime()
      queue.add(.crash(index), at: time)
      // The first always comes back, so that somebody is left.
      if crash == 0 || random.chance(0.7) { queue.add(.start(index), at: time + random.duration(.zero, .seconds(8))) }
    }
    if faults.crashes > 1 { queue.add(.start(0), at: faultsEnd) }
    for _ in 0..<faults.coordinatorCrashes {
      let time = sometime()
      queue.add(.crashCoordinator, at: time)
      queue.add(.startCoordinator, at: time + random.duration(.zero, .seconds(6)))
    }
    for _ in 0..<faults.pauses {
      queue.add(
        .pause(Int.random(in: -1..<nodeCount, using: &random), random.duration(.milliseconds(10), .seconds(9))),
        at: sometime())
    }
    for _ in 0..<faults.partitions {
      queue.add(
        .partition(
          Int.random(in: -1..<nodeCount, using: &random), Int.random(in: 0..<nodeCount, using: &random),
          random.duration(.milliseconds(10), .seconds(9))), at: sometime())
    }
    for _ in 0..<min(faults.leavers, nodeCount - 1) {
      queue.add(.leave(Int.random(in: 1..<nodeCount, using: &random)), at: sometime())
    }
  }

  func life(_ index: Int) -> Int { lives[index, default: 0] }

  mutating func record(_ text: String) {
    if trace != nil { trace!.append("\(Double(now.nanoseconds) / 1e9) \(text)") }
  }

  /// Runs to the end. Throws when something was wrong or nothing moves any more.
  mutating func run() throws {
    while ended == nil || nodes.values.contains(where: { !$0.isDone }) {
      guard let (time, event) = queue.next() else { throw Failure.hung("nothing is left to happen") }
      guard time < .zero + .seconds(600) else { throw Failure.hung(situation) }
      now = max(now, time)
      events += 1
      guard queue.count < 100_000 else { throw Failure.hung("messages breed\n" + situation) }
      guard events < 1_000_000 else { throw Failure.hung("a million events\n" + situation) }
      handle(event)
      if let failure { throw failure }
    }
    guard ended?.reason == .completed else { throw Failure.wrong("the job ended otherwise: \(ended!)") }
    guard let result else { throw Failure.wrong("no node has the result") }
    for node in nodes.values where node.machine?.isFinished == true {
      // One that was left out may have gone on alone, and rounds its own way: it has no part in the result.
      if faults.mixedProcessors, !isMember(node) { continue }
      guard node.state == result else { throw Failure.wrong("node \(node.index) has another result") }
    }
    guard faults.mixedProcessors || result == reference.state else {
      throw Failure.wrong("the result is not the undisturbed run's")
    }
  }

  func isMember(_ node: SimulatedNode) -> Bool {
    node.session.node.flatMap { lastView?.member($0) }?.incarnation == node.session.incarnation
  }

  var situation: String {
    let lines = nodes.keys.sorted().map { index -> String in
      let node = nodes[index]!
      guard let machine = node.machine else { return "n\(index): no machine" }
      return
        "n\(index): \(machine.node) \(machine.view?.number.description ?? "no view") \(machine.position) "
        + "finished \(machine.isFinished) synchronized \(machine.isSynchronized) waits \(machine.waits)"
    }
    return lines.joined(separator: "\n")
  }
}
