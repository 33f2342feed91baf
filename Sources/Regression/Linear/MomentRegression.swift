import Distributions
import LinearAlgebra
import Statistics

/// A moment estimator as a model over data in any number of parts: one pass gathers the moments, around a pivot, or, of few
/// rows with many features, the rows: a shard fills in its own, and the sum of all shards is the data.
public struct MomentRegression<Estimator: MomentEstimator>: StatisticsModel {
  public struct Parameters: Sendable {
    /// Features and target of any one row.
    package let pivot: [Double]
    /// Nil before the first pass.
    public let estimate: Estimator.Estimate?
    /// Of the last pass; nil before the first one.
    public let moments: RegressionMoments?
    /// The sums of the last pass, which determine everything else; empty before the first one.
    public let statistics: [Double]
  }

  public let estimator: Estimator
  /// N, when the rows themselves are the statistics.
  package let collectedRows: Int?

  /// - Parameter rows: how many rows the data has, if rows are to be collected where they have fewer numbers than moments.
  public init(_ estimator: Estimator, rows: Int? = nil) {
    self.estimator = estimator
    collectedRows = rows.flatMap { 2 * $0 <= estimator.features.count ? $0 : nil }
  }

  /// Whether the statistics are the rows.
  public var collects: Bool { collectedRows != nil }

  private var width: Int { estimator.features.count + 1 }

  public var statisticsCount: Int { 1 + (collectedRows.map { $0 * width } ?? width + packedCount(width)) }

  public func makeScratch() -> RegressionScratch { RegressionScratch(estimator.features) }

  /// Nothing known yet.
  /// - Parameters: input and target of any one row, which all parts of the data must share.
  public func start(pivot input: [Double], target: Double) -> Parameters {
    Parameters(pivot: estimator.features.values(input) + [target], estimate: nil, moments: nil, statistics: [])
  }

  /// The numbers that make up parameters: the pivot, and the sums, zeros before the first pass.
  public func flat(_ parameters: Parameters) -> (pivot: [Double], statistics: [Double]) {
    let none = [Double](repeating: 0, count: statisticsCount)
    return (parameters.pivot, parameters.statistics.isEmpty ? none : parameters.statistics)
  }

  /// Parameters from their numbers.
  public func parameters(pivot: [Double], statistics: [Double]) throws(ExactError) -> Parameters {
    let start = Parameters(pivot: pivot, estimate: nil, moments: nil, statistics: [])
    return statistics[0] > 0 ? try update(start, statistics: statistics).parameters : start
  }

  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: RegressionScratch
  ) throws(ExactError) {
    try scratch.accumulate(observations, pivot: parameters.pivot, collecting: collects, into: statistics)
  }

  /// Estimates. The objective is that of the estimate made, which a second pass would not change.
  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    guard statistics[0] >= 1 else {
      throw ExactError(.tooFewRows, doing: "fitting a regression", remedy: "give at least one row")
    }
    let moments = moments(parameters.pivot, statistics)
    let (estimate, objective) = try estimator.estimate(moments)
    return Improvement(
      parameters: Parameters(
        pivot: parameters.pivot, estimate: estimate, moments: moments, statistics: statistics),
      objective: objective, of: .after, isFinal: true)
  }
}

extension MomentRegression {
  private func moments(_ pivot: [Double], _ statistics: [Double]) -> RegressionMoments {
    guard let collectedRows else {
      var joint = GaussianMoments(pivot: pivot)
      joint.flat = statistics
      return RegressionMoments(joint)
    }
    return RegressionMoments(
      rows: Matrix(rows: collectedRows, columns: pivot.count, elements: Array(statistics.dropFirst())), pivot: pivot)
  }
}

/// Working memory that turns observations into rows (φ, t) and gathers their moments.
public final class RegressionScratch {
  private let features: Features
  private let moments: MomentScratch
  private let staged: AlignedBuffer

  init(_ features: Features) {
    self.features = features
    moments = MomentScratch(dimension: features.count + 1)
    staged = AlignedBuffer(moments.panels.capacity * (features.count + 1))
  }

  func accumulate(
    _ observations: Observations, pivot: [Double], collecting: Bool = false,
    into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    let inputs = observations.inputs
    guard inputs.dimension == features.inputs, let targets = observations.targets, targets.dimension == 1 else {
      throw ExactError(
        .wrongShape, doing: "reading rows of \(inputs.dimension) numbers",
        remedy: "give \(features.inputs) inputs and one target for each row")
    }
    let width = features.count + 1
    guard !collecting else { return try collect(observations, targets, pivot: pivot, into: statistics) }
    moments.begin(pivot: pivot)
    var first = 0
    while first < inputs.count {
      let count = min(moments.panels.capacity, inputs.count - first)
      for row in 0..<count {
        features.write(inputs, first + row, into: staged.base + row * width)
        staged[row * width + width - 1] = targets[first + row, 0]
      }
      do throws(ExactError) {
        try moments.add(RowBlock(staged.base, count: count, dimension: width))
      } catch {
        throw ExactError(
          error.code, row: error.row.map { $0 + first }, doing: "computing features", remedy: features.remedy)
      }
      first += count
    }
    moments.flush(into: statistics)
  }

  /// Rows in their places, relative to the pivot.
  private func collect(
    _ observations: Observations, _ targets: RowBlock, pivot: [Double], into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    let width = features.count + 1
    statistics[0] += Double(observations.count)
    for i in 0..<observations.count {
      let row = statistics + 1 + (observations.first + i) * width
      features.write(observations.inputs, i, into: row)
      row[width - 1] = targets[i, 0]
      for j in 0..<width {
        guard row[j].isFinite else {
          throw ExactError(.notFinite, row: i, doing: "computing features", remedy: features.remedy)
        }
        row[j] -= pivot[j]
      }
    }
  }
}

extension MomentEstimator {
  /// Estimates from rows that fit in memory.
  public func fit(_ observations: Observations) throws(ExactError) -> MomentRegression<Self>.Parameters {
    guard observations.count > 0, let targets = observations.targets, targets.dimension == 1 else {
      throw ExactError(
        observations.count > 0 ? .wrongShape : .tooFewRows, doing: "fitting a regression",
        remedy: "give at least one row, with one target each")
    }
    guard observations.inputs.dimension == features.inputs else {
      throw ExactError(
        .wrongShape, doing: "reading rows of \(observations.inputs.dimension) numbers",
        remedy: "give rows of \(features.inputs) numbers")
    }
    let model = MomentRegression(self)
    // A pivot that is not finite would spoil all rows; the pass over the data then names the row.
    let input = (0..<features.inputs).map { observations.inputs[0, $0] }.map { $0.isFinite ? $0 : 0 }
    let target = targets[0, 0].isFinite ? targets[0, 0] : 0
    let start = model.start(pivot: input, target: target)
    return try model.update(start, statistics: model.statistics(of: observations, parameters: start)).parameters
  }
}
