import Datasets
import Foundation
import LinearAlgebra
import Metrics

/// What predicts without looking at the inputs: the distribution of the targets that were learned from.
enum ConstantBaseline {
  /// Scores of the test examples.
  /// - Parameters:
  ///   - learning: the examples that were learned from.
  ///   - digest: of the test examples.
  static func scores(learning: ExampleSet, test: ExampleSet, digest: String) -> RunScores {
    let scores: HeldOutScores
    if let learned = learning.labels, let labels = test.labels?.indices {
      // Each class once more than it is there (Laplace), so that none is impossible.
      var counts = [Double](repeating: 1, count: learned.count)
      for label in learned.indices { counts[Int(label)] += 1 }
      let total = counts.reduce(0, +)
      let shares = counts.map { $0 / total }
      scores = HeldOutScores(
        ClassProbabilities(labels.flatMap { _ in shares }, classes: shares.count), labels: labels.map { Int($0) })
    } else {
      let learned = learning.targets!.doubles(0..<learning.count)
      let targets = test.targets!.doubles(0..<test.count)
      let count = Double(learned.count)
      let mean = learned.reduce(0, +) / count
      // Of a new number: the spread of the numbers, and the error of their mean.
      let variance = learned.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1) * (1 + 1 / count)
      scores = HeldOutScores(
        means: targets.map { _ in mean }, targets: targets,
        ranks: targets.map { normalCDF(($0 - mean) / variance.squareRoot()) },
        logDensities: targets.map { -0.5 * (log(2 * .pi * variance) + ($0 - mean) * ($0 - mean) / variance) })
    }
    return RunScores(scores: scores, digest: digest, secondsPerExample: 0)
  }
}
