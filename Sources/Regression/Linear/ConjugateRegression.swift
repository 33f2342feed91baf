import LinearAlgebra
import Statistics

/// Bayesian linear regression with given precisions, estimated from moments: the posterior of a prior N(0, 1/weight
/// precision) over all weights, the intercept's included (Bishop 2006, section 3.3). The objective is the log evidence.
public struct ConjugateRegression: MomentEstimator {
  public let prior: BayesianLinearRegression
  /// Bishop's α.
  public let weightPrecision: Double
  public var features: Features { prior.features }

  /// - Throws: `.wrongArgument` for precisions that are not positive.
  public init(_ features: Features, weightPrecision: Double, noisePrecision: Double) throws(ExactError) {
    prior = try BayesianLinearRegression(
      features, weightPrecision: weightPrecision, noisePrecision: noisePrecision)
    self.weightPrecision = weightPrecision
  }

  public func estimate(
    _ moments: RegressionMoments
  ) throws(ExactError) -> (estimate: BayesianLinearRegression, objective: Double) {
    (try prior.posterior(moments), try prior.logEvidence(moments))
  }
}

/// An estimator whose polynomial may have fewer powers.
public protocol OrderedEstimator: MomentEstimator {
  /// The same estimator for other features.
  func with(_ features: Features) throws(ExactError) -> Self
}

extension OrderedEstimator {
  /// The estimates of all polynomials of no higher degree, from the moments of the highest: evidence against order
  /// (Bishop 2006, figure 3.14). Nil unless the basis is a polynomial.
  public func orders(_ moments: RegressionMoments) throws(ExactError) -> [(estimate: Estimate, objective: Double)]? {
    guard case .polynomial(let highest, let centre, let scale) = features.basis else { return nil }
    var result: [(estimate: Estimate, objective: Double)] = []
    for degree in 0...highest {
      // Without an intercept a polynomial of no powers is nothing.
      guard degree > 0 || features.hasIntercept else { continue }
      let fewer = try Features(
        .polynomial(degree: degree, centre: centre, scale: scale), inputs: features.inputs,
        intercept: features.hasIntercept)
      let kept = (0..<features.inputs).flatMap { column in (0..<degree).map { column * highest + $0 } }
      result.append(try with(fewer).estimate(moments.keeping(kept)))
    }
    return result
  }
}

/// An estimator that chooses the degree of its polynomial, up to the one of its features, by the objective: by the
/// evidence.
public struct OrderSelection<Base: OrderedEstimator>: MomentEstimator {
  public let base: Base
  public var features: Features { base.features }

  public init(_ base: Base) { self.base = base }

  public func estimate(
    _ moments: RegressionMoments
  ) throws(ExactError) -> (estimate: Base.Estimate, objective: Double) {
    guard let orders = try base.orders(moments), var best = orders.first else { return try base.estimate(moments) }
    for order in orders.dropFirst() where order.objective > best.objective { best = order }
    return best
  }
}

extension LinearRegression: OrderedEstimator {
  public func with(_ features: Features) throws(ExactError) -> LinearRegression { LinearRegression(features) }
}

extension ConjugateRegression: OrderedEstimator {
  public func with(_ features: Features) throws(ExactError) -> ConjugateRegression {
    try ConjugateRegression(features, weightPrecision: weightPrecision, noisePrecision: prior.noisePrecision)
  }
}

extension EvidenceMaximization: OrderedEstimator {
  public func with(_ features: Features) throws(ExactError) -> EvidenceMaximization {
    var result = EvidenceMaximization(features)
    (result.penalizesIntercept, result.method, result.start) = (penalizesIntercept, method, start)
    (result.weightHyperprior, result.noiseHyperprior) = (weightHyperprior, noiseHyperprior)
    result.hyperpriorsAreRelative = hyperpriorsAreRelative
    (result.iterations, result.tolerance) = (iterations, tolerance)
    return result
  }
}
