import BayesianNetworks
import Datasets
import Foundation
import Learners
import Models
import Recipes
import Tensors
import Testing
import Training

/// Ten pictures of 5 × 6, dark and bright: what is bright has class 1, the last column none.
private func pictures(_ change: (inout [UInt8]) -> Void = { _ in }) throws -> Dataset {
  let (height, width, count) = (5, 6, 10)
  var (pixels, labels) = ([UInt8](), [UInt8]())
  for image in 0..<count {
    for pixel in 0..<height * width {
      let isBright = (pixel / width + pixel % width + image) % 4 < 2
      pixels.append(isBright ? UInt8(180 + image) : UInt8(20 + 3 * image))
      labels.append(pixel % width == width - 1 ? LabelImages.void : isBright ? 1 : 0)
    }
  }
  change(&labels)
  let set = try ExampleSet(
    inputs: ExampleArray(pixels, shape: [height, width]),
    labelImages: LabelImages(
      ExampleArray(labels, shape: [height, width]), LabelImages.Classes(count: 2, void: LabelImages.void)))
  return try Dataset(name: "pictures", train: set, test: set)
}

private func learner(_ data: Dataset, _ settings: [String] = []) throws -> any Learner {
  let recipe = try Recipe.named("segmentation")
  for setting in ["network.filters=4", "network.levels=2", "train.batch=4"] + settings { try recipe.set(setting) }
  return try Models.named("segmentation").learner(recipe, data: data, seed: 1)
}

extension Recipe {
  fileprivate static func named(_ model: String) throws -> Recipe {
    try Recipe(yaml: String(decoding: Models.named(model).recipe, as: UTF8.self), source: model)
  }
}

/// What a shard of some examples yields at a step.
private func contribution(
  _ learner: any Learner, _ examples: [UInt32], step number: Int = 0, shard: Int = 0, of shards: Int = 1
) throws -> Contribution {
  var cursor = Order.Cursor(Order(learner.order, exampleCount: learner.exampleCount, seed: 5), total: 100)
  let step = cursor.step(number)
  let result = Contribution(learner.phases[0])
  let crew = Crew(lanes: 1)
  try crew.forEach(1) { _, lane in
    try result.compute(
      learner, phase: 0,
      shard: Shard(index: shard, count: shards, examples: Examples.list(examples[...]).shard(shard, of: shards)),
      of: step, on: lane)
  }
  return result
}

extension Contribution {
  fileprivate var numbers: [Float] { Array(values.float32) }
}

@Suite("Segmentation")
struct SegmentationTests {
  private struct Golden: Decodable {
    let height, width, classes, count: Int
    let pixels, labels: [UInt8]
    let weights: [Double]
    let loss: Double
    let parameters, gradients: [String: [Double]]
  }

  @Test("Loss, class weights and gradient are PyTorch's")
  func golden() throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/segmentation.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    let set = try ExampleSet(
      inputs: ExampleArray(golden.pixels, shape: [golden.height, golden.width, 3]),
      labelImages: LabelImages(
        ExampleArray(golden.labels, shape: [golden.height, golden.width]),
        LabelImages.Classes(count: golden.classes, void: LabelImages.void)))
    let learner = try learner(
      Dataset(name: "golden", train: set), ["network.filters=3", "network.dropout=0", "train.batch=2"])
    let weights = learner.dataStatistics.last!.float32
    #expect(zip(weights, golden.weights).allSatisfy { abs(Double($0) - $1) < 1e-6 })
    for slot in learner.parameters.layout.slots {
      guard let values = golden.parameters[slot.name] else { continue }
      try #require(values.count == slot.shape.count)
      for (index, value) in values.enumerated() { learner.parameters.float32[slot.offset + index] = Float(value) }
    }
    let result = try contribution(learner, [0, 1])
    #expect(result.examples == golden.count)
    #expect(abs(result.metrics["loss"] - golden.loss) < 1e-4 * golden.loss)
    var seen = 0
    for slot in learner.parameters.layout.slots {
      guard let wanted = golden.gradients[slot.name] else { continue }
      let scale = wanted.map(abs).max()!
      for (index, value) in wanted.enumerated() {
        #expect(
          abs(Double(result.numbers[slot.offset + index]) - value) < 2e-4 * max(scale, 1), "\(slot.name) \(index)")
      }
      seen += 1
    }
    #expect(seen == golden.gradients.count && seen == 14)
  }

  @Test("The sum is divided by the pixels with a class of the whole step, whatever its shards")
  func divisor() throws {
    // Without normalization by batches every number of shards gives the same sums, but for rounding.
    let data = try pictures { labels in
      for pixel in 0..<30 where pixel > 3 { labels[pixel] = LabelImages.void }
    }
    let model = try learner(
      data, ["network.architecture=mlp", "network.hidden=[conv 3 3 padding=1, tanh]", "objective.class_weights=none"])
    let whole = try contribution(model, [0, 1, 2])
    #expect(whole.examples == 4 + 25 + 25)
    let parts = try (0..<3).map { try contribution(model, [0, 1, 2], shard: $0, of: 3) }
    #expect(parts.map(\.examples) == [4, 25, 25])
    for (index, number) in whole.numbers.enumerated() {
      #expect(abs(number - parts.reduce(0) { $0 + $1.numbers[index] }) < 1e-4)
    }
    #expect(abs(whole.metrics["loss"] - parts.reduce(0) { $0 + $1.metrics["loss"] }) < 1e-3)
  }

  @Test("A pixel without a class has no part in loss, gradient or metrics")
  func void() throws {
    let settings = ["network.architecture=mlp", "network.hidden=[conv 3 1, tanh]"]
    let data = try pictures()
    let model = try learner(data, settings)
    // A convolution of 1 × 1 sees the pixel alone: a picture whose pixels are all void teaches nothing.
    let empty = try learner(pictures { for pixel in 0..<30 { $0[pixel] = LabelImages.void } }, settings)
    let nothing = try contribution(empty, [0])
    #expect(nothing.examples == 0 && nothing.metrics["loss"] == 0)
    #expect(nothing.numbers.allSatisfy { $0 == 0 })
    #expect(try contribution(model, [0]).numbers.contains { $0 != 0 })
    let metrics = try empty.offers.evaluation!(RandomKey(seed: 0), Crew(lanes: 1))
    #expect(metrics.values.allSatisfy { $0.isFinite })
  }

  @Test("A step without any labelled pixel leaves finite parameters and running statistics")
  func allVoidStep() async throws {
    let model = try learner(pictures { labels in for pixel in labels.indices.dropLast(2) { labels[pixel] = 255 } })
    try await train(model, steps: 4, shards: 2)
    #expect(model.parameters.float32.allSatisfy { $0.isFinite })
  }

  @Test("Weights are a list, none, or the median frequency over a class's own; a class without pixels weighs nothing")
  func weights() throws {
    let data = try pictures { labels in for index in labels.indices where labels[index] == 1 { labels[index] = 0 } }
    func weights(_ settings: String...) throws -> [Float] {
      let buffer = try learner(data, settings).dataStatistics.last!
      return buffer.tensor(buffer.layout.slots[0]).values
    }
    #expect(try weights() == [1, 0])
    #expect(try weights("objective.class_weights=none") == [1, 1])
    #expect(try weights("objective.class_weights=[0.5, 2]") == [0.5, 2])
    for wrong in ["[1]", "[1, x]", "[1, -1]", "half"] {
      #expect(throws: RecipeError.self) { try learner(data, ["objective.class_weights=\(wrong)"]) }
    }
  }

  @Test("Windows are cut from image and labels together, anew each step, the same for the same step")
  func crops() throws {
    let settings = ["data.crop=3", "data.mirror=true", "network.architecture=mlp", "network.hidden=[conv 2 1]"]
    // Every pixel is as bright as its class says, so a network of single pixels fits windows as it fits the whole.
    let model = try learner(pictures(), settings)
    let one = try contribution(model, [0, 1, 2], step: 3)
    #expect(try contribution(model, [0, 1, 2], step: 3).numbers == one.numbers)
    #expect(try contribution(model, [0, 1, 2], step: 4).numbers != one.numbers)
    #expect(one.examples <= 27 && one.examples >= 18)
    #expect(throws: RecipeError.self) { try learner(pictures(), ["data.crop=6"]) }
    #expect(throws: RecipeError.self) {
      try learner(pictures(), ["data.crop=4", "network.architecture=mlp", "network.hidden=[dense 30, conv 1 1]"])
    }
  }

  @Test("A network of single pixels learns from mirrored windows what holds for whole pictures")
  func cropsAgree() async throws {
    let model = try learner(
      pictures(),
      [
        "data.crop=3", "data.mirror=true", "network.architecture=mlp", "network.hidden=[conv 4 1, tanh]",
        "optimizer.learning_rate=0.05",
      ])
    try await train(model, steps: 150)
    let metrics = try model.offers.evaluation!(RandomKey(seed: 0), Crew(lanes: 1))
    #expect(metrics["seg/pixAcc"]! > 0.99, "\(metrics)")
  }

  @Test(
    "Samples differ by dropout; a picture's maps do not depend on lanes or on other pictures, and split the entropy")
  func maps() async throws {
    let data = try pictures()
    let model = try learner(data, ["network.dropout_placement=both"])
    try await train(model, steps: 30)
    let pixels = model.offers.pixelPrediction!
    let key = Prediction.key(seed: 2)
    let all = try pixels.predict(data.test!.inputs, samples: 9, key: key, with: Crew(lanes: 1))
    let more = try pixels.predict(data.test!.inputs, samples: 9, key: key, with: Crew(lanes: 3))
    #expect(zip(all, more).allSatisfy { $0.mean == $1.mean && $0.epistemic == $1.epistemic })
    let alone = try pixels.predict(data.test!.inputs[0..<1], samples: 9, key: key, with: Crew(lanes: 1))
    #expect(alone[0].mean == all[0].mean)
    #expect(all[0].epistemic.contains { $0 > 1e-4 } && all[0].variance.contains { $0 > 1e-5 })
    for pixel in 0..<30 {
      let p = all[0].mean[2 * pixel..<2 * pixel + 2].map { Double($0) }
      let entropy = p.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
      #expect(abs(entropy - Double(all[0].aleatoric[pixel]) - Double(all[0].epistemic[pixel])) < 1e-5)
    }
    // One sample has no epistemic part, and a network without dropout has one sample.
    let single = try pixels.predict(data.test!.inputs, samples: 1, key: key, with: Crew(lanes: 1))[0]
    #expect(single.epistemic.allSatisfy { $0 < 1e-6 })
    let plain = try learner(data, ["network.dropout_placement=none"])
    let maps = try plain.offers.pixelPrediction!.predict(data.test!.inputs, samples: 9, key: key, with: Crew(lanes: 1))
    #expect(maps[0].samples == 1)
  }

  @Test("Pictures of other sizes are segmented, those beyond memory are refused with what they need")
  func sizes() throws {
    let model = try learner(pictures()).offers.pixelPrediction!
    let other = ExampleArray([UInt8](repeating: 9, count: 7 * 11), shape: [7, 11])
    #expect(model.mismatch(other) == nil)
    let maps = try model.predict(other, samples: 2, key: Prediction.key(seed: 0), with: Crew(lanes: 1))
    #expect(maps[0].height == 7 && maps[0].width == 11 && maps[0].mean.count == 7 * 11 * 2)
    #expect(model.mismatch(ExampleArray([UInt8](repeating: 9, count: 27), shape: [3, 3, 3])) != nil)
    let large = ExampleArray([UInt8](repeating: 9, count: 3000 * 4000), shape: [3000, 4000])
    #expect(model.mismatch(large)?.contains("GiB") ?? false)
  }

  @Test("Data without label pictures is refused")
  func unsuitable() throws {
    #expect(throws: TrainingError.self) { try learner(Toy.classes()) }
  }

  @Test("Noise on logits is a likelihood of pixels too")
  func noise() async throws {
    let model = try learner(pictures(), ["objective.class_noise=logits"])
    try await train(model, steps: 3)
    #expect(model.parameters.float32.allSatisfy { $0.isFinite })
    #expect(try model.offers.evaluation!(RandomKey(seed: 0), Crew(lanes: 1))["seg/NLL"]!.isFinite)
  }
}
