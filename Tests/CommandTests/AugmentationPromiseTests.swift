import Foundation
import Subprocess
import TestSupport
import Testing

/// Augmentation whose probability moves: the same parameters, p among them, whatever computes them.
@Suite("Adaptive augmentation: the same parameters_sha256", .serialized, .timeLimit(.minutes(10)))
struct AugmentationPromiseTests {
  private static let adaptive = [
    "--set", "objective.augmentation_pipeline=[pixels, geometry, color]", "--set", "objective.augmentation_speed=1",
    "--set", "objective.augmentation_probability=0.3", "--set", "objective.r1=0.1",
  ]

  private func last(_ workspace: borrowing Workspace, _ run: String) throws -> [String: Any] {
    let lines = try String(decoding: workspace.read("\(run)/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
    return try #require(try JSONSerialization.jsonObject(with: Data(lines.last!.utf8)) as? [String: Any])
  }

  @Test("Resumed at each place of the cycle of four steps", arguments: [5, 6, 7, 8])
  func resumed(_ step: Int) async throws {
    let workspace = try Workspace()
    let more = Self.adaptive + ["--set", "train.report_every=1"]
    let one = try await Elbo.run(workspace.training("dcgan", out: "one", more + ["--steps", "17"])).hash()
    _ = try await Elbo.run(workspace.training("dcgan", out: "half", more + ["--steps", "\(step)"]))
    let resumed = try await Elbo.run("train", "--resume", workspace["half"], "--steps", "17", "--quiet", "--json")
    #expect(try resumed.hash() == one)
    let report = "\(try last(workspace, "one"))"
    #expect(report.contains("augmentation_probability") && report.contains("augmentation_overfitting"), "\(report)")
  }

  @Test("A node is killed", arguments: [2, 4])
  func killed(_ nodes: Int) async throws {
    let workspace = try Workspace()
    let more = Self.adaptive + ["--steps", "200", "--set", "train.report_every=1", "--lanes", "1"]
    let alone = try await Elbo.run(workspace.training("dcgan", out: "alone", more)).hash()
    let arguments = workspace.launch("dcgan", out: "run", nodes: nodes, more + ["--heartbeat", "0.2"])
    let outcome = try await Elbo.run(arguments) { _ in
      try await until { workspace.lines("run/metrics.jsonl") >= 10 }
      let node = try #require(workspace.processes().randomElement())
      #expect(Foundation.kill(node, SIGKILL) == 0)
    }
    #expect(try outcome.hash() == alone)
  }

  @Test("Samples as the discriminator is shown them, and what is measured of them")
  func commands() async throws {
    let workspace = try Workspace(side: 16)
    let trained = try await Elbo.run(workspace.training("dcgan", out: "run", Self.adaptive + ["--steps", "2"]))
    #expect(trained.status == .exited(0), "\(trained.error)")
    let (run, output) = (workspace["run"], workspace["samples.npy"])
    var files: [[UInt8]] = []
    for more in [[], ["--augmented"], ["--augmented", "--probability", "0"], ["--augmented", "--probability", "1"]] {
      let outcome = try await Elbo.run(["sample", run, "--count", "9", "--output", output] + more)
      #expect(outcome.status == .exited(0), "\(outcome.error)")
      files.append(try workspace.read("samples.npy"))
    }
    #expect(Set(files).count == 4)
    let evaluated = try await Elbo.run("evaluate", run, "--metrics", "swd,nearest")
    #expect(evaluated.status == .exited(0), "\(evaluated.error)")
    #expect(evaluated.output.contains("20 samples and as many real examples"))
    #expect(evaluated.output.contains("test/gen/SWD_16") && evaluated.output.contains("test/gen/Nearest_real"))
    for (arguments, words) in [
      (["sample", run, "--probability", "0.5"], "--augmented"),
      (["sample", run, "--augmented", "--probability", "1.5"], "from 0 to 1"),
      (["evaluate", run, "--metrics", "ppl"], "styles"), (["evaluate", run, "--metrics", "fdi"], "nearest is fid"),
    ] {
      expectMistake(try await Elbo.run(arguments), says: [words])
    }
    // Without any change, and of a model that has none.
    let plain = workspace.training("gan", out: "plain", ["--steps", "2"])
    #expect(try await Elbo.run(plain).status == .exited(0))
    expectMistake(
      try await Elbo.run("sample", workspace["plain"], "--augmented", "--output", output), says: ["--augmented"])
    expectMistake(
      try await Elbo.run(
        workspace.training(
          "wgan-gp", out: "critic", ["--set", "objective.augmentation_pipeline=[pixels]", "--dry-run"])),
      says: ["objective.augmentation_target=0"])
  }
}
