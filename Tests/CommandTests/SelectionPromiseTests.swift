import Foundation
import Subprocess
import TestSupport
import Testing

/// The promise, for what decides: the same selected step, the same last step and the same parameters.
@Suite("Selection: the same result, whatever computes it and whatever dies", .serialized, .timeLimit(.minutes(15)))
struct SelectionPromiseTests {
  /// Images of noise whose labels cannot be learned, so that the validation part soon gets worse.
  private func arguments(_ workspace: Workspace, _ out: String, patience: Int = 40, steps: Int = 2000) throws
    -> [String]
  {
    let rows = (0..<200).map { i in "\(i * i % 37),\(i * i * i % 41),\(i * 7 % 13),\(i * i % 17 > 8 ? "a" : "b")" }
    try workspace.write("rows.csv", "u,v,w,kind\n" + rows.joined(separator: "\n") + "\n")
    let settings = [
      "data.target=kind", "data.test_fraction=0.2", "data.validation_fraction=0.25", "network.hidden=[16]",
      "train.batch=40", "train.shards=4", "train.select=validation/cls/NLL", "train.patience=\(patience)",
      "train.evaluate_every=2", "train.report_every=1", "optimizer.learning_rate=0.003",
    ]
    return [
      "mlp", "--data", workspace["rows.csv"], "--out", workspace[out], "--quiet", "--json", "--steps", "\(steps)",
    ]
      + settings.flatMap { ["--set", $0] }
  }

  /// What a training has decided, and came to.
  private func result(_ outcome: Elbo.Outcome, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
    #expect(outcome.status == .exited(0), "\(outcome.error)", sourceLocation: sourceLocation)
    let summary = try outcome.json()
    let selection = try #require(summary["selection"] as? [String: any Sendable], sourceLocation: sourceLocation)
    return [
      "\(summary["steps"] as? Int ?? -1)", "\(selection["step"] as? Int ?? -1)",
      "\(selection["value"] as? Double ?? .nan)",
      selection["ended"] as? String ?? "", summary["parameters_sha256"] as? String ?? "",
    ]
  }

  @Test("Lanes, nodes, and a cut") func everywhere() async throws {
    let workspace = try Workspace()
    let expected = try result(await Elbo.run(["train"] + arguments(workspace, "alone") + ["--lanes", "1"]))
    #expect(expected[3] == "patience")
    for lanes in [2, 4] {
      let outcome = try await Elbo.run(["train"] + arguments(workspace, "lanes-\(lanes)") + ["--lanes", "\(lanes)"])
      #expect(try result(outcome) == expected)
    }
    for nodes in [1, 2, 4] {
      let launched = try await Elbo.run(
        ["launch"] + arguments(workspace, "nodes-\(nodes)") + ["--nodes", "\(nodes)", "--lanes", "1"])
      #expect(try result(launched) == expected, "\(nodes) nodes: \(launched.error)")
      #expect(workspace.lines("nodes-\(nodes)/metrics.jsonl") == Int(expected[0]))
    }
    let cut = try await Elbo.run(["train"] + arguments(workspace, "cut", steps: 31))
    #expect(cut.status == .exited(0))
    let resumed = try await Elbo.run("train", "--resume", workspace["cut"], "--steps", "2000", "--quiet", "--json")
    #expect(try result(resumed) == expected)
  }

  @Test("A process that trains alone, a node, and the coordinator are killed") func kills() async throws {
    let workspace = try Workspace()
    let expected = try result(await Elbo.run(["train"] + arguments(workspace, "alone", patience: 150)))
    let alone = try arguments(workspace, "killed", patience: 150) + ["--set", "train.checkpoint_every=7"]
    let killed = try await Elbo.run(["train"] + alone) { send in
      try await until { workspace.lines("killed/metrics.jsonl") >= 40 }
      try send(.kill)
    }
    #expect(killed.status == .killed(by: SIGKILL))
    #expect(
      try result(await Elbo.run("train", "--resume", workspace["killed"], "--quiet", "--json")) == expected)

    let nodes =
      try arguments(workspace, "nodes", patience: 150) + ["--nodes", "3", "--lanes", "1", "--heartbeat", "0.2"]
    let launched = try await Elbo.run(["launch"] + nodes) { _ in
      try await until { workspace.lines("nodes/metrics.jsonl") >= 20 }
      let node = try #require(workspace.processes("nodes").randomElement())
      #expect(Foundation.kill(node, SIGKILL) == 0)
    }
    #expect(try result(launched) == expected)

    let lead =
      try ["coordinator"] + arguments(workspace, "led", patience: 150) + ["--nodes", "2", "--heartbeat", "0.2"]
    async let first = node(workspace, "first")
    async let second = node(workspace, "second")
    let stopped = try await Elbo.run(lead + ["--bind", "tcp://127.0.0.1:*"]) { send in
      try await until { workspace.lines("led/metrics.jsonl") >= 40 }
      try send(.kill)
    }
    #expect(stopped.status == .killed(by: SIGKILL))
    let again = try await Elbo.run(lead + ["--bind", try #require(workspace.endpoint("led"))])
    #expect(try result(again) == expected)
    let ended = try await [first, second]
    #expect(ended.allSatisfy { $0.status == .exited(0) }, "\(ended.map(\.error))")
  }

  private func node(_ workspace: Workspace, _ name: String) async throws -> Elbo.Outcome {
    try await until { workspace.endpoint("led") != nil }
    return try await Elbo.run(
      ["node", "--coordinator", workspace.endpoint("led")!, "--name", name, "--lanes", "1"])
  }
}
