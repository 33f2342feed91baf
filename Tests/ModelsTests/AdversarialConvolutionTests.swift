import Datasets
import Tensors
import Testing
import Training

/// Networks of convolutions in the adversarial learners.
@Suite struct ConvolutionalTests {
  private func images(side: Int, channels: Int = 1, count: Int = 40) throws -> Dataset {
    var stream = RandomStream(RandomKey(seed: 7))
    let bytes = (0..<count * side * side * channels).map { _ in UInt8(stream.next(below: 256)) }
    let shape = channels == 1 ? [side, side] : [side, side, channels]
    return try Dataset(name: "images", train: ExampleSet(inputs: ExampleArray(bytes, shape: shape)))
  }

  private let small = [
    "network.discriminator_normalisation=batch", "network.filters=2", "network.hidden=0", "network.latent=3",
    "train.batch=8",
  ]

  @Test func theImageIsHalvedWhileItCanBe() throws {
    let learner = try learner("dcgan", try images(side: 16, channels: 3), small)
    let layout = learner.parameters.layout
    // 16 → 8 → 4: two levels, of 2 and 4 filters.
    #expect(layout["generator.0.weight"]?.shape == [4 * 4 * 4, 3])
    #expect(layout["generator.1.weight"]?.shape == [4, 2, 4, 4])
    #expect(layout["generator.2.weight"]?.shape == [2, 3, 4, 4])
    #expect(layout["generator.2.bias"]?.shape == [3])
    #expect(layout["generator.1.bias"] == nil)
    #expect(layout["discriminator.0.weight"]?.shape == [2, 3, 4, 4])
    #expect(layout["discriminator.1.norm.running_mean"]?.shape == [4])
    #expect(layout["discriminator.2.weight"]?.shape == [1, 4 * 4 * 4])
    let samples = try learner.offers.sampling!.latent!.examples(
      LatentRequest(.draws(5)), RandomKey(seed: 1), Crew(lanes: 1))
    #expect(samples.examples.shape == [5, 16, 16, 3])
    #expect(samples.examples.values.allSatisfy { (0...1).contains($0) })
  }

  @Test func imagesThatCannotBeHalvedAreRefused() throws {
    #expect(throws: (any Error).self) { try learner("dcgan", try images(side: 7), small) }
    #expect(throws: (any Error).self) { try learner("dcgan", try images(side: 12), small + ["network.levels=3"]) }
  }

  @Test func aHiddenLayerAtTheSmallEnd() throws {
    let learner = try learner("dcgan", try images(side: 8), small + ["network.hidden=5"])
    let layout = learner.parameters.layout
    #expect(layout["generator.hidden.weight"]?.shape == [5, 3])
    #expect(layout["generator.0.weight"]?.shape == [4 * 4 * 2, 5])
    #expect(layout["discriminator.hidden.weight"]?.shape == [5, 4 * 4 * 2])
    #expect(layout["discriminator.1.weight"]?.shape == [1, 5])
  }

  /// The promise, with batch statistics, spectral directions and second derivatives through convolutions.
  @Test(
    arguments: [
      ("dcgan", []), ("dcgan", ["network.discriminator_normalisation=spectral", "network.minibatch_deviation=true"]),
      (
        "wgan-gp",
        [
          "network.architecture=convolutional", "network.discriminator_normalisation=layer",
          "objective.discriminator_steps=2",
        ]
      ),
      ("infogan", ["network.architecture=convolutional", "network.normalisation=pixel"]),
      ("dcgan", ["objective.augmentation=[mirror, colour, translation, cutout]"]),
      ("dcgan", ["network.hidden=5", "network.dropout=0.2"]), ("gan", ["network.minibatch_deviation=true"]),
    ] as [(String, [String])])
  func lanesDoNotMatter(model: String, overrides: [String]) async throws {
    var hashes: Set<String> = []
    for lanes in [1, 3] {
      let learner = try learner(model, try images(side: 8), small + overrides)
      let before = learner.parameters.sha256
      let plan = TrainingPlan(seed: 0, shards: 4, steps: 4, reportEvery: 4)
      let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: lanes), observer: DeafObserver())
      _ = try await trainer.train(until: StopRequest())
      #expect(learner.parameters.isFinite && learner.parameters.sha256 != before)
      hashes.insert(learner.parameters.sha256 + learner.auxiliary.sha256)
    }
    #expect(hashes.count == 1)
  }
}
