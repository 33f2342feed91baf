import Foundation
import LinearAlgebra
import Statistics

/// Bayesian logistic regression by the local variational bound of Jaakkola and Jordan (2000; Bishop 2006, section 10.6):
/// σ(a) ≥ σ(ξ) exp((a − ξ)/2 − λ(ξ)(a² − ξ²)) turns the likelihood into a Gaussian, with one ξ for each row. The best ξ is
/// a function of the row and the posterior, so nothing is kept per row.
///
/// The objective is the lower bound of log p(t) in nats, with every constant; it never falls.
public struct VariationalLogisticRegression: StatisticsModel {
  public let features: Features
  /// α, of all weights, the intercept's included.
  public let weightPrecision: Double
  /// What a row of each class counts.
  public let classWeights: [Double]

  /// - Parameter classWeights: a number of rows that each row of a class stands for; nil: one.
  /// - Throws: `.wrongArgument` for a precision that is not positive.
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

  private var m: Int { features.weightCount }

  /// The prior.
  public var start: LogisticPosterior {
    let root = weightPrecision.squareRoot()
    return LogisticPosterior(
      features: features, mean: Array(repeating: 0, count: m),
      precision: Cholesky(lower: Matrix(diagonal: Array(repeating: root, count: m))))
  }

  /// Rows, Σ [log σ(ξ) − ξ/2 + λ(ξ) ξ²], Σ (t − ½) φ, and the packed lower triangle of Σ 2λ(ξ) φ φᵀ.
  public var statisticsCount: Int { 2 + m + packedCount(m) }

  public func makeScratch() -> ClassificationScratch {
    ClassificationScratch(features, classes: 2, columns: 1, moments: 1)
  }

  public func accumulate(
    _ observations: Observations, parameters: LogisticPosterior, into statistics: UnsafeMutablePointer<Double>,
    scratch: ClassificationScratch
  ) throws(ExactError) {
    scratch.setWhitening(parameters.precision.lowerInverse)
    try scratch.forEachBlock(of: observations) { count in
      scratch.activate(0, parameters.mean, count: count)
      scratch.whiten()
      scratch.weights.clear()
      var bound = 0.0
      for i in 0..<count {
        let a = scratch.activations[i]
        // ξ² = φᵀ (S + m mᵀ) φ (Bishop 2006, equation 10.163).
        let ξ = (scratch.squares[i] + a * a).squareRoot()
        let (λ, weight) = (Self.curvature(ξ), classWeights[scratch.labels[i]])
        bound += weight * (-softplus(-ξ) - 0.5 * ξ + λ * ξ * ξ)
        scratch.addGradient(weight * (Double(scratch.labels[i]) - 0.5), row: i, to: statistics + 2)
        scratch.weights[i] = weight * (2 * λ)
      }
      scratch.addMoments(0)
      statistics[0] += Double(count)
      statistics[1] += bound
    }
    scratch.flushMoments(to: statistics + 2 + m)
  }

  /// λ(ξ) = tanh(ξ/2)/4ξ, by its series near zero.
  static func curvature(_ ξ: Double) -> Double {
    ξ < 1e-4 ? 0.125 - ξ * ξ / 96 : tanh(ξ / 2) / (4 * ξ)
  }

  public func update(
    _ parameters: LogisticPosterior, statistics: [Double]
  ) throws(ExactError) -> Improvement<LogisticPosterior> {
    guard statistics[0] > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a logistic regression", remedy: "give at least one row")
    }
    var precision = Matrix(packedLower: statistics[(2 + m)...], dimension: m)
    precision.addToDiagonal(weightPrecision)
    let factor: Cholesky
    do {
      factor = try Cholesky(precision, jitter: .rounding)
    } catch {
      throw ExactError(error, doing: "fitting a logistic regression", remedy: "scale the inputs")
    }
    let products = Array(statistics[2..<(2 + m)])
    let mean = factor.solve(products)
    // Bishop 2006, equation 10.159, for a prior around zero.
    let bound =
      statistics[1] + 0.5 * (Double(m) * log(weightPrecision) - factor.logDeterminant) + 0.5 * dot(products, mean)
    return Improvement(
      parameters: LogisticPosterior(features: features, mean: mean, precision: factor), objective: bound)
  }
}
