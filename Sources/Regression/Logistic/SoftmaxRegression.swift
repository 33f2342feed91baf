import Foundation
import LinearAlgebra
import Statistics

/// Bayesian logistic regression of several classes by Laplace's approximation: p(k | x, W) = softmax(W φ(x))ₖ with
/// W ~ N(0, 1/α). All classes have weights of their own; the prior decides what the likelihood leaves open. The objective is
/// log p(t, W).
public struct SoftmaxRegression: StatisticsModel {
  public let features: Features
  public let classes: Int
  /// α, of all weights, the intercepts included.
  public let weightPrecision: Double
  /// What a row of each class counts.
  public let classWeights: [Double]

  /// - Parameter classWeights: a number of rows that each row of a class stands for; nil: one.
  /// - Throws: `.wrongArgument` for fewer than two classes, or a precision that is not positive.
  public init(
    _ features: Features, classes: Int, weightPrecision: Double, classWeights: [Double]? = nil
  ) throws(ExactError) {
    guard classes >= 2, weightPrecision > 0, weightPrecision.isFinite else {
      throw ExactError(
        .wrongArgument, doing: "making a regression of \(classes) classes",
        remedy: "ask for at least two classes and give a weight precision above zero")
    }
    (self.features, self.classes, self.weightPrecision) = (features, classes, weightPrecision)
    self.classWeights = classWeights ?? Array(repeating: 1, count: classes)
    precondition(self.classWeights.count == classes, "a weight for each class")
  }

  public struct Parameters: Hashable, Sendable {
    var search: NewtonSearch
    /// The approximation around the last point that was accepted; nil before the first pass.
    public internal(set) var posterior: SoftmaxPosterior?
    /// Laplace's approximation of log p(t); nil before the first pass.
    public internal(set) var logEvidence: Double?

    /// Where the search is: 3 + 3 m numbers for m weights, from which it goes on bit for bit.
    public var searchNumbers: [Double] { search.flat }

    public init(searchNumbers: [Double]) { search = NewtonSearch(flat: searchNumbers) }

    /// What a search came to.
    public init(posterior: SoftmaxPosterior, logEvidence: Double) {
      search = NewtonSearch(from: posterior.weights)
      (self.posterior, self.logEvidence) = (posterior, logEvidence)
    }

    init(search: NewtonSearch) { self.search = search }
  }

  /// All weights zero.
  public var start: Parameters {
    Parameters(search: NewtonSearch(from: Array(repeating: 0, count: classes * m)))
  }

  private var m: Int { features.weightCount }
  private var blocks: Int { packedCount(classes) }

  /// Rows, log-likelihood, its gradient (K × M), and for each pair of classes k ≥ l the packed lower triangle of the
  /// M × M block of minus the Hessian, which is symmetric itself.
  public var statisticsCount: Int { 2 + classes * m + blocks * packedCount(m) }

  public func makeScratch() -> ClassificationScratch {
    ClassificationScratch(features, classes: classes, columns: classes, moments: blocks)
  }

  public func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: ClassificationScratch
  ) throws(ExactError) {
    let weights = Matrix(rows: classes, columns: m, elements: parameters.search.point)
    let capacity = scratch.panels.capacity
    let p = scratch.activations
    try scratch.forEachBlock(of: observations) { count in
      for k in 0..<classes { scratch.activate(k, weights.row(k), count: count) }
      var logLikelihood = 0.0
      for i in 0..<count {
        var (largest, sum) = (-Double.infinity, 0.0)
        for k in 0..<classes { largest = max(largest, p[k * capacity + i]) }
        for k in 0..<classes { sum += exp(p[k * capacity + i] - largest) }
        let weight = classWeights[scratch.labels[i]]
        logLikelihood += weight * (p[scratch.labels[i] * capacity + i] - largest - log(sum))
        for k in 0..<classes {
          let probability = exp(p[k * capacity + i] - largest) / sum
          p[k * capacity + i] = probability
          let residual = (scratch.labels[i] == k ? 1 : 0) - probability
          scratch.addGradient(weight * residual, row: i, to: statistics + 2 + k * m)
        }
      }
      var block = 0
      for k in 0..<classes {
        for l in 0...k {
          scratch.weights.clear()
          for i in 0..<count {
            scratch.weights[i] =
              classWeights[scratch.labels[i]] * (p[k * capacity + i] * ((k == l ? 1 : 0) - p[l * capacity + i]))
          }
          scratch.addMoments(block)
          block += 1
        }
      }
      statistics[0] += Double(count)
      statistics[1] += logLikelihood
    }
    scratch.flushMoments(to: statistics + 2 + classes * m)
  }

  public func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters> {
    guard statistics[0] > 0 else {
      throw ExactError(.tooFewRows, doing: "fitting a logistic regression", remedy: "give at least one row")
    }
    let weights = parameters.search.point
    let size = Double(weights.count)
    let objective =
      statistics[1] + 0.5 * size * (log(weightPrecision) - logTwoPi) - 0.5 * weightPrecision * dot(weights, weights)
    var next = parameters
    if next.search.retracts(objective: objective) {
      return Improvement(parameters: next, objective: objective, isRetry: true)
    }
    let factor: Cholesky
    do {
      factor = try Cholesky(curvature(statistics), jitter: .rounding)
    } catch {
      throw ExactError(error, doing: "fitting a logistic regression", remedy: "scale the inputs")
    }
    let gradient = Array(statistics[2..<(2 + weights.count)]).adding(weights, factor: -weightPrecision)
    let step = factor.solve(gradient)
    next.search.advance(objective: objective, step: step)
    next.posterior = SoftmaxPosterior(
      features: features, mean: Matrix(rows: classes, columns: m, elements: next.search.point), precision: factor)
    next.logEvidence = objective + 0.5 * dot(gradient, step) + 0.5 * size * logTwoPi - 0.5 * factor.logDeterminant
    return Improvement(parameters: next, objective: objective, of: .after)
  }

  /// Minus the Hessian of the objective, KM × KM.
  private func curvature(_ statistics: [Double]) -> Matrix {
    var result = Matrix(rows: classes * m, columns: classes * m)
    var start = 2 + classes * m
    for k in 0..<classes {
      for l in 0...k {
        let block = Matrix(packedLower: statistics[start..<(start + packedCount(m))], dimension: m)
        for i in 0..<m {
          for j in 0..<m {
            result[k * m + i, l * m + j] = block[i, j]
            result[l * m + i, k * m + j] = block[i, j]
          }
        }
        start += packedCount(m)
      }
    }
    result.addToDiagonal(weightPrecision)
    return result
  }
}

/// A Gaussian over the weights of a regression of several classes.
public struct SoftmaxPosterior: Hashable, Sendable {
  public let features: Features
  /// K × M, columns in the order of `Features.weighted`.
  public let mean: Matrix
  /// Of the inverse of the covariance, KM × KM, class by class.
  public let precision: Cholesky

  public init(features: Features, mean: Matrix, precision: Cholesky) {
    precondition(mean.columns == features.weightCount && precision.size == mean.elements.count)
    (self.features, self.mean, self.precision) = (features, mean, precision)
  }

  var weights: [Double] { mean.elements }

  /// The activations W φ(x) are Gaussian: their mean and covariance, K and K × K.
  public func activations(_ x: [Double]) -> (mean: [Double], covariance: Matrix) {
    let φ = features.weighted(x)
    var columns = Matrix(rows: mean.rows * φ.count, columns: mean.rows)
    for k in 0..<mean.rows {
      for j in φ.indices { columns[k * φ.count + j, k] = φ[j] }
    }
    return (mean * φ, precision.solveLower(columns).gram)
  }

  /// p(k | x) with every activation shrunk by its variance, softmax(μₖ/√(1 + πσₖ²/8)): the probit approximation for each
  /// class by itself (Gibbs 1997), exact in the limit of no variance.
  public func probabilities(_ x: [Double]) -> [Double] {
    let (mean, covariance) = activations(x)
    return Self.softmax(mean.indices.map { mean[$0] / (1 + .pi * covariance[$0, $0] / 8).squareRoot() })
  }

  /// p(k | x) as the mean over draws of the activations.
  public func sampledProbabilities(
    _ x: [Double], samples: Int, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> [Double] {
    let draws = try draws(samples, x, using: &generator)
    return draws.reduce(mean.column(0).map { _ in 0.0 }) { $0.adding($1) }.scaled(by: 1 / Double(samples))
  }

  /// p(k | x, W) for draws of W.
  public func draws(
    _ count: Int, _ x: [Double], using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> [[Double]] {
    precondition(count > 0, "at least one draw")
    let (mean, covariance) = activations(x)
    let factor: Cholesky
    do {
      factor = try Cholesky(covariance, jitter: .rounding)
    } catch {
      throw ExactError(error, doing: "sampling activations", remedy: "scale the inputs")
    }
    return (0..<count).map { _ in Self.softmax(generator.normal(mean: mean, factor: factor)) }
  }

  static func softmax(_ activations: [Double]) -> [Double] {
    let total = logSumExp(activations)
    return activations.map { exp($0 - total) }
  }
}
