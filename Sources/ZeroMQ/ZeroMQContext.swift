import CZeroMQ
import Foundation
import Glibc
import Synchronization

/// A ZeroMQ context with its polling thread. Sockets are made, used and closed on that thread, by actors whose
/// executor is `executor`.
///
/// Closing goes from the inside out: the actors close their sockets, authenticators and monitors; then `close()`, from
/// any other thread, joins the polling thread and ends the context. Nothing stays behind.
public final class ZeroMQContext: Sendable {
  public let executor: PollingExecutor
  nonisolated(unsafe) let handle: UnsafeMutableRawPointer
  private let openSockets = Atomic(0)
  private let closed = Atomic(false)

  /// - Parameters:
  ///   - name: of the polling thread, for debuggers; 15 bytes at most are shown.
  ///   - ioThreads: that move bytes; one is enough for about a gigabyte a second.
  public init(name: String, ioThreads: Int = 1, maximumSockets: Int = 8192) throws(ZeroMQError) {
    guard let handle = zmq_ctx_new() else { throw ZeroMQError(doing: "making a context") }
    let executor: PollingExecutor
    do throws(ZeroMQError) {
      // Largest message: sockets say it themselves. Not "blocky": a socket without options of its own must not make
      // the end wait for ever.
      for (option, value) in [
        (ZMQ_IO_THREADS, Int32(clamping: ioThreads)), (ZMQ_MAX_SOCKETS, Int32(clamping: maximumSockets)),
        (ZMQ_BLOCKY, 0),
      ] where zmq_ctx_set(handle, option, value) != 0 {
        throw ZeroMQError(doing: "setting a context's option \(option) to \(value)")
      }
      executor = try PollingExecutor(name: name)
      try executor.start()
    } catch {
      zmq_ctx_term(handle)
      throw error
    }
    // From here on there is something to close, and nothing throws.
    (self.handle, self.executor) = (handle, executor)
  }

  /// Closes what an error kept from being closed. No socket is open: each holds its context. The last reference may
  /// be dropped on the polling thread, which cannot join itself.
  deinit {
    guard !closed.load(ordering: .acquiring) else { return }
    let executor = executor
    nonisolated(unsafe) let handle = handle
    Thread {
      executor.stop()
      ZeroMQContext.end(handle)
    }.start()
  }

  /// Joins the polling thread and ends the context. Blocks until what the closed sockets still had to send is sent,
  /// or their linger is over. Not from the polling thread.
  public func close() {
    executor.stop()
    let open = openSockets.load(ordering: .acquiring)
    precondition(open == 0, "\(open) sockets of a ZeroMQContext are still open")
    ZeroMQContext.end(handle)
    closed.store(true, ordering: .releasing)
  }

  private static func end(_ handle: UnsafeMutableRawPointer) {
    while zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
  }

  /// Closes on a thread of its own: for tasks, which may be on the polling thread or must not block.
  public func closeAside() async {
    await withCheckedContinuation { continuation in
      Thread { [self] in
        close()
        continuation.resume()
      }.start()
    }
  }

  func socketOpened() { openSockets.add(1, ordering: .acquiringAndReleasing) }
  func socketClosed() { openSockets.subtract(1, ordering: .acquiringAndReleasing) }
}
