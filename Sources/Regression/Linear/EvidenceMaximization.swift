import Foundation
import LinearAlgebra
import Statistics

/// A gamma prior over a precision, with shape and rate; zeros make it flat in the precision's logarithm.
public struct GammaHyperprior: Hashable, Sendable {
  public var shape: Double
  public var rate: Double

  public init(shape: Double, rate: Double) { (self.shape, self.rate) = (shape, rate) }

  public static let flat = GammaHyperprior(shape: 0, rate: 0)

  var isValid: Bool { shape >= 0 && rate >= 0 && shape.isFinite && rate.isFinite }

  /// The same over a precision in other units; `unit` of those are one of these.
  func scaled(by unit: Double) -> GammaHyperprior { GammaHyperprior(shape: shape, rate: rate * unit) }

  /// log density of the precision's logarithm, without its constant.
  func logDensity(_ precision: Double) -> Double {
    (shape > 0 ? shape * log(precision) : 0) - rate * precision
  }
}

/// Bayesian linear regression whose weight and noise precisions maximise the evidence (Bishop 2006, section 3.5; MacKay
/// 1992), with gamma hyperpriors if wanted: Bayesian ridge regression.
///
/// Names: the weight precision is Bishop's α and scikit-learn's λ, the noise precision Bishop's β and scikit-learn's α.
///
/// What changes nothing but units: targets times a factor; all inputs times a factor, without an intercept or with one
/// that has no prior; with such an intercept, inputs and targets moved. Where the prior holds for the intercept, where
/// zero lies is part of the model.
public struct EvidenceMaximization: MomentEstimator {
  public enum Method: Hashable, Sendable {
    /// The largest evidence there is: a search over the ratio of the precisions.
    case search
    /// By the effective number of parameters γ (Bishop 2006, equations 3.92 and 3.95), as scikit-learn does: fast.
    case effectiveParameters
    /// By expectation maximisation (Bishop 2006, equations 9.63 and following): slower, and the objective never falls.
    case expectationMaximization
  }

  /// Where iterations start. The evidence may have several maxima, and they end in that which is nearest.
  public enum Start: Hashable, Sendable {
    /// At the highest of a grid over the ratio of the precisions.
    case grid
    /// At 1 for the weights and 1/variance of the target for the noise, as scikit-learn does.
    case unit
    case given(weightPrecision: Double, noisePrecision: Double)

    var isValid: Bool {
      guard case .given(let weight, let noise) = self else { return true }
      return weight > 0 && noise > 0 && weight.isFinite && noise.isFinite
    }
  }

  public let features: Features
  /// Whether the prior holds for the intercept too, as in Bishop's book; if not, features and target are centred, as
  /// scikit-learn does. Without an intercept nothing is centred.
  public var penalizesIntercept = true
  public var weightHyperprior = GammaHyperprior.flat
  public var noiseHyperprior = GammaHyperprior.flat
  /// Whether the hyperpriors are over precisions of targets of unit variance and features of unit variance on average, so
  /// that they mean the same in any units; otherwise they are in units of the data.
  public var hyperpriorsAreRelative = false
  public var method = Method.search
  public var start = Start.grid
  /// At most; the search needs none.
  public var iterations = 300
  /// Iterations stop when the weights' absolute changes sum to less.
  public var tolerance = 1e-3

  public init(_ features: Features) { self.features = features }

  /// scikit-learn's `BayesianRidge` with its defaults, its iterations among them.
  public static func bayesianRidge(_ features: Features) -> EvidenceMaximization {
    var result = EvidenceMaximization(features)
    result.penalizesIntercept = false
    result.weightHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
    result.noiseHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
    (result.method, result.start) = (.effectiveParameters, .unit)
    return result
  }

  /// The objective is the log evidence at the precisions found, with the hyperpriors' densities.
  public func estimate(
    _ moments: RegressionMoments
  ) throws(ExactError) -> (estimate: EvidenceFit, objective: Double) {
    guard weightHyperprior.isValid, noiseHyperprior.isValid, start.isValid, iterations >= 0 else {
      throw ExactError(
        .wrongArgument, doing: "maximising the evidence",
        remedy: "give precisions above zero, and hyperpriors and iterations that are not negative")
    }
    let problem = try EvidenceProblem(moments, features, penalizesIntercept: penalizesIntercept)
    let units = hyperpriorsAreRelative ? moments.units : (weight: 1, noise: 1)
    let objective = EvidenceObjective(
      weight: weightHyperprior.scaled(by: units.weight), noise: noiseHyperprior.scaled(by: units.noise))
    let search = EvidenceSearch(problem: problem, hyperpriors: objective)
    guard method != .search else {
      let point = search.maximum()
      let posterior = problem.posterior(point.weightPrecision, point.noisePrecision)
      let score = objective.value(posterior)
      return (EvidenceFit(features, problem, posterior, scores: [score], iterations: 0), score)
    }
    var (weight, noise) = (1.0, 0.0)
    switch start {
    case .grid:
      let point = search.coarse()
      (weight, noise) = (point.weightPrecision, point.noisePrecision)
    case .unit:
      noise = min(
        1 / (moments.targetScatter / moments.count + Double.ulpOfOne), moments.count / problem.leastError)
    case .given(let weightPrecision, let noisePrecision): (weight, noise) = (weightPrecision, noisePrecision)
    }
    let first = problem.posterior(weight, noise)
    var posterior = first
    var scores: [Double] = []
    var last: [Double]?
    var count = 0
    while count < iterations {
      scores.append(objective.value(posterior))
      let weights = problem.weights(posterior)
      (weight, noise) = improved(posterior, problem, objective)
      posterior = problem.posterior(weight, noise)
      count += 1
      if let last, zip(last, weights).reduce(0, { $0 + abs($1.0 - $1.1) }) < tolerance { break }
      last = weights
    }
    // Updates by the effective number of parameters may leave a maximum; they do not lose it.
    if start == .grid, objective.value(first) > objective.value(posterior) { posterior = first }
    scores.append(objective.value(posterior))
    return (EvidenceFit(features, problem, posterior, scores: scores, iterations: count), scores.last!)
  }

  private func improved(
    _ posterior: EvidenceProblem.Posterior, _ problem: EvidenceProblem, _ objective: EvidenceObjective
  ) -> (weight: Double, noise: Double) {
    var (weightCount, rowCount) = (posterior.effectiveParameters, problem.count - posterior.effectiveParameters)
    var (length, error) = (dot(posterior.means, posterior.means), posterior.squaredError)
    if method == .expectationMaximization {
      (weightCount, rowCount) = (Double(problem.values.count + problem.outside), problem.count)
      length += posterior.variances.reduce(0, +) + Double(problem.outside) / posterior.weightPrecision
      error += zip(problem.values, posterior.variances).reduce(0) { $0 + $1.0 * $1.1 }
    }
    // Weights of zero, or an error of zero, would make a precision infinite.
    return (
      (weightCount + 2 * objective.weight.shape) / max(length + 2 * objective.weight.rate, 1e-300),
      (rowCount + 2 * objective.noise.shape) / max(error + 2 * objective.noise.rate, problem.leastError)
    )
  }
}

/// The log evidence with hyperpriors over both precisions, in units of the data.
struct EvidenceObjective {
  let weight: GammaHyperprior
  let noise: GammaHyperprior

  func value(_ posterior: EvidenceProblem.Posterior) -> Double {
    posterior.logEvidence + weight.logDensity(posterior.weightPrecision) + noise.logDensity(posterior.noisePrecision)
  }
}

extension RegressionMoments {
  /// Variances that precisions are relative to: of weights from features of unit variance on average to targets of unit
  /// variance, and of targets; one where there is no variance.
  var units: (weight: Double, noise: Double) {
    let noise = targetScatter / count
    let features = squares(around: true).reduce(0, +) / count / Double(max(featureCount, 1))
    return (features > 0 && noise > 0 ? noise / features : 1, noise > 0 ? noise : 1)
  }
}

/// A linear regression with the precisions that maximise its evidence.
public struct EvidenceFit: Sendable {
  public let features: Features
  /// M, without the intercept.
  public let weights: [Double]
  public let intercept: Double
  /// Bishop's α, scikit-learn's λ.
  public let weightPrecision: Double
  /// Bishop's β, scikit-learn's α.
  public let noisePrecision: Double
  /// γ: how many weights the data determines.
  public let effectiveParameters: Double
  /// The objective before each iteration, and at the end.
  public let scores: [Double]
  public let iterations: Int
  /// Whether the prior holds for all weights.
  public let penalizesAll: Bool
  /// Whether the remaining error is less than double precision distinguishes from zero: the noise variance is a floor
  /// then.
  public let isFloored: Bool
  private let problem: EvidenceProblem
  private let posterior: EvidenceProblem.Posterior

  init(
    _ features: Features, _ problem: EvidenceProblem, _ posterior: EvidenceProblem.Posterior, scores: [Double],
    iterations: Int
  ) {
    (self.features, self.problem, self.posterior) = (features, problem, posterior)
    (weightPrecision, noisePrecision) = (posterior.weightPrecision, posterior.noisePrecision)
    effectiveParameters = posterior.effectiveParameters
    (self.scores, self.iterations) = (scores, iterations)
    penalizesAll = problem.holdsIntercept || !features.hasIntercept
    isFloored = posterior.squaredError < problem.leastError
    let whole = problem.weights(posterior)
    weights = problem.holdsIntercept ? Array(whole.dropFirst()) : whole
    intercept =
      problem.holdsIntercept
      ? whole[0] : features.hasIntercept ? problem.centre - dot(weights, problem.featureMeans) : 0
  }

  /// Covariance of the weights, in the order of `Features.weighted` when the prior holds for the intercept.
  public var covariance: Matrix { problem.covariance(posterior) }

  public func predict(_ x: [Double]) -> RegressionPrediction {
    let φ = features.values(x)
    let (loadings, free) = (problem.loadings(φ), problem.unspanned(φ))
    return RegressionPrediction(
      mean: problem.centre + dot(loadings, posterior.means), noiseVariance: 1 / noisePrecision,
      modelVariance: zip(loadings, posterior.variances).reduce(dot(free, free) / weightPrecision) {
        $0 + $1.0 * $1.0 * $1.1
      })
  }

  /// A function drawn from the posterior.
  public func sampleFunction(using generator: inout some RandomNumberGenerator) -> @Sendable ([Double]) -> Double {
    let draw = zip(posterior.means, posterior.variances).map { $0 + $1.squareRoot() * generator.normal() }
    let free = (0..<(problem.outside > 0 ? features.count : 0)).map { _ in
      generator.normal() / weightPrecision.squareRoot()
    }
    return { [features, problem] x in
      let φ = features.values(x)
      return problem.centre + dot(problem.loadings(φ), draw) + dot(problem.unspanned(φ), free)
    }
  }
}
