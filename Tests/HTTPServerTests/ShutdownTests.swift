import HTTPServer
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(15)))
struct ShutdownTests {
  @Test func whatIsBeingAnsweredIsAnswered() async throws {
    let slow = SlowRoute(answer: "done\n")
    let tried = try await Tried([slow.route])
    let idle = try RawClient(port: tried.server.port)
    await idle.send("GET /nothing HTTP/1.1\r\n")
    let client = try RawClient(port: tried.server.port)
    await client.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await slow.begins()
    async let end: Void = tried.end()
    // Closed at once, though the other is still being answered.
    #expect(await idle.rest() == "")
    slow.open()
    let answer = await client.rest()
    #expect(status(answer) == 200 && answer.contains("Connection: close") && answer.hasSuffix("done\n"))
    await end
    #expect(throws: RawClient.Failure.self) { try RawClient(port: tried.server.port) }
  }

  @Test func streamsEnd() async throws {
    let tried = try await Tried([
      Route("GET", "/events") { _ in
        Response(
          body: .stream { writer in
            try await writer.write("first\n")
            let (never, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            try Task.checkCancellation()
          })
      }
    ])
    let client = try RawClient(port: tried.server.port)
    await client.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    _ = await client.text(until: "first\n")
    await tried.end()
    #expect(await client.rest().hasSuffix("0\r\n\r\n"))
  }

  @Test func whatDoesNotEndIsClosed() async throws {
    let slow = SlowRoute(answer: "late\n")
    let tried = try await Tried([slow.route])
    let client = try RawClient(port: tried.server.port)
    await client.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await slow.begins()
    await tried.server.shutDown(within: .milliseconds(20))
    slow.open()
    #expect(await client.rest() == "")
  }

  @Test func aPortThatIsTakenIsAMistake() async throws {
    let tried = try await Tried()
    await #expect(throws: ServerError.self) {
      try await Server.start([], access: Access(token: nil), port: tried.server.port)
    }
    await #expect(throws: ServerError.self) { try await Server.start([], access: Access(token: nil), port: 70000) }
    await tried.end()
  }
}

/// A route that answers when the test lets it.
private struct SlowRoute {
  let route: Route
  private let began: AsyncStream<Void>
  private let gate: AsyncStream<Void>.Continuation

  init(answer: String) {
    let (began, begin) = AsyncStream.makeStream(of: Void.self)
    let (opened, gate) = AsyncStream.makeStream(of: Void.self)
    (self.began, self.gate) = (began, gate)
    route = Route("GET", "/slow") { _ in
      begin.yield()
      for await _ in opened { break }
      return Response(type: "text/plain", answer)
    }
  }

  /// Waits until a request has reached the route.
  func begins() async { for await _ in began { break } }

  func open() { gate.yield() }
}
