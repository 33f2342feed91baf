import CZeroMQ

/// Bytes that somebody owns and that may be sent to several peers without a copy. They must not change until the
/// last reference is gone; `release` then runs, on any thread.
public final class SharedBytes: @unchecked Sendable {
  // Immutable after init; the bytes are only read.
  public let bytes: UnsafeRawBufferPointer
  private let release: @Sendable () -> Void

  public init(_ bytes: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void) {
    self.bytes = bytes
    self.release = release
  }

  deinit { release() }
}

/// One frame of a message to send.
public enum OutgoingFrame {
  case bytes([UInt8])
  /// Copied below `copyLimit`, and handed to libzmq as it lies from there on.
  case shared(SharedBytes)
  /// A received frame, passed on without a copy.
  case received(IncomingFrame)

  /// Bookkeeping of a shared message costs about as much as copying this many bytes.
  public static let copyLimit = 64 << 10

  public var count: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .shared(let shared): shared.bytes.count
    case .received(let frame): frame.count
    }
  }

  /// Makes `message` this frame. The caller sends or closes it.
  func fill(_ message: UnsafeMutablePointer<zmq_msg_t>) throws(ZeroMQError) {
    let doing = "preparing a frame of \(count) bytes"
    switch self {
    case .bytes(let bytes):
      guard zmq_msg_init_size(message, bytes.count) == 0 else { throw ZeroMQError(doing: doing) }
      bytes.withUnsafeBytes { zmq_msg_data(message).copyMemory(from: $0) }
    case .shared(let shared) where shared.bytes.count < Self.copyLimit:
      guard zmq_msg_init_size(message, shared.bytes.count) == 0 else { throw ZeroMQError(doing: doing) }
      zmq_msg_data(message).copyMemory(from: shared.bytes)
    case .shared(let shared):
      let hint = Unmanaged.passRetained(shared)
      let status = zmq_msg_init_data(
        message, UnsafeMutableRawPointer(mutating: shared.bytes.baseAddress!), shared.bytes.count,
        { _, hint in Unmanaged<SharedBytes>.fromOpaque(hint!).release() }, hint.toOpaque())
      guard status == 0 else {
        hint.release()
        throw ZeroMQError(doing: doing)
      }
    case .received(let frame):
      zmq_msg_init(message)
      guard zmq_msg_copy(message, frame.message) == 0 else { throw ZeroMQError(doing: doing) }
    }
  }
}

extension UnsafeMutableRawPointer? {
  /// libzmq answers an empty message's data with a pointer that may be nil; there is nothing to copy then.
  fileprivate func copyMemory(from bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    self!.copyMemory(from: start, byteCount: bytes.count)
  }
}

/// One received frame. Its bytes stay where libzmq received them, for as long as this lives.
public final class IncomingFrame: @unchecked Sendable {
  // Written only before the initialiser returns; read-only afterwards, so any thread may look.
  let message: UnsafeMutablePointer<zmq_msg_t>

  init() {
    message = .allocate(capacity: 1)
    zmq_msg_init(message)
  }

  deinit {
    zmq_msg_close(message)
    message.deallocate()
  }

  public var count: Int { zmq_msg_size(message) }

  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(unsafeBytes)
  }

  /// Valid as long as this frame lives: for an owner that keeps both.
  public var unsafeBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
  }

  public var array: [UInt8] { withUnsafeBytes { Array($0) } }

  /// The public key that the sender's connection has proved to hold; `nil` on a connection in plain text.
  public var provenKey: CurvePublicKey? {
    guard let text = zmq_msg_gets(message, "User-Id") else { return nil }
    return CurvePublicKey(hexadecimal: String(cString: text))
  }

  /// Of the connection by which it came, if that is over a network or a Unix socket.
  var descriptor: CInt? {
    let descriptor = zmq_msg_get(message, ZMQ_SRCFD)
    return descriptor < 0 ? nil : descriptor
  }
}

/// What a ROUTER calls a peer: valid as long as the peer's connection, and on that socket only.
public struct RoutingID: Hashable, Sendable {
  public let bytes: [UInt8]
  public init(bytes: [UInt8]) { self.bytes = bytes }
}
