import Foundation
import LinearAlgebra

/// μ ~ N(m, 1/λ), x | μ ~ N(μ, σ²) with a known variance σ². An observation is one number.
public struct GaussianMean: Conjugate {
  /// m
  public let mean: Double
  /// λ = 1/variance of μ
  public let precision: Double
  /// σ², known.
  public let noiseVariance: Double

  public init(mean: Double, precision: Double, noiseVariance: Double) throws(ConjugateError) {
    try requirePositive(precision, noiseVariance, doing: "taking a Gaussian prior over a mean")
    guard mean.isFinite else {
      throw ConjugateError(.wrongParameter, doing: "taking a Gaussian prior over a mean", remedy: "give a finite mean")
    }
    (self.mean, self.precision, self.noiseVariance) = (mean, precision, noiseVariance)
  }

  public var noStatistics: GaussianMoments { GaussianMoments(pivot: [mean]) }

  /// Bishop 2006, equations 2.141 and 2.142.
  public func posterior(_ statistics: GaussianMoments) throws(ConjugateError) -> GaussianMean {
    let added = statistics.count / noiseVariance
    let shift = added / (precision + added) * (statistics.mean[0] - mean)
    return try GaussianMean(mean: mean + shift, precision: precision + added, noiseVariance: noiseVariance)
  }

  public func logEvidence(_ statistics: GaussianMoments) -> Double {
    let n = statistics.count
    guard n > 0 else { return 0 }
    // The mean of the rows is N(m, 1/λ + σ²/n); the scatter around it does not depend on μ.
    let spread = 1 / precision + noiseVariance / n
    let distance = statistics.mean[0] - mean
    return -0.5 * (n - 1) * (logTwoPi + log(noiseVariance)) - 0.5 * log(n)
      - 0.5 * statistics.scatter[0, 0] / noiseVariance
      - 0.5 * (logTwoPi + log(spread) + distance * distance / spread)
  }

  /// N(m, σ² + 1/λ).
  public func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double {
    var one = noStatistics
    try one.add(observation)
    return logEvidence(one)
  }

  /// Variance of the next observation.
  public var predictiveVariance: Double { noiseVariance + 1 / precision }

  /// Quantile of the distribution over μ.
  public func quantile(_ p: Double) -> Double { mean + normalQuantile(p) / precision.squareRoot() }

  public func sample(using generator: inout some RandomNumberGenerator) -> Double {
    mean + generator.normal() / precision.squareRoot()
  }
}
