import Foundation
import ZeroMQ

/// Says a token to everyone who connects, so that a peer knows whom it has reached: with addresses translated on the
/// way, or given twice, that a connection is accepted says little.
package struct TokenServer: Sendable {
  package static let tokenLength = 32

  package let token: String
  package let port: UInt16

  /// Listens, on a thread of its own, until the process ends.
  /// - Parameter host: an address of this machine; nil: all of them.
  package init(host: String?, port: UInt16) throws {
    let token = (0..<Self.tokenLength / 2).map { _ in String(format: "%02x", UInt8.random(in: 0...255)) }.joined()
    let listener = try SystemSocket.listen(host: host, port: port)
    self.token = token
    self.port = try SystemSocket.port(of: listener)
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
  package static func reach(host: String, port: UInt16, token: String) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let descriptor = try SystemSocket.connect(host: host, port: port, seconds: 5)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: tokenLength)
    var count = 0
    while count < tokenLength {
      let more = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + count, tokenLength - count, 0) }
      if more < 0, errno == EINTR { continue }
      guard more > 0 else {
        throw SystemSocket.Failure(more == 0 ? "the connection was closed" : "no answer within 5 s")
      }
      count += more
    }
    guard bytes == Array(token.utf8) else { throw SystemSocket.Failure("something else answers there") }
    return (clock.now - start) / .milliseconds(1)
  }
}
