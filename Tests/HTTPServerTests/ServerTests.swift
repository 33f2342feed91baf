import Foundation
import HTTPServer
import TestSupport
import Testing

/// A server for a test, and what it is asked.
struct Tried {
  let server: Server

  static let routes = [
    Route("GET", "/hello") { _ in Response(type: "text/plain", "hello\n") },
    Route("GET", "/public", isPublic: true) { _ in Response(type: "text/plain", "public\n") },
    Route("GET", "/things/{name}/{part}") { request in
      Response(
        type: "text/plain", "\(request.parameters["name"]!)|\(request.parameters["part"]!)|\(request.query["q"] ?? "")")
    },
    Route("POST", "/echo") { request in
      Response(type: "text/plain", "\(request.body.count):" + String(decoding: request.body, as: UTF8.self))
    },
  ]

  /// Other tests may keep the process busy for long: what is not to be seen as slow has all the time.
  static let patient: Limits = {
    var limits = Limits()
    (limits.idle, limits.reading, limits.writing) = (.seconds(600), .seconds(600), .seconds(600))
    return limits
  }()

  init(
    _ routes: [Route] = Tried.routes, token: Token? = nil, hosts: [String] = [], limits: Limits = Tried.patient
  ) async throws {
    server = try await Server.start(
      routes, access: Access(token: token, hosts: hosts), port: 0, limits: limits)
  }

  /// The answer to a request, whose connection the server closes.
  func ask(_ line: String, _ headers: [String] = ["Host: localhost"], _ body: String = "") async throws -> String {
    try await answer(
      to: ([line + " HTTP/1.1"] + headers + ["Connection: close", "", ""]).joined(separator: "\r\n") + body)
  }

  /// What comes back for some bytes until the server closes; the client then closes too.
  func answer(to text: String) async throws -> String {
    let client = try RawClient(port: server.port)
    await client.send(text)
    return await client.rest()
  }

  func end() async { await server.shutDown(within: .seconds(600)) }
}

@Suite(.timeLimit(.minutes(15)))
struct ServerTests {
  @Test func routesAreFoundByMethodAndPath() async throws {
    let tried = try await Tried()
    let answer = try await tried.ask("GET /hello")
    #expect(status(answer) == 200)
    #expect(answer.hasSuffix("\r\n\r\nhello\n"))
    for header in ["nosniff", "default-src 'none'", "no-store", "Content-Length: 6"] {
      #expect(answer.contains(header))
    }
    #expect(!answer.contains("Access-Control"))
    let head = try await tried.ask("HEAD /hello")
    #expect(status(head) == 200)
    #expect(head.hasSuffix("\r\n\r\n") && head.contains("Content-Length: 6"))
    #expect(status(try await tried.ask("GET /nothing")) == 404)
    let other = try await tried.ask("POST /hello")
    #expect(status(other) == 405 && other.contains("Allow: GET, HEAD"))
    await tried.end()
  }

  @Test func aPartOfAPathIsAName() async throws {
    let tried = try await Tried()
    let answer = try await tried.ask("GET /things/..%2f..%2Fetc/passwd%20x?q=a%26b&q=c%3Dd")
    #expect(answer.hasSuffix("../../etc|passwd x|c=d"))
    for target in ["/things/../../etc/passwd", "/things/a%2", "/things/%ff/x", "hello", "http://localhost/hello", "*"] {
      #expect([400, 404].contains(status(try await tried.ask("GET \(target)"))), "\(target)")
    }
    await tried.end()
  }

  @Test func theTokenIsAskedFor() async throws {
    let token = Token()
    let tried = try await Tried(token: token)
    let host = "Host: localhost"
    #expect(status(try await tried.ask("GET /hello")) == 401)
    for wrong in ["", token.text.dropLast() + "g", token.text + "0", token.text.uppercased() + "A"] {
      let answer = try await tried.ask("GET /hello", [host, "Authorization: Bearer \(wrong)"])
      #expect(status(answer) == 401 && answer.contains("WWW-Authenticate: Bearer"))
    }
    #expect(status(try await tried.ask("GET /hello", [host, "Authorization: Basic \(token.text)"])) == 401)
    let twice = ["Authorization: Bearer \(token.text)", "Authorization: Bearer x"]
    #expect(status(try await tried.ask("GET /hello", [host] + twice)) == 401)
    #expect(status(try await tried.ask("GET /hello", [host, "Authorization: bearer \(token.text)"])) == 200)
    #expect(status(try await tried.ask("GET /public")) == 200)
    // The answer to strangers does not reveal which paths exist.
    #expect(status(try await tried.ask("GET /nothing")) == 401)
    await tried.end()
  }

  @Test func tokensAreLongEnough() {
    #expect(Token("short") == nil)
    #expect(Token("sixteen letters!") == nil)
    #expect(Token("sixteen-letters!") != nil)
    #expect(Token(String(repeating: "a", count: 513)) == nil)
    #expect(Token().text.utf8.count == 32 && Token().text != Token().text)
  }

  @Test func pagesFromElsewhereAreRefused() async throws {
    let tried = try await Tried(hosts: ["models.example"])
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3.4.5", "models.example.com"]
    {
      #expect(status(try await tried.ask("GET /hello", ["Host: \(host)"])) == 421, "\(host)")
    }
    for host in [
      "localhost", "LOCALHOST:80", "127.0.0.1:\(tried.server.port)", "[::1]:8000", "Models.Example", "a.localhost",
    ] {
      #expect(status(try await tried.ask("GET /hello", ["Host: \(host)"])) == 200, "\(host)")
    }
    #expect(status(try await tried.ask("GET /hello", [])) == 400)
    #expect(status(try await tried.ask("GET /hello", ["Host: localhost", "Host: localhost"])) == 400)
    let host = "Host: localhost:1"
    #expect(status(try await tried.ask("GET /hello", [host, "Origin: http://localhost:1"])) == 200)
    for origin in ["http://evil.example", "null", "http://localhost:2"] {
      #expect(status(try await tried.ask("GET /hello", [host, "Origin: \(origin)"])) == 403)
    }
    await tried.end()
  }

  @Test func requestsFollowEachOtherOnAConnection() async throws {
    let tried = try await Tried()
    let client = try RawClient(port: tried.server.port)
    let request = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
    let last = "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nend"
    await client.send(request + request + last)
    let answers = await client.rest()
    #expect(answers.components(separatedBy: "HTTP/1.1 200 OK").count == 4)
    #expect(answers.hasSuffix("3:end"))
    await tried.end()
  }

  @Test func aNextRequestMayComeAtOnce() async throws {
    let tried = try await Tried()
    let client = try RawClient(port: tried.server.port)
    for number in 0..<200 {
      let body = "request \(number)."
      await client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
      #expect(await client.text(until: body).hasSuffix("\(body.utf8.count):\(body)"))
    }
    await tried.end()
  }

  @Test func aBodyIsSentOnceItIsWanted() async throws {
    let tried = try await Tried()
    let client = try RawClient(port: tried.server.port)
    await client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    #expect(status(await client.text(until: "\r\n\r\n")) == 100)
    await client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    #expect(await client.rest().hasSuffix("5:abcde"))
    await tried.end()
  }

  @Test func aStreamArrivesPieceByPiece() async throws {
    let (received, confirm) = AsyncStream.makeStream(of: Void.self)
    let tried = try await Tried([
      Route("GET", "/events") { _ in
        Response(
          headers: [("Content-Type", "text/event-stream")],
          body: .stream { writer in
            try await writer.write("data: 1\n\n")
            // The second piece is made when the first has arrived.
            for await _ in received {
              try await writer.write("data: 2\n\n")
              return
            }
          })
      }
    ])
    let client = try RawClient(port: tried.server.port)
    await client.send("GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    let first = await client.text(until: "data: 1\n\n")
    #expect(first.contains("data: 1") && !first.contains("data: 2") && !first.contains("Content-Length"))
    confirm.yield()
    let rest = await client.rest()
    #expect(rest.contains("data: 2\n\n") && rest.hasSuffix("0\r\n\r\n"))
    await tried.end()
  }
}
