import Foundation
import LinearAlgebra
import Statistics

/// Bayesian linear regression with a known noise precision: w ~ N(m, Λ⁻¹), t | x, w ~ N(w·φ(x), 1/β) (Bishop 2006, section
/// 3.3). Prior and posterior are values of this type; the intercept, where there is one, is a weight like the others.
///
/// Names: Bishop calls the weights' precision α and the noise's β; scikit-learn calls them λ and α. Here they are the
/// weight precision and the noise precision.
public struct BayesianLinearRegression: Hashable, Sendable {
  public let features: Features
  /// 1/variance of the noise.
  public let noisePrecision: Double
  /// m, in the order of `Features.weighted`.
  public let mean: [Double]
  /// Λ
  public let precision: Matrix
  private let factor: Cholesky

  /// A prior that is the same for all weights: N(0, 1/weightPrecision).
  /// - Throws: `.wrongArgument` for precisions that are not positive.
  public init(_ features: Features, weightPrecision: Double, noisePrecision: Double) throws(ExactError) {
    guard weightPrecision > 0, weightPrecision.isFinite else {
      throw ExactError(
        .wrongArgument, doing: "taking a prior over weights", remedy: "give a weight precision above zero")
    }
    try self.init(
      features, mean: Array(repeating: 0, count: features.weightCount),
      precision: Matrix(diagonal: Array(repeating: weightPrecision, count: features.weightCount)),
      noisePrecision: noisePrecision)
  }

  /// Any Gaussian over the weights.
  /// - Throws: `.wrongArgument` for a noise precision that is not positive, `.singular` for a precision matrix that is not
  ///   positive definite; rounding errors are met with jitter, 1e-12 to 1e-6 of the mean diagonal element.
  public init(
    _ features: Features, mean: [Double], precision: Matrix, noisePrecision: Double
  ) throws(ExactError) {
    precondition(mean.count == features.weightCount && precision.rows == mean.count && precision.isSquare)
    guard noisePrecision > 0, noisePrecision.isFinite else {
      throw ExactError(
        .wrongArgument, doing: "taking a distribution over weights", remedy: "give a noise precision above zero")
    }
    do {
      factor = try Cholesky(precision, jitter: .rounding)
    } catch {
      throw ExactError(
        error, doing: "taking a distribution over \(mean.count) weights",
        remedy: "raise the weight precision, or scale the inputs so that the features are of similar magnitude")
    }
    (self.features, self.noisePrecision, self.mean, self.precision) = (features, noisePrecision, mean, precision)
  }

  /// The posterior (Bishop 2006, equations 3.50 and 3.51). Updating with parts of the data, one after the other, is
  /// updating with all of it, to rounding.
  public func posterior(_ moments: RegressionMoments) throws(ExactError) -> BayesianLinearRegression {
    let gram = moments.gram(intercept: features.hasIntercept)
    let next = try BayesianLinearRegression(
      features, mean: mean, precision: precision + noisePrecision * gram, noisePrecision: noisePrecision)
    // Solved for the move from the present mean, which is small after much data.
    let residual = moments.targetProducts(intercept: features.hasIntercept).subtracting(gram * mean)
    let move = next.factor.solve(residual.scaled(by: noisePrecision))
    return BayesianLinearRegression(next, mean: mean.adding(move))
  }

  private init(_ other: BayesianLinearRegression, mean: [Double]) {
    (features, noisePrecision, precision, factor) = (
      other.features, other.noisePrecision, other.precision, other.factor
    )
    self.mean = mean
  }

  /// log p(t | x) with the weights integrated out (Bishop 2006, equation 3.86, for any Gaussian prior).
  public func logEvidence(_ moments: RegressionMoments) throws(ExactError) -> Double {
    let after = try posterior(moments)
    let move = after.mean.subtracting(mean)
    return 0.5 * moments.count * (log(noisePrecision) - logTwoPi)
      + 0.5 * (factor.logDeterminant - after.factor.logDeterminant)
      - 0.5 * noisePrecision * moments.squaredError(after.mean, features) - 0.5 * precision.quadraticForm(move)
  }

  /// The predictive distribution at x, a Gaussian, with its variance in two parts: the noise, which more data does not
  /// lessen, and the uncertainty of the weights, which it does (Bishop 2006, equations 3.58 and 3.59).
  public func predict(_ x: [Double]) -> RegressionPrediction {
    let φ = features.weighted(x)
    return RegressionPrediction(
      mean: dot(φ, mean), noiseVariance: 1 / noisePrecision, modelVariance: factor.quadraticForm(φ))
  }

  /// Weights drawn from the distribution, in the order of `Features.weighted`.
  public func sampleWeights(using generator: inout some RandomNumberGenerator) -> [Double] {
    mean.adding(factor.solveTransposed(mean.map { _ in generator.normal() }))
  }

  /// Λ⁻¹
  public var covariance: Matrix { factor.inverse }
}

/// A Gaussian prediction whose variance comes from two sources.
public struct RegressionPrediction: Hashable, Sendable {
  public let mean: Double
  /// Of the noise (aleatoric).
  public let noiseVariance: Double
  /// Of what the model does not know (epistemic).
  public let modelVariance: Double

  public init(mean: Double, noiseVariance: Double, modelVariance: Double) {
    (self.mean, self.noiseVariance, self.modelVariance) = (mean, noiseVariance, modelVariance)
  }

  public var variance: Double { noiseVariance + modelVariance }

  /// Quantile of the observation.
  public func quantile(_ p: Double) -> Double { mean + normalQuantile(p) * variance.squareRoot() }

  /// log density of an observation.
  public func logDensity(_ y: Double) -> Double {
    let z = y - mean
    return -0.5 * (logTwoPi + log(variance) + z * z / variance)
  }
}
