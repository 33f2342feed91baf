import Distributions
import LinearAlgebra

/// What a model linear in M features knows of data: count, means, and scatter around the means of features and target.
public struct RegressionMoments: Hashable, Sendable {
  /// N
  public let count: Double
  /// M
  public let featureMeans: [Double]
  public let targetMean: Double
  /// Σ (φ − φ̄)(φ − φ̄)ᵀ
  public let scatter: Matrix
  /// Σ (φ − φ̄)(t − t̄)
  public let products: [Double]
  /// Σ (t − t̄)²
  public let targetScatter: Double

  /// From the moments of rows (φ, t).
  public init(_ joint: GaussianMoments) {
    let m = joint.dimension - 1
    precondition(m >= 0, "moments of features and a target")
    let (mean, whole) = (joint.mean, joint.scatter)
    count = joint.count
    featureMeans = Array(mean.prefix(m))
    targetMean = mean[m]
    scatter = Matrix((0..<m).map { Array(whole.row($0).prefix(m)) })
    products = Array(whole.row(m).prefix(m))
    targetScatter = whole[m, m]
  }

  init(
    count: Double, featureMeans: [Double], targetMean: Double, scatter: Matrix, products: [Double],
    targetScatter: Double
  ) {
    (self.count, self.featureMeans, self.targetMean) = (count, featureMeans, targetMean)
    (self.scatter, self.products, self.targetScatter) = (scatter, products, targetScatter)
  }

  public var featureCount: Int { featureMeans.count }

  /// Φᵀ Φ with the features as the weights see them, a constant one in front when there is an intercept.
  func gram(intercept: Bool) -> Matrix {
    let m = featureCount
    let offset = intercept ? 1 : 0
    var result = Matrix(rows: m + offset, columns: m + offset)
    if intercept { result[0, 0] = count }
    for i in 0..<m {
      if intercept {
        result[0, i + 1] = count * featureMeans[i]
        result[i + 1, 0] = result[0, i + 1]
      }
      for j in 0..<m { result[i + offset, j + offset] = scatter[i, j] + count * featureMeans[i] * featureMeans[j] }
    }
    return result
  }

  /// Φᵀ t.
  func targetProducts(intercept: Bool) -> [Double] {
    (intercept ? [count * targetMean] : [])
      + (0..<featureCount).map { products[$0] + count * featureMeans[$0] * targetMean }
  }

  /// Σ (t − w·φ − b)², by the scatter around the means, where less cancels.
  public func squaredError(weights: [Double], intercept: Double) -> Double {
    let bias = targetMean - intercept - dot(weights, featureMeans)
    let around = targetScatter - 2 * dot(weights, products) + scatter.quadraticForm(weights)
    return max(around, 0) + count * bias * bias
  }

  /// The moments of features and target divided by scales.
  func divided(by scales: [Double], target: Double) -> RegressionMoments {
    var matrix = scatter
    for i in 0..<featureCount {
      for j in 0..<featureCount { matrix[i, j] = matrix[i, j] / scales[i] / scales[j] }
    }
    return RegressionMoments(
      count: count, featureMeans: zip(featureMeans, scales).map { $0 / $1 }, targetMean: targetMean / target,
      scatter: matrix, products: zip(products, scales).map { $0 / $1 / target },
      targetScatter: targetScatter / target / target)
  }

  /// What rounding leaves of a squared error that is zero: of the spread of the targets, and of their magnitude. Targets
  /// that are all zero have no scale of their own.
  var leastError: Double {
    let magnitude = Double.ulpOfOne * targetMean
    let least = 1e-15 * targetScatter + count * magnitude * magnitude
    return least > 0 ? max(least, 1e-305) : 1e-150
  }

  /// The same of weights as `Features.weighted` orders them.
  func squaredError(_ weights: [Double], _ features: Features) -> Double {
    features.hasIntercept
      ? squaredError(weights: Array(weights.dropFirst()), intercept: weights[0])
      : squaredError(weights: weights, intercept: 0)
  }
}

/// An estimate that is a function of regression moments alone.
public protocol MomentEstimator: Sendable {
  associatedtype Estimate: Sendable
  var features: Features { get }
  /// - Returns: the estimate, and its objective in nats where it has one, minus the squared error where it has none.
  func estimate(_ moments: RegressionMoments) throws(ExactError) -> (estimate: Estimate, objective: Double)
}

/// A moment estimator as a model over data in any number of parts: one pass gathers the moments, around a pivot.
public struct MomentRegression<Estimator: MomentEstimator>: StatisticsModel {
  public struct Parameters: Sendable {
    /// Features and target of any one row.
    let pivot: [Double]
    /// Nil before the first pass.
    public let estimate: Estimator.Estimate?
    /// Of the last pass; nil before the first one.
    public let moments: RegressionMoments?
    /// The sums of the last pass, of which everything else is a function; empty before the first one.
    public let statistics: [Double]
  }

  public let estimator: Estimator

  public init(_ estimator: Estimator) { self.estimator = estimator }

  private var width: Int { estimator.features.count + 1 }

  public var statisticsCount: Int { 1 + width + packedCount(width) }

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
    try scratch.accumulate(observations, pivot: parameters.pivot, into: statistics)
  }

  /// Estimates. The objective is that of the estimate made, which a second pass would not change.
  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    var joint = GaussianMoments(pivot: parameters.pivot)
    joint.flat = statistics
    guard joint.count >= 1 else {
      throw ExactError(.tooFewRows, doing: "fitting a regression", remedy: "give at least one row")
    }
    let moments = RegressionMoments(joint)
    let (estimate, objective) = try estimator.estimate(moments)
    return Improvement(
      parameters: Parameters(
        pivot: parameters.pivot, estimate: estimate, moments: moments, statistics: statistics),
      objective: objective, of: .after, isFinal: true)
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
    _ observations: Observations, pivot: [Double], into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    let inputs = observations.inputs
    guard inputs.dimension == features.inputs, let targets = observations.targets, targets.dimension == 1 else {
      throw ExactError(
        .wrongShape, doing: "reading rows of \(inputs.dimension) numbers",
        remedy: "give \(features.inputs) inputs and one target for each row")
    }
    moments.begin(pivot: pivot)
    let width = features.count + 1
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
