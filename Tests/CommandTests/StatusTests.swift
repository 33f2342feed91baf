import Foundation
import Testing

extension CommandTests {
  @Suite struct StatusTests {
    @Test("Names of folders with quotes and backslashes are JSON", arguments: [#"a"b"#, #"a\b"#, "a\tb"])
    func statusOfARunIsJSON(_ name: String) async throws {
      let workspace = try Workspace()
      let run = workspace[name]
      try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
      try workspace.write(name + "/recipe.yaml", "model: vae\n")
      try workspace.write(name + "/summary.json", #"{"status": "interrupted"}"#)
      let outcome = try await Elbo.run("status", run, "--json")
      #expect(outcome.status == .exited(1), "\(outcome.error)")
      #expect(try outcome.json() as? [String: String] == ["state": "interrupted", "run": run])
    }

    @Test func anUnreachableCoordinatorIsJSON() async throws {
      let outcome = try await Elbo.run("status", "tcp://127.0.0.1:1", "--patience", "0.1", "--json")
      #expect(outcome.status == .exited(2))
      #expect(try outcome.json() as? [String: String] == ["state": "unreachable", "endpoint": "tcp://127.0.0.1:1"])
    }
  }
}
