import Foundation
import LinearAlgebra

/// τ ~ Gamma(a, rate b), μ | τ ~ N(m, 1/(κτ)), x | μ, τ ~ N(μ, 1/τ): mean and precision both unknown. An observation is
/// one number. Also called normal-gamma (Bishop 2006, equation 2.154).
public struct GaussianGamma: Conjugate {
  /// m
  public let mean: Double
  /// κ: how many observations the mean is worth.
  public let meanPrecision: Double
  /// a
  public let shape: Double
  /// b, a rate: E[τ] = a/b.
  public let rate: Double

  public init(mean: Double, meanPrecision: Double, shape: Double, rate: Double) throws(ConjugateError) {
    try requirePositive(meanPrecision, shape, rate, doing: "taking a Gaussian-gamma prior")
    guard mean.isFinite else {
      throw ConjugateError(.wrongParameter, doing: "taking a Gaussian-gamma prior", remedy: "give a finite mean")
    }
    (self.mean, self.meanPrecision, self.shape, self.rate) = (mean, meanPrecision, shape, rate)
  }

  public var noStatistics: GaussianMoments { GaussianMoments(pivot: [mean]) }

  public func posterior(_ statistics: GaussianMoments) throws(ConjugateError) -> GaussianGamma {
    let n = statistics.count
    guard n > 0 else { return self }
    let precision = meanPrecision + n
    let distance = statistics.mean[0] - mean
    return try GaussianGamma(
      mean: mean + n / precision * distance, meanPrecision: precision, shape: shape + n / 2,
      rate: rate + 0.5 * (statistics.scatter[0, 0] + meanPrecision * n / precision * distance * distance))
  }

  public func logEvidence(_ statistics: GaussianMoments) throws(ConjugateError) -> Double {
    let after = try posterior(statistics)
    return logGamma(after.shape) - logGamma(shape) + shape * log(rate) - after.shape * log(after.rate)
      + 0.5 * log(meanPrecision / after.meanPrecision) - 0.5 * statistics.count * logTwoPi
  }

  /// Student's t with 2a degrees of freedom around m.
  public func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double {
    var one = noStatistics
    try one.add(observation)
    return studentTLogDensity(observation[0], degrees: 2 * shape, location: mean, scale: predictiveScale)
  }

  /// √(b (κ + 1) / (a κ)): the scale of the predictive t.
  public var predictiveScale: Double { (rate * (meanPrecision + 1) / (shape * meanPrecision)).squareRoot() }

  /// Quantile of the next observation.
  public func predictiveQuantile(_ p: Double) -> Double {
    mean + predictiveScale * studentTQuantile(p, degrees: 2 * shape)
  }

  /// Quantile of the distribution over μ, a t.
  public func meanQuantile(_ p: Double) -> Double {
    mean + (rate / (shape * meanPrecision)).squareRoot() * studentTQuantile(p, degrees: 2 * shape)
  }

  /// Quantile of the distribution over τ.
  public func precisionQuantile(_ p: Double) -> Double { gammaQuantile(p, shape: shape) / rate }

  public func sample(using generator: inout some RandomNumberGenerator) -> (mean: Double, precision: Double) {
    let τ = generator.gamma(shape: shape) / rate
    return (mean + generator.normal() / (meanPrecision * τ).squareRoot(), τ)
  }
}
