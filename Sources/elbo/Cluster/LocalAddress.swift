import Foundation
import ZeroMQ

/// This machine's address as another one sees it.
enum LocalAddress {
  /// The address from which the system would reach an endpoint: a datagram socket is connected, and nothing is sent.
  static func toward(_ endpoint: Endpoint) -> String? {
    guard case .tcp(let host, .number(let port)) = endpoint.transport else { return nil }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return nil }
    defer { freeaddrinfo(list) }
    var entry = list
    while let info = entry?.pointee {
      entry = info.ai_next
      let descriptor = socket(info.ai_family, info.ai_socktype, info.ai_protocol)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      guard connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 else { continue }
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let found = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          getsockname(descriptor, address, &length) == 0
            && getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        }
      }
      if found { return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
    }
    return nil
  }
}
