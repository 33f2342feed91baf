import Foundation
import LinearAlgebra

/// A gamma prior over a precision, with shape and rate; zeros make it flat in the precision's logarithm.
public struct GammaHyperprior: Hashable, Sendable {
  public var shape: Double
  public var rate: Double

  public init(shape: Double, rate: Double) { (self.shape, self.rate) = (shape, rate) }

  public static let flat = GammaHyperprior(shape: 0, rate: 0)

  var isValid: Bool { shape >= 0 && rate >= 0 && shape.isFinite && rate.isFinite }

  /// log density of the precision's logarithm, without its constant.
  func logDensity(_ precision: Double) -> Double {
    (shape > 0 ? shape * log(precision) : 0) - rate * precision
  }
}

/// Bayesian linear regression whose weight and noise precisions maximise the evidence (Bishop 2006, section 3.5; MacKay
/// 1992), with gamma hyperpriors if wanted: Bayesian ridge regression.
///
/// Names: the weight precision is Bishop's α and scikit-learn's λ, the noise precision Bishop's β and scikit-learn's α.
public struct EvidenceMaximization: MomentEstimator {
  public enum Method: Hashable, Sendable {
    /// By the effective number of parameters γ (Bishop 2006, equations 3.92 and 3.95), as scikit-learn does: fast.
    case effectiveParameters
    /// By expectation maximisation (Bishop 2006, equations 9.63 and following): slower, and the objective never falls.
    case expectationMaximization
  }

  public let features: Features
  /// Whether the prior holds for the intercept too, as in Bishop's book; if not, features and target are centred, as
  /// scikit-learn does. Without an intercept nothing is centred.
  public var penalizesIntercept = true
  public var weightHyperprior = GammaHyperprior.flat
  public var noiseHyperprior = GammaHyperprior.flat
  public var method = Method.effectiveParameters
  /// Where to start; nil is 1 for the weights and 1/variance of the target for the noise.
  public var weightPrecision: Double?
  public var noisePrecision: Double?
  public var iterations = 300
  /// Stops when the weights' absolute changes sum to less.
  public var tolerance = 1e-3

  public init(_ features: Features) { self.features = features }

  /// scikit-learn's `BayesianRidge` with its defaults.
  public static func bayesianRidge(_ features: Features) -> EvidenceMaximization {
    var result = EvidenceMaximization(features)
    result.penalizesIntercept = false
    result.weightHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
    result.noiseHyperprior = GammaHyperprior(shape: 1e-6, rate: 1e-6)
    return result
  }

  /// The objective is the log evidence at the precisions found, with the hyperpriors' densities.
  public func estimate(
    _ moments: RegressionMoments
  ) throws(ExactError) -> (estimate: EvidenceFit, objective: Double) {
    guard weightHyperprior.isValid, noiseHyperprior.isValid, weightPrecision ?? 1 > 0, noisePrecision ?? 1 > 0,
      iterations >= 0
    else {
      throw ExactError(
        .wrongArgument, doing: "maximising the evidence",
        remedy: "give precisions above zero, and hyperpriors and iterations that are not negative")
    }
    let problem = try EvidenceProblem(moments, features, penalizesIntercept: penalizesIntercept)
    let variance = moments.targetScatter / moments.count
    var weight = weightPrecision ?? 1
    var noise = noisePrecision ?? 1 / (variance + Double.ulpOfOne)
    var scores: [Double] = []
    var last: [Double]?
    var count = 0
    while count < iterations {
      let posterior = problem.posterior(weight, noise)
      scores.append(score(posterior))
      (weight, noise) = improved(posterior)
      count += 1
      if let last, zip(last, posterior.weights).reduce(0, { $0 + abs($1.0 - $1.1) }) < tolerance { break }
      last = posterior.weights
    }
    let final = problem.posterior(weight, noise)
    scores.append(score(final))
    return (EvidenceFit(features, problem, final, scores: scores, iterations: count), scores.last!)
  }

  private func score(_ posterior: EvidenceProblem.Posterior) -> Double {
    posterior.logEvidence + weightHyperprior.logDensity(posterior.weightPrecision)
      + noiseHyperprior.logDensity(posterior.noisePrecision)
  }

  private func improved(_ posterior: EvidenceProblem.Posterior) -> (weight: Double, noise: Double) {
    let problem = posterior.problem
    var (weightCount, rowCount) = (posterior.effectiveParameters, problem.count - posterior.effectiveParameters)
    var (length, error) = (dot(posterior.weights, posterior.weights), posterior.squaredError)
    if method == .expectationMaximization {
      (weightCount, rowCount) = (Double(problem.values.count), problem.count)
      length += posterior.variances.reduce(0, +)
      error += zip(problem.values, posterior.variances).reduce(0) { $0 + $1.0 * $1.1 }
    }
    // Weights of zero, or an error of zero, would make a precision infinite.
    return (
      (weightCount + 2 * weightHyperprior.shape) / max(length + 2 * weightHyperprior.rate, 1e-300),
      (rowCount + 2 * noiseHyperprior.shape) / max(error + 2 * noiseHyperprior.rate, problem.leastError)
    )
  }
}

/// A linear regression in the coordinates in which its Gram matrix is diagonal, where every choice of precisions costs
/// O(M²) at most.
struct EvidenceProblem {
  let moments: RegressionMoments
  /// N
  let count: Double
  /// Eigenvalues of the Gram matrix, and its eigenvectors in rows.
  let values: [Double]
  let vectors: Matrix
  /// Φᵀ t along the eigenvectors; zero where the data says nothing.
  let projections: [Double]
  /// The squared error of least squares.
  let leastSquares: Double
  /// Whether features and target are taken around their means.
  let isCentred: Bool
  /// Whether the first weight is the intercept's.
  let holdsIntercept: Bool
  /// What rounding leaves of a squared error that is zero.
  let leastError: Double

  init(_ moments: RegressionMoments, _ features: Features, penalizesIntercept: Bool) throws(ExactError) {
    self.moments = moments
    count = moments.count
    isCentred = features.hasIntercept && !penalizesIntercept
    holdsIntercept = features.hasIntercept && penalizesIntercept
    do {
      let eigen = try SymmetricEigen(isCentred ? moments.scatter : moments.gram(intercept: holdsIntercept))
      vectors = eigen.vectors
      // What is left of a direction that depends on others is rounding errors: not information.
      let least = 1e-14 * Double(max(eigen.values.count, 1)) * (eigen.values.last ?? 0)
      values = eigen.values.map { $0 > least ? $0 : 0 }
    } catch {
      throw ExactError(error, doing: "maximising the evidence", remedy: "scale the inputs to similar magnitudes")
    }
    let products = isCentred ? moments.products : moments.targetProducts(intercept: holdsIntercept)
    projections = zip(vectors * products, values).map { $1 > 0 ? $0 : 0 }
    let solution = vectors.transposedProduct(zip(projections, values).map { $1 > 0 ? $0 / $1 : 0 })
    leastSquares = Self.squaredError(moments, solution, isCentred: isCentred, holdsIntercept: holdsIntercept)
    let whole = moments.targetScatter + count * moments.targetMean * moments.targetMean
    leastError = max(1e-15 * whole, 1e-300)
  }

  struct Posterior {
    let problem: EvidenceProblem
    let weightPrecision: Double
    let noisePrecision: Double
    /// In the order of the Gram matrix.
    let weights: [Double]
    /// Of the weights along the eigenvectors.
    let variances: [Double]
    /// γ
    let effectiveParameters: Double
    let squaredError: Double
    let logEvidence: Double
  }

  private static func squaredError(
    _ moments: RegressionMoments, _ weights: [Double], isCentred: Bool, holdsIntercept: Bool
  ) -> Double {
    if holdsIntercept { return moments.squaredError(weights: Array(weights.dropFirst()), intercept: weights[0]) }
    let intercept = isCentred ? moments.targetMean - dot(weights, moments.featureMeans) : 0
    return moments.squaredError(weights: weights, intercept: intercept)
  }

  /// Bishop 2006, equations 3.53, 3.54, 3.86 and 3.91.
  func posterior(_ weightPrecision: Double, _ noisePrecision: Double) -> Posterior {
    let variances = values.map { 1 / (weightPrecision + noisePrecision * $0) }
    let weights = vectors.transposedProduct(zip(projections, variances).map { noisePrecision * $0 * $1 })
    // That of least squares, and what the prior adds: a smooth function of the precisions however small it is.
    let error = zip(zip(projections, values), variances).reduce(leastSquares) { sum, item in
      let ((projection, value), variance) = item
      let shrinkage = projection * weightPrecision * variance
      return value > 0 ? sum + shrinkage * shrinkage / value : sum
    }
    let logEvidence =
      0.5
      * (Double(values.count) * log(weightPrecision) + count * (log(noisePrecision) - logTwoPi)
        - noisePrecision * error - weightPrecision * dot(weights, weights)
        + variances.reduce(0) { $0 + log($1) })
    return Posterior(
      problem: self, weightPrecision: weightPrecision, noisePrecision: noisePrecision, weights: weights,
      variances: variances,
      effectiveParameters: zip(values, variances).reduce(0) { $0 + noisePrecision * $1.0 * $1.1 },
      squaredError: error, logEvidence: logEvidence)
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
  /// Covariance of the weights, in the order of `Features.weighted` when the prior holds for the intercept.
  public let covariance: Matrix
  private let holdsIntercept: Bool
  /// What the features are taken relative to.
  private let offset: [Double]

  init(
    _ features: Features, _ problem: EvidenceProblem, _ posterior: EvidenceProblem.Posterior, scores: [Double],
    iterations: Int
  ) {
    self.features = features
    holdsIntercept = problem.holdsIntercept
    weights = holdsIntercept ? Array(posterior.weights.dropFirst()) : posterior.weights
    if holdsIntercept {
      intercept = posterior.weights[0]
    } else {
      intercept = problem.isCentred ? problem.moments.targetMean - dot(weights, problem.moments.featureMeans) : 0
    }
    offset = problem.isCentred ? problem.moments.featureMeans : weights.map { _ in 0 }
    (weightPrecision, noisePrecision) = (posterior.weightPrecision, posterior.noisePrecision)
    effectiveParameters = posterior.effectiveParameters
    (self.scores, self.iterations) = (scores, iterations)
    var scaled = problem.vectors
    for i in 0..<scaled.rows {
      for j in 0..<scaled.columns { scaled[i, j] *= posterior.variances[i] }
    }
    covariance = Matrix.product(problem.vectors, scaled, transposed: .left)
  }

  public func predict(_ x: [Double]) -> RegressionPrediction {
    let φ = features.values(x)
    let seen = (holdsIntercept ? [1] : []) + φ.subtracting(offset)
    return RegressionPrediction(
      mean: dot(weights, φ) + intercept, noiseVariance: 1 / noisePrecision,
      modelVariance: covariance.quadraticForm(seen))
  }
}
