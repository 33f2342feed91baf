import Files
import Foundation
import HTTPServer
import Pages
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct PageTests {
  @Test func aThousandRunsAreListed() async throws {
    let folder = Folder()
    for index in 0..<1000 { try folder.run("run-\(index)", seed: index, sha: "\(index / 2)", isBare: true) }
    let served = try await Served(folder.path)
    let list = try await served.object("/api/runs")
    let runs = try #require(list["runs"] as? [[String: Any]])
    #expect(runs.count == 1000 && list["isMany"] as? Bool == true)
    #expect(Set(runs.compactMap { $0["group"] as? String }).count == 1, "they differ by their seeds alone")
    let run = try await served.object("/api/run/run-7")
    #expect(run["same"] as? [String] == ["run-6"])
    let recipe = try #require(run["recipe"] as? [[String: Any]])
    let latent = try #require(recipe.first { $0["key"] as? String == "network.latent" })
    #expect(latent["value"] as? String == "2" && latent["standard"] as? String != "2" && latent["meaning"] is String)
    await served.server.end()
  }

  @Test func aRunThatIsWrittenRuns() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(folder.path)
    #expect(try await served.object("/api/run/vae")["state"] as? String == "finished")
    switch try FileLock.take(folder["vae/.lock"], saying: "1\nelbo\nhere\n") {
    case .held(let lock):
      #expect(try await served.object("/api/run/vae")["state"] as? String == "running")
      _ = consume lock
    default: Issue.record("there is no other holder")
    }
    #expect(try await served.object("/api/run/vae")["state"] as? String == "finished")
    await served.server.end()
  }

  @Test func runsAreCompared() async throws {
    let folder = Folder()
    try folder.run("a", seed: 1)
    try folder.run("b", seed: 2)
    let served = try await Served(folder.path)
    let compared = try await served.object("/api/compare?runs=a%2Fb%2Fnothing")
    #expect(compared["runs"] as? [String] == ["a", "b"])
    let keys = try #require(compared["keys"] as? [[String: Any]])
    #expect(
      keys.count == 1 && keys[0]["key"] as? String == "train.seed" && keys[0]["values"] as? [String] == ["1", "2"])
    await served.server.end()
  }

  @Test func aFolderThatDisappearsIsSaid() async throws {
    let folder = Folder()
    try folder.run("runs/vae")
    let served = try await Served(folder["runs"])
    #expect((try await served.object("/api/runs")["runs"] as? [Any])?.count == 1)
    try FileManager.default.removeItem(atPath: folder["runs"])
    let list = try await served.object("/api/runs")
    #expect((list["runs"] as? [Any])?.isEmpty == true)
    #expect((list["note"] as? String)?.contains("is there no more") == true)
    #expect(status(try await served.ask("/api/run/vae")) == 404)
    try folder.run("runs/again")
    #expect((try await served.object("/api/runs")["runs"] as? [Any])?.count == 1)
    await served.server.end()
  }

  @Test func namesAreNoScripts() async throws {
    let script = "<script>alert(1)"
    let folder = Folder()
    try folder.run(script, metrics: ["test/cls/Recall/\(script)</script>": 1])
    let served = try await Served(folder.path)
    let name = "%3Cscript%3Ealert(1)"
    let answer = try await served.ask("/api/run/\(name)")
    #expect(status(answer) == 200 && answer.contains("Content-Type: application/json") && answer.contains("nosniff"))
    #expect(try await served.object("/api/run/\(name)")["name"] as? String == script)
    await served.server.end()
    let document = try #require(await Page(.folder(folder.path)).document(of: script))
    #expect(!document.contains("<script>alert") && document.contains("\\u003cscript>alert"))
  }

  @Test func aRunIsOneFile() async throws {
    let folder = Folder()
    try folder.run("vae")
    let document = try #require(await Page(.run(folder["vae"])).document(of: "vae"))
    #expect(document.contains("Content-Security-Policy") && !document.contains("connect-src"))
    let data = try #require(document.firstMatch(of: /id="data">([^<]+)<\/script>/)).1
    let object = try #require(try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any])
    let pictures = try #require(object["pictures"] as? [String: String])
    let picture = try #require(pictures["samples.png"])
    #expect(pictures.count == 3 && picture.hasPrefix("data:image/png;base64,"))
    #expect(Data(base64Encoded: String(picture.dropFirst(22))) == Data("png of samples.png".utf8))
    #expect(Served.values(object["metrics"] as! [String: Any], "train/elbo") == [1, 2, 3])
    #expect(await Page(.run(folder["vae"])).document(of: "other") == nil)
  }

  @Test func newsAreTold() async throws {
    let folder = Folder()
    try folder.run("vae")
    let served = try await Served(folder.path)
    _ = try await served.object("/api/runs")
    let reader = try RawClient(port: served.port)
    await reader.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let head = await reader.text(until: "retry: 2000")
    #expect(head.contains("Content-Type: text/event-stream") && head.contains("X-Accel-Buffering: no"))
    try folder.run("another")
    #expect(await reader.text(until: "\n\n").contains("event: change\ndata: [\"another\"]"))
    await served.server.end()
    #expect(await reader.rest().count < 1000)
  }
}
