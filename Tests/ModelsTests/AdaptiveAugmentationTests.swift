import Datasets
import Foundation
import Recipes
import Tensors
import Testing
import Training

/// The probability of the pipeline's changes, and what comes of them. Defects are numbered as in the tests' names.
@Suite struct AdaptiveAugmentationTests {
  private let adaptive = [
    "objective.augmentation_pipeline=[pixels, geometry, color]", "network.filters=2", "network.hidden=0",
    "network.latent=3", "train.batch=8",
  ]
  /// Of a learner whose discriminator does not learn.
  private let still = ["discriminator_optimizer.learning_rate=0", "network.discriminator_normalisation=none"]

  /// Pictures with a gradient from above to below under waves that differ, so that no part is of one gray.
  private func upright(count: Int = 200, channels: Int = 1) throws -> Dataset {
    let side = 16
    var stream = RandomStream(RandomKey(seed: 7))
    let bytes = (0..<count).flatMap { _ -> [UInt8] in
      let (phase, slant) = (stream.nextUniform() * 6.3, stream.nextUniform() - 0.5)
      return (0..<side * side).flatMap { place -> [UInt8] in
        let (row, column) = (Double(place / side), Double(place % side))
        let gray = 210 - 10 * row + 18 * sin(1.3 * column + slant * row + phase)
        return (0..<channels).map { UInt8(min(max(gray + 5 * Double($0), 0), 255)) }
      }
    }
    let shape = channels == 1 ? [side, side] : [side, side, channels]
    return try Dataset(name: "upright", train: ExampleSet(inputs: ExampleArray(bytes, shape: shape)))
  }

  private func train(
    _ learner: any Learner, steps: Int, shards: Int = 2, lanes: Int = 1
  ) async throws -> (metrics: [String: Double], alarms: [String]) {
    let heard = KeptReports()
    let plan = TrainingPlan(seed: 0, shards: shards, steps: steps, reportEvery: steps)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: lanes), observer: heard)
    _ = try await trainer.train(until: StopRequest())
    return (heard.metrics, heard.alarms)
  }

  /// Makes the discriminator say one thing of everything.
  private func say(_ output: Float, _ learner: any Learner) {
    let layout = learner.parameters.layout
    for slot in layout.slots where slot.name.hasPrefix("discriminator.") {
      learner.parameters.tensor(slot).buffer.update(repeating: 0)
    }
    let bias = layout.slots.last { $0.name.hasPrefix("discriminator.") && $0.name.hasSuffix("bias") }!
    learner.parameters.tensor(bias).buffer.update(repeating: output)
  }

  @Test("Defect 12: a discriminator that is always right has r = 1, and p rises by the examples of four steps")
  func alwaysRight() async throws {
    let learner = try learner("dcgan", try upright(), adaptive + still + ["objective.augmentation_speed=1"])
    say(3, learner)
    // Eight examples a step: p is changed twice by 32 of 1000.
    let (metrics, _) = try await train(learner, steps: 11, shards: 3)
    #expect(metrics["train/augmentation_overfitting"] == 1)
    #expect(abs(metrics["train/augmentation_probability"]! - 0.064) < 1e-6)
    say(-3, learner)
    let slot = try #require(learner.parameters.layout["state.augmentation"])
    #expect(abs(learner.parameters.tensor(slot).values[0] - 0.064) < 1e-6)
    let (after, _) = try await train(learner, steps: 8)
    #expect(after["train/augmentation_overfitting"]! < 1)
  }

  @Test("Defect 11: p stays within its bounds, and the user hears of it once")
  func bounds() async throws {
    let quick = adaptive + still + ["objective.augmentation_speed=0.1", "objective.augmentation_bound=0.7"]
    let right = try learner("dcgan", try upright(count: 64), quick)
    say(3, right)
    let (metrics, alarms) = try await train(right, steps: 240)
    #expect(abs(metrics["train/augmentation_probability"]! - 0.7) < 1e-6)
    #expect(metrics["train/alarm_augmentation"] == 1)
    #expect(alarms.count == 1 && alarms[0].contains("by heart"), "\(alarms)")
    let wrong = try learner("dcgan", try upright(count: 64), quick + ["objective.augmentation_probability=0.5"])
    say(-3, wrong)
    let (low, silent) = try await train(wrong, steps: 40)
    #expect(low["train/augmentation_probability"] == 0 && low["train/alarm_augmentation"] == 0 && silent == [])
  }

  @Test func onlyWhatAdaptsHasAState() throws {
    let fixed = ["objective.augmentation_target=0", "objective.augmentation_probability=0.3"]
    let names = try [[], adaptive + fixed, adaptive].map { keys in
      try learner("dcgan", try upright(count: 8), keys + ["train.batch=4"]).parameters.layout.slots.map(\.name)
    }
    #expect(names.map { $0.contains("state.augmentation") } == [false, false, true])
    #expect(names[2].last == "state.augmentation")
  }

  @Test("Lanes do not matter", arguments: [["objective.r1=0.5"], ["objective.loss=least-squares"]])
  func lanes(_ more: [String]) async throws {
    var hashes: Set<String> = []
    for lanes in [1, 3] {
      let keys = adaptive + more + ["objective.augmentation_probability=0.4", "objective.augmentation_speed=1"]
      let learner = try learner("dcgan", try upright(count: 40, channels: 3), keys)
      let (metrics, _) = try await train(learner, steps: 9, shards: 4, lanes: lanes)
      #expect(learner.parameters.isFinite && metrics["train/augmentation_probability"] != 0.4)
      hashes.insert(learner.parameters.sha256)
    }
    #expect(hashes.count == 1)
  }

  @Test("Defects 11 and 13: changes do not show in samples")
  func changesDoNotLeak() async throws {
    let learner = try learner(
      "dcgan", try upright(),
      [
        "objective.augmentation_pipeline=[pixels, geometry, color]", "objective.augmentation=cutout",
        "objective.augmentation_probability=0.3", "objective.augmentation_speed=10", "objective.augmentation_bound=0.5",
        "network.filters=8", "network.hidden=32", "network.latent=8", "train.batch=16", "objective.r1=0.1",
        "network.discriminator_normalisation=none", "optimizer.learning_rate=0.001",
        "discriminator_optimizer.learning_rate=0.002", "objective.generator_average=0.99",
      ])
    let (metrics, _) = try await train(learner, steps: 900)
    let count = 200
    let samples = try learner.offers.sampling!.latent!.examples(
      LatentRequest(.draws(count)), RandomKey(seed: 1), Crew(lanes: 1))
    let bytes = samples.examples.values.map { Int(($0 * 255).rounded()) }
    let images = (0..<count).map { Array(bytes[$0 * 256..<($0 + 1) * 256]) }
    let standing = images.count { $0.prefix(128).reduce(0, +) > $0.suffix(128).reduce(0, +) + 128 * 30 }
    #expect(standing >= count * 95 / 100, "\(standing) of \(count) stand upright; \(metrics)")
    // A square of more than an eighth of the side in one gray.
    func isFlat(_ image: [Int], _ row: Int, _ column: Int) -> Bool {
      let corner = image[row * 16 + column]
      return (0..<9).allSatisfy { image[(row + $0 / 3) * 16 + column + $0 % 3] == corner }
    }
    let boxes = images.count { image in (0..<196).contains { isFlat(image, $0 / 14, $0 % 14) } }
    #expect(boxes == 0)
  }

  @Test(
    "What cannot adapt is refused with what to do",
    arguments: [
      (["objective.loss=wasserstein"], "objective.augmentation_target=0"),
      (["objective.augmentation_target=0"], "objective.augmentation_probability"),
      (["objective.augmentation_probability=0.9"], "objective.augmentation_bound"),
      (["objective.augmentation_pipeline=[]", "objective.augmentation_probability=0.1"], "augmentation_pipeline"),
      (["objective.augmentation_pipeline=[pixel]"], "the nearest is pixels"),
      (["objective.augmentation_probability=1.5"], "0.0 to 1.0"), (["objective.augmentation_speed=0"], "0.001"),
    ])
  func refused(_ keys: [String], _ words: String) throws {
    let data = try upright(count: 8)
    let error = #expect(throws: RecipeError.self) { try learner("dcgan", data, adaptive + keys) }
    #expect("\(error!)".contains(words), "\(error!)")
  }

  @Test func whatIsNoImageHasNoPipeline() throws {
    let data = try gaussianData(count: 40, width: 3)
    let keys = ["data.normalisation=standard", "objective.augmentation_pipeline=[pixels]", "network.generator=[4]"]
    #expect(throws: RecipeError.self) { try learner("gan", data, keys) }
  }
}
