import CMemory
import Foundation
import Messages
import Synchronization
import Tensors
import Training
import ZeroMQ

/// The data plane of a node: its `ExchangeMachine`, the numbers, a ROUTER that its peers send to, and a DEALER to each
/// of them; on a context and thread of its own, where additions are made too.
actor Mesh {
  /// An event for the mesh, posted in order, from any thread.
  enum Event: Sendable {
    case admitted(NodeNumber, Incarnation)
    case install(View)
    case dismissed
    case execute(Execute)
    case exchange(MeshExchange.Event)
  }

  struct Configuration: Sendable {
    var job: JobID
    var shards: Int
    var phases: [Phase]
    var stateCount: Int
    var start: PhaseIndex
    var chain: Chain
    var isFinished: Bool
    var security: ClusterSecurity
    /// Whether peers are on this machine and may be sent the places of sums instead of the sums.
    var isShared: Bool
    /// Whether parts of a contribution go while the rest is computed; `nil`: where it pays.
    var isEager: Bool?
  }

  /// What a heartbeat says.
  struct Pulse: Sendable {
    var view = ViewNumber.none
    var position = PhaseIndex.start
    var chain = Chain(rawValue: 0)
    var stage = Stage.joining
    var shardsDone = Intervals()
    var waits: [Wait] = []
    var waitingMilliseconds = 0
    var bytesReceived: UInt64 = 0
    var bytesSent: UInt64 = 0
    var refused: UInt64 = 0
    var isFinished = false
  }

  /// A few times what an answer takes on one machine.
  private static let wakefulness = Duration.microseconds(200)

  private static let processors = ProcessInfo.processInfo.activeProcessorCount

  /// Most elements of a sum in a message. Of large vectors in shared memory fewer, so that what is copied is still in the
  /// second-level cache when it is added; of those that the last-level cache holds, messages cost more.
  private static func chunkElements(_ configuration: Configuration) -> Int {
    configuration.isShared && configuration.phases.contains { $0.count > 1 << 22 } ? 1 << 16 : 1 << 18
  }

  let context: ZeroMQContext
  nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  let configuration: Configuration
  /// Calls the node back, on the mesh's thread.
  private let report: @Sendable (Late) -> Void
  private let settled: @Sendable () -> Void
  let note: @Sendable (String) -> Void
  private let inbox = Mutex<[Event]>([])
  /// The lowest member of the view writes what one node is to write.
  private let scribe = Atomic(false)

  var exchange: MeshExchange!
  var machine: ExchangeMachine?
  var incarnation: Incarnation?
  var router: Socket?
  var monitor: ConnectionMonitor?
  private var authenticator: Authenticator?
  var links: [NodeNumber: PeerLink] = [:]
  /// The view that the links are of.
  var linkedView: ViewNumber?
  var credits = CreditLedger()
  var grants = CreditGrants()
  var stores: [PhaseIndex: PhaseStore] = [:]
  /// State that is being collected, and state that peers are to get.
  private var intake: LearnerState?
  var stateCache: (PhaseIndex, LearnerState)?
  var stateSends: [(PhaseIndex, Range<Int>, NodeNumber)] = []
  private var absorbChecksum: UInt64 = 0
  private var timer: TimerID?
  var relinkTimer: TimerID?
  private var wasSettled = false
  var bytesReceived: UInt64 = 0
  var bytesSent: UInt64 = 0
  var refused: UInt64 = 0
  /// Peers whose bad messages were noted once.
  var noted = FirstOccurrences<RoutingID>(limit: 1000)

  init(
    _ context: ZeroMQContext, configuration: Configuration, report: @escaping @Sendable (Late) -> Void,
    settled: @escaping @Sendable () -> Void, note: @escaping @Sendable (String) -> Void
  ) {
    self.context = context
    self.configuration = configuration
    self.report = report
    self.settled = settled
    self.note = note
  }

  /// Whether no other node has the state that this node has.
  var isAlone: Bool { machine?.view.map { $0.members.count <= 1 } ?? false }

  /// Whether parts of contributions go to their owners while the rest is computed. It does not pay where they stay in
  /// memory and lanes have all processors: to add them meanwhile takes from the lanes what it saves afterwards, and more.
  private var isEager: Bool {
    guard !isAlone else { return false }
    if let isEager = configuration.isEager { return isEager }
    return !configuration.isShared || (machine!.view?.members.reduce(0) { $0 + $1.lanes } ?? 0) < Mesh.processors
  }

  nonisolated var isScribe: Bool { scribe.load(ordering: .acquiring) }

  /// From any thread.
  nonisolated func post(_ event: Event) {
    let isFirst = inbox.withLock { inbox in
      inbox.append(event)
      return inbox.count == 1
    }
    guard isFirst else { return }
    context.executor.run { [self] in assumeIsolated { $0.drainInbox() } }
  }

  /// Binds the ROUTER; returns where.
  func open(at endpoint: Endpoint, for exchange: MeshExchange) throws -> Endpoint {
    self.exchange = exchange
    elbo_memory_keep_blocks()
    if case .curve = configuration.security { authenticator = try Authenticator(in: context) }
    var options = SocketOptions()
    options.sendHighWaterMark = 0
    options.receiveHighWaterMark = 0
    options.maximumFrame = Limits.payload
    options.linger = .milliseconds(200)
    let socket = try Socket(.router, in: context, security: configuration.security.server("data"), options: options)
    do {
      monitor = try socket.guarded()
      let bound = try socket.bind(endpoint)
      context.executor.watch(socket) { [weak self] _ in self?.assumeIsolated { $0.receive() } }
      router = consume socket
      return bound
    } catch {
      monitor?.close()
      socket.close()
      throw error
    }
  }

  func close() {
    if let timer { context.executor.cancelTimer(timer) }
    timer = nil
    if let relinkTimer { context.executor.cancelTimer(relinkTimer) }
    relinkTimer = nil
    for link in links.values { link.close() }
    links = [:]
    monitor?.close()
    router.take()?.close()
    authenticator?.close()
    authenticator = nil
  }

  func pulse() -> Pulse {
    var pulse = Pulse(bytesReceived: bytesReceived, bytesSent: bytesSent, refused: refused)
    guard let machine else { return pulse }
    pulse.view = machine.view?.number ?? .none
    pulse.position = machine.position
    pulse.chain = machine.chain
    pulse.shardsDone = machine.shardsDone
    pulse.waits = machine.waits
    pulse.waitingMilliseconds = machine.waits.isEmpty ? 0 : machine.waitingTime(now: .now).milliseconds
    pulse.isFinished = machine.isFinished
    pulse.stage = stage(machine)
    return pulse
  }

  /// Whether the last total is absorbed everywhere, and this node has reported it.
  private var isSettled: Bool {
    machine!.isFinished && machine!.everyoneIsHere && exchange.currentActivity == .waiting
  }

  private func stage(_ machine: ExchangeMachine) -> Stage {
    if machine.isFinished, isSettled { return .finished }
    guard machine.isSynchronized else { return .joining }
    switch exchange.currentActivity {
    case .computing: return .computing
    case .waiting: return .exchanging
    case .aside: return .evaluating
    }
  }

  // MARK: Events

  private func drainInbox() {
    for event in inbox.withLock({ inbox in
      defer { inbox.removeAll() }
      return inbox
    }) { handle(event) }
    afterwards()
  }

  private func handle(_ event: Event) {
    let now = Timestamp.now
    switch event {
    case .admitted(let node, let incarnation):
      self.incarnation = incarnation
      guard machine == nil else { return }
      machine = ExchangeMachine(
        node: node,
        configuration: ExchangeMachine.Configuration(
          shards: configuration.shards, phases: configuration.phases.map(\.count),
          sequence: exchange.sequence,
          stateCount: configuration.stateCount,
          chunkElements: Mesh.chunkElements(configuration)),
        position: configuration.start, chain: configuration.chain, isFinished: configuration.isFinished)
    case .install(let view):
      guard let directives = machine?.install(view, now: now) else { return }
      carryOut(directives)
    case .dismissed:
      guard let directives = machine?.leaveView() else { return }
      carryOut(directives)
    case .execute(let order):
      guard let directives = machine?.execute(order, now: now) else { return }
      carryOut(directives)
    case .exchange(let event): handle(event, now: now)
    }
  }

  private func handle(_ event: MeshExchange.Event, now: Timestamp) {
    guard machine != nil else { return }
    switch event {
    case .contributed(let phase, let shard, let sum, let elements):
      // The phase is over: no node needs the sum, and it goes back to the pool.
      guard phase == machine!.position else { return }
      store(phase) { $0.contribute(shard: shard, sum) }
      carryOut(machine!.contributed(shard: shard, elements: elements, position: phase, now: now))
    case .absorbed(let phase, let finished):
      guard phase == machine!.position, machine!.isAbsorbing else { return }
      stateCache = nil
      store(phase) { $0.keepTotal() }
      carryOut(machine!.absorbed(checksum: absorbChecksum, finished: finished, now: now))
    case .loaded(let succeeded, let finished):
      intake = nil
      stateCache = nil
      carryOut(machine!.stateLoaded(succeeded: succeeded, finished: finished, now: now))
    case .concluding: break
    case .state(let phase, let state):
      stateCache = (phase, state)
      let waiting = stateSends
      stateSends = []
      for (phase, elements, node) in waiting { sendState(phase, elements, to: node) }
    }
  }

  /// What follows from any event.
  func afterwards() {
    // Never unwrapped into a variable here: to copy it takes longer than most of what follows.
    guard machine != nil else { return }
    let view = machine!.view
    scribe.store(view?.members.first?.node == machine!.node, ordering: .releasing)
    followView(view)
    for link in links.values { flush(link) }
    armRelinking()
    let isSettled = isSettled
    if isSettled, !wasSettled { settled() }
    wasSettled = isSettled
    // Lanes are idle then, so that a processor is free.
    context.executor.stayAwake(for: machine!.isWaitingForPeers ? Mesh.wakefulness : .zero)
    armTimer()
  }

  private func armTimer() {
    guard timer == nil, let due = machine?.nextDeadline else { return }
    timer = context.executor.setTimer(at: due.instant) { [weak self] in self?.assumeIsolated { $0.timerFired() } }
  }

  private func timerFired() {
    timer = nil
    if let directives = machine?.tick(now: .now) { carryOut(directives) }
    afterwards()
  }

  func store(_ phase: PhaseIndex, _ body: (inout PhaseStore) -> Void) {
    let pool = exchange.pools[Int(phase.phase)]
    body(&stores[phase, default: PhaseStore(shards: configuration.shards, pool: pool)])
  }

  // MARK: Directives

  func carryOut(
    _ directives: some Sequence<ExchangeDirective>, chunk: Chunk? = nil, payload: UnsafeRawBufferPointer? = nil
  ) {
    for directive in directives { carryOut(directive, chunk, payload) }
  }

  private func carryOut(_ directive: ExchangeDirective, _ chunk: Chunk?, _ payload: UnsafeRawBufferPointer?) {
    // Directives after an install are about the new view: its links are to be there.
    switch directive {
    case .compute(let phase, let shards): exchange.compute(phase, shards, eagerly: isEager)
    case .merge(let phase, let subtree, let elements): store(phase) { $0.merge(subtree, elements) }
    case .sum(let phase, let subtree, let elements, let left, let right):
      store(phase) { $0.sum(subtree, elements, left, right) }
    case .promote(let phase, let elements): store(phase) { $0.promote(elements) }
    case .storePartial(let phase, let subtree, let elements):
      store(phase) { $0.store(subtree, elements, from: chunk!, payload!) }
    case .storeTotal(let phase, let elements):
      store(phase) { $0.store($0.tree.root, elements, from: chunk!, payload!) }
    case .storeState(let elements):
      if intake == nil { intake = LearnerState(count: configuration.stateCount) }
      for range in elements.ranges {
        let start = range.lowerBound - chunk!.elements.lowerBound
        UnsafeMutableRawBufferPointer(rebasing: intake!.bytes[range]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: payload![start..<start + range.count]))
      }
    case .sendPartial(let phase, let subtree, let elements, let to):
      send(.partial(subtree: subtree), phase, elements, of: stores[phase]!.partial(subtree), to: [to])
    case .sendTotal(let phase, let elements, let to):
      guard let total = stores[phase]?.total else { return }
      send(.total, phase, elements, of: total, to: to)
    case .sendState(let phase, let elements, let to): sendState(phase, elements, to: to)
    case .send(let body, let to): send(body, to: to)
    case .absorb(let phase):
      let total = stores[phase]!.total!
      exchange.absorb(phase, total)
      // The trainer is busy with it; meanwhile.
      absorbChecksum = UInt64(stores[phase]!.totalChecksum()) | UInt64(total.contribution.examples) << 32
    case .loadState(let phase, let digest):
      guard let state = intake, state.digest == digest else {
        post(.exchange(.loaded(succeeded: false, finished: false)))
        return
      }
      exchange.load(phase, state)
    case .discardState: intake = nil
    case .discardSums(let phase): stores[phase]?.discardSums()
    case .release(let phase): stores[phase] = nil
    case .report(let late): report(late)
    case .refuse: refused += 1
    }
  }

  func allow(_ keys: Set<CurvePublicKey>) { authenticator?.allow(keys, domain: "data") }
}
