import Foundation
import Subprocess
import TestSupport
import Testing

/// What happens to real processes, and the result that it does not change.
@Suite("Faults: the same parameters_sha256 as undisturbed", .serialized, .timeLimit(.minutes(15)))
struct FaultTests {
  private static let steps = 400
  private static let options = ["--steps", "\(steps)", "--set", "train.report_every=1", "--lanes", "1"]

  private func undisturbed(_ workspace: Workspace) async throws -> String {
    try await Elbo.run(workspace.training("vae", out: "undisturbed", Self.options)).hash()
  }

  /// Launches three nodes, does something to them when some steps are done, and expects the undisturbed result.
  private func launch(
    after lines: Int, sourceLocation: SourceLocation = #_sourceLocation,
    _ disturb: @escaping @Sendable (Workspace, [pid_t]) async throws -> Void
  ) async throws {
    let workspace = try Workspace()
    let expected = try await undisturbed(workspace)
    let arguments = workspace.launch(
      "vae", out: "run", nodes: 3, Self.options + ["--heartbeat", "0.2"])
    let outcome = try await Elbo.run(arguments) { _ in
      try await until { workspace.lines("run/metrics.jsonl") >= lines }
      try await disturb(workspace, workspace.processes())
    }
    #expect(try outcome.hash(sourceLocation: sourceLocation) == expected, sourceLocation: sourceLocation)
    #expect(workspace.processes().isEmpty, sourceLocation: sourceLocation)
    #expect(workspace.lines("run/metrics.jsonl") == Self.steps, sourceLocation: sourceLocation)
  }

  @Test("A node is killed", arguments: [5, 60, 150])
  func kill(_ lines: Int) async throws {
    try await launch(after: lines) { _, nodes in
      let node = try #require(nodes.randomElement())
      #expect(Foundation.kill(node, SIGKILL) == 0)
    }
  }

  @Test("All nodes but one are killed")
  func killTwo() async throws {
    try await launch(after: 20) { _, nodes in
      for node in nodes.shuffled().dropFirst() { #expect(Foundation.kill(node, SIGKILL) == 0) }
    }
  }

  @Test("A node sleeps so long that it is given up, and wakes")
  func sleep() async throws {
    try await launch(after: 20) { workspace, nodes in
      let node = try #require(nodes.randomElement())
      #expect(Foundation.kill(node, SIGSTOP) == 0)
      let lines = workspace.lines("run/metrics.jsonl")
      try await until { workspace.lines("run/metrics.jsonl") > lines + 20 }
      #expect(Foundation.kill(node, SIGCONT) == 0)
    }
  }

  @Test("A node is asked to leave")
  func leave() async throws {
    try await launch(after: 20) { _, nodes in
      let node = try #require(nodes.randomElement())
      #expect(Foundation.kill(node, SIGTERM) == 0)
    }
  }

  /// Starts a coordinator, and nodes at its endpoint.
  private func coordinator(
    _ workspace: Workspace, _ out: String = "run", nodes: Int, bind: String = "tcp://127.0.0.1:*", _ more: [String] = []
  ) -> [String] {
    ["coordinator"] + workspace.training("vae", out: out, Self.options + ["--heartbeat", "0.2"]).dropFirst()
      + ["--nodes", "\(nodes)", "--bind", bind] + more
  }

  private func endlessCoordinator(_ workspace: Workspace, nodes: Int, _ more: [String] = []) -> [String] {
    coordinator(workspace, nodes: nodes, more).map { $0 == "\(Self.steps)" ? "1000000000" : $0 }
  }

  private func node(_ workspace: Workspace, _ name: String, _ more: [String] = []) async throws -> Elbo.Outcome {
    try await until { workspace.endpoint("run") != nil }
    return try await Elbo.run(
      ["node", "--coordinator", workspace.endpoint("run")!, "--name", name, "--lanes", "1"] + more)
  }

  /// Two nodes, and coordinators that the body runs; the last one's result is the undisturbed one.
  private func withTwoNodes(
    second ending: Elbo.Status = .exited(0), sourceLocation: SourceLocation = #_sourceLocation,
    _ lead: (Workspace) async throws -> Elbo.Outcome
  ) async throws {
    let workspace = try Workspace()
    let expected = try await undisturbed(workspace)
    async let first = node(workspace, "first")
    async let second = node(workspace, "second")
    let outcome = try await lead(workspace)
    #expect(
      try outcome.hash(sourceLocation: sourceLocation) == expected, "\(outcome.error)", sourceLocation: sourceLocation)
    #expect(try await first.status == .exited(0), sourceLocation: sourceLocation)
    #expect(try await second.status == ending, sourceLocation: sourceLocation)
    #expect(workspace.lines("run/metrics.jsonl") == Self.steps, sourceLocation: sourceLocation)
  }

  /// A coordinator of two nodes that reports its views, and has the usual heartbeat.
  private func loudCoordinator(_ workspace: Workspace, bind: String = "tcp://127.0.0.1:*") -> [String] {
    coordinator(workspace, nodes: 2, bind: bind).filter { $0 != "--quiet" }.map { $0 == "0.2" ? "1" : $0 }
  }

  @Test("A node joins late, with the state of a peer")
  func join() async throws {
    let workspace = try Workspace()
    let endless = endlessCoordinator(workspace, nodes: 1)
    async let first = node(workspace, "first")
    async let second: Elbo.Outcome = {
      try await until { workspace.lines("run/metrics.jsonl") >= 20 }
      return try await node(workspace, "second")
    }()
    let outcome = try await Elbo.run(endless) { send in
      while true {
        try await until { workspace.endpoint("run") != nil }
        let status = try await Elbo.run("status", workspace.endpoint("run")!, "--json")
        if status.status == .exited(0), (try status.json()["nodes"] as? [any Sendable])?.count == 2 { break }
      }
      let lines = workspace.lines("run/metrics.jsonl")
      try await until { workspace.lines("run/metrics.jsonl") > lines + 20 }
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130))
    let step = try #require(try outcome.json()["steps"] as? Int)
    let alone = try await Elbo.run(workspace.training("vae", out: "alone", "--steps", "\(step)")).hash()
    #expect(try outcome.json()["parameters_sha256"] as? String == alone)
    #expect(try await first.status == .exited(0))
    let late = try await second
    #expect(late.status == .exited(0), "\(late.error)")
  }

  /// However long the grace is, and however soon the next checkpoint is due.
  @Test("All nodes are asked to leave at once, as a scheduler does: one hands the state over", arguments: [1, 1000])
  func leaveAll(checkpointEvery interval: Int) async throws {
    let workspace = try Workspace()
    let endless = endlessCoordinator(workspace, nodes: 2, ["--set", "train.checkpoint_every=\(interval)"])
    async let first = node(workspace, "first", ["--grace", "86400"])
    async let second = node(workspace, "second", ["--grace", "86400"])
    let outcome = try await Elbo.run(endless) { send in
      try await until { workspace.lines("run/metrics.jsonl") >= 20 }
      for node in workspace.processes() { #expect(Foundation.kill(node, SIGTERM) == 0) }
      try await until { !workspace.names(in: "run/checkpoints").isEmpty && workspace.processes().isEmpty }
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130), "\(outcome.error)")
    #expect(try await first.status == .exited(130))
    #expect(try await second.status == .exited(130))
    let step = try #require(try outcome.json()["steps"] as? Int)
    // The node whose state is taken may be a step behind the one that has reported.
    #expect(step >= 19)
    let alone = try await Elbo.run(workspace.training("vae", out: "alone", "--steps", "\(step)")).hash()
    #expect(try outcome.json()["parameters_sha256"] as? String == alone)
  }

  @Test("The coordinator is killed and started again")
  func restart() async throws {
    try await withTwoNodes { workspace in
      let killed = try await Elbo.run(coordinator(workspace, nodes: 2)) { send in
        try await until { workspace.lines("run/metrics.jsonl") >= 20 }
        try send(.kill)
      }
      #expect(killed.status == .killed(by: SIGKILL))
      return try await Elbo.run(coordinator(workspace, nodes: 2, bind: try #require(workspace.endpoint("run"))))
    }
  }

  @Test(
    "The coordinator is started again when all is over: it says the same, and of another recipe that there is a run")
  func afterTheEnd() async throws {
    let workspace = try Workspace()
    let command = coordinator(workspace, nodes: 1)
    async let only = node(workspace, "only")
    let first = try await Elbo.run(command)
    #expect(try await only.status == .exited(0))
    let again = try await Elbo.run(command)
    #expect(again.status == .exited(0), "\(again.error)")
    #expect(again.output == first.output)
    #expect(again.error.contains("run is finished"), "\(again.error)")
    let other = try await Elbo.run(command + ["--seed", "7"])
    #expect(other.status == .exited(2))
    #expect(other.error.contains("holds a run already"), "\(other.error)")
  }

  @Test("A node is killed with the coordinator: it is not waited for longer than by one that lives")
  func killBoth() async throws {
    try await withTwoNodes(second: .killed(by: SIGKILL)) { workspace in
      let killed = try await Elbo.run(loudCoordinator(workspace)) { send in
        try await until { workspace.lines("run/metrics.jsonl") >= 20 }
        for node in workspace.processes("run", named: "second") { #expect(Foundation.kill(node, SIGKILL) == 0) }
        try send(.kill)
      }
      #expect(killed.status == .killed(by: SIGKILL))
      let endpoint = try #require(workspace.endpoint("run"))
      let again = try await Elbo.run(loudCoordinator(workspace, bind: endpoint))
      #expect(again.error.contains("(second) is lost: no heartbeat for 3000 ms"), "\(again.error)")
      return again
    }
  }

  @Test("Two clusters are crossed: nodes of one knock at the other's coordinator, and change neither result")
  func crossed() async throws {
    let workspace = try Workspace()
    let expected = try await undisturbed(workspace)
    let seed = ["--seed", "7"]
    let other = try await Elbo.run(workspace.training("vae", out: "other-undisturbed", Self.options + seed)).hash()
    async let first = node(workspace, "first")
    let killed = try await Elbo.run(coordinator(workspace, nodes: 1)) { send in
      try await until { workspace.lines("run/metrics.jsonl") >= 20 }
      try send(.kill)
    }
    #expect(killed.status == .killed(by: SIGKILL))
    // Where the first cluster's coordinator was is now that of another job, which names its first node alike.
    let endpoint = try #require(workspace.endpoint("run"))
    let stranger = try await Elbo.run(coordinator(workspace, "other", nodes: 1, bind: endpoint, seed)) { _ in
      // Heard, and not believed.
      while true {
        let status = try await Elbo.run("status", endpoint, "--json", "--patience", "60").json()
        if (status["refused_messages"] as? Int ?? 0) > 0 {
          #expect((status["nodes"] as? [any Sendable])?.count == 0)
          break
        }
      }
      let second = try await node(workspace, "first")
      #expect(second.status == .exited(0), "\(second.error)")
    }
    #expect(try stranger.hash() == other, "\(stranger.error)")
    let again = try await Elbo.run(coordinator(workspace, nodes: 1, bind: endpoint))
    #expect(try again.hash() == expected, "\(again.error)")
    #expect(try await first.status == .exited(0))
  }

  @Test("The coordinator sleeps: nodes go on, and none is blamed for what it did not hear")
  func coordinatorSleeps() async throws {
    try await withTwoNodes { workspace in
      let outcome = try await Elbo.run(loudCoordinator(workspace)) { send in
        try await until { workspace.lines("run/metrics.jsonl") >= 20 }
        try send(.suspend)
        // This is the fault: more than three heartbeats.
        try await Task.sleep(for: .seconds(4))
        try send(.resume)
      }
      #expect(outcome.error.split(separator: "\n").count { $0.hasPrefix("view ") } == 1, "\(outcome.error)")
      return outcome
    }
  }

  @Test("A node with other data, and one that is another program, are refused; the training goes on")
  func refusal() async throws {
    let workspace = try Workspace()
    let expected = try await undisturbed(workspace)
    try FileManager.default.copyItem(atPath: workspace.data, toPath: workspace["other"])
    try workspace.write(
      "other/train-images-idx3-ubyte", IDX.images(Workspace.trainCount, side: Workspace.side).dropLast() + [77])
    async let coordinator = Elbo.run(coordinator(workspace, nodes: 1))
    let stranger = try await node(workspace, "stranger", ["--data", workspace["other"]])
    #expect(stranger.status == .exited(2))
    #expect(stranger.error.contains("data"))
    let changed = workspace["elbo"]
    let other = try await Elbo.run(
      throughShell: "/bin/cp \"$0\" '\(changed)' && echo >> '\(changed)' && exec '\(changed)' \"$@\"",
      ["node", "--coordinator", try #require(workspace.endpoint("run"))])
    #expect(other.status == .exited(2))
    #expect(other.error.contains("refuses"), "\(other.error)")
    async let first = node(workspace, "first")
    #expect(try await coordinator.hash() == expected)
    #expect(try await first.status == .exited(0))
  }

  @Test("Status: healthy, then finished; unreachable")
  func status() async throws {
    let workspace = try Workspace()
    let outcome = try await Elbo.run(workspace.endlessLaunch(nodes: 2)) { send in
      try await until { workspace.lines("run/metrics.jsonl") >= 20 }
      let endpoint = try #require(workspace.endpoint("run"))
      let status = try await Elbo.run("status", endpoint, "--json")
      #expect(status.status == .exited(0), "\(status.output) \(status.error)")
      let object = try status.json()
      #expect(object["state"] as? String == "running")
      #expect((object["nodes"] as? [any Sendable])?.count == 2)
      #expect(try await Elbo.run("status", workspace["run"]).status == .exited(0))
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130))
    #expect(try await Elbo.run("status", workspace["run"]).status == .exited(1), "interrupted")
    let unreachable = try await Elbo.run(
      "status", try #require(workspace.endpoint("run")), "--patience", "0.3", "--json")
    #expect(unreachable.status == .exited(2))
    #expect(try unreachable.json()["state"] as? String == "unreachable")
  }
}

extension Workspace {
  /// Where the coordinator of a run listens, once it does.
  func endpoint(_ run: String) -> String? {
    guard let bytes = try? read("\(run)/coordinator.endpoint") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? nil : text
  }
}
