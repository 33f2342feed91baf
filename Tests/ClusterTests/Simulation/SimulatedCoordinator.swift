import Cluster
import Messages

/// The coordinator process. Its log outlives it.
struct SimulatedCoordinator {
  var membership: Membership
  var ledger = ShardLedger()
  var epoch: Epoch
  /// Where a node's messages come from, as far as this process knows.
  var routes: [NodeNumber: Int] = [:]

  init(_ configuration: Membership.Configuration, log: [LogRecord], epoch: Epoch, now: Timestamp) {
    self.epoch = epoch
    membership = Membership(configuration: configuration, replaying: log, now: now)
    if let view = membership.view { ledger.begin(view) }
  }

  mutating func receive(_ message: ControlMessage, from index: Int, now: Timestamp) -> [Membership.Directive] {
    if case .hello(let hello) = message.body {
      let directives = membership.receive(hello, provenKey: nil, now: now)
      for case .reply(.welcome(let welcome)) in directives { routes[welcome.node] = index }
      return directives
    }
    guard let node = message.sender, let incarnation = message.incarnation else { return [] }
    if membership.isCurrent(node, incarnation) { routes[node] = index }
    switch message.body {
    case .heartbeat(let heartbeat):
      _ = ledger.report(
        node: node, incarnation: incarnation, view: heartbeat.view, position: heartbeat.position,
        done: heartbeat.shardsDone)
      return membership.receive(heartbeat, from: node, incarnation, now: now)
    case .viewAcknowledgement(let acknowledgement):
      return membership.receive(acknowledgement, from: node, incarnation, now: now)
    case .leave(let leave): return membership.receive(leave, from: node, incarnation, now: now)
    case .late(let late):
      guard case .success(let orders) = ledger.rescue(late, from: node, incarnation) else { return [] }
      // Everyone hears of it: who computes, who need not wait any more, and who is owed.
      return orders.flatMap { order in
        (membership.view?.members ?? []).map { .send(.execute(order), to: $0.node) }
      }
    default: return []
    }
  }
}
