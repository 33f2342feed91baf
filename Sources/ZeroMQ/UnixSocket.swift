import Glibc

/// What libzmq leaves out before it binds to a path: it removes whatever lies there.
enum UnixSocket {
  /// Throws where the path holds a file that is no socket, or a socket at which a process listens.
  static func checkFree(_ path: String, for endpoint: Endpoint) throws(ZeroMQError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw ZeroMQError(
        .badEndpoint, doing: "binding to \(endpoint)", reason: "something else lies there", advice: "name another path")
    }
    if isListening(path) { throw ZeroMQError(doing: "binding to \(endpoint)", errno: EADDRINUSE) }
  }

  private static func isListening(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
