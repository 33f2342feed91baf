import Foundation

/// How well a model that has learned from some examples would predict others like them, by draws of its posterior:
/// leave-one-out cross-validation by Pareto smoothed importance sampling, and the widely applicable information criterion
/// (Vehtari, Gelman and Gabry 2017, Practical Bayesian model evaluation).
///
/// Both take the draws to be of the posterior given all examples. Those of an approximation that is too narrow or too
/// wide give the numbers of that approximation.
public struct PredictiveAccuracy: Sendable {
  /// An expected log predictive density, in nats, summed over the examples.
  public struct Estimate: Sendable, Hashable {
    public let logDensity: Double
    /// The standard error of ``logDensity``.
    public let standardError: Double
    /// How many parameters the model in effect has.
    public let parameters: Double

    fileprivate init(_ points: [Double], ofTraining density: Double) {
      logDensity = points.reduce(0, +)
      standardError = (Double(points.count) * populationVariance(points)).squareRoot()
      parameters = density - logDensity
    }
  }

  public let leaveOneOut: Estimate
  public let widelyApplicable: Estimate
  /// The shape k̂ of each example's importance weights: above 0.7 leaving it out was not estimated well.
  public let shapes: [Double]

  /// - Parameter logDensities: log p(example | draw), an array of the draws for each example.
  public init(_ logDensities: [[Double]]) {
    let densities = logDensities.map { logSumExp($0) - log(Double($0.count)) }
    let smoothed = logDensities.map { draws in
      let weights = ParetoSmoothing(logRatios: draws.map { -$0 })
      return (logSumExp(zip(weights.logWeights, draws).map(+)), weights.shape)
    }
    let density = densities.reduce(0, +)
    leaveOneOut = Estimate(smoothed.map(\.0), ofTraining: density)
    shapes = smoothed.map(\.1)
    widelyApplicable = Estimate(
      zip(densities, logDensities).map { $0 - populationVariance($1) }, ofTraining: density)
  }
}

private func populationVariance(_ values: [Double]) -> Double {
  sampleVariance(values) * Double(max(values.count - 1, 0)) / Double(max(values.count, 1))
}
