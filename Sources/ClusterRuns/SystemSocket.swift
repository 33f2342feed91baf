import Foundation

/// The system's sockets, where ZeroMQ's are not wanted.
package enum SystemSocket {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
    package init(errno code: Int32) { description = String(cString: strerror(code)) }
  }

  package static func listen(host: String?, port: UInt16) throws -> Int32 {
    try first(host, port, SOCK_STREAM, passive: true) { descriptor, address in
      var yes: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      return Foundation.bind(descriptor, address.ai_addr, address.ai_addrlen) == 0
        && Foundation.listen(descriptor, 128) == 0
    }
  }

  /// - Parameter seconds: that connecting, and afterwards each receive, may take.
  package static func connect(host: String, port: UInt16, seconds: Int) throws -> Int32 {
    try first(host, port, SOCK_STREAM) { descriptor, address in
      // The limit on sending is one on connecting too (socket(7)).
      var limit = timeval(tv_sec: seconds, tv_usec: 0)
      for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
        setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
      }
      guard Foundation.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
        if errno == EINPROGRESS || errno == EAGAIN { errno = ETIMEDOUT }
        return false
      }
      return true
    }
  }

  package static func port(of descriptor: Int32) throws -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let found = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
    }
    guard found else { throw Failure(errno: errno) }
    // Both families have the port in the same place.
    return withUnsafePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin_port) }
    }
  }

  /// A socket of the first of a name's addresses with which an action succeeds.
  package static func first(
    _ host: String?, _ port: UInt16, _ type: __socket_type, passive: Bool = false, _ action: (Int32, addrinfo) -> Bool
  ) throws -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(type.rawValue)
    hints.ai_flags = passive ? AI_PASSIVE : 0
    // All addresses of this machine: the one family that every machine of a launch has.
    hints.ai_family = host == nil ? AF_INET : AF_UNSPEC
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &list)
    guard code == 0 else { throw Failure(String(cString: gai_strerror(code))) }
    defer { freeaddrinfo(list) }
    var entry = list
    var failure = Failure("there is no address of \(host ?? "this machine")")
    while let info = entry?.pointee {
      entry = info.ai_next
      let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), info.ai_protocol)
      guard descriptor >= 0 else {
        failure = Failure(errno: errno)
        continue
      }
      if action(descriptor, info) { return descriptor }
      failure = Failure(errno: errno)
      close(descriptor)
    }
    throw failure
  }
}
