import Datasets
import Foundation
import Tensors
import Testing
import Training

/// Networks without hidden layers: D(x) = w x + b, G(z) = V z + c, so that losses have closed forms.
private let linear = [
  "network.architecture=dense", "network.generator=[]", "network.discriminator=[]", "network.latent=3",
  "network.dropout=0", "train.batch=12", "data.normalisation=none",
]

/// Smooth networks, so that finite differences can be taken.
private let smooth = [
  "network.architecture=dense", "network.generator=[7]", "network.discriminator=[6, 5]", "network.activation=tanh",
  "network.latent=3", "network.dropout=0", "train.batch=10", "objective.generator_average=0", "data.normalisation=none",
]

/// Changes that come with a probability.
private let changing = [
  "objective.augmentation_pipeline=[pixels, geometry, color]", "objective.augmentation_probability=0.7",
]

private func metrics(_ total: Total, _ learner: any Learner, phase: Int) -> [String: Double] {
  Dictionary(
    uniqueKeysWithValues: zip(learner.phases[phase].metrics, total.metrics.values.map { $0 / Double(total.examples) }))
}

private func set(_ learner: any Learner, _ name: String, _ values: [Float]) throws {
  let slot = try #require(learner.parameters.layout[name])
  for index in 0..<slot.shape.count { learner.parameters.float32[slot.offset + index] = values[index % values.count] }
}

@Suite struct AdversarialObjectiveTests {
  /// With w = 0 both kinds of examples give D = b: the table of losses at that point.
  @Test(arguments: ["minimax", "non-saturating", "least-squares", "wasserstein"])
  func lossesAtAConstantDiscriminator(loss: String) throws {
    let (above, below): (Double, Double) = (log(1 + exp(0.7)), log(1 + exp(-0.7)))
    let wanted: [String: (discriminator: Double, generator: Double)] = [
      "minimax": (above + below, -above), "non-saturating": (above + below, below),
      "least-squares": (0.045 + 0.245, 0.045), "wasserstein": (0, -0.7),
    ]
    let expected = try #require(wanted[loss])
    let learner = try learner("gan", try gaussianData(count: 24, width: 4), linear + ["objective.loss=\(loss)"])
    try set(learner, "discriminator.0.weight", [0])
    try set(learner, "discriminator.0.bias", [0.7])
    let crew = Crew(lanes: 1)
    let told = metrics(try total(learner, step: 0, shards: 2, crew: crew), learner, phase: 0)
    #expect(abs(told["discriminator_loss"]! - expected.discriminator) < 1e-6)
    #expect(abs(told["real_output"]! - 0.7) < 1e-6)
    if loss != "wasserstein" {
      #expect(told["real_accuracy"] == 1)
      #expect(told["generated_accuracy"] == 0)
    }
    let invented = metrics(try total(learner, step: 0, shards: 2, crew: crew, phase: 1), learner, phase: 1)
    #expect(abs(invented["generator_loss"]! - expected.generator) < 1e-6)
    #expect(invented["sample_deviation"]! > 0)
  }

  /// The slope of a linear discriminator is w everywhere.
  @Test func penaltiesOfALinearDiscriminator() throws {
    let learner = try learner(
      "gan", try gaussianData(count: 24, width: 4), linear + ["objective.gradient_penalty=10", "objective.r1=3"])
    try set(learner, "discriminator.0.weight", [2, 0, -1, 2])
    let told = metrics(
      try total(learner, step: 0, shards: 2, crew: Crew(lanes: 1)), learner, phase: 0)
    #expect(abs(told["gradient_penalty"]! - 10 * 4) < 1e-4)
    #expect(abs(told["r1"]! - 1.5 * 9) < 1e-4)
  }

  /// A generator of constants has no variance: what the alarm of a collapse looks at.
  @Test func aCollapsedGeneratorHasNoDeviation() throws {
    let learner = try learner("gan", try gaussianData(count: 24, width: 4), linear)
    try set(learner, "generator.0.weight", [0])
    let total = try total(learner, step: 0, shards: 2, crew: Crew(lanes: 1), phase: 1)
    #expect(metrics(total, learner, phase: 1)["sample_deviation"]! < 1e-6)
  }

  /// log Q of codes that are not read: uniform over categories, standard normal for the continuous ones.
  @Test func informationOfAReaderThatReadsNothing() throws {
    let learner = try learner(
      "infogan", try gaussianData(count: 400, width: 4),
      linear + ["train.batch=400", "network.categories=4", "network.continuous_codes=1"])
    try set(learner, "discriminator.0.weight", [0])
    try set(learner, "discriminator.0.bias", [0])
    let total = try total(learner, step: 0, shards: 2, crew: Crew(lanes: 1), phase: 1)
    // H(category) cancels; E log N(c; 0, 1) + log 2 with E c² = 1/3.
    let expected = -0.5 * log(2 * .pi) - 1.0 / 6 + log(2)
    #expect(abs(metrics(total, learner, phase: 1)["information"]! - expected) < 0.03)
  }
}

@Suite struct AdversarialGradientTests {
  /// The contribution is the derivative of what the metrics say is minimised, penalties (second derivatives) and
  /// codes among them, along a random direction; noise is a function of the step.
  @Test(arguments: [
    ("gan", 0, ["objective.loss=minimax"]), ("gan", 1, ["objective.loss=minimax"]),
    ("gan", 0, ["objective.r1=2"]), ("gan", 1, ["objective.loss=least-squares"]),
    ("gan", 0, ["objective.loss=least-squares"]), ("gan", 1, []),
    ("wgan-gp", 0, ["objective.discriminator_steps=2", "network.normalisation=none"]),
    ("wgan-gp", 1, ["objective.discriminator_steps=2"]), ("wgan-gp", 2, ["objective.discriminator_steps=2"]),
    ("gan", 0, ["objective.augmentation=[mirror, colour, translation]", "objective.r1=2"]),
    ("gan", 1, ["objective.augmentation=[mirror, colour, translation, cutout]"]),
    ("wgan-gp", 1, ["objective.augmentation=cutout"]),
    ("gan", 0, changing + ["objective.r1=2"]), ("gan", 1, changing),
    ("wgan-gp", 0, changing + ["objective.augmentation_target=0"]),
    ("infogan", 1, ["network.continuous_codes=0", "objective.information_weight=0.3"]),
    ("infogan", 1, ["network.categories=0", "objective.continuous_weight=0.3"]),
  ])
  func equalsFiniteDifferences(model: String, phase: Int, overrides: [String]) throws {
    let width = overrides.contains { $0.contains("augmentation") } ? 16 : 4  // 4 × 4 pixels can be moved
    let learner = try learner(model, try gaussianData(count: 20, width: width), smooth + overrides)
    let crew = Crew(lanes: 1)
    let layout = learner.phases[phase].layout
    let part = try #require(learner.parameters.layout[layout.slots[0].name]).offset
    func minimised() throws -> Double {
      let total = try total(learner, step: 0, shards: 2, crew: crew, phase: phase)
      let told = metrics(total, learner, phase: phase)
      let sums = ["discriminator_loss", "generator_loss", "gradient_penalty", "r1"].compactMap { told[$0] }
      return sums.reduce(0, +) - 0.3 * (told["information"] ?? 0)
    }
    let start = Array(learner.parameters.float32)
    var direction = [Float](repeating: 0, count: layout.count)
    for slot in layout.slots where !slot.name.contains("running") {
      RandomKey(seed: 9).at(tensor: UInt32(slot.offset)).normal(
        into: &direction[slot.offset], count: slot.shape.count)
    }
    let gradient = try total(learner, step: 0, shards: 2, crew: crew, phase: phase)
    var slope = 0.0
    for (number, component) in zip(numbers(gradient), direction) { slope += Double(number) * Double(component) }
    let examples = Double(gradient.examples)
    func value(_ t: Float) throws -> Double {
      for index in direction.indices {
        learner.parameters.float32[part + index] = start[part + index] + t * direction[index]
      }
      defer { _ = learner.parameters.float32.update(fromContentsOf: start) }
      return try minimised()
    }
    let h: Float = 1 / 256
    let (near, far) = (try value(h) - value(-h), try value(2 * h) - value(-2 * h))
    let differences: Double = (8 * near - far) / (12 * Double(h))
    #expect(abs(slope / examples - differences) < 2e-3 * max(abs(differences), 0.05), "\(differences)")
  }
}

@Suite struct AdversarialUpdateTests {
  private func step(_ learner: any Learner, number: Int = 0) throws {
    let crew = Crew(lanes: 1)
    var cursor = Order.Cursor(Order(learner.order, exampleCount: learner.exampleCount, seed: 0), total: 100)
    let step = cursor.step(number)
    let exchange = LocalExchange(learner, shards: 2)
    for phase in learner.phases.indices {
      _ = try learner.absorb(try exchange.sum(of: phase, in: step, crew: crew), phase: phase, of: step, with: crew)
    }
  }

  private func values(_ learner: any Learner, _ name: String) throws -> [Float] {
    learner.parameters.tensor(try #require(learner.parameters.layout[name])).values
  }

  @Test func weightsAreClipped() throws {
    let learner = try learner("wgan", try imageData(count: 400, width: 9), ["network.discriminator=[8]"])
    try step(learner)
    for slot in learner.parameters.layout.slots where slot.name.hasPrefix("discriminator") {
      #expect(learner.parameters.tensor(slot).values.allSatisfy { abs($0) <= 0.01 })
    }
    #expect(try values(learner, "generator.0.weight").contains { abs($0) > 0.01 })
  }

  @Test func runningStatisticsAreAveragedAndHaveNoGradient() throws {
    let learner = try learner(
      "gan", try imageData(count: 400, width: 9),
      ["network.generator=[6]", "network.normalisation=batch", "network.latent=3", "optimizer.weight_decay=0.1"])
    #expect(try values(learner, "generator.0.norm.running_var") == [Float](repeating: 1, count: 6))
    try step(learner)
    // A layer of 3 inputs with weights and biases uniform in ±1/√3 has outputs of mean |m| ≤ 0.58 + noise and
    // variance between 0 and 1: a tenth of them.
    let mean = try values(learner, "generator.0.norm.running_mean")
    let variance = try values(learner, "generator.0.norm.running_var")
    #expect(mean.allSatisfy { abs($0) < 0.1 && $0 != 0 })
    #expect(variance.allSatisfy { $0 > 0.9 && $0 < 1.05 && $0 != 1 })
  }

  @Test func theAverageFollowsTheGenerator() throws {
    let learner = try learner(
      "gan", try imageData(count: 400, width: 9), ["network.generator=[6]", "network.latent=3"])
    let before = try values(learner, "average.generator.0.weight")
    #expect(before == (try values(learner, "generator.0.weight")))
    try step(learner)
    // The first decay is (1 + 0) / (10 + 0).
    for (mean, (old, new)) in zip(
      try values(learner, "average.generator.0.weight"), zip(before, try values(learner, "generator.0.weight")))
    {
      #expect(abs(mean - (0.1 * old + 0.9 * new)) < 1e-6)
    }
  }

  /// k discriminator steps see k different parts of the examples, and an epoch still sees each once.
  @Test func discriminatorStepsShareTheExamples() throws {
    let learner = try learner(
      "gan", try imageData(count: 103, width: 9), ["train.batch=10", "objective.discriminator_steps=3"])
    #expect(learner.phases.map(\.name) == ["discriminator", "discriminator", "discriminator", "generator"])
    #expect(learner.order == .shuffled(batch: 30))
    let crew = Crew(lanes: 1)
    let counts = try (0..<4).map { try total(learner, step: 3, shards: 4, crew: crew, phase: $0).examples }
    #expect(counts[0..<3].reduce(0, +) == 13)
    #expect(counts[3] == counts[0])
  }

  @Test func samplesDependOnTheSeedAlone() throws {
    let learner = try learner("gan", try imageData(count: 400, width: 9), []).offers.sampling!.latent!
    let key = RandomKey(seed: 4)
    let one = try learner.picture(LatentRequest(.draws(230)), key, Crew(lanes: 1))
    #expect(try learner.picture(LatentRequest(.draws(230)), key, Crew(lanes: 3)) == one)
    #expect(try learner.picture(LatentRequest(.draws(230)), RandomKey(seed: 5), Crew(lanes: 1)) != one)
    let wide = try learner.picture(LatentRequest(.draws(230), truncation: 50), key, Crew(lanes: 1))
    let narrow = try learner.picture(LatentRequest(.draws(230), truncation: 0.5), key, Crew(lanes: 1))
    #expect(narrow != wide)
    for path in [LatentRequest.Choice.draws(1), .paths(1)] {
      _ = try learner.picture(LatentRequest(path), key, Crew(lanes: 1))
    }
  }
}
