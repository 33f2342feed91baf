import Messages
import ZeroMQ

/// A DEALER to one incarnation of a peer, and what waits to be sent to it.
final class PeerLink {
  let node: NodeNumber
  let incarnation: Incarnation
  var socket: Socket?
  /// Chunks that wait for credit, or for the connection.
  var waiting: [(chunk: Chunk, bytes: SharedBytes)] = []
  /// Messages that come without a payload: they do not wait for credit, or two nodes that have none would wait for ever.
  var bodies: [DataBody] = []
  /// Whether the peer sees this node's memory, as far as is known.
  var isShared: Bool
  /// The peer's memory.
  var memory = PeerMemory()
  /// Since when nothing could be sent.
  var blockedSince: ContinuousClock.Instant?

  init(_ member: Member, isShared: Bool, socket: consuming Socket) {
    node = member.node
    incarnation = member.incarnation
    self.isShared = isShared
    self.socket = consume socket
  }

  func close() { socket.take()?.close() }
}

extension Mesh {
  /// Links to the members of the view, and to no other node. What waited for another view is void.
  func followView(_ view: View?) {
    guard machine != nil, linkedView != view?.number else { return }
    linkedView = view?.number
    credits.reset()
    grants.reset()
    var left = links
    links = [:]
    for member in view?.members ?? [] where member.node != machine!.node {
      if let link = left[member.node], link.incarnation == member.incarnation {
        left[member.node] = nil
        link.waiting = []
        link.bodies = []
        links[member.node] = link
      } else if let link = connect(to: member) {
        links[member.node] = link
      }
    }
    for link in left.values { link.close() }
    allow(Set(view?.members.compactMap { $0.publicKey.flatMap { CurvePublicKey(bytes: $0.bytes) } } ?? []))
  }

  private func connect(to member: Member) -> PeerLink? {
    guard let socket = dealer(to: member) else { return nil }
    let link = PeerLink(member, isShared: configuration.isShared, socket: consume socket)
    watch(link)
    return link
  }

  private func watch(_ link: PeerLink) {
    let node = link.node
    context.executor.watch(link.socket!, for: []) { [weak self] _ in
      self?.assumeIsolated { if let link = $0.links[node] { $0.flush(link) } }
    }
  }

  private func dealer(to member: Member) -> Socket? {
    var options = SocketOptions()
    options.sendHighWaterMark = 0
    options.receiveHighWaterMark = 0
    options.maximumFrame = Limits.payload
    options.linger = .milliseconds(200)
    options.reconnect = .milliseconds(20)
    options.reconnectMaximum = .milliseconds(500)
    guard let text = member.dataEndpoints.first, let endpoint = try? Endpoint(text),
      let security = configuration.security.client(of: member.publicKey),
      let socket = try? Socket(.dealer, in: context, security: security, options: options)
    else { return nil }
    do {
      try socket.connect(endpoint)
    } catch {
      socket.close()
      return nil
    }
    return socket
  }

  /// Connects anew what has been blocked for long. libzmq does not try again after a peer has refused its key, and a
  /// peer that has not installed the view yet refuses those of its new members.
  func relink() {
    relinkTimer = nil
    for link in links.values {
      guard let since = link.blockedSince, ContinuousClock.now - since > .milliseconds(300),
        let member = machine?.view?.member(link.node), let socket = dealer(to: member)
      else { continue }
      link.close()
      link.socket = consume socket
      link.blockedSince = nil
      watch(link)
      flush(link)
    }
    armRelinking()
  }

  func armRelinking() {
    guard relinkTimer == nil, links.values.contains(where: { $0.blockedSince != nil }) else { return }
    relinkTimer = context.executor.setTimer(at: .now + .milliseconds(200)) { [weak self] in
      self?.assumeIsolated { $0.relink() }
    }
  }

  /// The link to a member of the view that is installed now.
  func link(to node: NodeNumber) -> PeerLink? {
    followView(machine?.view)
    return links[node]
  }

  func send(_ body: DataBody, to nodes: [NodeNumber]) {
    for node in nodes { link(to: node)?.bodies.append(body) }
  }

  /// Sends what waits, as far as credit and connection allow.
  func flush(_ link: PeerLink) {
    guard link.socket != nil else { return }
    var isBlocked = false
    while !isBlocked, let body = link.bodies.first {
      guard send(body, nil, on: link) else {
        isBlocked = true
        break
      }
      link.bodies.removeFirst()
    }
    var sent = 0
    while !isBlocked, sent < link.waiting.count, credits.maySend(to: link.node) {
      let (chunk, bytes) = link.waiting[sent]
      guard send(.chunk(chunk), bytes, on: link) else {
        isBlocked = true
        break
      }
      credits.use(bytes.bytes.count, to: link.node)
      bytesSent += UInt64(bytes.bytes.count)
      sent += 1
    }
    link.waiting.removeFirst(sent)
    link.blockedSince = isBlocked ? link.blockedSince ?? .now : nil
    context.executor.setInterest(isBlocked ? .writable : [], of: link.socket!)
  }

  /// False when it has to wait.
  private func send(_ body: DataBody, _ bytes: SharedBytes?, on link: PeerLink) -> Bool {
    guard machine != nil, let incarnation, let view = machine!.view?.number else { return true }
    let message = DataMessage(
      header: DataHeader(
        job: configuration.job, sender: machine!.node, incarnation: incarnation, view: view,
        position: machine!.position, bytesBefore: credits.used(link.node)), body: body)
    var frames = [OutgoingFrame.bytes(message.head(payloadCount: bytes?.bytes.count ?? 0))]
    if let bytes { frames.append(.shared(bytes)) }
    guard let result = try? link.socket!.send(frames) else { return true }
    return result == .sent
  }
}
