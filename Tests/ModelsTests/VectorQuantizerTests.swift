import Datasets
import Figures
import Foundation
import Learners
import Models
import Networks
import Recipes
import Tensors
import Testing
import Training

@Suite("Vector quantization")
struct VectorQuantizerTests {
  private static let codes: [Float] = [0, 0, 1, 0, 0, 1, 1, 0]

  private func quantizer() -> (VectorQuantizer, FlatBuffer) {
    var layout = Layout()
    let quantizer = VectorQuantizer(name: "quantizer", codes: 4, width: 2, layout: &layout)
    let parameters = FlatBuffer("parameters", layout)
    for (index, code) in Self.codes.enumerated() { parameters.float32[index] = code }
    return (quantizer, parameters)
  }

  @Test("The nearest code, the first of equals, also far from zero")
  func nearest() {
    let (quantizer, parameters) = quantizer()
    let z = Tensor([0.1, 0.2, 0.9, 0.1, 0.2, 2, 0.5, 0, 1, 0], [5, 2])
    #expect(quantizer.nearest(z, ParameterViews(parameters)) == [0, 1, 2, 0, 1])
    for index in 0..<8 { parameters.float32[index] += 1000 }
    let far = Tensor([1000.125, 1000.25, 1000.875, 1000.125, 1000.25, 1002], [3, 2])
    #expect(quantizer.nearest(far, ParameterViews(parameters)) == [0, 1, 2])
  }

  @Test("A derivative passes as if nothing were there, and none reaches the codes")
  func straightThrough() {
    let (quantizer, parameters) = quantizer()
    let tape = Tape()
    let views = ParameterViews(parameters, on: tape)
    let z = tape.variable(Tensor([0.1, 0.2, 0.9, 0.1], [2, 2]))
    let (vectors, indices) = quantizer(z, views)
    #expect(indices == [0, 1])
    #expect(zip(vectors.values, [0, 0, 1, 0]).allSatisfy { abs($0 - $1) < 1e-6 })
    let weights = Tensor([3, -1, 2, 5], [2, 2])
    let gradients = tape.gradient(
      of: (vectors * weights).sum(), withRespectTo: [z, views[quantizer.codes]], recorded: false)
    #expect(gradients[0].values == weights.values)
    #expect(gradients[1].values.allSatisfy { $0 == 0 })
  }

  private func data() throws -> Dataset {
    let pixels = (0..<40 * 64).map { (index: Int) -> UInt8 in
      let (image, row, column) = (index / 64, index / 8 % 8, index % 8)
      return UInt8((image * 37 + row * column) % 251)
    }
    let set = try ExampleSet(inputs: ExampleArray(pixels, shape: [8, 8]))
    return try Dataset(name: "pictures", train: set, test: set)
  }

  private func learner(_ settings: String...) throws -> any Learner {
    let recipe = try Recipe(yaml: "model: vq-vae", source: "test")
    for setting in ["network.hidden=[conv 6 2 2, relu]", "network.codes=8", "network.code_width=3", "train.batch=10"]
      + settings
    { try recipe.set(setting) }
    return try Models.named("vq-vae").learner(recipe, data: data(), seed: 2)
  }

  private func averages(_ learner: any Learner) -> FlatBuffer { learner.auxiliary.last! }

  @Test("The averages count every position of a step once, for any number of lanes")
  func counts() async throws {
    // Without revival the counts add up to a mean of 1 a code, which becomes that of the positions of a step.
    let (one, four) = (try learner("objective.revive_below=0"), try learner("objective.revive_below=0"))
    try await train(one, steps: 400, shards: 4)
    try await train(four, steps: 400, shards: 4, lanes: 3)
    #expect(one.parameters.sha256 == four.parameters.sha256)
    let counts = averages(one).float64.prefix(8)
    let left: Double = exp(400 * log(0.99))
    let decayed = 8 * left + 160 * (1 - left)
    #expect(abs(counts.reduce(0, +) - decayed) < 1e-6 * decayed)
  }

  @Test("Codes are their averages, and a code that is used by none is put where a vector is")
  func revival() async throws {
    let learner = try learner()
    try await train(learner, steps: 60)
    let averages = averages(learner)
    let codes = learner.parameters.layout["quantizer.codes"]!
    for index in 0..<24 {
      let wanted = Float(averages.float64[16 + index] / averages.float64[index / 3])
      #expect(learner.parameters.float32[codes.offset + index] == wanted)
    }
    let metrics = try learner.offers.evaluation!(RandomKey(seed: 0), Crew(lanes: 2))
    #expect(metrics["codes/used"]! > 4 && metrics["codes/perplexity"]! <= metrics["codes/used"]! + 1e-9)
    #expect(metrics["nmse"]!.isFinite)
    // Evaluation changes nothing.
    let before = learner.parameters.sha256
    _ = try learner.offers.evaluation!(RandomKey(seed: 1), Crew(lanes: 1))
    #expect(learner.parameters.sha256 == before)
  }

  @Test("A prior learns what images of codes there are, and draws such images")
  func prior() async throws {
    // Dark and bright pictures, one of three dark: all codes of a picture are those of one kind.
    let pixels = (0..<60).flatMap { [UInt8](repeating: $0 % 3 == 0 ? 20 : 230, count: 36) }
    let set = try ExampleSet(inputs: ExampleArray(pixels, shape: [6, 6]))
    let recipe = try Recipe(yaml: "model: vq-vae", source: "test")
    for setting in [
      "network.hidden=[conv 6 2 2, relu]", "network.codes=4", "network.code_width=2", "train.batch=30",
      "network.prior=pixelcnn", "network.prior_filters=8", "network.prior_layers=2", "objective.prior_start=0.2",
      "optimizer.learning_rate=0.01",
    ] { try recipe.set(setting) }
    let learner = try Models.named("vq-vae").learner(
      recipe, data: Dataset(name: "gray", train: set, test: set), seed: 2)
    try await train(learner, steps: 1500)
    let metrics = try learner.offers.evaluation!(RandomKey(seed: 0), Crew(lanes: 2))
    let bits = try #require(metrics["codes/prior_bits"])
    // The first code says which kind it is: at least the entropy of 1/3 is left. Nine places one by one have more.
    #expect(bits > 0.9 && bits < 1.8, "\(metrics)")
    #expect(try #require(metrics["codes/bits"]) > 2 * bits)
    #expect(try learner.offers.evaluation!(RandomKey(seed: 0), Crew(lanes: 1)) == metrics)
    let picture = try #require(learner.offers.sampling).picture(60, RandomKey(seed: 4), Crew(lanes: 2))
    guard case .images(let grid) = picture.content, case .float(let values) = grid.samples else {
      Issue.record("no pictures")
      return
    }
    let means = (0..<60).map { (image: Int) -> Float in
      values[image * 36..<(image + 1) * 36].reduce(0, +) / 36
    }
    let (darkGray, brightGray): (Float, Float) = (20 / 255, 230 / 255)
    let pure = means.count { abs($0 - darkGray) < 0.08 || abs($0 - brightGray) < 0.08 }
    let dark = means.count { $0 < 0.5 }
    #expect(pure >= 45 && (8...33).contains(dark), "\(pure) of one kind, \(dark) dark")
  }

  @Test("The auto-encoder is what it is without a prior")
  func noDerivative() async throws {
    let (with, without) = (try learner("network.prior=pixelcnn", "network.prior_filters=4"), try learner())
    try await train(with, steps: 12)
    try await train(without, steps: 12)
    let numbers = without.parameters.layout.slots.flatMap { without.parameters.float32[$0.range] }
    #expect(
      without.parameters.layout.slots.flatMap { with.parameters.float32[with.parameters.layout[$0.name]!.range] }
        == numbers)
  }

  @Test("Before it begins, a prior stays as it is")
  func lateStart() async throws {
    let learner = try learner("network.prior=pixelcnn", "network.prior_filters=4", "objective.prior_start=1")
    let slot = try #require(learner.parameters.layout["prior.logits.weight"])
    let before = Array(learner.parameters.float32[slot.range])
    try await train(learner, steps: 5)
    #expect(Array(learner.parameters.float32[slot.range]) == before)
  }

  @Test("Layers that do not end in an image are refused")
  func dense() throws {
    #expect(throws: RecipeError.self) { try learner("network.hidden=[20]") }
    #expect(throws: RecipeError.self) { try learner("network.hidden=[]") }
  }
}
