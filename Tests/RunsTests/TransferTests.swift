import Datasets
import Files
import Foundation
import Recipes
import Runs
import Tensors
import Testing
import Training

/// A training that starts from the parameters of another run.
@Suite("Transfer", .timeLimit(.minutes(5))) struct TransferTests {
  private func recipe(_ files: borrowing Files, steps: Int, _ keys: [(String, String)] = []) throws -> Recipe {
    let recipe = try Recipe.named("gan")
    recipe.set("data.source", text: try files.pictures())
    let settings = [
      ("network.generator", "[6]"), ("network.discriminator", "[7]"), ("network.latent", "3"), ("train.batch", "20"),
      ("train.steps", "\(steps)"),
    ]
    for (key, value) in settings + keys { try recipe.set(key, to: value) }
    return recipe
  }

  private func start(_ run: String) throws -> SafeTensors.Contents {
    try SafeTensors.Contents(run + "/checkpoints/step-000000/model.safetensors")
  }

  private func numbers(_ contents: SafeTensors.Contents, _ name: String) throws -> [Float] {
    var layout = Layout()
    layout.add(name, Shape(try #require(contents.entries[name]).shape))
    let buffer = FlatBuffer("one", layout)
    try contents.fill(buffer, prefixed: false)
    return buffer.tensor(layout.slots[0]).values
  }

  @Test("Defect 10: what agrees is taken, the rest starts anew, and the recipe says from what") func taken()
    async throws
  {
    let files = Files()
    let source = try await Run.train(recipe(files, steps: 5), out: files["source"])
    // Another number of hidden units of the discriminator.
    let other = try recipe(files, steps: 4, [("network.discriminator", "[8]"), ("train.keep_checkpoints", "9")])
    try await Run.train(other, out: files["run"], from: files["source"])
    let (given, begun) = (
      try SafeTensors.Contents(files["source"] + "/checkpoints/step-000005/model.safetensors"), try start(files["run"])
    )
    for name in ["generator.0.weight", "generator.1.bias", "average.generator.0.weight", "discriminator.1.bias"] {
      #expect(try numbers(begun, name) == numbers(given, name), "\(name)")
    }
    // As the training would have begun without the other run.
    try await Run.train(
      recipe(
        files, steps: 1, [("network.discriminator", "[8]"), ("discriminator_optimizer.learning_rate", "1e-30")]),
      out: files["anew"])
    let anew = try SafeTensors.Contents(files["anew"] + "/checkpoints/step-000001/model.safetensors")
    #expect(try numbers(begun, "discriminator.0.weight") == numbers(anew, "discriminator.0.weight"))
    let text = try String(contentsOfFile: files["run"] + "/recipe.yaml", encoding: .utf8)
    #expect(text.contains(source.parameters_sha256))
  }

  @Test("Resumed without the source, from its first checkpoint too, it has the same bits") func resumed() async throws {
    let files = Files()
    try await Run.train(recipe(files, steps: 5), out: files["source"])
    // Checkpoints enough that others are removed.
    let often = try recipe(files, steps: 8, [("train.checkpoint_every", "2")])
    let whole = try await Run.train(often, out: files["whole"], from: files["source"])
    let alone = try await Run.train(recipe(files, steps: 8), out: files["alone"])
    #expect(whole.parameters_sha256 != alone.parameters_sha256)
    try await Run.train(recipe(files, steps: 3), out: files["half"], from: files["source"])
    // Killed before the first step was done.
    try FileManager.default.copyItem(atPath: files["half"], toPath: files["begun"])
    try FileManager.default.removeItem(atPath: files["begun"] + "/checkpoints/step-000003")
    try FileManager.default.removeItem(atPath: files["source"])
    #expect(try await Run.verify(files["whole"]).status == .equal)
    for run in ["half", "begun"] {
      let resumed = try await Run.resume(files[run], setting: ["train.steps": "8"])
      #expect(resumed.parameters_sha256 == whole.parameters_sha256, "\(run)")
    }
    // The recipe alone does not say what the parameters are.
    await #expect(throws: TrainingError.self) {
      try await Run.train(Recipe.file(files["whole"] + "/recipe.yaml"), out: files["again"])
    }
    #expect(!FileManager.default.fileExists(atPath: files["again"]))
  }

  @Test("The mean path length starts anew, the mean style is taken") func state() async throws {
    let files = Files()
    try NPY.write((0..<20 * 64).map { UInt8($0 * $0 % 251) }, shape: [20, 8, 8], to: files["images.npy"])
    func style() throws -> Recipe {
      let recipe = try Recipe.named("stylegan")
      recipe.set("data.source", text: files["images.npy"])
      for (key, value) in [
        ("network.channel_base", "16"), ("network.latent", "4"), ("network.style_width", "4"), ("train.batch", "10"),
        ("train.steps", "5"), ("evaluate.examples", "0"),
      ] { try recipe.set(key, to: value) }
      return recipe
    }
    try await Run.train(style(), out: files["source"])
    try await Run.train(style(), out: files["run"], from: files["source"])
    let given = try SafeTensors.Contents(files["source"] + "/checkpoints/step-000005/model.safetensors")
    #expect(try numbers(given, "state.path_length")[0] > 0)
    let begun = try start(files["run"])
    #expect(try numbers(begun, "state.path_length") == [0])
    let mean = "average.generator.mapping.average"
    #expect(try numbers(begun, mean) == numbers(given, mean) && numbers(given, mean).contains { $0 != 0 })
  }

  @Test("A training that selects begins with what was taken") func selecting() async throws {
    let files = Files()
    let keys = [
      ("data.validation_fraction", "0.2"), ("train.select", "validation/reg/NLL"), ("train.evaluate_every", "3"),
      ("train.keep_checkpoints", "9"),
    ]
    func regression(_ steps: Int) throws -> Recipe {
      let recipe = try files.regression(steps: steps)
      for (key, value) in keys { try recipe.set(key, to: value) }
      return recipe
    }
    let source = try await Run.train(regression(12), out: files["source"])
    try await Run.train(regression(3), out: files["run"], from: files["source"])
    let state = try String(contentsOfFile: files["run"] + "/checkpoints/step-000000/state.json", encoding: .utf8)
    #expect(state.contains(source.parameters_sha256))
  }

  @Test("Mistakes") func mistakes() async throws {
    let files = Files()
    try await Run.train(recipe(files, steps: 2), out: files["source"])
    // Nothing of a regression suits.
    await #expect(throws: TrainingError.self) {
      try await Run.train(files.regression(), out: files["run"], from: files["source"])
    }
    await #expect(throws: TrainingError.self) {
      try await Run.train(recipe(files, steps: 2), out: files["run"], from: files["nowhere"])
    }
    await #expect(throws: RecipeError.self) {
      try await Run.train(recipe(files, steps: 2, [("train.from", "abc")]), out: files["run"], from: files["source"])
    }
    #expect(!FileManager.default.fileExists(atPath: files["run"]))
  }
}
