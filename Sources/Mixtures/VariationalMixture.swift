import Distributions
import Foundation
import LinearAlgebra
import Statistics

/// A mixture of Gaussians with a prior over all its parameters, fitted by variational Bayes (Bishop 2006, section 10.2):
/// q(Z) q(π) Πₖ q(μₖ, Λₖ), with a Dirichlet or Dirichlet-process prior over the weights and a Gaussian-Wishart one over
/// means and precisions. Components that the data does not need return to their prior: they die.
///
/// The objective is the evidence lower bound in nats, with every constant; it never falls.
public struct VariationalMixture: StatisticsModel {
  public let components: Int
  public let weightPrior: MixtureWeightPrior
  public let prior: GaussianWishart

  public var dimension: Int { prior.dimension }

  /// - Throws: `.wrongArgument` for no components, no columns, or a concentration that is not positive.
  public init(components: Int, weights: MixtureWeightPrior, prior: GaussianWishart) throws(ExactError) {
    guard components > 0, prior.dimension > 0, weights.concentration > 0, weights.concentration.isFinite else {
      throw ExactError(
        .wrongArgument, doing: "making a variational mixture of \(components) components",
        remedy: "ask for at least one component and one column, and give a positive concentration")
    }
    (self.components, weightPrior, self.prior) = (components, weights, prior)
  }

  var layout: MixtureLayout { MixtureLayout(components: components, dimension: dimension, kind: .full) }

  public var statisticsCount: Int { layout.count }

  public func makeScratch() -> MixtureScratch {
    MixtureScratch(components: components, dimension: dimension, kind: .full)
  }

  public func accumulate(
    _ observations: Observations, parameters: VariationalMixtureParameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: MixtureScratch
  ) throws(ExactError) {
    parameters.prepare(scratch)
    try scratch.panels.forEachBlock(of: observations.inputs) { (_, count) throws(ExactError) in
      try scratch.evaluate(count: count)
      scratch.collect(count: count)
    }
    scratch.flush(into: statistics)
  }

  public func update(
    _ parameters: VariationalMixtureParameters, statistics values: [Double]
  ) throws(ExactError) -> Improvement<VariationalMixtureParameters> {
    let statistics = MixtureStatistics(values, layout)
    guard statistics.rows > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a variational mixture", remedy: "give at least one row")
    }
    var posteriors: [GaussianWishart] = []
    for k in 0..<components {
      let count = statistics.count(k)
      guard count > 0 else {
        posteriors.append(prior)
        continue
      }
      let shift = statistics.first(k).scaled(by: 1 / count)
      var scatter = statistics.secondMatrix(k)
      scatter.addOuterProduct(shift, factor: -count)
      do {
        posteriors.append(
          try prior.posterior(
            count: count, mean: parameters.components[k].mean.adding(shift), scatter: scatter))
      } catch {
        throw ExactError(error, doing: "updating component \(k)")
      }
    }
    let next = VariationalMixtureParameters(
      weights: weightPrior.posterior(counts: statistics.counts), components: posteriors)
    return Improvement(
      parameters: next, objective: statistics.logLikelihood - divergence(of: parameters))
  }

  /// KL(q ‖ prior) of weights, means and precisions.
  func divergence(of parameters: VariationalMixtureParameters) -> Double {
    parameters.components.reduce(weightPrior.divergence(of: parameters.weights)) {
      $0 + $1.divergence(from: prior)
    }
  }

  /// The lower bound with the responsibilities under which the statistics were taken and any parameters: before the
  /// update it is the objective, after it what the update maximised.
  public func bound(
    _ parameters: VariationalMixtureParameters, statistics values: [Double],
    takenWith before: VariationalMixtureParameters
  ) -> Double {
    let statistics = MixtureStatistics(values, layout)
    var bound = statistics.entropy - divergence(of: parameters)
    for (k, constant) in parameters.constants.enumerated() where statistics.count(k) > 0 {
      let (n, first, component) = (statistics.count(k), statistics.first(k), parameters.components[k])
      let move = component.mean.subtracting(before.components[k].mean)
      // Σ r (x − m)(x − m)ᵀ for centres that moved.
      var moments = statistics.secondMatrix(k)
      for i in 0..<dimension {
        for j in 0..<dimension { moments[i, j] += n * move[i] * move[j] - first[i] * move[j] - move[i] * first[j] }
      }
      bound += n * constant - 0.5 * component.degrees * component.factor.solve(moments).trace
    }
    return bound
  }
}

/// The posterior of a variational mixture.
public struct VariationalMixtureParameters: Hashable, Sendable {
  public let weights: MixtureWeightPosterior
  public let components: [GaussianWishart]

  public init(weights: MixtureWeightPosterior, components: [GaussianWishart]) {
    precondition(weights.means.count == components.count, "a weight for each component")
    (self.weights, self.components) = (weights, components)
  }

  /// E[log πₖ] + ½ E[log |Λₖ|] − ½ D log 2π − ½ D/βₖ: what log ρ (Bishop 2006, equation 10.46) is at the centre.
  var constants: [Double] {
    zip(weights.expectedLogs, components).map { logWeight, component in
      let d = Double(component.dimension)
      return logWeight + 0.5 * (component.expectedLogDeterminant - d * logTwoPi - d / component.meanPrecision)
    }
  }

  func prepare(_ scratch: MixtureScratch) {
    precondition(scratch.components == components.count, "scratch of this mixture")
    scratch.prepare(
      constants: constants, means: Matrix(components.map(\.mean)),
      // ν (x − m)ᵀ W (x − m) = ‖√ν L⁻¹ (x − m)‖²
      shape: .whitening(components.map { $0.degrees.squareRoot() * $0.factor.lowerInverse }))
  }
}
