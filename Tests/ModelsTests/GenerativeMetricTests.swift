import Datasets
import Learners
import Recipes
import Tensors
import Testing
import Training

/// What an evaluation measures of generated pictures.
@Suite struct GenerativeMetricTests {
  private let small = [
    "network.filters=2", "network.hidden=0", "network.latent=3", "train.batch=8", "evaluate.examples=30",
  ]

  private func pictures(_ count: Int, sample: UInt32, isLabelled: Bool) throws -> ExampleSet {
    var stream = RandomStream(RandomKey(seed: 5).at(sample: sample))
    var bytes = (0..<count * 1024).map { _ in UInt8(stream.next(below: 256)) }
    // One of one gray: what a generator of zeros makes, in whole bytes.
    bytes.replaceSubrange(1024..<2048, with: repeatElement(128, count: 1024))
    let labels = isLabelled ? ClassLabels(indices: (0..<UInt32(count)).map { $0 % 2 }, count: 2) : nil
    return try ExampleSet(inputs: ExampleArray(bytes, shape: [32, 32]), labels: labels)
  }

  private func data(isLabelled: Bool = false) throws -> Dataset {
    try Dataset(
      name: "pictures", train: pictures(40, sample: 0, isLabelled: isLabelled),
      test: pictures(30, sample: 1, isLabelled: isLabelled))
  }

  private func metrics(_ learner: any Learner, lanes: Int = 1) throws -> [String: Double] {
    try Evaluation.run(learner, seed: 0, crew: Crew(lanes: lanes))
  }

  @Test("Pictures without labels have sliced Wasserstein distances, the same on any number of lanes")
  func withoutLabels() throws {
    let learner = try learner("dcgan", try data(), small)
    let metrics = try metrics(learner)
    #expect(
      Set(metrics.keys)
        == Set(
          ["SWD", "SWD_32", "SWD_16", "SWD_floor", "Nearest", "Nearest_least", "Nearest_real", "Examples"].map {
            "test/gen/" + $0
          }))
    #expect(metrics["test/gen/Examples"] == 30)
    // Two sets of one kind of noise are nearer to each other than what an untrained generator makes.
    #expect(metrics["test/gen/SWD"]! > 1.3 * metrics["test/gen/SWD_floor"]!, "\(metrics)")
    #expect(try self.metrics(learner, lanes: 3) == metrics)
  }

  @Test("Defects 22 and 28: samples are rounded to bytes, and copies of training pictures have the distance 0")
  func bytes() throws {
    let learner = try learner("dcgan", try data(), small + ["evaluate.metrics=nearest"])
    for slot in learner.parameters.layout.slots where slot.name.hasPrefix("average.") {
      learner.parameters.tensor(slot).buffer.update(repeating: 0)
    }
    // 127.5 in 0…255, which is stored as 128.
    let metrics = try metrics(learner)
    #expect(metrics["test/gen/Nearest"] == 0 && metrics["test/gen/Nearest_least"] == 0, "\(metrics)")
    // Noise of bytes: a root mean square difference near 255 / √6.
    #expect((60...110).contains(metrics["test/gen/Nearest_real"]!))
  }

  @Test func labelsBringTheFloorOfFeatures() throws {
    let gray = try learner("dcgan", try data(isLabelled: true), small + ["evaluate.metrics=[swd]"])
    let names = Set(try metrics(gray).keys)
    #expect(names.contains("test/gen/SWD") && !names.contains("test/gen/FeatureAccuracy_own"))
    let usual = try learner("dcgan", try data(isLabelled: true), small)
    #expect(try metrics(usual).keys.contains("test/gen/FeatureAccuracy_own"))
  }

  @Test(
    "What cannot be measured is refused",
    arguments: [("ppl", "styles"), ("fid", "no labels"), ("[swd, pr]", "no labels"), ("[fidd]", "nearest is fid")])
  func refused(_ names: String, _ words: String) throws {
    let data = try data()
    let error = #expect(throws: RecipeError.self) {
      try learner("dcgan", data, small + ["evaluate.metrics=\(names)"])
    }
    #expect("\(error!)".contains(words), "\(error!)")
  }

  @Test func pointsHaveNoPieces() throws {
    let points = try gaussianData(count: 40, width: 3, test: 10)
    let error = #expect(throws: RecipeError.self) {
      try learner("gan", points, ["data.normalisation=standard", "network.generator=[4]", "evaluate.metrics=swd"])
    }
    #expect("\(error!)".contains("7 × 7"))
  }
}
