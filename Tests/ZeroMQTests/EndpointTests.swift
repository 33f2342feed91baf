import Testing
import ZeroMQ

@Suite struct EndpointTests {
  @Test(arguments: [
    "tcp://10.0.0.1:7700", "tcp://*:7700", "tcp://host.example:1", "tcp://[fe80::1]:65535", "tcp://127.0.0.1:*",
    "ipc:///tmp/a", "inproc://a",
  ]) func readsAndWrites(text: String) throws {
    #expect(try Endpoint(text).description == text)
  }

  @Test(
    "Malformed endpoints are refused",
    arguments: [
      "", "10.0.0.1:7700", "tcp://", "tcp://:1", "tcp://a", "tcp://a:", "tcp://a:0", "tcp://a:65536", "tcp://a:-1",
      "tcp://a:1 ", "tcp://a b:1", "tcp://a;b:1", "tcp://fe80::1:1", "tcp://[a]:1", "tcp://[fe80::1:1", "udp://a:1",
      "ipc://", "inproc://", "tcp://ä:1", "tcp://a:٣", "tcp://a/b:1", "tcp://a\0b:1",
      "ipc://" + String(repeating: "x", count: 108), "tcp://" + String(repeating: "x", count: 300) + ":1",
    ])
  func refuses(text: String) {
    let error = #expect(throws: ZeroMQError.self) { try Endpoint(text) }
    #expect(error?.code == .badEndpoint)
  }

  @Test(arguments: [
    ("tcp://127.0.0.1:1", true), ("tcp://127.9.8.7:1", true), ("tcp://localhost:1", true), ("tcp://[::1]:1", true),
    ("ipc:///tmp/a", true), ("inproc://a", true), ("tcp://0.0.0.0:1", false), ("tcp://*:1", false),
    ("tcp://10.0.0.1:1", false), ("tcp://127.0.0.1.example:1", false), ("tcp://127.0.0:1", false),
    ("tcp://127.evil.example.org:1", false), ("tcp://[::]:1", false),
  ]) func knowsLoopback(text: String, loopback: Bool) throws {
    #expect(try Endpoint(text).isLoopback == loopback)
  }

  @Test("localhost is bound to, and is named in numbers; another name is refused with what to write")
  func names() async throws {
    let context = try ZeroMQContext(name: "names")
    let peer = Peer(context)
    try await peer.open(.router)
    #expect(try await peer.bind("tcp://localhost:*").description.hasPrefix("tcp://127.0.0.1:") == true)
    await peer.close()
    let other = Peer(context)
    try await other.open(.router, security: .plainAnywhere)
    let error = await #expect(throws: ZeroMQError.self) { try await other.bind("tcp://no-such-host.invalid:*") }
    #expect(error?.code == .badEndpoint)
    #expect(error?.advice.contains("in numbers") == true)
    await other.close()
    context.close()
  }
}
