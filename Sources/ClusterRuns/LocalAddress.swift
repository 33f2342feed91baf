import Foundation
import ZeroMQ

/// This machine's address as another one sees it.
package enum LocalAddress {
  /// The address from which the system would reach an endpoint: a datagram socket is connected, and nothing is sent.
  package static func toward(_ endpoint: Endpoint) -> String? {
    guard case .tcp(let host, .number(let port)) = endpoint.transport,
      let descriptor = try? SystemSocket.first(
        host, port, SOCK_DGRAM, { connect($0, $1.ai_addr, $1.ai_addrlen) == 0 })
    else { return nil }
    defer { close(descriptor) }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let found = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        getsockname(descriptor, address, &length) == 0
          && getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
      }
    }
    return found ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }
}
