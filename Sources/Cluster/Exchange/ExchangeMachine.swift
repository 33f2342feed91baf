import Messages

/// One node's part in adding up the contributions of all shards and giving everyone the total.
///
/// The exchange. A phase's vector is cut into one contiguous range for each member of the view. A node adds up the
/// aligned blocks of shards it computes and sends each range of these partial sums to the range's owner; the owner
/// finishes the sum in the order of `ShardTree` and sends the total of its range to everyone. A node that has all
/// totals absorbs them.
///
/// What makes it safe, no matter which node dies at which message:
///
/// 1. *One tree.* A sum is only ever made of a block's two children, and a block that is there already (alone or within
///    a larger one) is not taken again. So a total holds every shard exactly once, added in one order, no matter which
///    node computed it, or whether it was computed twice or in pieces.
/// 2. *One step apart.* Every message carries its sender's position. A node absorbs phase q only when it has heard, in
///    this view, that every member stands at q, that is, has absorbed everything before. So members are never more than
///    one phase apart, and a member that has absorbed q keeps q's totals until it absorbs q+1, that is, until all have
///    absorbed q. A member that lacks totals always finds them.
/// 3. *Views begin by comparing.* A node that installs a view ignores messages of older views and sends every member
///    its position and the shards it has contributed. With all accounts at hand, everyone computes the same
///    `ExchangePlan`: work goes on at the farthest position Q; members one phase behind get the totals of that phase,
///    all others that are not at Q get the state, and the phase Q begins anew with the contributions that survivors
///    hold. Until all accounts are there, nothing is sent.
/// 4. *Undecided is forgotten.* Partial sums and totals of phase Q from older views are void: had anyone in the new
///    view absorbed them, the farthest position would be beyond Q. So no two nodes of a view can absorb different
///    totals of a phase: in one view, each element's total is made by one owner; of two views, the later one starts
///    from a position which all its members reach by the totals, or the state, of those who have absorbed most. This
///    holds even if two processors round differently; that they do not is what makes the result also equal to an
///    undisturbed run's.
/// 5. *The chain.* Each node carries a digest of all totals it has absorbed, in order. Equal positions with unequal
///    chains are found at the next view: the majority's history counts, the others get its state.
///
/// Since no node leaves position Q before everyone has reached it, the state that joiners copy does not change while
/// they copy it, and no snapshot is made.
///
/// Lost messages: a node that lacks something asks for it when its adaptive deadline passes; answers are the ordinary
/// messages, and all of them may come twice.
///
/// The machine has no sockets, no clock and no numbers: it takes events with the time, and returns directives.
public struct ExchangeMachine: Sendable {
  /// What is known in one view.
  struct ViewState: Sendable {
    var view: View
    var members: [NodeNumber]
    var accounts: [NodeNumber: Sync] = [:]
    /// Where the others stand, at least.
    var positions: [NodeNumber: PhaseIndex] = [:]
    var plan: ExchangePlan?
    /// State that donors sent before this node knew that it needs it: they had all accounts sooner. It is asked for again.
    var missedState: [NodeNumber: Intervals] = [:]
    /// Who computes shards of the current phase besides their executors.
    var rescues: [(shards: Range<Int>, node: NodeNumber)] = []

    func ownership(_ count: Int) -> RangeOwnership { RangeOwnership(members: members, count: count) }
  }

  /// State on its way to a joiner.
  struct Intake: Sendable {
    var held = Intervals()
    var digest: Digest?
  }

  /// What the caller is doing; a new view waits for it.
  enum Busy: Hashable, Sendable {
    case absorbing
    /// The state that is ready for this position, with this history.
    case loading(PhaseIndex, Chain)
  }

  let configuration: Configuration
  public let node: NodeNumber
  public internal(set) var position: PhaseIndex
  public internal(set) var chain: Chain
  var previousChain = Chain(rawValue: 0)
  var retainsTotals = false
  /// Whether the training is done; then `position` is its end.
  public internal(set) var isFinished: Bool
  var works: [PhaseIndex: PhaseWork] = [:]
  var viewState: ViewState?
  /// The last view that was installed, also after it was left.
  var lastView = ViewNumber.none
  var pendingView: View?
  /// Accounts that came before their view.
  var early: [NodeNumber: (view: ViewNumber, incarnation: Incarnation, account: Sync)] = [:]
  var intake: Intake?
  var busy: Busy?
  var deadline: AdaptiveDeadline
  var phaseBegan: Timestamp?
  var waitingSince: Timestamp?
  var askAt: Timestamp?
  var attempts = 0

  /// - Parameters:
  ///   - position: that the caller's parameters are ready for, and `chain` their history: a checkpoint's, or the
  ///     start with a digest of the initial state.
  public init(
    node: NodeNumber, configuration: Configuration, position: PhaseIndex = .start, chain: Chain,
    isFinished: Bool = false
  ) {
    self.node = node
    self.configuration = configuration
    self.position = position
    self.chain = chain
    self.isFinished = isFinished
    deadline = AdaptiveDeadline(configuration.deadline)
  }

  /// The installed view.
  public var view: View? { viewState?.view }

  /// Whether all members' accounts are there and this node stands where the view works.
  public var isSynchronized: Bool {
    guard let plan = viewState?.plan, intake == nil else { return false }
    return position >= plan.position
  }

  /// Whether every member is known to have absorbed what this node has. With `isFinished`: no member needs this node
  /// any more.
  public var everyoneIsHere: Bool {
    guard let viewState, viewState.plan != nil, busy == nil, intake == nil else { return false }
    return viewState.members.allSatisfy { $0 == node || viewState.positions[$0, default: .start] >= position }
  }

  /// Whether `absorbed` is awaited.
  public var isAbsorbing: Bool { busy == .absorbing }

  /// Shards of the current phase that this node has contributed in full.
  public var shardsDone: Intervals { works[position]?.done ?? Intervals() }

  // MARK: Views

  /// The coordinator has announced a view.
  public mutating func install(_ view: View, now: Timestamp) -> [ExchangeDirective] {
    guard view.number > max(lastView, pendingView?.number ?? .none), view.shards == configuration.shards else {
      return []
    }
    guard busy == nil else {
      pendingView = view
      return []
    }
    pendingView = nil
    return enter(view, now: now)
  }

  private mutating func enter(_ view: View, now: Timestamp) -> [ExchangeDirective] {
    var directives: [ExchangeDirective] = []
    if intake != nil {
      intake = nil
      directives.append(.discardState)
    }
    lastView = view.number
    guard view.member(node) != nil else { return directives + leaveView() }
    var state = ViewState(view: view, members: view.members.map(\.node))
    for phase in works.keys.sorted() {
      directives.append(.discardSums(phase))
      if phase != position { works[phase] = nil }
    }
    let owned = state.ownership(count(position)).range(of: node)
    works[position]?.enterView(owned: owned)

    let sync = ownSync
    state.accounts[node] = sync
    for member in view.members {
      guard let said = early[member.node], said.view == view.number, said.incarnation == member.incarnation else {
        continue
      }
      state.accounts[member.node] = said.account
      state.positions[member.node] = said.account.position
    }
    early = early.filter { $0.value.view > view.number }
    viewState = state
    phaseBegan = nil
    let others = state.members.filter { $0 != node }
    if !others.isEmpty { directives.append(.send(.sync(sync), to: others)) }
    progressed(now)
    return directives + proceed(now)
  }

  /// Takes no further part in the view: this node was left out. What it has absorbed and contributed stays, and is
  /// compared when it comes back.
  public mutating func leaveView() -> [ExchangeDirective] {
    pendingView = nil
    viewState = nil
    stopWaiting()
    let position = position
    // Totals that are being absorbed are needed to the end.
    let discarded = works.keys.sorted().filter { busy != .absorbing || $0 != position }
    var directives: [ExchangeDirective] = discarded.map { .discardSums($0) }
    works = works.filter { $0.key == position }
    if busy != .absorbing { works[position]?.enterView(owned: 0..<0) }
    if intake != nil, busy == nil {
      intake = nil
      directives.append(.discardState)
    }
    return directives
  }

  var ownSync: Sync {
    Sync(
      position: position, chain: chain, previousChain: previousChain, retainsTotals: retainsTotals,
      shardsDone: shardsDone)
  }

  func count(_ phase: PhaseIndex) -> Int { configuration.phases[Int(phase.phase) % configuration.phases.count] }

  /// The work on a phase, made when it is first needed.
  mutating func withWork<Result>(_ phase: PhaseIndex, _ body: (inout PhaseWork) -> Result) -> Result {
    let count = count(phase)
    let owned = viewState?.ownership(count).range(of: node) ?? 0..<0
    let shards = configuration.shards
    return body(&works[phase, default: PhaseWork(shards: shards, count: count, owned: owned)])
  }

  // MARK: Own work

  /// Elements of a shard's contribution to the current phase are ready. Of another phase, they are of no use.
  public mutating func contributed(
    shard: Int, elements: Intervals, position phase: PhaseIndex, now: Timestamp
  ) -> [ExchangeDirective] {
    guard phase == position, busy == nil, !isFinished, 0..<configuration.shards ~= shard else { return [] }
    let steps = withWork(phase) { $0.contribute(shard: shard, elements: elements) }
    return directives(steps, of: phase) + proceed(now)
  }

  /// The update that `absorb` asked for is done.
  /// - Parameters:
  ///   - checksum: of the totals.
  ///   - finished: whether that was the last phase of the training.
  public mutating func absorbed(checksum: UInt64, finished: Bool, now: Timestamp) -> [ExchangeDirective] {
    precondition(busy == .absorbing, "absorbed() answers absorb")
    busy = nil
    var directives: [ExchangeDirective] = []
    if retainsTotals, let before = position.previous(in: configuration.sequence) {
      directives.append(.release(before))
    }
    if let phaseBegan { deadline.observe(now - phaseBegan) }
    previousChain = chain
    chain = chain.absorbing(checksum: checksum)
    retainsTotals = true
    works[position] = nil
    position = position.next(in: configuration.sequence)
    isFinished = finished
    progressed(now)
    return directives + resume(now)
  }

  /// The state that `loadState` asked for is loaded, or was not what its digest says.
  public mutating func stateLoaded(succeeded: Bool, finished: Bool, now: Timestamp) -> [ExchangeDirective] {
    guard case .loading(let target, let history)? = busy else {
      preconditionFailure("stateLoaded() answers loadState")
    }
    busy = nil
    intake = nil
    guard succeeded else {
      // Damaged on its way: once more, from the beginning.
      if viewState != nil { intake = Intake() }
      return [.discardState] + resume(now)
    }
    // What was contributed here is of another history, also if that has come to the same position.
    works = works.filter { $0.key >= target && $0.key != position }
    var directives: [ExchangeDirective] = []
    if retainsTotals, let before = position.previous(in: configuration.sequence) {
      directives.append(.release(before))
    }
    directives.append(.release(position))
    position = target
    chain = history
    previousChain = Chain(rawValue: 0)
    retainsTotals = false
    isFinished = finished
    progressed(now)
    return directives + resume(now)
  }

  private mutating func resume(_ now: Timestamp) -> [ExchangeDirective] {
    if let view = pendingView {
      pendingView = nil
      return enter(view, now: now)
    }
    return begin(now) + proceed(now)
  }

  /// The coordinator wants somebody to compute shards of the current phase that are overdue.
  public mutating func execute(_ order: Execute, now: Timestamp) -> [ExchangeDirective] {
    guard let viewState, order.view == viewState.view.number, order.position == position, busy == nil, !isFinished,
      viewState.plan != nil, isSynchronized, viewState.members.contains(order.node),
      order.shards.upperBound <= configuration.shards
    else { return [] }
    self.viewState!.rescues.append((order.shards, order.node))
    let shards = Intervals(order.shards)
    let isMine = order.node == node
    var directives: [ExchangeDirective] = []
    if isMine { directives.append(.compute(position, shards: shardsToSend().subtracting(shardsDone))) }
    let steps = withWork(position) {
      isMine ? $0.divide(split: Intervals(), joined: shards) : $0.divide(split: shards, joined: Intervals())
    }
    return directives + self.directives(steps, of: position) + proceed(now)
  }

  /// Shards of the current phase that this node is to contribute.
  func shardsToSend() -> Intervals {
    guard let viewState, let plan = viewState.plan else { return Intervals() }
    var shards =
      position == plan.position ? plan.shards(of: node) : Intervals(viewState.view.member(node)?.shards ?? 0..<0)
    for rescue in viewState.rescues where rescue.node == node { shards.formUnion(Intervals(rescue.shards)) }
    return shards
  }

  // MARK: Going on

  /// Whatever follows from what is known now.
  mutating func proceed(_ now: Timestamp) -> [ExchangeDirective] {
    var directives: [ExchangeDirective] = []
    if let state = viewState, state.plan == nil, state.accounts.count == state.members.count {
      directives += synchronize(now)
    }
    directives += announce() + absorbIfReady()
    refreshWaiting(now)
    return directives
  }

  /// All accounts are there.
  private mutating func synchronize(_ now: Timestamp) -> [ExchangeDirective] {
    let state = viewState!
    let plan = ExchangePlan(view: state.view, accounts: state.accounts, sequence: configuration.sequence)
    viewState!.plan = plan
    let position = position
    works = works.filter { $0.key == position || $0.key >= plan.position }
    progressed(now)
    if plan.laggards.contains(node) { return [] }
    if plan.joiners.contains(node) {
      intake = Intake()
      let missed = state.missedState.filter { plan.donors.contains($0.key) }.sorted { $0.key < $1.key }
      // What its lanes compute is of no use.
      return [.compute(position, shards: Intervals())]
        + missed.map { .send(.request(.state(elements: $0.value)), to: [$0.key]) }
    }
    var directives: [ExchangeDirective] = []
    let share = plan.donors.firstIndex(of: node)!
    let part =
      share * configuration.stateCount / plan.donors.count..<(share + 1) * configuration.stateCount / plan.donors.count
    for joiner in plan.joiners { directives += stateChunks(Intervals(part), to: joiner) }
    if let before = plan.position.previous(in: configuration.sequence), plan.totalDonors.contains(node) {
      let part = RangeOwnership(members: plan.totalDonors, count: count(before)).range(of: node)
      directives += totals(of: before, Intervals(part), to: plan.laggards)
    }
    return directives + begin(now)
  }

  /// Begins the phase `position`; the view is synchronised.
  private mutating func begin(_ now: Timestamp) -> [ExchangeDirective] {
    guard let state = viewState, state.plan != nil, isSynchronized else { return [] }
    let others = state.members.filter { $0 != node }
    phaseBegan = now
    viewState!.rescues = []
    guard !isFinished else { return others.isEmpty ? [] : [.send(.acknowledgement, to: others)] }
    let shards = shardsToSend()
    var directives: [ExchangeDirective] = [.compute(position, shards: shards.subtracting(shardsDone))]
    // Partial sums carry this node's position to their receivers; members that get none receive an acknowledgement.
    let ownership = state.ownership(count(position))
    let untold = shards.isEmpty ? others : others.filter { ownership.range(of: $0).isEmpty }
    if !untold.isEmpty { directives.append(.send(.acknowledgement, to: untold)) }
    let steps = withWork(position) { $0.activate(sending: shards) }
    return directives + self.directives(steps, of: position)
  }

  /// Finished totals of the own range, to everyone.
  private mutating func announce() -> [ExchangeDirective] {
    guard let state = viewState, isSynchronized, !isFinished, busy == nil else { return [] }
    let fresh = withWork(position) { $0.takeUnannounced() }
    return totals(of: position, fresh, to: state.members.filter { $0 != node })
  }

  private mutating func absorbIfReady() -> [ExchangeDirective] {
    guard !isFinished, everyoneIsHere,
      works[position]?.isComplete == true
    else { return [] }
    busy = .absorbing
    return [.absorb(position)]
  }
}
