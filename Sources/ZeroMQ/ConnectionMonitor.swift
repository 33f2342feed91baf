import CZeroMQ
import Synchronization

/// Counts what happens to a socket's connections, among it the peers that did not speak ZMTP or had the wrong key, and
/// keeps those of strangers few.
/// Close it before the context; the counts may be read from anywhere and stay.
public final class ConnectionMonitor: @unchecked Sendable {
  /// Counts since the monitor was made.
  public struct Counts: Hashable, Sendable {
    /// Peers that connected to a bound socket, before any greeting.
    public var accepted = 0
    public var connected = 0
    public var disconnected = 0
    /// Peers that greeted properly, and with CURVE proved their key.
    public var greeted = 0
    /// Bytes that are no ZMTP greeting, or another mechanism than the socket's.
    public var failedProtocol = 0
    /// A key that is not allowed, or the wrong server key.
    public var failedAuthentication = 0
    /// Gone in the middle of the greeting.
    public var failedOtherwise = 0
    /// Connections that were closed since too many said nothing.
    public var silent = 0

    /// Whether a peer that has greeted has not hung up yet, as far as is known: those that failed count as gone too.
    public var isAnybodyHere: Bool { greeted > disconnected }
  }

  private let state = Mutex(Counts())
  // Guarded by the polling thread.
  private nonisolated(unsafe) var socket: Socket?
  private nonisolated(unsafe) var changeHandler: (() -> Void)?
  private nonisolated(unsafe) var silent: SilentConnections?
  private let watched: UnsafeMutableRawPointer

  public var counts: Counts { state.withLock { $0 } }

  init(of handle: UnsafeMutableRawPointer, in context: ZeroMQContext, silentLimit: Int?) throws(ZeroMQError) {
    watched = handle
    silent = silentLimit.map { SilentConnections(limit: $0) }
    let endpoint = Endpoint(.inproc(name: "monitor-\(UInt(bitPattern: handle))"))
    let events =
      ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
      | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
      | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
    guard zmq_socket_monitor(handle, endpoint.description, events) == 0 else {
      throw ZeroMQError(doing: "monitoring a socket")
    }
    do throws(ZeroMQError) {
      // libzmq's I/O thread waits where a monitor's queue is full, and may then hold what `close` needs.
      var options = SocketOptions()
      options.receiveHighWaterMark = 0
      let pair = try Socket(.pair, in: context, security: .plainOnLoopback, options: options)
      do throws(ZeroMQError) {
        try pair.connect(endpoint)
      } catch {
        pair.close()
        throw error
      }
      context.executor.watch(pair) { [unowned self] _ in drain() }
      socket = consume pair
    } catch {
      zmq_socket_monitor(handle, nil, 0)
      throw error
    }
  }

  /// Calls `handler` on the polling thread when a count has changed.
  public func onChange(_ handler: @escaping () -> Void) { changeHandler = handler }

  /// A message that is one has come: whose connection it came by is no stranger. On the polling thread.
  public func heard(_ frame: IncomingFrame) {
    guard silent?.isEmpty == false, let descriptor = frame.descriptor else { return }
    silent!.remove(descriptor)
  }

  /// On the polling thread, before the socket it watches is closed.
  public func close() {
    guard socket != nil else { return }
    zmq_socket_monitor(watched, nil, 0)
    socket.take()?.close()
    changeHandler = nil
  }

  private func drain() {
    for _ in 0..<64 {
      guard socket != nil, case .message(let frames)? = try? socket!.receive(), let event = frames.first,
        event.count >= 6
      else { return hangUp() }
      let (kind, value) = event.withUnsafeBytes {
        (Int32($0.loadUnaligned(as: UInt16.self)), $0.loadUnaligned(fromByteOffset: 2, as: Int32.self))
      }
      switch kind {
      case ZMQ_EVENT_ACCEPTED: silent?.accept(value)
      case ZMQ_EVENT_DISCONNECTED: silent?.remove(value)
      default: break
      }
      count(event: kind)
      changeHandler?()
    }
  }

  private func hangUp() {
    let count = silent?.hangUp() ?? 0
    guard count > 0 else { return }
    state.withLock { $0.silent += count }
    changeHandler?()
  }

  private func count(event: Int32) {
    state.withLock { counts in
      switch event {
      case ZMQ_EVENT_ACCEPTED: counts.accepted += 1
      case ZMQ_EVENT_CONNECTED: counts.connected += 1
      case ZMQ_EVENT_DISCONNECTED: counts.disconnected += 1
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: counts.greeted += 1
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: counts.failedProtocol += 1
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: counts.failedAuthentication += 1
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: counts.failedOtherwise += 1
      default: break
      }
    }
  }
}
