import Foundation
import LinearAlgebra
import Metrics
import ReferenceSupport
import Testing

@Suite("Conformal sets and intervals") struct ConformalTests {
  @Test("The threshold is the ⌈(n + 1) c⌉-th score, or ∞ where there are too few") func ranks() {
    let scores = (1...9).map { Double($0) }
    #expect(Conformal.threshold(ofSorted: scores, coverage: 0.9) == 9)
    #expect(Conformal.threshold(ofSorted: scores, coverage: 0.5) == 5)
    #expect(Conformal.threshold(ofSorted: scores, coverage: 0.51) == 6)
    #expect(Conformal.threshold(ofSorted: scores, coverage: 0.91) == .infinity)
    #expect(Conformal.threshold(ofSorted: Array(scores.dropLast()), coverage: 0.9) == .infinity)
    #expect(Conformal.threshold(ofSorted: [], coverage: 0.5) == .infinity)
    // 100 × 0.29 is 28.999999999999996 or 29 by the order of factors: what is whole stays whole.
    #expect(Conformal.threshold(ofSorted: (1...99).map { Double($0) }, coverage: 0.29) == 29)
    #expect(Conformal.threshold(ofSorted: [3, 3, 3, 3], coverage: 0.5) == 3)
  }

  @Test("Adaptive scores add what is likelier, the first of equals first") func adaptive() {
    let scores = Conformal.adaptiveScores([0.2, 0.5, 0.2, 0.1][...], u: 0.5)
    let expected = [0.6, 0.25, 0.8, 0.95]
    for (score, value) in zip(scores, expected) { #expect(abs(score - value) < 1e-15) }
    #expect(Conformal.thresholdScores([0.25, 0.75][...]) == [0.75, 0.25])
  }

  /// Classes of a softmax, predicted by probabilities that are far too sure.
  private func example(_ random: inout SplitMix64) -> (probabilities: [Double], label: Int) {
    let logits = (0..<4).map { _ in 1.5 * random.normal() }
    func softmax(_ scale: Double) -> [Double] {
      let values = logits.map { exp(scale * $0) }
      let sum = values.reduce(0, +)
      return values.map { $0 / sum }
    }
    return (softmax(3), random.categorical(softmax(1)))
  }

  /// Splits so that the coverage's expectation, ⌈(n + 1) c⌉ / (n + 1), is known to within its standard error.
  private func expectCoverage(
    _ n: Int, _ coverage: Double, splits: Int, _ score: (inout SplitMix64) -> Double, _ name: String
  ) {
    var random = SplitMix64(seed: UInt64(n) &* 31 &+ UInt64(coverage * 100))
    let shares = (0..<splits).map { _ -> Double in
      let threshold = Conformal.threshold(ofSorted: (0..<n).map { _ in score(&random) }.sorted(), coverage: coverage)
      return Double((0..<400).count { _ in score(&random) <= threshold }) / 400
    }
    let mean = shares.reduce(0, +) / Double(splits)
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(splits - 1)
    let expected = (Double(n + 1) * coverage - 1e-9).rounded(.up) / Double(n + 1)
    #expect(
      abs(mean - expected) < 3 * (variance / Double(splits)).squareRoot(), "\(name), n \(n), \(coverage): \(mean)")
  }

  @Test("Coverage is what is promised, of a model that is wrong", arguments: [50, 1000, 10_000], [0.5, 0.9])
  func coverage(_ n: Int, _ coverage: Double) {
    let splits = n == 50 ? 400 : n == 1000 ? 60 : 12
    expectCoverage(
      n, coverage, splits: splits,
      { random in
        let (probabilities, label) = example(&random)
        return Conformal.thresholdScores(probabilities[...])[label]
      }, "threshold")
    expectCoverage(
      n, coverage, splits: splits,
      { random in
        let (probabilities, label) = example(&random)
        return Conformal.adaptiveScores(probabilities[...], u: random.uniform())[label]
      }, "adaptive")
  }
}
