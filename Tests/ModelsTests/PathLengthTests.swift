import Adversarial
import Datasets
import LinearAlgebra
import Recipes
import Tensors
import Testing
import Training

/// How much pictures change along lines between styles.
@Suite("Path lengths") struct PathLengthTests {
  private func rows(_ tensor: UInt32, _ count: Int = 50) -> Tensor {
    .normal(RandomKey(seed: 3).at(tensor: tensor), rows: (0..<UInt32(count)).map { $0 }, columns: 6)
  }

  @Test("Of a linear generator the length is ‖A (b − a)‖², wherever on the line")
  func linear() throws {
    let (a, b) = (rows(0), rows(1))
    let matrix = Tensor.normal(RandomKey(seed: 4), rows: [0, 1, 2, 3], columns: 6)
    func features(_ points: Tensor) -> Matrix {
      Matrix(rows: points.rows, columns: 4, elements: points.product(withTransposed: matrix).values.map(Double.init))
    }
    let wanted = (b - a).product(withTransposed: matrix).squared().sumOfRows().values
    for place in [Float(0), 0.3, 0.999] {
      let found = PathLengths.lengths(from: a, to: b, at: .zeros([50]) + place, features)
      // The difference of two float32 numbers that are 10⁻⁴ apart.
      for (one, other) in zip(found, wanted) { #expect(abs(one / Double(other) - 1) < 0.05, "\(place)") }
      let mean = found.reduce(0, +) / Double(wanted.reduce(0, +))
      #expect(abs(mean - 1) < 0.01, "\(place): \(mean)")
    }
  }

  @Test("Where features are curved, it is the slope at the place") func curved() {
    let a = Tensor.zeros([3, 1])
    func features(_ points: Tensor) -> Matrix {
      // x² of doubles, so that the difference is exact to ε.
      Matrix(rows: 3, columns: 1, elements: points.values.map { Double($0) * Double($0) })
    }
    let found = PathLengths.lengths(from: a, to: a + 1, at: Tensor([0, 0.25, 0.5], [3]), features)
    for (one, place) in zip(found, [0, 0.25, 0.5]) { #expect(abs(one - 4 * place * place) < 2e-3) }
  }

  @Test("A generator of styles has path lengths, the same on any number of lanes; others are refused")
  func evaluated() async throws {
    func set(_ count: Int, isLabelled: Bool) throws -> ExampleSet {
      let bytes = (0..<count * 64).map { (index: Int) -> UInt8 in UInt8(index * index % 100 + index / 64 % 2 * 150) }
      let labels = ClassLabels(indices: (0..<count).map { UInt32($0 % 2) }, count: 2)
      return try ExampleSet(
        inputs: ExampleArray(bytes, shape: [8, 8]), labels: isLabelled ? labels : nil)
    }
    func data(isLabelled: Bool) throws -> Dataset {
      // So many that the classifier, which sees each four times, learns them.
      try Dataset(
        name: "pictures", train: set(3000, isLabelled: isLabelled), test: set(110, isLabelled: isLabelled))
    }
    let keys = [
      "network.channel_base=32", "network.latent=5", "network.mapping_rate=1", "train.batch=8", "evaluate.metrics=ppl",
      "evaluate.examples=110",
    ]
    let made = try learner("stylegan", data(isLabelled: true), keys)
    try await train(made, steps: 3)
    let metrics = try Evaluation.run(made, seed: 0, crew: Crew(lanes: 1))
    let names = ["PPL_own", "PPL_end_own"].map { "test/gen/" + $0 }
    #expect(try names.allSatisfy { try #require(metrics[$0]) > 0 } && metrics[names[0]] != metrics[names[1]])
    #expect(!metrics.keys.contains("test/gen/FID_own") && metrics["test/gen/Examples"] == 110)
    #expect(try Evaluation.run(made, seed: 0, crew: Crew(lanes: 3)) == metrics)
    #expect(throws: RecipeError.self) { try learner("stylegan", data(isLabelled: false), keys) }
    #expect(throws: RecipeError.self) {
      try learner("dcgan", data(isLabelled: true), ["evaluate.metrics=ppl", "train.batch=8"])
    }
  }
}
