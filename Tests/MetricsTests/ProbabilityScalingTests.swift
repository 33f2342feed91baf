import Foundation
import LinearAlgebra
import Metrics
import ReferenceSupport
import Testing

@Suite("Scaling of class probabilities") struct ProbabilityScalingTests {
  /// Examples whose labels have the probabilities softmax(w log p + b) for given w and b.
  private func examples(
    _ count: Int, weights: [Double], offsets: [Double], seed: UInt64
  ) -> (ClassProbabilities, labels: [Int]) {
    var random = SplitMix64(seed: seed)
    var (values, labels) = ([Double](), [Int]())
    for _ in 0..<count {
      let p = random.dirichlet(weights.map { _ in 1 })
      values += p
      labels.append(random.categorical(p.indices.map { exp(weights[$0] * log(p[$0]) + offsets[$0]) }))
    }
    return (ClassProbabilities(values, classes: weights.count), labels)
  }

  @Test("Of two classes, all with 0.9 and right in 3 of 4 cases, the temperature is 2") func exact() {
    let labels = (0..<40_000).map { $0 % 4 == 0 ? 1 : 0 }
    let probabilities = ClassProbabilities(labels.flatMap { _ in [0.9, 0.1] }, classes: 2)
    let scaling = ProbabilityScaling.temperature(of: probabilities, labels: labels)
    #expect(abs(scaling.temperature! - 2) < 2e-3)
    #expect(abs(scaling(probabilities).values[0] - 0.75) < 1e-3)
  }

  @Test("The temperature of labels drawn at one is found again") func temperature() {
    let (probabilities, labels) = examples(20_000, weights: [0.4, 0.4, 0.4], offsets: [0, 0, 0], seed: 5)
    let scaling = ProbabilityScaling.temperature(of: probabilities, labels: labels)
    #expect(abs(scaling.temperature! - 2.5) < 0.1)
    // The derivatives of the mean negative log-likelihood and of the penalty by 1/T cancel there.
    func loss(_ weight: Double) -> Double {
      ProbabilityScaling(weights: [weight, weight, weight], offsets: [0, 0, 0])(probabilities).negativeLogLikelihood(
        labels)
    }
    let weight = 1 / scaling.temperature!
    let penalty = 10 * (weight - 1) / 20_000
    #expect(abs((loss(weight + 1e-4) - loss(weight - 1e-4)) / 2e-4 + penalty) < 1e-5)
  }

  @Test("Ten examples that are all right sharpen little") func few() {
    let labels = (0..<10).map { $0 % 2 }
    let probabilities = ClassProbabilities(labels.flatMap { $0 == 0 ? [0.9, 0.1] : [0.1, 0.9] }, classes: 2)
    let temperature = ProbabilityScaling.temperature(of: probabilities, labels: labels).temperature!
    #expect(temperature > 0.8 && temperature < 1)
  }

  @Test("Weights and offsets of labels drawn by them are found again, and nothing near is better") func vector() {
    let (weights, offsets) = ([0.5, 1.5, 1], [0.4, -0.4, 0])
    let (probabilities, labels) = examples(20_000, weights: weights, offsets: offsets, seed: 6)
    let scaling = ProbabilityScaling.vector(of: probabilities, labels: labels)
    for k in 0..<3 {
      #expect(abs(scaling.weights[k] - weights[k]) < 0.1)
      // Offsets are known up to a common number.
      #expect(abs(scaling.offsets[k] - scaling.offsets[2] - offsets[k]) < 0.1)
    }
    #expect(scaling.temperature == nil)
    let least = scaling(probabilities).negativeLogLikelihood(labels)
    for k in 0..<3 {
      for step in [-1e-2, 1e-2] {
        var near = scaling.weights
        near[k] += step
        let moved = ProbabilityScaling(weights: near, offsets: scaling.offsets)
        #expect(moved(probabilities).negativeLogLikelihood(labels) > least)
      }
    }
    let temperature = ProbabilityScaling.temperature(of: probabilities, labels: labels)
    #expect(least < temperature(probabilities).negativeLogLikelihood(labels))
  }

  @Test("A model that is always right, and one whose probabilities are 0 and 1, get a finite temperature") func sure() {
    let labels = (0..<50).map { $0 % 2 }
    for sureness in [0.9, 1] {
      let rows = labels.flatMap { $0 == 0 ? [sureness, 1 - sureness] : [1 - sureness, sureness] }
      let scaling = ProbabilityScaling.temperature(of: ClassProbabilities(rows, classes: 2), labels: labels)
      #expect(scaling.temperature! > 0 && scaling.temperature! <= 1)
      #expect(scaling(ClassProbabilities(rows, classes: 2)).values.allSatisfy { $0.isFinite })
    }
    let wrong = ProbabilityScaling.temperature(
      of: ClassProbabilities(labels.flatMap { $0 == 1 ? [1.0, 0] : [0.0, 1] }, classes: 2), labels: labels)
    #expect(wrong.weights[0].isFinite)
  }
}
