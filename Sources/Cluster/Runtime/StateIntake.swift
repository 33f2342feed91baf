import Messages
import Training

/// The states of a job that its coordinator has, wants and fetches: for checkpoints, and for nodes that begin without peers.
/// A value without sockets and clock.
package struct StateIntake: Sendable {
  package enum Directive: Sendable {
    case send(ControlBody, to: NodeNumber)
    /// An offer, or what has come of it, is not what it should be.
    case refuse
    /// A state has come, and is what its digest says. It counts as unwritten until `wrote`.
    case keep(StateOffer, LearnerState)
  }

  private struct Fetch: Sendable {
    let node: NodeNumber
    let incarnation: Incarnation
    var state: StateFetch
    var heardAt: Timestamp
  }

  private struct Deferred: Sendable {
    let offer: StateOffer
    let node: NodeNumber
    let incarnation: Incarnation
  }

  /// States that were passed on and are not written yet; then offers wait.
  private static let mostUnwritten = 4
  /// Parts that do not come are requested again, and then given up.
  private static let (retry, patience) = (Duration.seconds(1), Duration.seconds(5))

  private let steps: Int
  private let stateCount: Int
  private let startedAt: Timestamp
  /// What a node without peers begins with.
  private var start: (offer: StateOffer, state: LearnerState)?
  private var fetch: Fetch?
  private var isWanted = false
  /// When a state was last wanted because of the time, or came.
  private var checkpoints: CheckpointTimer
  private var asking = Repetition()
  /// The step of the newest state that is here.
  package private(set) var savedStep: Int
  /// Whether the state at the end of the training has come.
  package private(set) var isLastHere = false
  private var unwritten = 0
  /// The newest offer that waits for what is unwritten.
  private var deferred: Deferred?

  /// - Parameters:
  ///   - stateCount: bytes of a state.
  ///   - interval: how long after a checkpoint the next one is due; `nil`: nodes alone say when.
  ///   - resuming: the step and the state to begin with.
  package init(
    steps: Int, stateCount: Int, checkpointInterval interval: Duration?, resuming: (step: Int, state: LearnerState)?,
    now: Timestamp
  ) {
    (self.steps, self.stateCount, startedAt) = (steps, stateCount, now)
    checkpoints = CheckpointTimer(interval)
    start = resuming.map { ($0.state.offer(step: $0.step), $0.state) }
    savedStep = resuming?.step ?? 0
  }

  // MARK: What nodes begin with

  package var offer: StateOffer? { start?.offer }

  /// The answer to a request; `nil` when it is of another state.
  package func part(_ request: StateRequest) -> StatePart? { start?.state.part(request) }

  // MARK: What is wanted

  /// Wants the state between two steps.
  package mutating func want() { isWanted = true }

  /// Wants the state at the end of the training, once: its owner may be unable to write it for a while.
  package mutating func wantLast() { isWanted = !isLastHere }

  /// Wants a state when the last one came long ago and the job has moved since.
  /// - Parameter furthest: the last step that is done.
  package mutating func wantByTime(furthest: UInt64, now: Timestamp) {
    let elapsed = now - startedAt
    guard checkpoints.isDue(at: elapsed), furthest > UInt64(savedStep) else { return }
    checkpoints.restart(at: elapsed)
    isWanted = true
  }

  /// Asks a node for its state while one is wanted, and again for parts that do not come.
  /// - Parameter source: the node to ask; `nil`: there is none.
  package mutating func drive(source: @autoclosure () -> NodeNumber?, now: Timestamp) -> [Directive] {
    if let current = fetch {
      let silence = now - current.heardAt
      if silence > StateIntake.patience { fetch = nil }
      guard fetch != nil, silence > StateIntake.retry else { return [] }
      return fetch!.state.parts.requestsAgain().map { .send(.stateRequest($0), to: current.node) }
    }
    guard isWanted, let node = source(), asking.isDue(every: StateIntake.retry, now: now) else { return [] }
    return [.send(.saveRequest, to: node)]
  }

  // MARK: What nodes have

  /// A node has a state: it is fetched unless one as new is here, or on its way.
  package mutating func consider(
    _ offer: StateOffer, of node: NodeNumber, _ incarnation: Incarnation, now: Timestamp
  ) -> [Directive] {
    guard offer.step <= UInt64(steps), isWanted || offer.step > UInt64(savedStep) else { return [] }
    if let fetch, fetch.state.offer.step >= offer.step { return [] }
    // Or they would pile up here, where checkpoints are due faster than they can be written.
    guard unwritten < StateIntake.mostUnwritten || isWanted else {
      deferred = Deferred(offer: offer, node: node, incarnation: incarnation)
      return []
    }
    guard var state = StateFetch(offer, count: stateCount) else { return [.refuse] }
    let requests = state.parts.requests()
    fetch = Fetch(node: node, incarnation: incarnation, state: state, heardAt: now)
    return requests.map { .send(.stateRequest($0), to: node) }
  }

  package mutating func take(_ part: StatePart, from node: NodeNumber, now: Timestamp) -> [Directive] {
    guard fetch?.node == node, fetch!.state.take(part) else { return [] }
    fetch!.heardAt = now
    let requests = fetch!.state.parts.requests().map { Directive.send(.stateRequest($0), to: node) }
    guard fetch!.state.parts.isComplete else { return requests }
    let (offer, state, isRight) = (fetch!.state.offer, fetch!.state.state, fetch!.state.isRight)
    fetch = nil
    guard isRight else { return requests + [.refuse] }
    isWanted = false
    checkpoints.restart(at: now - startedAt)
    savedStep = Int(offer.step)
    start = (offer, state)
    isLastHere = Int(offer.step) == steps || offer.converged
    unwritten += 1
    return requests + [.keep(offer, state)]
  }

  /// The owner has done with a state that it was given.
  /// - Parameter isCurrent: whether the node that has waited with an offer is still there.
  package mutating func wrote(
    isCurrent: (NodeNumber, Incarnation) -> Bool, now: Timestamp
  ) -> [Directive] {
    unwritten -= 1
    guard let next = deferred.take(), isCurrent(next.node, next.incarnation) else { return [] }
    return consider(next.offer, of: next.node, next.incarnation, now: now)
  }

  /// A fetch from a node that is not in the view ends.
  package mutating func follow(_ view: View) {
    if let fetch, view.member(fetch.node)?.incarnation != fetch.incarnation { self.fetch = nil }
  }
}
