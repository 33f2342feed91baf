import Messages
import ZeroMQ

extension Coordinator {
  func refuse(_ reason: String, from route: RoutingID) {
    strangers.refuse()
    note("a message is refused: \(reason)", of: route)
  }

  /// Once a peer.
  func note(_ text: String, of route: RoutingID) {
    if strangers.isFirst(route) { continuation.yield(.note(text)) }
  }

  func noteStrangers() {
    guard let count = server?.silentCount, strangers.isSilenceNew(count) else { return }
    continuation.yield(.note("many connections say nothing (\(count) were closed); the training goes on"))
  }

  /// Whether the roles of a connection's key allow this message. If not, and the sender waits for an answer, it gets a refusal.
  func permits(_ message: ControlMessage, from route: RoutingID, key: PublicKey?) -> Bool {
    guard case .curve(_, _, let allowed) = configuration.security, let wanted = message.body.role else { return true }
    let roles = key.flatMap { CurvePublicKey(bytes: $0.bytes) }.map { allowed.roles(of: $0) } ?? []
    if roles.contains(wanted) { return true }
    let own = KeyRole.allCases.filter(roles.contains).map(\.rawValue).joined(separator: ", ")
    let explanation =
      "its key has the role \(own), and this needs \(wanted.rawValue); the list of --allow says who has which"
    refuse(explanation, from: route)
    let incarnation: Incarnation? =
      switch message.body {
      case .hello(let hello): hello.incarnation
      case .recipeRequest, .assist: Incarnation(rawValue: 1)
      default: nil
      }
    if let incarnation {
      reply(.refused(Refused(code: .notListed, explanation: explanation, incarnation: incarnation)), to: route)
    }
    return false
  }

  /// Answers a node of another job, whose coordinator was here before; without an answer it would knock for ever.
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

extension ControlBody {
  /// What a key must be listed for to say this to a coordinator; `nil`: for anything.
  fileprivate var role: KeyRole? {
    switch self {
    case .statusRequest: nil
    case .assist: .predict
    default: .node
    }
  }
}
