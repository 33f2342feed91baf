import Foundation
import LinearAlgebra
import Statistics

/// Bayesian logistic regression by Laplace's approximation: w ~ N(0, 1/α), a Gaussian around the mode of the posterior
/// with the curvature there (Bishop 2006, sections 4.4 and 4.5.1). The mode is found by Newton's method; every iteration
/// is one pass of sums over the data. The objective is log p(t, w).
public struct LaplaceLogisticRegression: StatisticsModel {
  public let features: Features
  /// α, of all weights, the intercept's included.
  public let weightPrecision: Double
  /// What a row of each class counts.
  public let classWeights: [Double]

  /// - Parameter classWeights: a number of rows that each row of a class stands for; nil: one.
  /// - Throws: `.wrongArgument` for a precision that is not positive: without a prior, separable data has no mode.
  public init(
    _ features: Features, weightPrecision: Double, classWeights: [Double]? = nil
  ) throws(ExactError) {
    guard weightPrecision > 0, weightPrecision.isFinite else {
      throw ExactError(
        .wrongArgument, doing: "making a logistic regression", remedy: "give a weight precision above zero")
    }
    (self.features, self.weightPrecision) = (features, weightPrecision)
    self.classWeights = classWeights ?? [1, 1]
    precondition(self.classWeights.count == 2, "a weight for each class")
  }

  public struct Parameters: Hashable, Sendable {
    var search: NewtonSearch
    /// The approximation around the last point that was accepted, moved to where Newton's step expects the mode; nil
    /// before the first pass.
    public internal(set) var posterior: LogisticPosterior?
    /// Laplace's approximation of log p(t) (Bishop 2006, equation 4.137); nil before the first pass.
    public internal(set) var logEvidence: Double?

    /// Where the search is: 3 + 3 m numbers for m weights, from which it goes on bit for bit.
    public var searchNumbers: [Double] { search.flat }

    public init(searchNumbers: [Double]) { search = NewtonSearch(flat: searchNumbers) }

    /// What a search came to.
    public init(posterior: LogisticPosterior, logEvidence: Double) {
      search = NewtonSearch(from: posterior.weights)
      (self.posterior, self.logEvidence) = (posterior, logEvidence)
    }

    init(search: NewtonSearch) { self.search = search }
  }

  /// All weights zero.
  public var start: Parameters {
    Parameters(search: NewtonSearch(from: Array(repeating: 0, count: m)))
  }

  private var m: Int { features.weightCount }

  /// Rows, log-likelihood, its gradient, and the packed lower triangle of minus its Hessian.
  public var statisticsCount: Int { 2 + m + packedCount(m) }

  public func makeScratch() -> ClassificationScratch {
    ClassificationScratch(features, classes: 2, columns: 1, moments: 1)
  }

  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: ClassificationScratch
  ) throws(ExactError) {
    let weights = parameters.search.point
    try scratch.forEachBlock(of: observations) { count in
      scratch.activate(0, weights, count: count)
      scratch.weights.clear()
      var logLikelihood = 0.0
      for i in 0..<count {
        let (a, t) = (scratch.activations[i], Double(scratch.labels[i]))
        let (y, weight) = (sigmoid(a), classWeights[scratch.labels[i]])
        logLikelihood += weight * (t * a - softplus(a))
        scratch.addGradient(weight * (t - y), row: i, to: statistics + 2)
        // y (1 − y) without cancellation.
        scratch.weights[i] = weight * (y * sigmoid(-a))
      }
      scratch.addMoments(0)
      statistics[0] += Double(count)
      statistics[1] += logLikelihood
    }
    scratch.flushMoments(to: statistics + 2 + m)
  }

  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    guard statistics[0] > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a logistic regression", remedy: "give at least one row")
    }
    let weights = parameters.search.point
    let objective =
      statistics[1] + 0.5 * Double(m) * (log(weightPrecision) - logTwoPi)
      - 0.5 * weightPrecision * dot(weights, weights)
    var next = parameters
    if next.search.retracts(objective: objective) {
      return Improvement(parameters: next, objective: objective, isRetry: true)
    }
    var curvature = Matrix(packedLower: statistics[(2 + m)...], dimension: m)
    curvature.addToDiagonal(weightPrecision)
    let factor: Cholesky
    do {
      factor = try Cholesky(curvature, jitter: .rounding)
    } catch {
      throw ExactError(error, doing: "fitting a logistic regression", remedy: "scale the inputs")
    }
    let gradient = Array(statistics[2..<(2 + m)]).adding(weights, factor: -weightPrecision)
    let step = factor.solve(gradient)
    next.search.advance(objective: objective, step: step)
    next.posterior = LogisticPosterior(features: features, mean: next.search.point, precision: factor)
    // To second order the mode is ½ gᵀ A⁻¹ g higher than where the sums were taken.
    next.logEvidence =
      objective + 0.5 * dot(gradient, step) + 0.5 * Double(m) * logTwoPi - 0.5 * factor.logDeterminant
    return Improvement(parameters: next, objective: objective, of: .after)
  }
}
