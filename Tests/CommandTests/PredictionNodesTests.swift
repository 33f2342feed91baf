import Foundation
import Subprocess
import TestSupport
import Testing

/// Predictions whose samples nodes compute: the file is that of one process, byte for byte, whatever happens to them.
@Suite("Predictions by nodes", .serialized, .timeLimit(.minutes(15)))
struct PredictionNodesTests {
  private static func trained(_ model: String, in workspace: Workspace) async throws {
    let outcome = try await Elbo.run(workspace.training(model, out: "run", "--epochs", "2"))
    try #require(outcome.status == .exited(0), "\(outcome.error)")
    try workspace.write("X.npy", PredictionTests.images(230))
  }

  private static func predict(_ workspace: Workspace, samples: Int, _ more: [String], output: String) -> [String] {
    [
      "predict", workspace["run"], "--input", workspace["X.npy"], "--samples", "\(samples)", "--output",
      workspace[output], "--lanes", "1",
    ] + more
  }

  @Test(arguments: ["bbb", "mc-dropout"]) func oneToFourNodes(_ model: String) async throws {
    let workspace = try Workspace()
    try await Self.trained(model, in: workspace)
    let local = try await Elbo.run(Self.predict(workspace, samples: 50, [], output: "local.npz"))
    #expect(local.status == .exited(0), "\(local.error)")
    for nodes in [1, 2, 4] {
      let outcome = try await Elbo.run(
        Self.predict(workspace, samples: 50, ["--nodes", "\(nodes)"], output: "\(nodes).npz"))
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      #expect(try workspace.read("\(nodes).npz") == workspace.read("local.npz"), "\(nodes) nodes")
    }
    #expect(workspace.predictors().isEmpty)
  }

  @Test(arguments: [0, 10, 25]) func aNodeIsKilledInTheMiddle(_ ticks: Int) async throws {
    let workspace = try Workspace()
    try await Self.trained("bbb", in: workspace)
    let samples = 20_000
    let local = try await Elbo.run(Self.predict(workspace, samples: samples, [], output: "local.npz"))
    #expect(local.status == .exited(0), "\(local.error)")
    let outcome = try await Elbo.run(Self.predict(workspace, samples: samples, ["--nodes", "2"], output: "P.npz")) {
      _ in
      let node = try await workspace.predictor(after: ticks)
      #expect(kill(node, SIGKILL) == 0)
    }
    #expect(outcome.status == .exited(0), "\(outcome.error)")
    #expect(outcome.error.contains("killed by signal"), "\(outcome.error)")
    #expect(try workspace.read("P.npz") == workspace.read("local.npz"))
  }

  @Test func withoutNodesMissingSamplesAreNamed() async throws {
    let workspace = try Workspace()
    try await Self.trained("bbb", in: workspace)
    let outcome = try await Elbo.run(Self.predict(workspace, samples: 100_000, ["--nodes", "1"], output: "P.npz")) {
      _ in
      // On a slow machine the first samples take a second.
      let node = try await workspace.predictor(after: 300)
      #expect(kill(node, SIGKILL) == 0)
    }
    #expect(outcome.status == .exited(1), "\(outcome.error)")
    #expect(outcome.error.contains("missing"), "\(outcome.error)")
    let archive = String(decoding: try workspace.read("P.npz"), as: Unicode.ASCII.self)
    #expect(archive.contains("missing.npy") && archive.contains("sample_counts.npy"))
  }

  @Test func nodesOfATrainingHelp() async throws {
    let workspace = try Workspace()
    try await Self.trained("bbb", in: workspace)
    let local = try await Elbo.run(Self.predict(workspace, samples: 40, [], output: "local.npz"))
    #expect(local.status == .exited(0), "\(local.error)")
    let training = [
      "launch", "vae", "--data", workspace.data, "--out", workspace["training"], "--quiet", "--nodes", "2", "--lanes",
      "1", "--set", "train.report_every=1", "--steps", "1000000000",
    ]
    let outcome = try await Elbo.run(training + TinyModel.options("vae")) { send in
      try await until { workspace.lines("training/metrics.jsonl") >= 5 }
      let endpoint = try #require(workspace.endpoint("training"))
      let helped = try await Elbo.run(
        Self.predict(workspace, samples: 40, ["--coordinator", endpoint], output: "P.npz"))
      #expect(helped.status == .exited(0), "\(helped.error)")
      #expect(helped.error.contains("2 nodes"), "\(helped.error)")
      #expect(try workspace.read("P.npz") == workspace.read("local.npz"))
      let lines = workspace.lines("training/metrics.jsonl")
      try await until { workspace.lines("training/metrics.jsonl") > lines + 5 }
      try await Self.leasesAreToldOf(workspace, endpoint)
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130), "\(outcome.error)")
  }

  /// Predicts more than can be computed, sees by whom, and gives up.
  private static func leasesAreToldOf(_ workspace: Workspace, _ endpoint: String) async throws {
    let endless = predict(workspace, samples: 100_000, ["--coordinator", endpoint], output: "endless.npz")
    let outcome = try await Elbo.run(endless) { send in
      var (nodes, done) = (Set<String>(), 0)
      while nodes.count < 2 || done == 0 {
        let told = try await Elbo.run("status", endpoint, "--json")
        let status = try #require(try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any])
        // The status lists the prediction of before for a while.
        let predictions = try #require(status["predictions"] as? [[String: Any]])
        guard let prediction = predictions.first(where: { $0["samples"] as? Int == 100_000 }) else { continue }
        let out = try #require(prediction["out"] as? [[String: Any]])
        nodes.formUnion(out.compactMap { $0["node"] as? String })
        done = try #require(prediction["leases_done"] as? Int)
      }
      #expect(nodes == ["node-1", "node-2"])
      try send(.interrupt)
    }
    #expect(outcome.status == .exited(130), "\(outcome.error)")
  }

  @Test("Wrong options for nodes exit with 2 and one line, and write no file") func mistakes() async throws {
    let workspace = try Workspace()
    try await Self.trained("bbb", in: workspace)
    for (arguments, says) in [
      (["--nodes", "0"], "--nodes"), (["--nodes", "2", "--coordinator", "tcp://127.0.0.1:1"], "--nodes"),
      (["--coordinator", "nowhere"], "nowhere"), (["--bind", "tcp://0.0.0.0:7700"], "--plain"),
    ] {
      let outcome = try await Elbo.run(Self.predict(workspace, samples: 3, arguments, output: "P.npz"))
      #expect(outcome.status == .exited(2), "\(outcome.error)")
      #expect(outcome.error.split(separator: "\n").count == 1 && outcome.error.contains(says), "\(outcome.error)")
      #expect(!workspace.exists("P.npz"))
    }
  }
}

extension Workspace {
  /// The process numbers of the nodes of predictions into this workspace.
  func predictors() -> [pid_t] {
    func words(_ process: pid_t) -> [String] {
      (FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()).split(separator: 0)
        .map { String(decoding: $0, as: UTF8.self) }
    }
    let numbers = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    return numbers.filter { number in
      guard words(number).contains("node"), let parent = stat(number).flatMap({ pid_t($0[1]) }) else { return false }
      return words(parent).contains("predict") && words(parent).contains(self["run"])
    }
  }

  /// What `/proc` says of a process behind its name: state, parent, ….
  private func stat(_ process: pid_t) -> [Substring]? {
    guard let bytes = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    return text.lastIndex(of: ")").map { text[text.index(after: $0)...].split(separator: " ") }
  }

  /// A node of a prediction, once it has computed for so many hundredths of a second.
  func predictor(after ticks: Int) async throws -> pid_t {
    while true {
      for process in predictors() {
        if let fields = stat(process), fields.count > 12, (Int(fields[11]) ?? 0) >= ticks { return process }
      }
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}
