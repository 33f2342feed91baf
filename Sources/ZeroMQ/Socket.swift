import CZeroMQ
import Glibc

/// The one owner of a ZeroMQ socket. Made, used and closed on its context's polling thread; a socket that is dropped
/// without `close()` traps, since it would keep its context from ending.
public struct Socket: ~Copyable {
  let handle: UnsafeMutableRawPointer
  private let unmanagedContext: Unmanaged<ZeroMQContext>
  private let staysOnLoopback: Bool

  private var context: ZeroMQContext { unmanagedContext.takeUnretainedValue() }

  public init(
    _ type: SocketType, in context: ZeroMQContext, security: SocketSecurity, options: SocketOptions = SocketOptions()
  ) throws(ZeroMQError) {
    context.executor.checkIsolated()
    guard let handle = zmq_socket(context.handle, type.number) else { throw ZeroMQError(doing: "making a socket") }
    do throws(ZeroMQError) {
      try options.apply(to: handle, type: type)
      try security.apply(to: handle)
    } catch {
      zmq_close(handle)
      throw error
    }
    context.socketOpened()
    self.handle = handle
    unmanagedContext = Unmanaged.passRetained(context)
    if case .plainOnLoopback = security { staysOnLoopback = true } else { staysOnLoopback = false }
  }

  deinit {
    precondition(Self.mayBeDropped, "a Socket was dropped without close()")
  }

  /// `discard self` in `close()` is the only way around the check.
  private static var mayBeDropped: Bool { false }

  public consuming func close() {
    let context = context
    context.executor.forget(handle: handle)
    zmq_close(handle)
    context.socketClosed()
    unmanagedContext.release()
    discard self
  }

  // MARK: Addresses

  /// Returns where it is bound, with the port that the system has chosen.
  @discardableResult
  public borrowing func bind(_ endpoint: Endpoint) throws(ZeroMQError) -> Endpoint {
    try check(endpoint)
    let endpoint = endpoint.numericLoopback
    if case .ipc(let path) = endpoint.transport { try UnixSocket.checkFree(path, for: endpoint) }
    guard zmq_bind(handle, endpoint.description) == 0 else {
      let number = zmq_errno()
      guard number == ENODEV else { throw ZeroMQError(doing: "binding to \(endpoint)", errno: number) }
      throw ZeroMQError(
        .badEndpoint, doing: "binding to \(endpoint)", reason: "its host is no address of this machine",
        advice: "name the address in numbers, as in tcp://10.0.0.1:7700, or an interface, as in tcp://eth0:7700")
    }
    guard case .tcp(let host, .any) = endpoint.transport else { return endpoint }
    var buffer = [CChar](repeating: 0, count: 512)
    var count = buffer.count
    guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &count) == 0 else {
      throw ZeroMQError(doing: "asking which port \(endpoint) got")
    }
    let bound = try Endpoint(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    guard case .tcp(_, let port) = bound.transport else { return bound }
    return Endpoint(.tcp(host: host, port: port))
  }

  public borrowing func connect(_ endpoint: Endpoint) throws(ZeroMQError) {
    try check(endpoint)
    guard zmq_connect(handle, endpoint.description) == 0 else { throw ZeroMQError(doing: "connecting to \(endpoint)") }
  }

  public borrowing func disconnect(_ endpoint: Endpoint) throws(ZeroMQError) {
    context.executor.checkIsolated()
    guard zmq_disconnect(handle, endpoint.description) == 0 || zmq_errno() == ENOENT else {
      throw ZeroMQError(doing: "disconnecting from \(endpoint)")
    }
  }

  private borrowing func check(_ endpoint: Endpoint) throws(ZeroMQError) {
    context.executor.checkIsolated()
    guard !staysOnLoopback || endpoint.isLoopback else {
      throw ZeroMQError(
        .plainTextRefused, doing: "opening \(endpoint)", reason: "it reaches beyond this machine and is not encrypted",
        advice: "make keys with elbo keys, or ask for plain text by name")
    }
  }

  // MARK: Messages

  public enum SendResult: Sendable {
    case sent
    /// No peer is connected, or the peer's queue is full. Nothing was sent.
    case wouldBlock
    /// ROUTER: no such peer. Nothing was sent.
    case unroutable
  }

  /// Sends a message of one or more frames, all or nothing, without waiting.
  public borrowing func send(_ frames: [OutgoingFrame]) throws(ZeroMQError) -> SendResult {
    context.executor.checkIsolated()
    precondition(!frames.isEmpty, "a message has at least one frame")
    let messages = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: frames.count)
    defer { messages.deallocate() }
    // All frames are ready before the first is sent, so that nothing can fail between two of them.
    for (index, frame) in frames.enumerated() {
      do throws(ZeroMQError) {
        try frame.fill(messages + index)
      } catch {
        for made in 0..<index { zmq_msg_close(messages + made) }
        throw error
      }
    }
    for index in frames.indices {
      let more = index + 1 < frames.count ? ZMQ_SNDMORE : 0
      var status: Int32
      repeat {
        status = zmq_msg_send(messages + index, handle, ZMQ_DONTWAIT | more)
      } while status < 0 && zmq_errno() == EINTR
      if status >= 0 { continue }
      let number = zmq_errno()
      for rest in index..<frames.count { zmq_msg_close(messages + rest) }
      // libzmq decides at the first frame; the others follow it or vanish with the peer.
      if index == 0, number == EAGAIN { return .wouldBlock }
      if index == 0, number == EHOSTUNREACH { return .unroutable }
      throw ZeroMQError(doing: "sending \(frames.count) frames", errno: number)
    }
    return .sent
  }

  public enum Received {
    case message([IncomingFrame])
    /// More frames than asked for. They were taken and dropped.
    case tooManyFrames(Int)
    /// Nothing is there.
    case nothing
  }

  /// Takes the next message without waiting. On a ROUTER, its first frame is the sender's routing id.
  public borrowing func receive(maximumFrames: Int = 8) throws(ZeroMQError) -> Received {
    context.executor.checkIsolated()
    var frames: [IncomingFrame] = []
    var count = 0
    while true {
      let frame = IncomingFrame()
      // Only the first can be missing: a message arrives whole.
      while zmq_msg_recv(frame.message, handle, ZMQ_DONTWAIT) < 0 {
        let number = zmq_errno()
        if number == EINTR { continue }
        if number == EAGAIN, count == 0 { return .nothing }
        throw ZeroMQError(doing: "receiving", errno: number)
      }
      count += 1
      if count <= maximumFrames { frames.append(frame) } else { frames.removeAll() }
      if zmq_msg_more(frame.message) == 0 {
        return count <= maximumFrames ? .message(frames) : .tooManyFrames(count)
      }
    }
  }

  /// Counts what happens to this socket's connections; until it is closed.
  /// - Parameter silentLimit: the most connections that have sent nothing yet; for a further one the oldest is closed. The
  ///   caller passes each message that it receives to `ConnectionMonitor.heard(_:)`.
  public borrowing func monitor(silentLimit: Int? = nil) throws(ZeroMQError) -> ConnectionMonitor {
    try ConnectionMonitor(of: handle, in: context, silentLimit: silentLimit)
  }
}
