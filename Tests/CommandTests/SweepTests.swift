import Foundation
import Subprocess
import TestSupport
import Testing

/// A sweep finds the same, no matter which process computes it and which dies.
@Suite("Sweeps", .serialized, .timeLimit(.minutes(15)))
struct SweepTests {
  /// Rows of two classes that overlap, and a sweep over nine learning rates of a small network.
  private func arguments(_ workspace: Workspace, _ out: String, steps: Int = 216, _ more: String...) throws -> [String]
  {
    let rows = (0..<160).map { i in "\(i * i % 37),\(i * i * i % 41),\(i * 7 % 13),\(i * i % 37 > 15 ? "a" : "b")" }
    try workspace.write("rows.csv", "u,v,w,kind\n" + rows.joined(separator: "\n") + "\n")
    let settings = [
      "data.target=kind", "data.test_fraction=0.2", "data.validation_fraction=0.25", "network.hidden=[16]",
      "train.batch=32", "train.evaluate_every=4", "optimizer.schedule=cosine",
    ]
    return [
      "sweep", "mlp", "--data", workspace["rows.csv"], "--out", workspace[out], "--quiet", "--json", "--no-figures",
      "--steps", "\(steps)", "--on", "validation/cls/NLL", "--over", "optimizer.learning_rate=log(1e-4,1)", "--sample",
      "9",
    ] + settings.flatMap { ["--set", $0] } + more
  }

  private func found(_ outcome: Elbo.Outcome, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
    try #require(outcome.status == .exited(0), "\(outcome.error)", sourceLocation: sourceLocation)
    return outcome.output
  }

  private func points(_ json: String) throws -> [[String: any Sendable]] {
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: any Sendable]
    return try #require(object?["points"] as? [[String: any Sendable]])
  }

  @Test("Lanes and processes find the same, although each is killed on the way") func kills() async throws {
    let workspace = try Workspace()
    let alone = try found(try await Elbo.run(arguments(workspace, "alone", steps: 4000) + ["--lanes", "1"]))
    #expect(try points(alone).count == 9)
    let shared = try arguments(workspace, "shared", steps: 4000) + ["--nodes", "2"]
    @Sendable func done() -> Int {
      workspace.exists("shared/results.jsonl") ? workspace.lines("shared/results.jsonl") : 0
    }
    // The sweep itself dies, and one of the processes of the next start.
    let killed = try await Elbo.run(shared) { send in
      try await until { done() >= 2 }
      try send(.kill)
    }
    #expect(killed.status == .killed(by: SIGKILL))
    try await until { Self.processes(of: workspace).isEmpty }
    let before = done()
    let outcome = try await Elbo.run(shared) { _ in
      try await until { !Self.processes(of: workspace).isEmpty && done() > before }
      for child in Self.processes(of: workspace).prefix(1) { kill(child, SIGKILL) }
    }
    #expect(try found(outcome) == alone)
    #expect(workspace.lines("shared/results.jsonl") == 9)
    for file in ["sweep.json", "sweep.csv", "best.yaml"] {
      #expect(try workspace.read("shared/" + file) == workspace.read("alone/" + file))
    }
    // All is there already.
    let again = try await Elbo.run(shared) { _ in #expect(Self.processes(of: workspace).isEmpty) }
    #expect(try found(again) == alone)
  }

  /// The trainings of this workspace that are processes of their own.
  private static func processes(of workspace: Workspace) -> [pid_t] {
    let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    return numbers.filter { number in
      let words = (FileManager.default.contents(atPath: "/proc/\(number)/cmdline") ?? Data()).split(separator: 0)
        .map { String(decoding: $0, as: UTF8.self) }
      return words.contains("--until") && words.contains(workspace["shared"])
    }
  }

  @Test(
    "Halving finds the same best with less than half of the steps, and its bits are those of a training in one piece")
  func halving() async throws {
    let workspace = try Workspace()
    let whole = try found(try await Elbo.run(arguments(workspace, "whole")))
    let halved = try found(try await Elbo.run(arguments(workspace, "halved", "--halving", "3")))
    let (all, few) = (try points(whole), try points(halved))
    #expect(few.count == 9)
    #expect(few[0]["values"] as? [String: String] == all[0]["values"] as? [String: String])
    let hashes = [all, few].map { ($0[0]["runs"] as? [[String: any Sendable]])?.first?["parameters_sha256"] as? String }
    #expect(hashes[0] != nil && hashes[0] == hashes[1])
    let steps = try JSONSerialization.jsonObject(with: Data(halved.utf8)) as? [String: any Sendable]
    let (taken, possible) = (try #require(steps?["steps"] as? Int), try #require(steps?["whole_steps"] as? Int))
    #expect(possible == 9 * 216 && 2 * taken < possible, "\(taken) of \(possible)")
    // 9 points to step 24, 3 to step 72, 1 to the end.
    #expect(taken == 6 * 24 + 2 * 72 + 216)
    // The recipe of the best trains to the same parameters.
    let best = try await Elbo.run(
      "train", workspace["halved/best.yaml"], "--out", workspace["best"], "--quiet", "--json")
    #expect(try best.hash() == hashes[0])
  }

  @Test("Seeds are means, keys of words are tried, a training that diverges is last") func seeds() async throws {
    let workspace = try Workspace()
    var words = try arguments(workspace, "seeds", steps: 8, "--seeds", "2")
    words = words.filter {
      $0 != "optimizer.learning_rate=log(1e-4,1)" && $0 != "--sample" && $0 != "9" && $0 != "--over"
    }
    words += [
      "--over", "network.hidden=[4],[4,4]", "--over", "optimizer.learning_rate=0.01,1000000", "--set",
      "optimizer.name=sgd",
    ]
    let rows = try points(found(try await Elbo.run(words)))
    #expect(rows.count == 4)
    #expect(
      rows.map { ($0["values"] as? [String: String])?["optimizer.learning_rate"] } == [
        "0.01", "0.01", "1000000", "1000000",
      ])
    #expect(rows[0]["standard_error"] is Double && rows[3]["value"] is NSNull)
    #expect(Set(rows.compactMap { ($0["values"] as? [String: String])?["network.hidden"] }) == ["[4]", "[4,4]"])
    #expect((rows[0]["runs"] as? [[String: any Sendable]])?.map { $0["seed"] as? Int } == [0, 1])
  }

  @Test("What was asked wrongly is said in one line") func mistakes() async throws {
    let workspace = try Workspace()
    for (more, says) in [
      (["--on", "test/cls/NLL"], "nothing is selected by the test part"),
      (["--on", "validation/cls/NL"], "validation/cls/NLL"),
      (["--set", "data.validation_fraction=0"], "data.validation_fraction"),
      (["--over", "optimizer.learning_rat=1,2"], "the nearest is optimizer.learning_rate"),
      (["--over", "train.batch=int(1,x)"], "int(a,b)"), (["--over", "train.seed=1,2"], "--seeds"),
      (["--over", "train.steps=1,2"], "--steps"), (["--rungs", "2"], "--halving"),
      (["--halving", "1"], "--halving is 1"),
      (["--halving", "3", "--rungs", "9"], "at most 3"),
      (["--halving", "9", "--set", "train.evaluate_every=216"], "evaluate"),
      (["--nodes", "0"], "--nodes is 0"), (["--over", "train.batch=1,1"], "twice"),
      (["--on", "validation/reg/NLL", "--steps", "4"], "validation/cls/NLL"),
    ] {
      let outcome = try await Elbo.run(arguments(workspace, "mistake") + more)
      #expect(outcome.status == .exited(2), "\(more): \(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1 && outcome.error.contains(says), "\(outcome.error)")
    }
  }
}
