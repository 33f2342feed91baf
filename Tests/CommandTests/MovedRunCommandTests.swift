import Foundation
import Subprocess
import TestSupport
import Testing

extension CommandTests {
  @Suite("A run that was moved, its training data gone") struct MovedRunCommandTests {
    @Test func predictionsByNodesToo() async throws {
      let workspace = try Workspace()
      _ = try await Elbo.run(workspace.training("bbb", out: "run", "--steps", "3")).hash()
      try workspace.write("X.npy", PredictionTests.images(5))
      let predicting = ["--input", workspace["X.npy"], "--samples", "20", "--output"]
      let before = try await Elbo.run(["predict", workspace["run"]] + predicting + [workspace["P.npz"]])
      #expect(before.status == .exited(0), "\(before.error)")
      try FileManager.default.moveItem(atPath: workspace["run"], toPath: workspace["moved"])
      try FileManager.default.removeItem(atPath: workspace.data)
      for (name, nodes) in [("here.npz", []), ("nodes.npz", ["--nodes", "2"])] {
        let outcome = try await Elbo.run(["predict", workspace["moved"]] + predicting + [workspace[name]] + nodes)
        #expect(outcome.status == .exited(0), "\(outcome.error)")
        #expect(try workspace.read(name) == workspace.read("P.npz"))
      }
      let outcome = try await Elbo.run("evaluate", workspace["moved"])
      #expect(outcome.status == .exited(2) && outcome.output.isEmpty)
      #expect(
        outcome.error
          == "elbo: the run's data \(workspace.data) is not there; name data of the same kind with --data\n")
    }

    @Test func anotherMachineThatRoundsOtherwise() async throws {
      let workspace = try Workspace()
      _ = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3")).hash()
      let resumption = ["train", "--resume", workspace["run"], "--quiet", "--json", "--steps"]
      let same = try await Elbo.run(resumption + ["4"])
      #expect(same.status == .exited(0) && same.error.isEmpty, "\(same.error)")
      try StateFile.change(in: workspace["run/checkpoints/step-000004"]) { text in
        let line = try #require(text.split(separator: "\n").first { $0.contains("\"numerics\"") })
        return text.replacing(line, with: "  \"numerics\" : \"elsewhere\",")
      }
      for command in ["train", "launch", "coordinator"] {
        let refused = try await Elbo.run([command] + resumption.dropFirst() + ["5"])
        expectMistake(refused, says: ["otherwise", "until step 4", "--accept-numerics"])
      }
      let other = try await Elbo.run(resumption + ["5", "--accept-numerics"])
      #expect(other.status == .exited(0))
      #expect(
        other.error.split(separator: "\n").count == 1 && other.error.contains("from step 4 on"), "\(other.error)")
      #expect(try other.json()["numerics_changes"] as? [Int] == [4])
      // It goes on as one of this machine, and what happened is not forgotten.
      let more = try await Elbo.run(resumption + ["6"])
      #expect(more.error.isEmpty)
      #expect(try more.json()["numerics_changes"] as? [Int] == [4])
    }

    /// An older instruction set for oneDNN alone: Elbo's own kernels and the library's version are the same.
    @Test func anotherInstructionSet() async throws {
      let old = Elbo.environment.updating(["ONEDNN_MAX_CPU_ISA": "SSE41"])
      let workspace = try Workspace()
      _ = try await Elbo.run(workspace.training("vae", out: "run", "--steps", "3")).hash()
      let refused = try await Elbo.run(
        ["train", "--resume", workspace["run"], "--steps", "4"], environment: old
      ) { _ in }
      expectMistake(refused, says: ["--accept-numerics"])
      let training = workspace.training("vae", out: "nodes", "--steps", "5", "--bind", "tcp://127.0.0.1:*")
      let coordinator = try await Elbo.run(["coordinator"] + training.dropFirst()) { send in
        try await until { workspace.endpoint("nodes") != nil }
        let arguments = [
          "node", "--coordinator", try #require(workspace.endpoint("nodes")), "--name", "odd", "--lanes", "1",
        ]
        let node = try await Elbo.run(arguments, environment: old) { _ in }
        #expect(node.status == .exited(2), "\(node.error)")
        #expect(node.error.contains("refuses") && node.error.contains("it rounds otherwise"), "\(node.error)")
        #expect(node.error.contains("products ") && !node.error.contains("draws "), "\(node.error)")
        try send(.interrupt)
      }
      #expect(coordinator.status == .exited(130), "\(coordinator.error)")
    }
  }
}
