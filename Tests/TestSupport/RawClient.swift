import Foundation

/// A client that sends bytes as they are, on threads of its own: what it waits for must not hold up the server's tasks.
public final class RawClient: Sendable {
  private let descriptor: Int32

  public struct Failure: Error {}

  public init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    // A server that never answers fails the test instead of stopping it.
    var patience = timeval(tv_sec: 600, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else {
      close(descriptor)
      throw Failure()
    }
  }

  deinit { close(descriptor) }

  public func send(_ text: String) async { await send(Array(text.utf8)) }

  /// Sends all bytes, or as many as are taken before the other side closes.
  public func send(_ bytes: [UInt8]) async {
    await onThread { [descriptor] in
      var start = 0
      while start < bytes.count {
        let count = bytes[start...].withUnsafeBytes {
          Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        start += count
      }
    }
  }

  /// What comes next: some bytes, or none at the end.
  public func receive() async -> [UInt8] {
    await onThread { [descriptor] in
      var bytes = [UInt8](repeating: 0, count: 1 << 16)
      let count = recv(descriptor, &bytes, bytes.count, 0)
      return Array(bytes.prefix(max(count, 0)))
    }
  }

  /// Everything up to where the server closes.
  public func rest() async -> String {
    var all: [UInt8] = []
    while true {
      let more = await receive()
      guard !more.isEmpty else { return String(decoding: all, as: UTF8.self) }
      all += more
    }
  }

  /// What comes until a text has come, or the end.
  public func text(until mark: String) async -> String {
    var all: [UInt8] = []
    while !String(decoding: all, as: UTF8.self).contains(mark) {
      let more = await receive()
      guard !more.isEmpty else { break }
      all += more
    }
    return String(decoding: all, as: UTF8.self)
  }

  private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: body()) }
    }
  }
}

/// The status of an answer.
public func status(_ answer: String) -> Int? { answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
