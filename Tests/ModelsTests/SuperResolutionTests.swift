import Datasets
import Foundation
import Images
import Learners
import Metrics
import Tensors
import Testing
import Training

/// Pictures of sharp stripes and of several sizes.
func stripedPictures(count: Int = 12) throws -> Dataset {
  let pictures = (0..<count).map { index in
    let (height, width) = (30 + index % 4, 36 + 3 * (index % 3))
    let samples = (0..<height * width).map { pixel in
      let place = Double(pixel / width) * 0.3 + Double(pixel % width) * (0.5 + 0.02 * Double(index % 5))
      return UInt8(sin(place) > 0 ? 200 : 40)
    }
    return Raster(width: width, height: height, channels: 1, samples: samples)
  }
  let set = try ExampleSet(wholePictures: pictures)
  return try Dataset(name: "stripes", train: set, test: set)
}

private let small = [
  "network.filters=8", "data.crop=18", "data.windows=2", "train.batch=6", "optimizer.learning_rate=0.01",
  "optimizer.schedule=constant",
]

@Suite("Super-resolution") struct SuperResolutionTests {
  @Test("A network learns what the bicubic rule cannot know, and says what it leaves open")
  func learning() async throws {
    let learner = try learner(
      "super-resolution", try stripedPictures(), small + ["optimizer.learning_rate=0.005"], seed: 1)
    try await train(learner, steps: 1500)
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 2))
    let (psnr, bicubic) = (try #require(metrics["test/sr/PSNR"]), try #require(metrics["test/sr/PSNR_bicubic"]))
    #expect(psnr > bicubic + 0.5, "\(metrics)")
    #expect(metrics["test/sr/Epistemic"] == 0 && metrics["test/sr/Aleatoric"] ?? 0 > 0)
    let covered = try #require(metrics["test/sr/Coverage95"])
    #expect(covered > 0.8 && covered <= 1, "\(metrics)")
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1)) == metrics)
  }

  @Test("Before training, a network without weights is the bicubic rule", arguments: ["learnt", "heteroscedastic"])
  func zeroWeights(_ noise: String) throws {
    let learner = try learner(
      "super-resolution", try stripedPictures(), small + ["objective.noise=\(noise)"], seed: 1)
    for index in learner.parameters.float32.indices { learner.parameters.float32[index] = 0 }
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1))
    #expect(metrics["test/sr/PSNR"] == metrics["test/sr/PSNR_bicubic"])
    #expect(abs((metrics["test/sr/Aleatoric"] ?? 0) - 12.75) < 1e-4)
    let small = GrayImage(height: 4, width: 5, values: (0..<20).map { Float($0 * 11) })
    let enlarging = try #require(learner.offers.enlarging)
    let found = try enlarging.enlarge([small], samples: 3, key: RandomKey(seed: 1), with: Crew(lanes: 1))[0]
    #expect(found.mean == small.bicubic(height: 12, width: 15).values && found.samples == 1)
  }

  @Test("The derivative is that of differences", arguments: ["learnt", "heteroscedastic"])
  func derivative(_ noise: String) throws {
    let learner = try learner(
      "super-resolution", try stripedPictures(count: 3),
      small + [
        "objective.noise=\(noise)", "objective.variance_weight=0", "network.activation=tanh", "train.batch=3",
      ], seed: 2)
    func loss() throws -> (loss: Double, gradient: [Float]) {
      let sum = try total(learner, step: 0, shards: 2, crew: Crew(lanes: 1))
      // The metric is in gray levels, another unit of the same density.
      return (sum.metrics["nll"], numbers(sum))
    }
    let gradient = try loss().gradient
    let weights = learner.parameters.float32
    let scale = gradient.map(abs).max()!
    for index in stride(from: 0, to: weights.count, by: weights.count / 25) {
      let value = weights[index]
      let step: Float = 2e-3
      weights[index] = value + step
      let after = try loss().loss
      weights[index] = value - step
      let before = try loss().loss
      weights[index] = value
      let difference = (after - before) / Double(2 * step)
      #expect(abs(difference - Double(gradient[index])) < 5e-3 * Double(scale), "\(index)")
    }
  }

  @Test("Masks of dropout and draws of weights differ from sample to sample, and a picture's do not depend on others")
  func samples() throws {
    for setting in ["network.dropout=0.2", "objective.posterior=variational"] {
      let learner = try learner("super-resolution", try stripedPictures(), small + [setting], seed: 1)
      let enlarging = try #require(learner.offers.enlarging)
      let pictures = [8, 9].map { side in
        GrayImage(height: side, width: 8, values: (0..<side * 8).map { Float($0 * 13 % 256) })
      }
      func enlarge(_ pictures: [GrayImage], lanes: Int) throws -> [EnlargedPicture] {
        try enlarging.enlarge(pictures, samples: 4, key: RandomKey(seed: 7), with: Crew(lanes: lanes))
      }
      let both = try enlarge(pictures, lanes: 2)
      #expect(both[0].samples == 4 && both[0].epistemic.contains { $0 > 0 })
      let alone = try enlarge([pictures[0]], lanes: 1)[0]
      #expect(alone.mean == both[0].mean && alone.epistemic == both[0].epistemic)
    }
  }

  @Test("Data and keys that do not suit are refused")
  func mistakes() throws {
    #expect(throws: TrainingError.self) { try learner("super-resolution", try imageData(count: 9, width: 12), small) }
    #expect(throws: TrainingError.self) { try learner("super-resolution", try sequenceData(), small) }
    #expect(throws: TrainingError.self) {
      try learner("super-resolution", try stripedPictures(), small + ["data.crop=33"])
    }
    #expect(throws: (any Error).self) {
      try learner("super-resolution", try stripedPictures(), small + ["data.crop=20"])
    }
    // Sizes that do not go with the numbers of pixels.
    let pixels = ExampleArray([UInt8](repeating: 1, count: 64 * 64 * 2), shape: [1])
    let set = try ExampleSet(
      inputs: pixels, targets: ExampleArray([64, 64, 63, 64] as [Float], shape: [2]),
      sequences: Sequences(lengths: [64 * 64, 64 * 64]))
    #expect(!set.holdsWholePictures)
  }
}
