import Files
import ZeroMQ

extension Socket {
  /// Counts what happens to the connections of a socket that strangers can reach, and keeps enough descriptors for everyone
  /// else.
  borrowing func guarded() throws(ZeroMQError) -> ConnectionMonitor {
    try monitor(silentLimit: min(max(Descriptors.limit / 8, 8), 1000))
  }
}
