import Messages
import ZeroMQ

extension Coordinator {
  /// Somebody predicts and asks the members for help. The samples are leased there, not here: inputs and results are
  /// many, and heartbeats do not wait behind them. The answer is the view, with the keys of those who will come.
  func pass(_ assist: Assist, from route: RoutingID) {
    if let stop = membership.stop { return reply(.stop(stop), to: route) }
    guard let view = membership.view else { return }
    for member in view.members { send(.assist(assist), to: member.node) }
    reply(.view(view), to: route)
  }
}
