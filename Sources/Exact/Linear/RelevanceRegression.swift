import Foundation
import LinearAlgebra

/// Automatic relevance determination: Bayesian linear regression with a precision of its own for every weight, found by
/// maximising the evidence; weights whose precision passes a threshold are set to zero (Bishop 2006, section 7.2;
/// scikit-learn's `ARDRegression`, with its defaults).
public struct RelevanceRegression: MomentEstimator {
  public let features: Features
  public var weightHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
  public var noiseHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
  /// Weights with a larger precision are dropped for good.
  public var threshold = 1e4
  public var iterations = 300
  /// Stops when the weights' absolute changes sum to less.
  public var tolerance = 1e-3

  /// With an intercept, features and target are centred.
  public init(_ features: Features) { self.features = features }

  /// The objective is the log evidence at the precisions found, with the hyperpriors' densities.
  public func estimate(
    _ moments: RegressionMoments
  ) throws(ExactError) -> (estimate: RelevanceFit, objective: Double) {
    guard weightHyperprior.isValid, noiseHyperprior.isValid, threshold > 0, iterations >= 0 else {
      throw ExactError(
        .wrongArgument, doing: "determining relevance",
        remedy: "give a threshold above zero, and hyperpriors and iterations that are not negative")
    }
    let problem = RelevanceProblem(moments, features)
    var noise = 1 / (moments.targetScatter / moments.count + Double.ulpOfOne)
    var precisions = [Double](repeating: 1, count: features.count)
    var kept = Array(0..<features.count)
    var posterior = try problem.posterior(precisions, noise, kept)
    var last: [Double]?
    var count = 0
    while count < iterations, !kept.isEmpty {
      var determined = 0.0
      for (i, k) in kept.enumerated() {
        let γ = 1 - precisions[k] * posterior.covariance[i, i]
        let w = posterior.weights[k]
        determined += γ
        precisions[k] = max(γ + 2 * weightHyperprior.shape, 1e-12) / max(w * w + 2 * weightHyperprior.rate, 1e-300)
      }
      noise =
        (moments.count - determined + 2 * noiseHyperprior.shape)
        / max(posterior.squaredError + 2 * noiseHyperprior.rate, problem.leastError)
      kept = kept.filter { precisions[$0] < threshold }
      count += 1
      // Pruning takes effect before weights are compared, as it does in scikit-learn.
      var compared = posterior.weights
      for k in compared.indices where precisions[k] >= threshold { compared[k] = 0 }
      let hasConverged = last.map { zip($0, compared).reduce(0) { $0 + abs($1.0 - $1.1) } < tolerance } ?? false
      last = compared
      posterior = try problem.posterior(precisions, noise, kept)
      if hasConverged { break }
    }
    let score =
      posterior.logEvidence + noiseHyperprior.logDensity(noise)
      + kept.reduce(0) { $0 + weightHyperprior.logDensity(precisions[$1]) }
    let fit = RelevanceFit(
      features: features, weights: posterior.weights, intercept: problem.intercept(posterior.weights),
      precisions: precisions, noisePrecision: noise, kept: kept, covariance: posterior.covariance, iterations: count,
      offset: problem.offset)
    return (fit, score)
  }
}

private struct RelevanceProblem {
  let moments: RegressionMoments
  let gram: Matrix
  let products: [Double]
  let offset: [Double]
  let isCentred: Bool
  let leastError: Double

  init(_ moments: RegressionMoments, _ features: Features) {
    self.moments = moments
    isCentred = features.hasIntercept
    gram = isCentred ? moments.scatter : moments.gram(intercept: false)
    products = isCentred ? moments.products : moments.targetProducts(intercept: false)
    offset = isCentred ? moments.featureMeans : moments.featureMeans.map { _ in 0 }
    leastError = max(1e-15 * (moments.targetScatter + moments.count * moments.targetMean * moments.targetMean), 1e-300)
  }

  func intercept(_ weights: [Double]) -> Double {
    isCentred ? moments.targetMean - dot(weights, moments.featureMeans) : 0
  }

  func posterior(
    _ precisions: [Double], _ noise: Double, _ kept: [Int]
  ) throws(ExactError) -> (weights: [Double], covariance: Matrix, squaredError: Double, logEvidence: Double) {
    var inverse = Matrix(rows: kept.count, columns: kept.count)
    for (i, a) in kept.enumerated() {
      for (j, b) in kept.enumerated() { inverse[i, j] = noise * gram[a, b] }
      inverse[i, i] += precisions[a]
    }
    let factor: Cholesky
    do {
      factor = try Cholesky(inverse, jitter: .rounding)
    } catch {
      throw ExactError(error, doing: "determining relevance", remedy: "scale the inputs to similar magnitudes")
    }
    var weights = [Double](repeating: 0, count: precisions.count)
    for (k, w) in zip(kept, factor.solve(kept.map { noise * products[$0] })) { weights[k] = w }
    let error = moments.squaredError(weights: weights, intercept: intercept(weights))
    let penalty = kept.reduce(0) { $0 + log(precisions[$1]) - precisions[$1] * weights[$1] * weights[$1] }
    let logEvidence =
      0.5 * (moments.count * (log(noise) - logTwoPi) - noise * error + penalty - factor.logDeterminant)
    return (weights, factor.inverse, error, logEvidence)
  }
}

/// A linear regression with the relevant features only.
public struct RelevanceFit: Sendable {
  public let features: Features
  /// M, without the intercept; zero where dropped.
  public let weights: [Double]
  public let intercept: Double
  /// The precision of each weight's prior (Bishop's αᵢ, scikit-learn's λᵢ).
  public let precisions: [Double]
  /// Bishop's β, scikit-learn's α.
  public let noisePrecision: Double
  /// The features that were not dropped.
  public let kept: [Int]
  /// Covariance of their weights.
  public let covariance: Matrix
  public let iterations: Int
  let offset: [Double]

  public func predict(_ x: [Double]) -> RegressionPrediction {
    let φ = features.values(x)
    let seen = kept.map { φ[$0] - offset[$0] }
    return RegressionPrediction(
      mean: dot(weights, φ) + intercept, noiseVariance: 1 / noisePrecision,
      modelVariance: covariance.quadraticForm(seen))
  }
}
