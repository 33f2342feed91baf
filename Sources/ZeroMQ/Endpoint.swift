/// Where a socket binds or connects: `tcp://HOST:PORT`, `ipc://PATH` or `inproc://NAME`.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  public enum Transport: Hashable, Sendable {
    case tcp(host: String, port: Port)
    case ipc(path: String)
    case inproc(name: String)
  }

  public enum Port: Hashable, Sendable {
    case number(UInt16)
    /// `*`: the system chooses a free one when binding.
    case any
  }

  public let transport: Transport

  public init(_ transport: Transport) { self.transport = transport }

  /// Throws `badEndpoint` that says what is wrong.
  public init(_ text: String) throws(ZeroMQError) {
    func bad(_ reason: String) -> ZeroMQError {
      ZeroMQError(
        .badEndpoint, doing: "reading the endpoint '\(text.prefix(300))'", reason: reason,
        advice: "write tcp://HOST:PORT, as in tcp://10.0.0.1:7700")
    }
    guard text.utf8.count <= 255, !text.utf8.contains(0) else { throw bad("too long") }
    if let name = text.dropping(prefix: "inproc://") {
      guard !name.isEmpty else { throw bad("no name") }
      transport = .inproc(name: name)
    } else if let path = text.dropping(prefix: "ipc://") {
      // sockaddr_un holds 108 bytes with the terminator.
      guard !path.isEmpty, path.utf8.count < 108 else { throw bad("a path of 1 to 107 bytes is needed") }
      transport = .ipc(path: path)
    } else if let address = text.dropping(prefix: "tcp://") {
      guard let colon = address.lastIndex(of: ":") else { throw bad("no port") }
      let host = String(address[..<colon])
      let digits = address[address.index(after: colon)...]
      guard !host.isEmpty else { throw bad("no host") }
      let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
      guard !bare.contains("["), !bare.contains("]"), bare == host || bare.contains(":") else {
        throw bad("brackets go around an IPv6 address")
      }
      guard bare != host || !host.contains(":") else { throw bad("an IPv6 address goes into brackets") }
      // A semicolon would name a source address to libzmq; white space and the rest are mistakes.
      guard bare.unicodeScalars.allSatisfy({ $0.isASCII && !" ;/@\t\n\r".unicodeScalars.contains($0) }) else {
        throw bad("'\(bare)' is no host")
      }
      if digits == "*" {
        transport = .tcp(host: bare, port: .any)
      } else if digits.allSatisfy(\.isASCII), digits.allSatisfy(\.isNumber), let port = UInt16(digits), port > 0 {
        transport = .tcp(host: bare, port: .number(port))
      } else {
        throw bad("'\(digits)' is no port")
      }
    } else {
      throw bad("no known transport")
    }
  }

  /// Whether what is sent stays on this machine.
  public var isLoopback: Bool {
    switch transport {
    case .ipc, .inproc: return true
    case .tcp(let host, _):
      if host == "localhost" || host == "::1" { return true }
      let octets = host.split(separator: ".", omittingEmptySubsequences: false)
      return octets.count == 4 && octets[0] == "127"
        && octets.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy { (48...57).contains($0) } }
    }
  }

  /// The same with 127.0.0.1 for localhost: libzmq binds to numbers and interfaces, not to names.
  var numericLoopback: Endpoint {
    guard case .tcp("localhost", let port) = transport else { return self }
    return Endpoint(.tcp(host: "127.0.0.1", port: port))
  }

  public var description: String {
    switch transport {
    case .ipc(let path): return "ipc://\(path)"
    case .inproc(let name): return "inproc://\(name)"
    case .tcp(let host, let port):
      let number =
        switch port {
        case .number(let number): "\(number)"
        case .any: "*"
        }
      return host.contains(":") ? "tcp://[\(host)]:\(number)" : "tcp://\(host):\(number)"
    }
  }
}

extension String {
  fileprivate func dropping(prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
