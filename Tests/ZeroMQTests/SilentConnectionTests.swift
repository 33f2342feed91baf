import Glibc
import Testing
import ZeroMQ

/// Those who connect and say nothing, or stop in the middle of a greeting.
@Suite(.timeLimit(.minutes(15))) struct SilentConnectionTests {
  /// A connection that speaks no ZMTP by itself.
  private final class Stranger {
    private let descriptor: CInt

    init(at endpoint: Endpoint, saying bytes: [UInt8] = []) throws {
      guard case .tcp(_, .number(let port)) = endpoint.transport else { throw Failure() }
      descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      let status = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard status == 0, send(descriptor, bytes, bytes.count, 0) == bytes.count else { throw Failure() }
    }

    deinit { close(descriptor) }

    struct Failure: Error {}

    /// Reads all that there is.
    /// - Parameter waiting: for the other side to hang up.
    /// - Returns: whether it has.
    func isCut(waiting: Bool) -> Bool {
      var bytes = [UInt8](repeating: 0, count: 256)
      while true {
        let count = recv(descriptor, &bytes, bytes.count, waiting ? 0 : CInt(MSG_DONTWAIT))
        if count <= 0 { return count == 0 || errno != EAGAIN }
      }
    }
  }

  /// What version 3.1 begins with; its mechanism is NULL.
  private static let greeting: [UInt8] =
    [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 1] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)

  @Test func theOldestThatSayNothingGoWhenThereAreMany() async throws {
    try await withContext { context in
      let server = Peer(context)
      let client = Peer(context)
      var options = SocketOptions()
      options.handshake = .seconds(600)
      try await server.open(.router, options: options, silentLimit: 8)
      try await client.open(.dealer)
      let endpoint = try await server.bind("tcp://127.0.0.1:*")
      try await client.connect(endpoint)
      try await client.sendWhenConnected([frame("before")])
      _ = await server.next()
      let strangers = try (0..<40).map { try Stranger(at: endpoint, saying: $0 % 2 == 0 ? [] : Self.greeting) }
      await server.untilCounts { $0.silent == 32 }
      #expect(strangers.prefix(32).allSatisfy { $0.isCut(waiting: true) })
      #expect(strangers.suffix(8).allSatisfy { !$0.isCut(waiting: false) })
      try await client.send([frame("after")])
      #expect(await server.next().last.map(text) == "after")
      #expect(await server.counts.silent == 32)
      await client.close()
      await server.close()
    }
  }

  @Test func aGreetingThatStopsEnds() async throws {
    try await withContext { context in
      let server = Peer(context)
      var options = SocketOptions()
      options.handshake = .milliseconds(100)
      try await server.open(.router, options: options)
      let endpoint = try await server.bind("tcp://127.0.0.1:*")
      let strangers = try [0, 1, 11, 64].map { try Stranger(at: endpoint, saying: Array(Self.greeting.prefix($0))) }
      #expect(strangers.allSatisfy { $0.isCut(waiting: true) })
      await server.untilCounts { $0.failedOtherwise == 4 && $0.disconnected == 4 }
      await server.close()
    }
  }
}
