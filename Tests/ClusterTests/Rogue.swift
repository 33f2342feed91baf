import Messages
import ZeroMQ

/// A DEALER that says what a test wants it to say.
actor Rogue {
  private let context: ZeroMQContext
  nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  private var socket: Socket?
  private var waiting: CheckedContinuation<StatusReply, Never>?

  init() throws { context = try ZeroMQContext(name: "rogue") }

  func connect(_ endpoint: Endpoint, _ security: SocketSecurity) throws {
    var options = SocketOptions()
    // Messages sent before the connection stands wait for it.
    options.immediate = false
    let socket = try Socket(.dealer, in: context, security: security, options: options)
    do {
      try socket.connect(endpoint)
    } catch {
      socket.close()
      throw error
    }
    context.executor.watch(socket) { [weak self] _ in self?.assumeIsolated { $0.receive() } }
    self.socket = consume socket
  }

  func say(_ message: ControlMessage) throws { _ = try socket!.send([.bytes(message.encoded())]) }

  func say(_ message: DataMessage, _ payload: [UInt8]) throws {
    _ = try socket!.send([.bytes(message.head(payloadCount: payload.count)), .bytes(payload)])
  }

  func say(_ bytes: [UInt8]) throws { _ = try socket!.send([.bytes(bytes)]) }

  /// The coordinator's answer, after it has heard everything said before.
  func status() async throws -> StatusReply {
    try say(ControlMessage(job: nil, sender: nil, incarnation: nil, epoch: Epoch(rawValue: 0), body: .statusRequest))
    return await withCheckedContinuation { waiting = $0 }
  }

  private func receive() {
    while let received = try? socket?.receive(), case .message(let frames) = received {
      guard let message = try? ControlMessage(decoding: frames[0].unsafeBytes),
        case .statusReply(let reply) = message.body
      else { continue }
      waiting?.resume(returning: reply)
      waiting = nil
    }
  }

  nonisolated func close() async {
    await shut()
    await context.closeAside()
  }

  private func shut() { socket.take()?.close() }
}
