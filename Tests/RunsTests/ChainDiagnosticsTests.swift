import Datasets
import Foundation
import Runs
import Testing

/// How well the Markov chains of a run have mixed.
@Suite("Diagnostics of chains") struct ChainDiagnosticsTests {
  private func run(_ files: borrowing Files, _ model: String, _ settings: String...) async throws -> Run {
    let recipe = try Recipe.named(model)
    recipe.set("data.source", text: try files.line())
    for setting in ["data.target=y", "network.hidden=[4]", "train.steps=60"] + settings { try recipe.set(setting) }
    try await Run.train(recipe, out: files[model])
    return try Run(opening: files[model])
  }

  @Test("Members of a sampled posterior are its chains, in the metrics and in what ArviZ reads")
  func members() async throws {
    let files = Files()
    let run = try await run(
      files, "langevin", "objective.posterior=sghmc", "objective.keep=8", "train.members=2", "train.batch=10",
      "evaluate.samples=16")
    let metrics = try run.crossValidate(writing: files["densities.npz"])
    for name in ["SplitRHat", "BulkESS", "TailESS"] { #expect(metrics["train/chain/\(name)"]!.isFinite, "\(name)") }
    let densities = try NPZ(files["densities.npz"]).examples("log_likelihood")
    #expect([densities.count] + densities.shape == [2, 8, 50])
    // Too few draws for a chain to be halved, and draws that no chain has made.
    let few = try Run(opening: files["langevin"], settings: ["evaluate.samples=6"]).crossValidate()
    #expect(few["train/chain/SplitRHat"] == nil && few["train/loo/ELPD"] != nil)
    let independent = try await self.run(files, "bbb-regression", "train.batch=10", "evaluate.samples=8")
    #expect(try independent.crossValidate()["train/chain/SplitRHat"] == nil)
  }
}
