import Distributions
import Foundation
import LinearAlgebra
import Mixtures
import Statistics

/// Gaussian emissions with full covariances and a Gaussian-Wishart prior over each state's mean and precision: the posterior
/// by variational Bayes (Beal 2003, section 3), or its mode.
public struct GaussianWishartEmission: StateEmission {
  public let states: Int
  /// Whether parameters are a distribution; else its mode is what is learnt.
  public let isVariational: Bool
  public let prior: GaussianWishart
  private let components: VariationalMixture
  private let modes: GaussianMixture

  /// - Parameter prior: of a mode, with more than D degrees of freedom, so that there is one.
  public init(states: Int, prior: GaussianWishart, isVariational: Bool) throws(ExactError) {
    guard isVariational || prior.degrees > Double(prior.dimension) else {
      throw ExactError(
        .wrongArgument, doing: "taking a prior of \(prior.degrees) degrees of freedom",
        remedy: "a mode needs more than \(prior.dimension)")
    }
    (self.states, self.prior, self.isVariational) = (states, prior, isVariational)
    components = try VariationalMixture(components: states, weights: .dirichlet(1), prior: prior)
    modes = try GaussianMixture(
      components: states, dimension: prior.dimension, covariance: .full, floor: .clipped(0))
  }

  public var dimension: Int { prior.dimension }
  public var statisticsCount: Int { components.statisticsCount }
  public func makeScratch() -> GaussianScratch { GaussianScratch(components.makeScratch()) }

  private func mixture(_ parameters: [GaussianWishart]) -> VariationalMixtureParameters {
    VariationalMixtureParameters(
      weights: .dirichlet([Double](repeating: 1, count: states)), components: parameters)
  }

  /// The mode of mean and precision, or the expected precision of a distribution.
  private func states(_ parameters: [GaussianWishart]) throws(ExactError) -> GaussianStates {
    let covariances = parameters.map {
      (1 / (isVariational ? $0.degrees : $0.degrees - Double(dimension))) * $0.inverseScale
    }
    return try GaussianStates(
      weights: Matrix(rows: states, columns: 1, repeating: 1), means: Matrix(parameters.map(\.mean)),
      covariances: .full(covariances), floor: modes.floor)
  }

  public func logDensities(
    of rows: RowBlock, _ parameters: [GaussianWishart], into target: UnsafeMutablePointer<Double>,
    scratch: GaussianScratch
  ) throws(ExactError) {
    if isVariational {
      try components.logDensities(of: rows, mixture(parameters), into: target, scratch: scratch.mixture)
    } else {
      try modes.logDensities(of: rows, states(parameters).components, into: target, scratch: scratch.mixture)
    }
  }

  public func accumulate(
    _ rows: RowBlock, posteriors: UnsafePointer<Double>, parameters: [GaussianWishart],
    into statistics: UnsafeMutablePointer<Double>, scratch: GaussianScratch
  ) throws(ExactError) {
    try components.accumulate(
      Observations(inputs: rows), responsibilities: RowBlock(posteriors, count: rows.count, dimension: states),
      parameters: mixture(parameters), into: statistics, scratch: scratch.mixture)
  }

  public func update(
    _ parameters: [GaussianWishart], statistics: [Double]
  ) throws(ExactError) -> [GaussianWishart] {
    guard statistics[0] > 0 else { return parameters.map { _ in prior } }
    return try components.update(mixture(parameters), statistics: statistics).parameters.components
  }

  public func penalty(_ parameters: [GaussianWishart]) -> Double {
    parameters.reduce(0) { $0 + (isVariational ? -$1.divergence(from: prior) : logPrior(atModeOf: $1)) }
  }

  /// log of the prior's density of mean and precision at the mode of a posterior (Bishop 2006, equation 2.157).
  private func logPrior(atModeOf posterior: GaussianWishart) -> Double {
    let d = Double(dimension)
    // Λ = s W, where the exponent of |Λ| is (ν − D) / 2, that of the mean's density included.
    let scale = posterior.degrees - d
    let logDeterminant = d * log(scale) - posterior.factor.logDeterminant
    let distance = scale * posterior.factor.quadraticForm(posterior.mean.subtracting(prior.mean))
    // tr(W₀⁻¹ W) = ‖L⁻¹ L₀‖² with W⁻¹ = L Lᵀ, W₀⁻¹ = L₀ L₀ᵀ.
    let trace = scale * posterior.factor.solveLower(prior.factor.lower).elements.reduce(0) { $0 + $1 * $1 }
    let mean = 0.5 * (d * (log(prior.meanPrecision) - logTwoPi) + logDeterminant - prior.meanPrecision * distance)
    let precision = prior.logWishartNormaliser + 0.5 * (prior.degrees - d - 1) * logDeterminant - 0.5 * trace
    return mean + precision
  }

  public func start(
    from rows: RowBlock, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> [GaussianWishart] {
    try components.start(from: rows, using: &generator).components
  }

  public func reordered(_ parameters: [GaussianWishart], _ order: [Int]) -> [GaussianWishart] {
    order.map { parameters[$0] }
  }

  public func rank(_ parameters: [GaussianWishart], state: Int) -> Double { parameters[state].mean[0] }

  public func freeParameters(_ parameters: [GaussianWishart]) -> Int {
    modes.freeParameters - (states - 1)
  }

  public func point(
    _ parameters: [GaussianWishart]
  ) throws(ExactError) -> (GaussianEmission, GaussianStates) {
    (
      try GaussianEmission(states: states, dimension: dimension, covariance: .full, floor: modes.floor),
      try states(parameters)
    )
  }

  public func sample(
    _ state: Int, _ parameters: [GaussianWishart], using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> [Double] {
    let (emission, states) = try point(parameters)
    return try emission.sample(state, states, using: &generator)
  }
}
