import Foundation
import LinearAlgebra

/// A Gaussian over the weights of a logistic regression, p(t = 1 | x, w) = σ(w·φ(x)).
public struct LogisticPosterior: Hashable, Sendable {
  public let features: Features
  /// In the order of `Features.weighted`.
  public let mean: [Double]
  /// Of the inverse of the covariance.
  public let precision: Cholesky

  public init(features: Features, mean: [Double], precision: Cholesky) {
    precondition(mean.count == features.weightCount && precision.size == mean.count, "as many weights as features")
    (self.features, self.mean, self.precision) = (features, mean, precision)
  }

  var weights: [Double] { mean }

  public var covariance: Matrix { precision.inverse }

  /// The activation w·φ(x) is Gaussian: its mean and variance.
  public func activation(_ x: [Double]) -> (mean: Double, variance: Double) {
    let φ = features.weighted(x)
    return (dot(φ, mean), precision.quadraticForm(φ))
  }

  /// p(t = 1 | x) with the sigmoid under the integral replaced by a probit: σ(μ/√(1 + πσ²/8)) (Bishop 2006, equation
  /// 4.155).
  public func probability(_ x: [Double]) -> Double {
    let (mean, variance) = activation(x)
    return sigmoid(mean / (1 + .pi * variance / 8).squareRoot())
  }

  /// p(t = 1 | x) as the mean over draws of the activation, and its standard error.
  public func sampledProbability(
    _ x: [Double], samples: Int, using generator: inout some RandomNumberGenerator
  ) -> (mean: Double, standardError: Double) {
    precondition(samples > 1, "a mean with an error takes two samples")
    let (mean, variance) = activation(x)
    let draws = (0..<samples).map { _ in sigmoid(mean + variance.squareRoot() * generator.normal()) }
    let average = draws.reduce(0, +) / Double(samples)
    let spread = draws.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(samples - 1)
    return (average, (spread / Double(samples)).squareRoot())
  }
}
