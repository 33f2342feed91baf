import HTTPServer
import TestSupport
import Testing

/// Clients that send too much, too slowly or nonsense.
@Suite(.timeLimit(.minutes(15)))
struct HostileClientTests {
  private static func limits(_ change: (inout Limits) -> Void) -> Limits {
    var limits = Tried.patient
    change(&limits)
    return limits
  }

  @Test(arguments: [
    "hello\r\n\r\n", "GET /hello HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}",
    "GET /hello HTTP/1.1\r\nHost localhost\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -3\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n",
    "GET /he\u{0}llo HTTP/1.1\r\nHost: localhost\r\n\r\n",
  ])
  func nonsenseIsABadRequest(text: String) async throws {
    let tried = try await Tried()
    let answer = try await tried.answer(to: text)
    #expect(status(answer) == 400, "\(answer)")
    #expect(answer.contains("{\"error\":\""))
    // Others are served on.
    #expect(status(try await tried.ask("GET /hello")) == 200)
    await tried.end()
  }

  @Test func aHeadHasALimit() async throws {
    let tried = try await Tried(limits: Self.limits { $0.head = 2000 })
    let long = String(repeating: "a", count: 3000)
    #expect(status(try await tried.ask("GET /\(long)")) == 431)
    #expect(status(try await tried.ask("GET /hello", ["Host: localhost", "X: \(long)"])) == 431)
    let many = (0..<101).map { "X\($0): 1" }
    #expect(status(try await tried.ask("GET /hello", ["Host: localhost"] + many)) == 431)
    await tried.end()
  }

  @Test func aBodyHasALimit() async throws {
    let tried = try await Tried(limits: Self.limits { $0.body = 10 })
    let host = "Host: localhost"
    #expect(try await tried.ask("POST /echo", [host, "Content-Length: 10"], "0123456789").hasSuffix("10:0123456789"))
    // By its head alone; nothing was sent.
    #expect(status(try await tried.ask("POST /echo", [host, "Content-Length: 11"])) == 413)
    let chunked = "6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n"
    #expect(status(try await tried.ask("POST /echo", [host, "Transfer-Encoding: chunked"], chunked)) == 413)
    #expect(
      status(try await tried.ask("POST /echo", [host, "Content-Encoding: gzip", "Content-Length: 1"], "x")) == 415)
    await tried.end()
  }

  @Test func allBodiesTogetherHaveALimit() async throws {
    let tried = try await Tried(limits: Self.limits { $0.bodies = 1000 })
    let first = try RawClient(port: tried.server.port)
    await first.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n")
    #expect(status(await first.text(until: "\r\n\r\n")) == 100)
    let part = String(repeating: "x", count: 450)
    await first.send(part)
    let both = [String(repeating: "y", count: 600)]
    let answer = try await tried.ask("POST /echo", ["Host: localhost", "Content-Length: 600"], both[0])
    #expect(status(answer) == 503 && answer.contains("Retry-After"))
    await first.send(part)
    #expect(status(await first.text(until: "xxx")) == 200)
    // The answer can be here before its request's memory is given back; the next request is read after that.
    await first.send("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    #expect(await first.rest().contains("HTTP/1.1 200"))
    #expect(try await tried.ask("POST /echo", ["Host: localhost", "Content-Length: 600"], both[0]).contains("600:"))
    await tried.end()
  }

  @Test func aSlowHeadIsClosed() async throws {
    let tried = try await Tried(limits: Self.limits { $0.idle = .milliseconds(50) })
    let client = try RawClient(port: tried.server.port)
    await client.send("GET /hello HTTP/1.1\r\nHost: loc")
    #expect(await client.rest() == "")
    await tried.end()
  }

  @Test func aSlowBodyIsRefused() async throws {
    let tried = try await Tried(limits: Self.limits { $0.reading = .milliseconds(50) })
    let client = try RawClient(port: tried.server.port)
    await client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nab")
    #expect(status(await client.rest()) == 408)
    await tried.end()
  }

  @Test func aClientThatTakesNothingIsClosed() async throws {
    let (ends, ended) = AsyncStream.makeStream(of: Int.self)
    let length = 64 << 20
    let server = try await Server.start(
      [Route("GET", "/big") { _ in Response(body: .bytes([UInt8](repeating: 1, count: length))) }],
      access: Access(token: nil), port: 0, limits: Self.limits { $0.writing = .milliseconds(100) },
      observer: { ended.yield($0.status) })
    let client = try RawClient(port: server.port)
    await client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for await status in ends {
      #expect(status == 200)
      break
    }
    // Only what the system had taken is left.
    #expect(await client.rest().utf8.count < length)
    await server.shutDown(within: .seconds(600))
  }

  @Test func connectionsHaveALimit() async throws {
    let tried = try await Tried(limits: Self.limits { $0.connections = 2 })
    let (first, second) = (try RawClient(port: tried.server.port), try RawClient(port: tried.server.port))
    for client in [first, second] {
      await client.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(status(await client.text(until: "hello\n")) == 200)
    }
    let third = try RawClient(port: tried.server.port)
    #expect(status(await third.rest()) == 503)
    await tried.end()
  }

  @Test func aClientThatIsGoneCancelsItsStream() async throws {
    let (ends, ended) = AsyncStream.makeStream(of: Void.self)
    let server = try await Server.start(
      [
        Route("GET", "/events") { _ in
          Response(
            body: .stream { writer in
              defer { ended.yield() }
              while true { try await writer.write(String(repeating: ".", count: 1 << 16)) }
            })
        }
      ], access: Access(token: nil), port: 0)
    do {
      let client = try RawClient(port: server.port)
      await client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = await client.receive()
    }
    for await _ in ends { break }
    await server.shutDown(within: .seconds(600))
  }
}
