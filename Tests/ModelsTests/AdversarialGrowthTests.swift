import Datasets
import Learners
import Tensors
import Testing
import Training

/// Trainings of networks that grow and of networks of styles.
@Suite struct AdversarialGrowthTests {
  private static let progressive = [
    "network.channel_base=32", "network.channel_limit=6", "network.latent=5", "train.batch=8",
    "network.stable_examples=16", "network.fading_examples=24",
  ]
  private static let style = [
    "network.channel_base=32", "network.channel_limit=6", "network.latent=5", "network.style_width=4", "train.batch=8",
    "objective.r1_interval=3", "objective.path_interval=2",
  ]
  private static let cases: [(model: String, keys: [String])] = [
    ("progressive-gan", progressive),
    ("progressive-gan", progressive + ["network.growing=false", "objective.discriminator_steps=2"]),
    ("stylegan", style), ("stylegan", style + ["network.style=adain", "objective.path_length=0"]),
    ("stylegan", style + ["network.discriminator_architecture=progressive", "objective.discriminator_steps=2"]),
    (
      "gan",
      ["network.architecture=style", "network.channel_base=16", "train.batch=8", "objective.generator_average=0"]
    ),
  ]

  private func pictures(_ shape: [Int] = [16, 16]) throws -> Dataset {
    var stream = RandomStream(RandomKey(seed: 7))
    let bytes = (0..<40 * shape.reduce(1, *)).map { _ in UInt8(stream.next(below: 256)) }
    return try Dataset(name: "pictures", train: ExampleSet(inputs: ExampleArray(bytes, shape: shape)))
  }

  private func fresh(_ index: Int) throws -> any Learner {
    let (model, keys) = AdversarialGrowthTests.cases[index]
    return try learner(model, try pictures(index == 2 ? [8, 16, 3] : [16, 16]), keys, seed: 5)
  }

  @Test("Defects 7 and 9: lanes change no bit", arguments: cases.indices)
  func lanesDoNotMatter(index: Int) async throws {
    var hashes: Set<String> = []
    for lanes in [1, 3] {
      let learner = try fresh(index)
      let before = learner.parameters.sha256
      try await train(learner, steps: 7, lanes: lanes)
      #expect(learner.parameters.isFinite && learner.parameters.sha256 != before)
      hashes.insert(learner.parameters.sha256 + learner.auxiliary.sha256)
    }
    #expect(hashes.count == 1)
  }

  /// Steps 2, 5, 7, 10 begin a stretch of growth; penalties are taken at every second or third step.
  @Test("Defects 1 and 8: a training that is cut at any step goes on to the same bits", arguments: [0, 2, 4])
  func aCutDoesNotMatter(index: Int) async throws {
    let whole = try fresh(index)
    try await train(whole, steps: 12)
    for cut in 1..<12 {
      let first = try fresh(index)
      try await train(first, steps: cut)
      let second = try fresh(index)
      second.parameters.copy(from: first.parameters)
      for (one, other) in zip(second.auxiliary, first.auxiliary) { one.copy(from: other) }
      try await train(second, steps: 12, from: cut)
      #expect(second.parameters.sha256 == whole.parameters.sha256, "cut at \(cut)")
      #expect(second.auxiliary.sha256 == whole.auxiliary.sha256, "cut at \(cut)")
    }
  }

  @Test("Defect 4: moments begin anew where a size begins to fade in, and where it has")
  func momentsRestart() async throws {
    let learner = try fresh(0)
    var before: [Float] = []
    for step in 0..<12 {
      try await train(learner, steps: step + 1, from: step)
      let squares = learner.auxiliary.first { $0.name == "v" }!.float32
      // Without a new start a mean of squares cannot fall by more than the share of a new square.
      let fell = zip(before, squares).contains { $0 > 0 && $1 < 0.9 * $0 }
      #expect(fell == [2, 5, 7, 10].contains(step), "step \(step)")
      before = Array(squares)
    }
  }

  @Test("Defect 15: samples are those of the average, at the size that was reached")
  func samplesOfASize() async throws {
    let learner = try fresh(0)
    try await train(learner, steps: 4)
    let sampling = try #require(learner.offers.sampling?.latent)
    let samples = try sampling.examples(LatentRequest(.draws(3)), RandomKey(seed: 1), Crew(lanes: 1)).examples
    #expect(samples.shape == [3, 16, 16] && samples.values.allSatisfy { (0...1).contains($0) })
    // Level 1 fades in: pictures of 8 × 8 whose pixels are repeated.
    for row in 0..<3 {
      for pixel in 0..<256 {
        let (y, x) = (pixel / 16, pixel % 16)
        #expect(samples.values[row * 256 + pixel] == samples.values[row * 256 + y / 2 * 2 * 16 + x / 2 * 2])
      }
    }
  }

  @Test("Defect 19: small batches stay finite", arguments: [1, 2, 4], ["demodulated", "adain"])
  func smallBatches(batch: Int, style: String) async throws {
    let keys = AdversarialGrowthTests.style + ["train.batch=\(batch)", "network.style=\(style)"]
    let learner = try learner("stylegan", try pictures(), keys)
    try await train(learner, steps: 60, shards: 2)
    #expect(learner.parameters.isFinite)
  }

  @Test("Defect 20: a penalty that is taken now and then weighs as much as one at every step")
  func lazyPenalties() throws {
    // The mean over a cycle of what the discriminator's total reports.
    func penalty(interval: Int) throws -> Double {
      let keys = AdversarialGrowthTests.style + ["objective.r1_interval=\(interval)", "train.batch=40"]
      let learner = try learner("stylegan", try pictures(), keys)
      return try (0..<4).reduce(0) { sum, step in
        sum + (try total(learner, step: step, shards: 1, crew: Crew(lanes: 1)).metrics["r1"])
      }
    }
    let (lazy, eager) = (try penalty(interval: 4), try penalty(interval: 1))
    #expect(lazy > 0 && abs(lazy / eager - 1) < 0.2)
  }

  @Test("Defect 25: sizes that cannot be halved are refused in a line that names the key")
  func refused() {
    for (model, shape, keys) in [
      ("stylegan", [7, 7], []), ("progressive-gan", [64, 65, 3], []), ("stylegan", [12], []),
      ("progressive-gan", [16, 16], ["objective.path_length=1"]),
    ] as [(String, [Int], [String])] {
      #expect(throws: (any Error).self) { try learner(model, try pictures(shape), keys) }
    }
  }
}
