import Foundation
import ZeroMQ

/// Says a token to everyone who connects, so that a peer knows whom it has reached: with addresses translated on the
/// way, or given twice, that a connection is accepted says little.
struct TokenServer: Sendable {
  static let tokenLength = 32

  let token: String
  let port: UInt16

  /// Listens, on a thread of its own, until the process ends.
  /// - Parameter host: an address of this machine; nil: all of them.
  init(host: String?, port: UInt16) throws {
    let token = (0..<Self.tokenLength / 2).map { _ in String(format: "%02x", UInt8.random(in: 0...255)) }.joined()
    let listener = try TCP.listen(host: host, port: port)
    self.token = token
    self.port = try TCP.port(of: listener)
    Thread {
      while true {
        let peer = accept(listener, nil, nil)
        guard peer >= 0 else {
          if errno == EINTR || errno == ECONNABORTED { continue }
          return
        }
        // A few bytes fit what the system buffers: this does not wait for the peer.
        _ = token.withCString { send(peer, $0, Self.tokenLength, Int32(MSG_NOSIGNAL)) }
        close(peer)
      }
    }.start()
  }

  /// Connects and compares the token. Returns the milliseconds that it took.
  static func reach(host: String, port: UInt16, token: String) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let descriptor = try TCP.connect(host: host, port: port, seconds: 5)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: tokenLength)
    var count = 0
    while count < tokenLength {
      let more = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + count, tokenLength - count, 0) }
      if more < 0, errno == EINTR { continue }
      guard more > 0 else { throw TCP.Failure(more == 0 ? "the connection was closed" : "no answer within 5 s") }
      count += more
    }
    guard bytes == Array(token.utf8) else { throw TCP.Failure("something else answers there") }
    return (clock.now - start) / .milliseconds(1)
  }
}

/// The system's stream sockets.
enum TCP {
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
    init(errno code: Int32) { description = String(cString: strerror(code)) }
  }

  static func listen(host: String?, port: UInt16) throws -> Int32 {
    try first(host, port, passive: true) { descriptor, address in
      var yes: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      return Foundation.bind(descriptor, address.ai_addr, address.ai_addrlen) == 0
        && Foundation.listen(descriptor, 128) == 0
    }
  }

  /// - Parameter seconds: that connecting, and afterwards each receive, may take.
  static func connect(host: String, port: UInt16, seconds: Int) throws -> Int32 {
    try first(host, port, passive: false) { descriptor, address in
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

  static func port(of descriptor: Int32) throws -> UInt16 {
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
  private static func first(
    _ host: String?, _ port: UInt16, passive: Bool, _ action: (Int32, addrinfo) -> Bool
  ) throws -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
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
