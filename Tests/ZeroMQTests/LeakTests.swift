import Foundation
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(15))) struct LeakTests {
  private func count(_ folder: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: folder).count
  }

  /// A hundred contexts with encrypted sockets, monitors and an authenticator come and go. Other tests run at the
  /// same time, so the counts may differ by what they hold; a leak would show as a hundred of something.
  @Test func contextsLeaveNothingBehind() async throws {
    let (serverKeys, clientKeys) = try (CurveKeyPair.generate(), CurveKeyPair.generate())
    func round() async throws {
      let context = try ZeroMQContext(name: "leak")
      let owner = Owner(context)
      try await owner.open(allow: [clientKeys.publicKey])
      let server = Peer(context)
      try await server.open(.router, security: .curveServer(serverKeys, domain: "control"))
      let client = Peer(context)
      try await client.open(.dealer, security: .curveClient(clientKeys, server: serverKeys.publicKey))
      try await client.connect(try await server.bind("tcp://127.0.0.1:*"))
      try await client.sendWhenConnected([frame("hello")])
      _ = await server.next()
      await client.close()
      await server.close()
      await owner.close()
      context.close()
    }
    try await round()
    let (descriptors, threads) = try (count("/proc/self/fd"), count("/proc/self/task"))
    for _ in 0..<100 { try await round() }
    #expect(try count("/proc/self/fd") < descriptors + 80)
    #expect(try count("/proc/self/task") < threads + 40)
  }

  @Test("A context that an error keeps from being closed closes itself, also from its own thread")
  func droppedContexts() async throws {
    let threads = try count("/proc/self/task")
    for _ in 0..<100 { _ = try ZeroMQContext(name: "dropped") }
    for _ in 0..<100 {
      var context: ZeroMQContext? = try ZeroMQContext(name: "dropped")
      let last = context!
      context!.executor.run { withExtendedLifetime(last) {} }
      context = nil
    }
    while try count("/proc/self/task") > threads + 40 { await Task.yield() }
  }

  private actor Owner {
    let context: ZeroMQContext
    nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }
    private var authenticator: Authenticator?

    init(_ context: ZeroMQContext) { self.context = context }

    func open(allow keys: Set<CurvePublicKey>) throws {
      authenticator = try Authenticator(in: context)
      authenticator!.allow(keys, domain: "control")
    }

    func close() { authenticator?.close() }
  }
}
