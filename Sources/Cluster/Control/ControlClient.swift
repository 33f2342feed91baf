import Messages
import ZeroMQ

/// A DEALER to a coordinator, on a context and thread of its own: for nodes and for status clients.
final class ControlClient {
  private var socket: Socket?
  private let context: ZeroMQContext

  /// On the context's thread. `receive` is called there with what comes.
  init(
    _ context: ZeroMQContext, to endpoint: Endpoint, security: ClusterSecurity,
    _ receive: @escaping (ControlMessage) -> Void
  ) throws {
    self.context = context
    var options = SocketOptions()
    options.maximumFrame = Limits.controlMessage
    options.sendHighWaterMark = 100_000
    // A coordinator that was started again takes those for lost who do not come soon after the others.
    options.reconnectMaximum = .milliseconds(500)
    let socket = try Socket(.dealer, in: context, security: security.coordinatorClient, options: options)
    do {
      try socket.connect(endpoint)
    } catch {
      socket.close()
      throw error
    }
    context.executor.watch(socket) { [weak self] _ in
      for message in self?.take() ?? [] { receive(message) }
    }
    self.socket = consume socket
  }

  private func take() -> [ControlMessage] {
    var messages: [ControlMessage] = []
    for _ in 0..<64 {
      guard socket != nil, let received = try? socket!.receive(maximumFrames: 2) else { break }
      switch received {
      case .nothing: return messages
      case .tooManyFrames: continue
      case .message(let frames):
        guard frames.count == 1, let message = try? ControlMessage(decoding: frames[0].unsafeBytes) else { continue }
        messages.append(message)
      }
    }
    return messages
  }

  /// A message that cannot be sent now is lost; the sender repeats it when it matters.
  @discardableResult
  func send(_ message: ControlMessage) -> Bool {
    guard socket != nil, let result = try? socket!.send([.bytes(message.encoded())]) else { return false }
    return result == .sent
  }

  func close() { socket.take()?.close() }
}
