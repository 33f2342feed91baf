import Foundation
import HTTPServer
import Pages
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct AccessTests {
  @Test func aTokenBecomesACookie() async throws {
    let folder = Folder()
    try folder.run("vae")
    let token = Token()
    let served = try await Served(Page(.folder(folder.path)), token: token)
    #expect(served.server.address.hasSuffix("/?token=\(token.text)"))
    for path in ["/", "/api/runs", "/events", "/metrics", "/api/run/vae", "/nothing", "/?token=\(Token().text)"] {
      #expect(status(try await served.ask(path)) == 401, "\(path)")
    }
    #expect(status(try await served.ask("/livez")) == 200)
    #expect(status(try await served.ask("/readyz")) == 200)
    #expect(
      status(try await served.ask("/metrics", ["Host: localhost", "Authorization: Bearer \(token.text)"])) == 200)

    let answer = try await served.ask("/?token=\(token.text)")
    #expect(status(answer) == 303 && answer.contains("Location: ./\r\n"))
    let cookie = try #require(answer.firstMatch(of: /Set-Cookie: ([^;]+); HttpOnly; SameSite=Strict\r\n/)).1
    #expect(!cookie.contains(token.text), "the cookie does not tell the token")
    for header in ["Cookie: \(cookie)", "Cookie: other=1; \(cookie); more=2"] {
      #expect(status(try await served.ask("/api/runs", ["Host: localhost", header])) == 200)
    }
    let name = cookie.split(separator: "=")[0]
    for header in ["Cookie: \(name)=", "Cookie: \(name)=\(token.text)", "Cookie: x\(cookie)"] {
      #expect(status(try await served.ask("/api/runs", ["Host: localhost", header])) == 401, "\(header)")
    }
    await served.server.end()
  }

  @Test func pagesOfOthersAreNotAnswered() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(folder.path)
    #expect(status(try await served.ask("/api/runs", ["Host: evil.example"])) == 421)
    #expect(status(try await served.ask("/api/runs", ["Host: localhost", "Origin: http://evil.example"])) == 403)
    #expect(status(try await served.ask("/api/runs", ["Host: localhost", "Origin: http://localhost"])) == 200)
    let page = try await served.ask("/")
    #expect(status(page) == 200 && !page.contains("Access-Control"))
    #expect(page.contains("default-src 'none'; script-src 'sha256-") && page.contains("frame-ancestors 'self'"))
    #expect(!page.contains("unsafe-inline") && page.contains("nosniff") && page.contains("no-referrer"))
    #expect(!page.contains("src=\"http") && !page.contains("href=\"http"), "nothing is asked of others")
    let head = try await served.ask("/", method: "HEAD")
    #expect(status(head) == 200 && head.hasSuffix("\r\n\r\n"))
    for method in ["POST", "PUT", "DELETE"] {
      #expect(status(try await served.ask("/api/run/vae", method: method)) == 405)
    }
    #expect(status(try await served.ask("/" + String(repeating: "x", count: 20_000))) == 431)
    await served.server.end()
  }

  @Test func aPictureIsFoundByItsListAlone() async throws {
    let folder = Folder()
    try folder.run("runs/vae")
    try folder.write("secret.png", "secret")
    try folder.write("runs/vae/figures/page.html", "html")
    try folder.write("elsewhere/figures/samples.png", "elsewhere")
    let manager = FileManager.default
    try manager.createSymbolicLink(
      atPath: folder["runs/vae/figures/link.png"], withDestinationPath: folder["secret.png"])
    let served = try await Served(folder["runs"])
    let figures = try await served.object("/api/run/vae")["figures"] as? [[String: Any]]
    #expect(
      figures?.compactMap { $0["file"] as? String } == [
        "samples-step-000001.png", "samples-step-000002.png", "samples.png",
      ])
    #expect(figures?.map { $0["step"] as? Int } == [1, 2, nil] && figures?[0]["name"] as? String == "samples")
    let picture = try await served.ask("/api/run/vae/figures/samples.png")
    #expect(picture.hasSuffix("png of samples.png") && picture.contains("Content-Type: image/png"))
    for path in [
      "vae/figures/link.png", "vae/figures/page.html", "vae/figures/..%2Frecipe.yaml",
      "vae/figures/..%2F..%2F..%2Fsecret.png",
      "..", "..%2Fruns%2Fvae", "%2Fetc", "vae%2Ffigures", "vae/figures/%2Fetc%2Fpasswd", "vae/figures/samples.png%00",
    ] {
      #expect(status(try await served.ask("/api/run/\(path)")) == 404, "\(path)")
    }
    await served.server.end()
  }

  @Test func linksLeadNowhere() async throws {
    let folder = Folder()
    try folder.run("outside")
    try folder.run("runs/vae")
    try folder.write("secret", "{\"step\":1,\"train/secret\":1}\n")
    let manager = FileManager.default
    try manager.createSymbolicLink(atPath: folder["runs/linked"], withDestinationPath: folder["outside"])
    for file in ["metrics.jsonl", "environment.json", "summary.json"] {
      try? manager.removeItem(atPath: folder["runs/vae/\(file)"])
      try manager.createSymbolicLink(atPath: folder["runs/vae/\(file)"], withDestinationPath: folder["secret"])
    }
    let served = try await Served(folder["runs"])
    let list = try await served.object("/api/runs")
    let runs = try #require(list["runs"] as? [[String: Any]])
    #expect(runs.count == 1 && runs[0]["state"] as? String == "unfinished")
    #expect((list["note"] as? String)?.contains("not followed: 1") == true)
    let metrics = try await served.object("/api/run/vae/metrics")
    #expect(metrics["note"] as? String == "metrics.jsonl is a link, which is not followed")
    let notes = try await served.object("/api/run/vae")["notes"] as? [String]
    #expect(notes?.count == 2, "\(notes ?? [])")
    await served.server.end()
  }

  /// Half of a request each: the page goes on for others, and who takes too long is dropped.
  @Test func aHundredSlowClientsAreBorne() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(folder.path)
    let slow = try (0..<100).map { _ in try RawClient(port: served.port) }
    for (index, client) in slow.enumerated() {
      await client.send(index.isMultiple(of: 2) ? "GET /api/runs HTTP/1.1\r\nHost: loc" : "")
    }
    #expect(status(try await served.ask("/api/runs")) == 200)
    for client in slow { _ = await client.rest() }
    #expect(status(try await served.ask("/api/runs")) == 200)
    await served.server.end()
  }
}
