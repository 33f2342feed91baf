import Messages
import ZeroMQ

extension Coordinator {
  func refuse(_ reason: String, from route: RoutingID) {
    refused += 1
    note("a message is refused: \(reason)", of: route)
  }

  /// Once a peer. Strangers may be many: their names are kept within bounds.
  func note(_ text: String, of route: RoutingID) {
    if noted.count < 1000, noted.insert(route).inserted { continuation.yield(.note(text)) }
  }

  /// A node of another job knocks, whose coordinator was here before: it is told, or it would go on knocking for ever.
  func turnAway(_ message: ControlMessage, at route: RoutingID) {
    refuse("it is of another job", from: route)
    let incarnation: Incarnation? =
      switch message.body {
      case .hello(let hello): hello.incarnation
      case .heartbeat: message.incarnation
      default: nil
      }
    guard let incarnation else { return }
    let explanation = "\(configuration.name), job \(job.hexadecimal)"
    reply(.refused(Refused(code: .otherJob, explanation: explanation, incarnation: incarnation)), to: route)
  }
}
