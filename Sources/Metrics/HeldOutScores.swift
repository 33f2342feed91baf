import Foundation

/// What each of some held-out examples scores, so that models can be compared on the same ones: the metrics of all, or of
/// any choice of them.
public struct HeldOutScores: Sendable {
  /// A number for each example. The metric is their mean, or its square root.
  private struct Column: Sendable {
    let name: String
    let values: [Double]
    var isRoot = false
  }

  /// How many examples there are.
  public let count: Int
  private let columns: [Column]
  /// Of a classifier: the probability of the likeliest class, and whether that is the right one.
  private let guesses: [(confidence: Double, isCorrect: Bool)]

  /// Of numbers whose means over examples are metrics, by their names.
  public init(means: [String: [Double]]) {
    count = means.values.first?.count ?? 0
    columns = means.sorted { $0.key < $1.key }.map { Column(name: $0.key, values: $0.value) }
    guesses = []
  }

  /// Of predicted class probabilities: accuracy, −log p, Brier score and calibration error.
  public init(_ probabilities: ClassProbabilities, labels: [Int]) {
    count = labels.count
    let rows = labels.indices.map { (probabilities.rows([$0]), [labels[$0]]) }
    columns = [
      Column(name: "cls/Acc", values: rows.map { $0.0.accuracy($0.1) }),
      Column(name: "cls/Brier", values: rows.map { $0.0.brierScore($0.1) }),
      Column(name: "cls/NLL", values: rows.map { $0.0.negativeLogLikelihood($0.1) }),
    ]
    guesses = labels.indices.map { row in
      let (label, confidence) = probabilities.top(row)
      return (confidence, label == labels[row])
    }
  }

  /// Of predicted numbers, one or several an example: errors, −log density, and coverage of central intervals.
  /// - Parameters:
  ///   - ranks: P(Y ≤ target) of each target; none where that is not known.
  ///   - logDensities: of each example.
  public init(means: [Double], targets: [Double], ranks: [Double], logDensities: [Double]) {
    count = logDensities.count
    let width = targets.count / max(count, 1)
    func perExample(_ values: [Double]) -> [Double] {
      stride(from: 0, to: values.count, by: max(width, 1)).map { values[$0..<$0 + width].reduce(0, +) / Double(width) }
    }
    let errors = zip(means, targets).map { $0 - $1 }
    var columns = [
      Column(name: "reg/RMSE", values: perExample(errors.map { $0 * $0 }), isRoot: true),
      Column(name: "reg/MAE", values: perExample(errors.map(abs))),
      Column(name: "reg/NLL", values: logDensities.map { -$0 }),
    ]
    for level in Regression.coverageLevels where !ranks.isEmpty {
      let inside = ranks.map { Regression.coverage(ranks: [$0], level: level) }
      columns.append(Column(name: Regression.coverageName(level), values: perExample(inside)))
    }
    self.columns = columns
    guesses = []
  }

  /// The names of the metrics.
  public var names: [String] { columns.map(\.name) + (guesses.isEmpty ? [] : ["cal/ECE"]) }

  /// The metrics of some examples, in the order of the names; an example counts as often as it is there.
  public func metrics(of rows: some Collection<Int>) -> [Double] {
    let total = Double(max(rows.count, 1))
    var metrics = columns.map { column in
      let mean = rows.reduce(0) { $0 + column.values[$1] } / total
      return column.isRoot ? mean.squareRoot() : mean
    }
    if !guesses.isEmpty { metrics.append(Reliability(rows.lazy.map { guesses[$0] }).expectedError) }
    return metrics
  }
}
