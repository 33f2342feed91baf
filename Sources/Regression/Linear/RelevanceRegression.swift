import Foundation
import LinearAlgebra
import Statistics

/// Automatic relevance determination: Bayesian linear regression with a precision of its own for every weight, found by
/// maximising the evidence; weights whose precision passes a threshold are set to zero (Bishop 2006, section 7.2;
/// scikit-learn's `ARDRegression`, with its defaults).
///
/// Features and target are taken in units of their own deviations (of their root mean squares without an intercept), so
/// that neither units nor, with an intercept, where zero lies change anything but the units of the answer.
public struct RelevanceRegression: MomentEstimator {
  public let features: Features
  public var weightHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
  public var noiseHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
  /// Weights with a larger precision are dropped for good.
  public var threshold = 1e4
  /// Whether hyperpriors, threshold, tolerance and the precisions to start from are in units of deviations; otherwise
  /// they are in units of the data, as in scikit-learn.
  public var isStandardized = true
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
    guard isStandardized else { return try search(moments) }
    let squares = moments.squares(around: features.hasIntercept)
    let scales = squares.map { $0 > 0 ? ($0 / moments.count).squareRoot() : 1 }
    let around = moments.targetScatter / moments.count
    let square = features.hasIntercept ? around : around + moments.targetMean * moments.targetMean
    let unit = square > 0 ? square.squareRoot() : 1
    let (fit, score) = try search(moments.divided(by: scales, target: unit))
    return (fit.restored(scales, target: unit, moments), score - moments.count * log(unit))
  }

  private func search(
    _ moments: RegressionMoments
  ) throws(ExactError) -> (estimate: RelevanceFit, objective: Double) {
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
      isFloored: posterior.squaredError < problem.leastError, offset: problem.offset)
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
    leastError = moments.leastError
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
  /// Whether the remaining error is less than double precision distinguishes from zero: the noise variance is a floor
  /// then.
  public let isFloored: Bool
  let offset: [Double]

  /// What was found for features and target divided by scales, in the units of the data.
  func restored(_ scales: [Double], target: Double, _ moments: RegressionMoments) -> RelevanceFit {
    let weights = zip(weights, scales).map { $0 * target / $1 }
    var matrix = covariance
    for (i, a) in kept.enumerated() {
      for (j, b) in kept.enumerated() { matrix[i, j] *= target / scales[a] * (target / scales[b]) }
    }
    return RelevanceFit(
      features: features, weights: weights,
      intercept: features.hasIntercept ? moments.targetMean - dot(weights, moments.featureMeans) : 0,
      precisions: zip(precisions, scales).map { $0 * ($1 / target) * ($1 / target) },
      noisePrecision: noisePrecision / target / target, kept: kept, covariance: matrix, iterations: iterations,
      isFloored: isFloored, offset: zip(offset, scales).map { $0 * $1 })
  }

  public func predict(_ x: [Double]) -> RegressionPrediction {
    let φ = features.values(x)
    let seen = kept.map { φ[$0] - offset[$0] }
    return RegressionPrediction(
      mean: dot(weights, φ) + intercept, noiseVariance: 1 / noisePrecision,
      modelVariance: covariance.quadraticForm(seen))
  }
}
