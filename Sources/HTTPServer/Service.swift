import Synchronization

/// What all connections of a server share.
final class Service: Sendable {
  let limits: Limits
  private let router: Router
  private let access: Access
  private let observer: @Sendable (RequestRecord) -> Void
  let connections: ConnectionList
  /// Bytes of bodies that are held.
  private let held = Atomic<Int>(0)

  init(_ routes: [Route], _ access: Access, _ limits: Limits, _ observer: @escaping @Sendable (RequestRecord) -> Void) {
    (self.limits, self.access, self.observer) = (limits, access, observer)
    router = Router(routes)
    connections = ConnectionList(limit: limits.connections)
  }

  /// Takes room for a part of a body.
  /// - Returns: false when there is none.
  func hold(_ bytes: Int) -> Bool {
    guard held.add(bytes, ordering: .relaxed).newValue > limits.bodies else { return true }
    release(bytes)
    return false
  }

  func release(_ bytes: Int) { held.subtract(bytes, ordering: .relaxed) }

  /// What is answered to a request's head alone, most often why it is refused; nil: it may send its body.
  func refusal(of head: Request) -> Response? {
    if let refusal = access.refusal(ofBrowser: head) { return refusal }
    if let answer = access.cookieAnswer(to: head) { return answer }
    switch router.find(head.method, head.path) {
    case .nothing:
      return access.refusal(ofStranger: head) ?? .error(404, "There is nothing under this path.")
    case .otherMethods(let methods):
      return access.refusal(ofStranger: head)
        ?? .error(
          405, "This path is for \(methods.joined(separator: " and ")).",
          headers: [("Allow", methods.joined(separator: ", "))])
    case .route(let route, _): return route.isPublic ? nil : access.refusal(ofStranger: head)
    }
  }

  /// Answers a request whose head was not refused.
  func answer(_ request: Request) async -> Response { await router.answer(request) }

  func observe(_ record: RequestRecord) { observer(record) }
}
