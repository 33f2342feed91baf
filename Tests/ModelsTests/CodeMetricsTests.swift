import Datasets
import Tensors
import Testing
import Training

/// What the evaluation says of codes whose samples are known.
@Suite struct CodeMetricsTests {
  private static let (classes, stretch) = (4, 5)
  private static let width = classes * stretch

  /// Each class has a stretch of ones of its own, with a little noise.
  /// - Parameter labelled: whether the labels are those of the stretches.
  private func data(labelled isLabelled: Bool = true) throws -> Dataset {
    func examples(_ count: Int, seed: UInt64) throws -> ExampleSet {
      var x = [Float](repeating: 0, count: count * Self.width)
      RandomKey(seed: seed).normal(into: &x, count: x.count)
      for index in x.indices {
        let (row, column) = index.quotientAndRemainder(dividingBy: Self.width)
        x[index] = 0.1 * x[index] + (column / Self.stretch == row % Self.classes ? 1 : 0)
      }
      let labels = ClassLabels(
        indices: (0..<count).map { UInt32((isLabelled ? $0 : $0 / 4) % Self.classes) }, count: Self.classes)
      return try ExampleSet(inputs: ExampleArray(x, shape: [Self.width]), labels: labels)
    }
    return try Dataset(name: "stretches", train: examples(400, seed: 1), test: examples(200, seed: 2))
  }

  /// - Parameter lit: how bright a class's stretch is for each latent number: one of noise, then the category.
  private func metrics(
    on data: Dataset, _ lit: (_ latent: Int, _ stretch: Int) -> Float
  ) throws -> [String: Double] {
    let learner = try learner(
      "infogan", data,
      [
        "network.architecture=dense", "network.generator=[]", "network.discriminator=[]", "network.latent=1",
        "network.categories=\(Self.classes)", "network.continuous_codes=0", "data.normalisation=none",
      ])
    let weight = learner.parameters.tensor(try #require(learner.parameters.layout["average.generator.0.weight"]))
    let latents = 1 + Self.classes
    for index in 0..<weight.count { weight.pointer[index] = lit(index % latents, index / latents / Self.stretch) }
    learner.parameters.tensor(try #require(learner.parameters.layout["average.generator.0.bias"])).buffer
      .update(repeating: 0)
    return try learner.offers.evaluation!(RandomKey(seed: 3), Crew(lanes: 1))
  }

  private func scores(_ lit: (_ latent: Int, _ stretch: Int) -> Float) throws -> (purity: Double, classes: Double) {
    let metrics = try metrics(on: try data(), lit)
    return (try #require(metrics["gen/CodePurity_own"]), try #require(metrics["gen/CodeClasses_own"]))
  }

  @Test func eachCategoryIsAClass() throws {
    let found = try scores { latent, stretch in latent == 1 + (stretch + 1) % Self.classes ? 1 : 0 }
    #expect(found.purity > 0.99 && found.classes == 4)
  }

  @Test func twoCategoriesShareAClass() throws {
    let found = try scores { latent, stretch in latent > 0 && stretch == min(latent - 1, 2) ? 1 : 0 }
    #expect(found.purity > 0.99 && found.classes == 3)
  }

  @Test func theClassIsAMatterOfNoise() throws {
    let found = try scores { latent, stretch in latent == 0 && stretch < 2 ? (stretch == 0 ? 3 : -3) : 0 }
    #expect((0.5...0.65).contains(found.purity))
  }

  @Test func featuresThatTellNothingAreNotUsed() throws {
    let none = try metrics(on: try data(labelled: false)) { _, _ in 0 }
    #expect(try #require(none["gen/FeatureAccuracy_own"]) < 0.4)
    #expect(Set(none.keys) == ["gen/FeatureAccuracy_own", "gen/Examples"])
  }
}
