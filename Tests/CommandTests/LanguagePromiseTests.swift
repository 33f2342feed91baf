import Foundation
import TestSupport
import Testing

/// The promise, for a model whose streams carry their states from step to step.
@Suite("Language models: the same parameters, whatever computes them", .serialized, .timeLimit(.minutes(15)))
struct LanguagePromiseTests {
  private func arguments(
    _ workspace: Workspace, _ out: String, steps: Int, model: String = "lstm", _ more: [String] = []
  ) throws -> [String] {
    let text = (0..<400).map { ["the", "cat", "sat", "on", "a", "mat"][$0 * $0 % 13 % 6] }.joined(separator: " ")
    try workspace.write("text.txt", text)
    let settings = [
      "network.units=8", "network.dropout=0.2", "train.batch=6", "train.unroll=7", "train.shards=4",
      "train.report_every=1",
    ]
    return [model, "--data", workspace["text.txt"], "--out", workspace[out], "--quiet", "--json"]
      + ["--steps", "\(steps)"] + (settings + more).flatMap { ["--set", $0] }
  }

  @Test("Lanes, nodes, and a cut within an epoch") func everywhere() async throws {
    let workspace = try Workspace()
    // An epoch has some thirty steps.
    let expected = try await Elbo.run(["train"] + arguments(workspace, "alone", steps: 44)).hash()
    let lanes = try await Elbo.run(["train"] + arguments(workspace, "lanes", steps: 44) + ["--lanes", "3"]).hash()
    #expect(lanes == expected)
    for nodes in [1, 2, 4] {
      let launched = try await Elbo.run(
        ["launch"] + arguments(workspace, "nodes-\(nodes)", steps: 44) + ["--nodes", "\(nodes)", "--lanes", "1"])
      #expect(try launched.hash() == expected, "\(nodes) nodes: \(launched.error)")
    }
    _ = try await Elbo.run(["train"] + arguments(workspace, "cut", steps: 17))
    let resumed = try await Elbo.run(
      "train", "--resume", workspace["cut"], "--steps", "44", "--quiet", "--json")
    #expect(try resumed.hash() == expected)
  }

  /// A step has two phases, and the second depends on the total of the first.
  @Test("A sharpened posterior") func sharpened() async throws {
    let workspace = try Workspace()
    func arguments(_ out: String) throws -> [String] {
      try self.arguments(
        workspace, out, steps: 12, model: "bayesian-rnn", ["objective.sharpening=detached", "evaluate.samples=1"])
    }
    let expected = try await Elbo.run(["train"] + arguments("alone")).hash()
    let launched = try await Elbo.run(["launch"] + arguments("nodes") + ["--nodes", "2", "--lanes", "1"])
    #expect(try launched.hash() == expected, "\(launched.error)")
  }

  @Test("A node is killed within an epoch") func kill() async throws {
    let workspace = try Workspace()
    let expected = try await Elbo.run(["train"] + arguments(workspace, "alone", steps: 400)).hash()
    let outcome = try await Elbo.run(
      ["launch"] + arguments(workspace, "run", steps: 400) + ["--nodes", "3", "--lanes", "1", "--heartbeat", "0.2"]
    ) { _ in
      try await until { workspace.lines("run/metrics.jsonl") >= 10 }
      let node = try #require(workspace.processes().randomElement())
      #expect(Foundation.kill(node, SIGKILL) == 0)
    }
    #expect(try outcome.hash() == expected)
  }
}
