import Datasets
import Foundation
import Learners
import Metrics
import Tensors
import Training

/// What a Monte Carlo prediction says of every example, as named arrays, each with the standard error that the number
/// of samples leaves.
///
/// Classes: `mean`, `std`, `mean_error` and `quantiles` of each probability; `entropy`, `expected_entropy` and
/// `mutual_information` with `…_error`. Numbers, in the units of the data: `mean`, `std`, `mean_error`,
/// `aleatoric_variance` (E[σ²]), `epistemic_variance` (Var[μ]) with `…_error`, and `quantiles` of the predictive density
/// with `quantiles_error`. `quantile_levels` and `samples` go with both.
public struct PredictionTable: Sendable {
  public struct Column: Sendable {
    public let name: String
    /// The examples first.
    public fileprivate(set) var shape: [Int]
    public fileprivate(set) var values: [Double] = []
  }

  public private(set) var columns: [Column] = []
  public let samples: Int
  /// The greatest standard error of a mean: of a probability, or of a number relative to its standard deviation.
  public private(set) var greatestError = 0.0

  public static let quantileLevels = [0.025, 0.25, 0.5, 0.75, 0.975]

  /// How many samples there are of each example, where some are missing.
  public private(set) var sampleCounts: [Int]?
  private let isClassifier: Bool
  private let examples: Int
  /// Examples that were added.
  private var filled = 0

  /// A table that is filled example after example; of each there are to be so many samples.
  public init(isClassifier: Bool, examples: Int, samples: Int) {
    (self.isClassifier, self.examples, self.samples) = (isClassifier, examples, samples)
  }

  /// Predicts every example of an array with samples 0 ..< `samples`, or as many as differ.
  public init(
    _ learner: any Predicting, _ array: ExampleArray, samples: Int, key: RandomKey, with crew: Crew
  ) throws {
    let samples = learner.sampleCount(samples)
    self.init(isClassifier: learner.isClassifier, examples: array.count, samples: samples)
    try Prediction.run(learner, on: array, samples: samples, key: key, with: crew) { try add($0, with: crew) }
  }

  /// Adds the next examples. Fewer samples than there are to be, even none, are said by `sampleCounts`; an example
  /// without any has NaN in its columns.
  public mutating func add(_ samples: PredictionSamples, with crew: Crew) throws {
    precondition(samples.examples.lowerBound == filled && samples.examples.upperBound <= examples)
    defer { filled = samples.examples.upperBound }
    if samples.count < self.samples, sampleCounts == nil {
      sampleCounts = Array(repeating: self.samples, count: filled)
    }
    sampleCounts?.append(contentsOf: repeatElement(samples.count, count: samples.examples.count))
    guard samples.count > 0 else {
      for place in columns.indices { columns[place].addNothing(samples.examples.count) }
      return
    }
    let rows = try crew.map(samples.examples.count, atATime: 64) { [isClassifier] in
      isClassifier ? Row(classes: samples, example: $0) : Row(values: samples, example: $0)
    }
    if columns.isEmpty {
      columns = rows[0].columns.map { name, shape, _ in Column(name: name, shape: [examples] + shape) }
      for place in columns.indices { columns[place].addNothing(filled) }
    }
    for row in rows {
      for (place, column) in row.columns.enumerated() { columns[place].values += column.2 }
      greatestError = max(greatestError, row.error)
    }
  }

  /// Predicts with as many samples as leave no mean with a standard error above a tolerance, doubling from 64 on.
  public static func automatic(
    _ learner: any Predicting, _ array: ExampleArray, tolerance: Double, limit: Int, key: RandomKey, with crew: Crew
  ) throws -> PredictionTable {
    var samples = firstCount(learner, limit: limit)
    while true {
      let table = try PredictionTable(learner, array, samples: samples, key: key, with: crew)
      guard let more = table.nextCount(learner, tolerance: tolerance, limit: limit) else { return table }
      samples = more
    }
  }

  /// How many samples an automatic prediction begins with.
  public static func firstCount(_ learner: any Predicting, limit: Int) -> Int { learner.sampleCount(min(64, limit)) }

  /// How many samples to go on with; nil: these are enough, or there are no more.
  public func nextCount(_ learner: any Predicting, tolerance: Double, limit: Int) -> Int? {
    let most = learner.sampleCount(limit)
    guard greatestError > tolerance, samples < most else { return nil }
    return min(2 * samples, most)
  }
}

extension PredictionTable.Column {
  /// NaN for some examples.
  fileprivate mutating func addNothing(_ examples: Int) {
    values += Array(repeating: .nan, count: examples * shape.dropFirst().reduce(1, *))
  }
}

/// One example's columns.
private struct Row: Sendable {
  private(set) var columns: [(String, [Int], [Double])] = []
  private(set) var error = 0.0

  init(classes samples: PredictionSamples, example: Int) {
    let values = samples.ofExample(example)
    let width = samples.width
    let summary = ClassificationSummary(samples: values, classes: width)
    let levels = PredictionTable.quantileLevels
    let quantiles = (0..<width).flatMap { k in
      let sorted = stride(from: k, to: values.count, by: width).map { values[$0] }.sorted()
      return levels.map { quantile(ofSorted: sorted, $0) }
    }
    columns = [
      ("mean", [width], summary.mean), ("mean_error", [width], summary.meanError), ("std", [width], summary.deviation),
      ("quantiles", [width, levels.count], quantiles), ("entropy", [], [summary.entropy]),
      ("entropy_error", [], [summary.entropyError]), ("expected_entropy", [], [summary.expectedEntropy]),
      ("expected_entropy_error", [], [summary.expectedEntropyError]),
      ("mutual_information", [], [summary.mutualInformation]),
      ("mutual_information_error", [], [summary.mutualInformationError]),
    ]
    error = summary.meanError.max() ?? 0
  }

  init(values samples: PredictionSamples, example: Int) {
    let mixtures = GaussianMixturePrediction.all(of: samples, example: example)
    let levels = PredictionTable.quantileLevels
    let width = mixtures.count
    let quantiles = mixtures.map { mixture in levels.map(mixture.quantile) }
    let quantileErrors = zip(mixtures, quantiles).flatMap { mixture, quantiles in quantiles.map(mixture.quantileError) }
    let meanErrors = mixtures.map { standardError($0.means) }
    let deviations = mixtures.map { $0.variance.squareRoot() }
    columns = [
      ("mean", [width], mixtures.map(\.mean)), ("mean_error", [width], meanErrors), ("std", [width], deviations),
      ("aleatoric_variance", [width], mixtures.map(\.aleatoricVariance)),
      ("aleatoric_variance_error", [width], mixtures.map { standardError($0.variances) }),
      ("epistemic_variance", [width], mixtures.map(\.epistemicVariance)),
      ("epistemic_variance_error", [width], mixtures.map(\.epistemicVarianceError)),
      ("quantiles", [width, levels.count], quantiles.flatMap { $0 }),
      ("quantiles_error", [width, levels.count], quantileErrors),
    ]
    error = zip(meanErrors, deviations).map { $0 / max($1, 1e-300) }.max() ?? 0
  }
}
