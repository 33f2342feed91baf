import Glibc
import Testing
import ZeroMQ

private actor Gate {
  let context: ZeroMQContext
  nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }
  private var authenticator: Authenticator?

  init(_ context: ZeroMQContext) throws { self.context = context }

  func open(_ keys: Set<CurvePublicKey>) throws {
    authenticator = try Authenticator(in: context)
    authenticator!.allow(keys, domain: "control")
  }

  var counts: Authenticator.Counts { authenticator!.counts }

  func close() {
    authenticator?.close()
    authenticator = nil
  }
}

@Suite(.timeLimit(.minutes(15))) struct SecurityTests {
  @Test func onlyListedKeysComeIn() async throws {
    let (serverKeys, listed, stranger) = try (
      CurveKeyPair.generate(), CurveKeyPair.generate(), CurveKeyPair.generate()
    )
    try await withContext { context in
      let gate = try Gate(context)
      try await gate.open([listed.publicKey])
      let server = Peer(context)
      try await server.open(.router, security: .curveServer(serverKeys, domain: "control"))
      await server.echo()
      let endpoint = try await server.bind("tcp://0.0.0.0:*")
      guard case .tcp(_, let port) = endpoint.transport else { return }
      let reachable = Endpoint(.tcp(host: "127.0.0.1", port: port))

      // Every refused one leaves a count and nothing else.
      let wrongKey = Peer(context)
      try await wrongKey.open(.dealer, security: .curveClient(stranger, server: serverKeys.publicKey))
      try await wrongKey.connect(reachable)
      await server.untilCounts { $0.failedAuthentication >= 1 }
      #expect(await gate.counts.refused >= 1)
      #expect(await gate.counts.accepted == 0)
      await wrongKey.close()

      let wrongServer = Peer(context)
      try await wrongServer.open(.dealer, security: .curveClient(listed, server: stranger.publicKey))
      try await wrongServer.connect(reachable)
      let before = await server.counts
      await server.untilCounts {
        $0.failedProtocol + $0.failedOtherwise > before.failedProtocol + before.failedOtherwise
      }
      await wrongServer.close()

      let plain = Peer(context)
      try await plain.open(.dealer)
      try await plain.connect(reachable)
      let failed = await server.counts.failedProtocol
      await server.untilCounts { $0.failedProtocol > failed }
      #expect(await server.counts.greeted == 0)
      await plain.close()

      let honest = Peer(context)
      try await honest.open(.dealer, security: .curveClient(listed, server: serverKeys.publicKey))
      try await honest.connect(reachable)
      try await honest.sendWhenConnected([frame("hello")])
      #expect(await honest.next().map(text) == ["hello"])
      #expect(await gate.counts.accepted >= 1)
      await honest.close()
      await server.close()
      await gate.close()
    }
  }

  @Test func theSendersKeyIsKnown() async throws {
    let (serverKeys, clientKeys) = try (CurveKeyPair.generate(), CurveKeyPair.generate())
    try await withContext { context in
      let gate = try Gate(context)
      try await gate.open([clientKeys.publicKey])
      let server = Peer(context)
      try await server.open(.router, security: .curveServer(serverKeys, domain: "control"))
      let client = Peer(context)
      try await client.open(.dealer, security: .curveClient(clientKeys, server: serverKeys.publicKey))
      try await client.connect(try await server.bind("tcp://127.0.0.1:*"))
      try await client.sendWhenConnected([frame("hello")])
      let frames = await server.next()
      #expect(frames[1].provenKey == clientKeys.publicKey)
      await client.close()
      await server.close()
      await gate.close()
    }
  }

  @Test func aDomainWithoutKeysTakesNobody() async throws {
    let (serverKeys, clientKeys) = try (CurveKeyPair.generate(), CurveKeyPair.generate())
    try await withContext { context in
      let gate = try Gate(context)
      try await gate.open([clientKeys.publicKey])
      let server = Peer(context)
      try await server.open(.router, security: .curveServer(serverKeys, domain: "data"))
      let client = Peer(context)
      try await client.open(.dealer, security: .curveClient(clientKeys, server: serverKeys.publicKey))
      try await client.connect(try await server.bind("tcp://127.0.0.1:*"))
      await server.untilCounts { $0.failedAuthentication >= 1 }
      await client.close()
      await server.close()
      await gate.close()
    }
  }

  /// What a port scanner, a web browser and a half-wit send.
  private static let garbage: [[UInt8]] = [
    Array("GET / HTTP/1.1\r\nHost: elbo\r\n\r\n".utf8),
    [UInt8](repeating: 0, count: 4096),
    [UInt8](repeating: 0xFF, count: 4096),
    [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F] + [UInt8](repeating: 0x41, count: 1000),
    // A proper greeting (ZMTP 3.0, mechanism NULL) and then a command of 2^63 bytes.
    [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)
      + [6, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    // The same with a READY command whose inner lengths lie.
    [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)
      + [4, 12, 5] + Array("READY".utf8) + [0xFF, 1, 2, 3, 4, 5],
    // CURVE's greeting and a HELLO full of nothing.
    [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("CURVE".utf8) + [UInt8](repeating: 0, count: 47)
      + [4, 200, 5] + Array("HELLO".utf8) + [UInt8](repeating: 7, count: 194),
  ]

  @Test(arguments: [true, false]) func garbageOnAPortChangesACountOnly(encrypted: Bool) async throws {
    let (serverKeys, clientKeys) = try (CurveKeyPair.generate(), CurveKeyPair.generate())
    try await withContext { context in
      let gate = try Gate(context)
      try await gate.open([clientKeys.publicKey])
      let server = Peer(context)
      try await server.open(
        .router, security: encrypted ? .curveServer(serverKeys, domain: "control") : .plainOnLoopback)
      await server.echo()
      let endpoint = try await server.bind("tcp://127.0.0.1:*")
      guard case .tcp(_, .number(let port)) = endpoint.transport else { return }

      let client = Peer(context)
      try await client.open(
        .dealer, security: encrypted ? .curveClient(clientKeys, server: serverKeys.publicKey) : .plainOnLoopback)
      try await client.connect(endpoint)
      try await client.sendWhenConnected([frame("before")])
      #expect(await client.next().map(text) == ["before"])

      for bytes in Self.garbage {
        let before = await server.counts
        throwBytes(bytes, at: port)
        await server.untilCounts { $0.accepted > before.accepted }
        await server.untilCounts {
          $0.disconnected + $0.failedProtocol + $0.failedAuthentication + $0.failedOtherwise > before.disconnected
            + before.failedProtocol + before.failedAuthentication + before.failedOtherwise
        }
        try await client.send([frame("still here")])
        #expect(await client.next().map(text) == ["still here"])
      }
      if encrypted { #expect(await server.counts.greeted == 1) }
      await client.close()
      await server.close()
      await gate.close()
    }
  }

  /// Connects like any TCP program, sends, and hangs up.
  private func throwBytes(_ bytes: [UInt8], at port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    #expect(connected == 0)
    _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    close(descriptor)
  }
}
