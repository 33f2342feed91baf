import Foundation
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
      for (name, nodes) in [("here", []), ("nodes", ["--nodes", "2"])] {
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
      let other = try await Elbo.run(resumption + ["5"])
      #expect(other.status == .exited(0))
      #expect(
        other.error.split(separator: "\n").count == 1 && other.error.contains("rounds otherwise"), "\(other.error)")
    }
  }
}
