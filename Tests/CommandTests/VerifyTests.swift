import Foundation
import Testing

extension CommandTests {
  @Suite("A run repeated")
  struct VerifyTests {
    private func train(_ workspace: Workspace, _ more: String...) async throws -> String {
      try await Elbo.run(workspace.training("vae", out: "run", ["--steps", "12", "--no-figures"] + more)).hash()
    }

    @Test("It has the same bits wherever it was computed, and nothing of the repetition is left") func equal()
      async throws
    {
      let workspace = try Workspace()
      let hash = try await train(workspace, "--set", "train.checkpoint_every=5", "--set", "train.keep_checkpoints=9")
      let before = workspace.listing
      let whole = try await Elbo.run("verify", workspace["run"], "--json", "--lanes", "1")
      #expect(whole.status == .exited(0), "\(whole.error)")
      let result = try whole.json()
      #expect(result["status"] as? String == "equal" && result["step"] as? Int == 12)
      #expect(result["parameters_sha256"] as? String == hash && result["repeated_sha256"] as? String == hash)
      let part = try await Elbo.run("verify", workspace["run"], "--steps", "5", "--quiet")
      #expect(part.status == .exited(0) && part.output.hasPrefix("equal: after 5 steps ") && part.error.isEmpty)
      #expect(workspace.listing == before)
    }

    @Test("Other numbers are reported, with the known causes") func differing() async throws {
      let workspace = try Workspace()
      _ = try await train(workspace)
      let recipe = String(decoding: try workspace.read("run/recipe.yaml"), as: UTF8.self)
      try workspace.write("run/recipe.yaml", recipe.replacingOccurrences(of: "seed: 0", with: "seed: 1"))
      let seed = try await Elbo.run("verify", workspace["run"], "--quiet")
      #expect(seed.status == .exited(1) && seed.output.hasPrefix("they differ: after 12 steps "))
      #expect(seed.output.contains("\nrecipe.yaml is not the recipe that the run was trained by\n"))
      try workspace.write("run/recipe.yaml", recipe)
      let images = IDX.images(Workspace.trainCount, side: Workspace.side)
      try workspace.write("data/train-images-idx3-ubyte", images.dropLast() + [images.last! ^ 1])
      let data = try await Elbo.run("verify", workspace["run"], "--json")
      #expect(data.status == .exited(1))
      let result = try data.json()
      #expect(result["status"] as? String == "differs" && result["repeated_sha256"] == nil)
      #expect((result["differences"] as? [String])?.first?.contains("is not what the run was trained on") == true)
    }

    @Test("What cannot be repeated is a mistake in one line; a kept repetition is a run") func mistakes() async throws {
      let workspace = try Workspace()
      _ = try await train(workspace)
      for (words, told) in [
        (["run", "--steps", "7"], "has no checkpoint of step 7; it has 12"), (["none"], "is not a run"),
        (["run", "--data", workspace["gone"]], "no such file or folder"),
      ] {
        let outcome = try await Elbo.run(["verify", workspace[words[0]]] + words.dropFirst())
        #expect(outcome.status == .exited(2) && outcome.error.contains(told), "\(outcome.error)")
        #expect(outcome.error.filter { $0 == "\n" }.count == 1)
      }
      let kept = try await Elbo.run("verify", workspace["run"], "--keep", "--json", "--quiet")
      let path = try #require(kept.json()["repetition"] as? String)
      #expect(try await Elbo.run("evaluate", path).status == .exited(0))
    }
  }
}
