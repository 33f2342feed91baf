import Foundation
import Subprocess
import TestSupport
import Testing

/// Real processes with keys: who is listed takes part; who is not can neither join, nor read, nor disturb.
@Suite("Encryption", .serialized, .timeLimit(.minutes(15)))
struct EncryptionTests {
  private static let options = ["--steps", "300", "--set", "train.report_every=1", "--lanes", "1"]

  /// A new pair in the workspace; its public key.
  private func key(_ name: String, _ workspace: Workspace) async throws -> String {
    let outcome = try await Elbo.run("keys", "--out", workspace[name])
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test("Listed keys train and ask; others are not heard")
  func allowList() async throws {
    let workspace = try Workspace()
    let expected = try await Elbo.run(workspace.training("vae", out: "undisturbed", Self.options)).hash()
    let server = try await key("server", workspace)
    var listed: [String] = []
    for name in ["one", "two", "reader"] { listed.append(try await key(name, workspace)) }
    _ = try await key("stranger", workspace)
    try workspace.write("allowed", listed.joined(separator: "\n") + "\n")

    @Sendable func keys(_ name: String) -> [String] { ["--key", workspace[name], "--coordinator-key", server] }
    @Sendable func node(_ name: String, _ more: [String]) async throws -> Elbo.Outcome {
      try await until { workspace.endpoint("run") != nil }
      return try await Elbo.run(
        ["node", "--coordinator", workspace.endpoint("run")!, "--name", name, "--lanes", "1"] + more)
    }
    async let coordinator = Elbo.run(
      ["coordinator"] + workspace.training("vae", out: "run", Self.options).dropFirst()
        + [
          "--nodes", "2", "--bind", "tcp://127.0.0.1:*", "--key", workspace["server"], "--allow", workspace["allowed"],
        ])
    // Before the training begins, so that it is there to be disturbed.
    async let stranger = node("stranger", keys("stranger") + ["--patience", "2"])
    async let naked = node("naked", ["--patience", "2"])
    try await until { workspace.endpoint("run") != nil }
    let endpoint = try #require(workspace.endpoint("run"))
    async let unlisted = Elbo.run(["status", endpoint, "--patience", "1", "--json"] + keys("stranger"))
    async let plain = Elbo.run(["status", endpoint, "--patience", "1", "--json"])
    for status in try await [unlisted, plain] { #expect(status.status == .exited(2), "\(status.output)") }
    #expect(try await stranger.status == .exited(1))
    #expect(try await stranger.error.contains("no coordinator answers"))
    #expect(try await naked.status == .exited(1))
    let reader = try await Elbo.run(["status", endpoint, "--json"] + keys("reader")).json()
    #expect(reader["state"] as? String == "waiting")
    #expect((reader["nodes"] as? [any Sendable])?.count == 0)
    async let one = node("one", keys("one"))
    async let two = node("two", keys("two"))
    let outcome = try await coordinator
    #expect(try outcome.hash() == expected)
    #expect(try await one.status == .exited(0))
    #expect(try await two.status == .exited(0))
  }

  @Test("launch makes keys for its nodes; the secrets are on no command line")
  func launch() async throws {
    let workspace = try Workspace()
    let expected = try await Elbo.run(workspace.training("vae", out: "undisturbed", Self.options)).hash()
    let server = try await key("server", workspace)
    let reader = try await key("reader", workspace)
    try workspace.write("allowed", reader + "\n")
    let outcome = try await Elbo.run(
      workspace.launch("vae", out: "run", nodes: 2, Self.options)
        + ["--key", workspace["server"], "--allow", workspace["allowed"]]
    ) { _ in
      try await until { workspace.lines("run/metrics.jsonl") >= 5 }
      for process in workspace.processes() {
        let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let keys = words.filter { $0.count == 64 && $0.allSatisfy(\.isHexDigit) }
        #expect(keys.allSatisfy { $0 == server })
      }
      let status = try await Elbo.run(
        "status", workspace.endpoint("run")!, "--json", "--key", workspace["reader"], "--coordinator-key", server)
      #expect([.exited(0), .exited(1)].contains(status.status), "\(status.error)")
    }
    #expect(try outcome.hash() == expected)
  }

  @Test("A viewer's key asks for the status; it neither joins nor makes nodes compute predictions")
  func roles() async throws {
    let workspace = try Workspace()
    let server = try await key("server", workspace)
    let (viewer, old) = (try await key("viewer", workspace), try await key("old", workspace))
    // One line with a role, one of a list of 0.1, which meant the same to a launch.
    try workspace.write("allowed", "\(viewer) status\n\(old) my laptop\n")
    let outcome = try await Elbo.run(
      workspace.endlessLaunch(nodes: 2)
        + ["--key", workspace["server"], "--allow", workspace["allowed"]]
    ) { send in
      try await until { workspace.lines("run/metrics.jsonl") >= 5 }
      let endpoint = workspace.endpoint("run")!
      for name in ["viewer", "old"] {
        let keys = ["--key", workspace[name], "--coordinator-key", server]
        let status = try await Elbo.run(["status", endpoint, "--json"] + keys)
        #expect((try status.json()["nodes"] as? [any Sendable])?.count == 2)
        let node = try await Elbo.run(["node", "--coordinator", endpoint, "--name", name, "--patience", "20"] + keys)
        #expect(node.status == .exited(2), "\(node.error)")
        #expect(node.error.contains("its key has the role status, and this needs node"), "\(node.error)")
      }
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130), "\(outcome.error)")
    #expect(outcome.error.contains("without a role (1), which are taken for status"))
    #expect(workspace.names(in: "run/logs").allSatisfy { $0.hasPrefix("node-") })
  }

  @Test("Contradictory options are mistakes")
  func mistakes() async throws {
    let workspace = try Workspace()
    _ = try await key("server", workspace)
    let both = try await Elbo.run(
      workspace.launch("vae", out: "run", nodes: 2, Self.options + ["--plain", "--key", workspace["server"]]))
    #expect(both.status == .exited(2))
    #expect(both.error.contains("--plain"), "\(both.error)")
    let nothing = try await Elbo.run(
      "node", "--coordinator", "tcp://127.0.0.1:9", "--key", "-", "--coordinator-key",
      String(repeating: "0", count: 64))
    #expect(nothing.status == .exited(2))
    #expect(nothing.error.contains("standard input"), "\(nothing.error)")
  }
}
