import Messages
import Training
import ZeroMQ

extension Coordinator {
  /// Asks for the state between two steps, as soon as a node is between two; it comes as an event. Without a node to
  /// ask the job ends at once. From any thread.
  public nonisolated func save(orEnd stop: Stop) {
    context.executor.run { [self] in
      assumeIsolated {
        if $0.membership.view == nil { return $0.end(stop) }
        $0.isSaveWanted = true
        $0.driveSaving()
      }
    }
  }

  /// Has a state asked for when the last one came long ago and the job has moved since. Time starts with the nodes.
  func saveByTime() {
    guard runningSince != nil, membership.stop == nil else { return }
    let elapsed = Timestamp.now - startedAt
    guard checkpoints.isDue(at: elapsed), furthest.step > UInt64(savedStep) else { return }
    checkpoints.restart(at: elapsed)
    isSaveWanted = true
  }

  /// Asks the lowest member for its state while one is wanted, and again for parts that do not come.
  func driveSaving() {
    let now = Timestamp.now
    if var current = fetch {
      if now - current.heardAt > .seconds(5) {
        fetch = nil
      } else if now - current.heardAt > .seconds(1) {
        for request in current.fetch.parts.requestsAgain() { send(.stateRequest(request), to: current.node) }
        fetch = current
      }
      return
    }
    guard isSaveWanted, saveAskedAt.map({ now - $0 > .seconds(1) }) ?? true, let view = membership.view else { return }
    saveAskedAt = now
    // Of those that are heard, the lowest; a finished one when all are.
    if let member = view.members.first(where: { membership.isHeard($0.node) }) ?? view.members.first {
      send(.saveRequest, to: member.node)
    }
  }

  /// A node holds a state: it is fetched unless one as new is here, or on its way.
  func consider(_ offer: StateOffer, of node: NodeNumber, _ incarnation: Incarnation) {
    guard offer.step <= UInt64(configuration.steps), isSaveWanted || offer.step > UInt64(savedStep) else { return }
    if let fetch, fetch.fetch.offer.step >= offer.step { return }
    // Or they would pile up here, where checkpoints are due faster than they can be written.
    guard unwritten < 4 || isSaveWanted else {
      deferred = (offer, node, incarnation)
      return
    }
    guard var fetching = StateFetch(offer, count: configuration.stateCount) else {
      refused += 1
      return
    }
    for request in fetching.parts.requests() { send(.stateRequest(request), to: node) }
    fetch = Fetch(node: node, incarnation: incarnation, fetch: fetching, heardAt: .now)
  }

  func take(_ part: StatePart, from node: NodeNumber) {
    guard var current = fetch, current.node == node, current.fetch.take(part) else { return }
    current.heardAt = .now
    for request in current.fetch.parts.requests() { send(.stateRequest(request), to: node) }
    fetch = current
    guard current.fetch.parts.isComplete else { return }
    fetch = nil
    guard current.fetch.isRight else {
      refused += 1
      return
    }
    let (offer, state) = (current.fetch.offer, current.fetch.state)
    isSaveWanted = false
    checkpoints.restart(at: Timestamp.now - startedAt)
    savedStep = Int(offer.step)
    start = (offer, state)
    isLastHere = Int(offer.step) == configuration.steps || offer.converged
    passReports(all: isLastHere)
    unwritten += 1
    continuation.yield(.state(offer, state))
  }

  /// The owner has done with a state that it has heard of. From any thread.
  public nonisolated func wroteState() {
    context.executor.run { [self] in
      assumeIsolated {
        $0.unwritten -= 1
        guard let (offer, node, incarnation) = $0.deferred.take(), $0.membership.isCurrent(node, incarnation) else {
          return
        }
        $0.consider(offer, of: node, incarnation)
      }
    }
  }
}

extension Membership {
  /// Whether a node is a member and no heartbeat is missing.
  func isHeard(_ node: NodeNumber) -> Bool { records[node]?.state == .member }
}
