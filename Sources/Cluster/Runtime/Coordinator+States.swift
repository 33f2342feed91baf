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
        $0.states.want()
        $0.driveSaving()
      }
    }
  }

  /// Has a state asked for when the last one came long ago. Time starts with the nodes.
  func saveByTime() {
    guard progress.runningSince != nil, membership.stop == nil else { return }
    states.wantByTime(furthest: progress.furthest.step, now: .now)
  }

  func driveSaving() { carryOut(states.drive(source: membership.stateSource, now: .now)) }

  func carryOut(_ directives: [StateIntake.Directive]) {
    for directive in directives {
      switch directive {
      case .send(let body, let node): send(body, to: node)
      case .refuse: strangers.refuse()
      case .keep(let offer, let state):
        passOn(states.isLastHere ? reports.all() : reports.due(furthest: progress.furthest.step, now: .now))
        continuation.yield(.state(offer, state))
      }
    }
  }

  /// Passes reports of members on.
  func passOn(_ reports: [Report]) {
    for report in reports { continuation.yield(.report(report)) }
  }

  /// The owner has done with a state that it has heard of. From any thread.
  public nonisolated func wroteState() {
    context.executor.run { [self] in
      assumeIsolated { coordinator in
        coordinator.carryOut(
          coordinator.states.wrote(isCurrent: { coordinator.membership.isCurrent($0, $1) }, now: .now))
      }
    }
  }
}

extension Membership {
  /// The member to ask for its state: of those that are heard, the lowest; a finished one when all are.
  var stateSource: NodeNumber? {
    guard let members = view?.members else { return nil }
    return (members.first { isHeard($0.node) } ?? members.first)?.node
  }

  /// Whether a node is a member and no heartbeat is missing.
  private func isHeard(_ node: NodeNumber) -> Bool { records[node]?.state == .member }
}
