import Foundation
import LinearAlgebra
import Mixtures
import Statistics

/// Gaussians, or mixtures of `mixtures` Gaussians, for each state.
public struct GaussianStates: Sendable, Hashable {
  /// Of each state's components, K × M.
  public let weights: Matrix
  /// All components, those of state k being k M ..< (k + 1) M; their weights here are equal and say nothing.
  public let components: GaussianMixtureParameters

  public init(weights: Matrix, components: GaussianMixtureParameters) {
    precondition(weights.elements.count == components.components, "a weight for each component")
    (self.weights, self.components) = (weights, components)
  }

  /// - Throws: `.singular` for a covariance that is not positive definite.
  public init(
    weights: Matrix, means: Matrix, covariances: MixtureCovariances, floor: CovarianceFloor
  ) throws(ExactError) {
    let count = means.rows
    self.init(
      weights: weights,
      components: try GaussianMixtureParameters(
        weights: [Double](repeating: 1 / Double(count), count: count), means: means, covariances: covariances,
        floor: floor))
  }

  /// The mean of a state's mixture.
  public func mean(_ state: Int) -> [Double] {
    var mean = [Double](repeating: 0, count: components.dimension)
    for m in 0..<weights.columns {
      mean = mean.adding(components.means.row(state * weights.columns + m), factor: weights[state, m])
    }
    return mean
  }

  /// The covariance of a component as a matrix.
  public func covariance(_ component: Int) -> Matrix {
    components.covariances.matrix(component, dimension: components.dimension)
  }
}

/// A lane's memory for Gaussian densities.
public final class GaussianScratch {
  let mixture: MixtureScratch
  private(set) var joint: [Double] = []

  init(_ mixture: MixtureScratch) { self.mixture = mixture }

  /// Lends room for numbers.
  func withRoom<R>(
    _ count: Int, _ body: (UnsafeMutablePointer<Double>) throws(ExactError) -> R
  ) throws(ExactError) -> R {
    if joint.count < max(count, 1) { joint = [Double](repeating: 0, count: max(count, 1)) }
    let result: Result<R, ExactError> = joint.withUnsafeMutableBufferPointer { buffer in
      do throws(ExactError) {
        return .success(try body(buffer.baseAddress!))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// Gaussian emissions with the most likely means and covariances; with several components a state, mixtures of Gaussians
/// (Rabiner 1989, section IV.A). Covariances are those of `GaussianMixture`, with its floor.
public struct GaussianEmission: StateEmission {
  public let states: Int
  /// M: Gaussians of a state.
  public let mixtures: Int
  public let mixture: GaussianMixture
  private let rows = ProbabilityRows()

  public init(
    states: Int, dimension: Int, covariance: CovarianceKind = .full, mixtures: Int = 1,
    floor: CovarianceFloor = .clipped(1e-6), floorIsRelative: Bool = false
  ) throws(ExactError) {
    (self.states, self.mixtures) = (states, mixtures)
    mixture = try GaussianMixture(
      components: states * mixtures, dimension: dimension, covariance: covariance, floor: floor,
      floorIsRelative: floorIsRelative)
  }

  public var dimension: Int { mixture.dimension }
  public var statisticsCount: Int { mixture.statisticsCount }
  public func makeScratch() -> GaussianScratch { GaussianScratch(mixture.makeScratch()) }

  public func logDensities(
    of rows: RowBlock, _ parameters: GaussianStates, into target: UnsafeMutablePointer<Double>,
    scratch: GaussianScratch
  ) throws(ExactError) {
    guard mixtures > 1 else {
      return try mixture.logDensities(of: rows, parameters.components, into: target, scratch: scratch.mixture)
    }
    try scratch.withRoom(rows.count * states * mixtures) { (joint) throws(ExactError) in
      try self.joint(rows, parameters, into: joint, scratch.mixture)
      for index in 0..<rows.count * states {
        target[index] = logSumExp(UnsafeBufferPointer(start: joint + index * mixtures, count: mixtures))
      }
    }
  }

  /// log wₖₘ N(x | k, m) of each row, N × K M.
  private func joint(
    _ rows: RowBlock, _ parameters: GaussianStates, into joint: UnsafeMutablePointer<Double>, _ scratch: MixtureScratch
  ) throws(ExactError) {
    try mixture.logDensities(of: rows, parameters.components, into: joint, scratch: scratch)
    let logWeights = parameters.weights.elements.map { log($0) }
    for row in 0..<rows.count {
      for component in logWeights.indices { joint[row * logWeights.count + component] += logWeights[component] }
    }
  }

  public func accumulate(
    _ rows: RowBlock, posteriors: UnsafePointer<Double>, parameters: GaussianStates,
    into statistics: UnsafeMutablePointer<Double>, scratch: GaussianScratch
  ) throws(ExactError) {
    guard mixtures > 1 else {
      return try mixture.accumulate(
        Observations(inputs: rows), responsibilities: RowBlock(posteriors, count: rows.count, dimension: states),
        parameters: parameters.components, into: statistics, scratch: scratch.mixture)
    }
    let count = states * mixtures
    try scratch.withRoom(rows.count * count) { (joint) throws(ExactError) in
      try self.joint(rows, parameters, into: joint, scratch.mixture)
      for index in 0..<rows.count * states {
        let part = UnsafeMutableBufferPointer(start: joint + index * mixtures, count: mixtures)
        let total = logSumExp(part)
        for m in 0..<mixtures { part[m] = total > -.infinity ? posteriors[index] * exp(part[m] - total) : 0 }
      }
      try mixture.accumulate(
        Observations(inputs: rows), responsibilities: RowBlock(joint, count: rows.count, dimension: count),
        parameters: parameters.components, into: statistics, scratch: scratch.mixture)
    }
  }

  public func update(_ parameters: GaussianStates, statistics: [Double]) throws(ExactError) -> GaussianStates {
    // Of sequences without a value there is nothing to learn.
    guard statistics[0] > 0 else { return parameters }
    let next = try mixture.update(parameters.components, statistics: statistics).parameters
    return try GaussianStates(
      weights: rows.updated(parameters.weights, counts: next.weights), means: next.means,
      covariances: next.covariances, floor: mixture.floor)
  }

  public func penalty(_ parameters: GaussianStates) -> Double { 0 }

  /// The clusters of K-means; for several components, a mixture in each.
  public func start(
    from rows: RowBlock, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> GaussianStates {
    let whole = try GaussianMixture(
      components: states, dimension: dimension, covariance: mixture.covariance, floor: mixture.floor,
      floorIsRelative: mixture.floorIsRelative)
    let clusters = try whole.start(from: rows, using: &generator)
    var (means, covariances) = (clusters.means, clusters.covariances)
    if mixtures > 1 {
      let labels = try whole.responsibilities(of: rows, clusters)
      (means, covariances) = try spread(rows, labels, clusters, using: &generator)
    }
    return try GaussianStates(
      weights: Matrix(rows: states, columns: mixtures, repeating: 1 / Double(mixtures)), means: means,
      covariances: covariances, floor: mixture.floor)
  }

  /// Several centers for each cluster, chosen among its rows, with the cluster's covariance.
  private func spread(
    _ rows: RowBlock, _ labels: Matrix, _ clusters: GaussianMixtureParameters,
    using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> (Matrix, MixtureCovariances) {
    var means: [[Double]] = []
    for k in 0..<states {
      let own = (0..<rows.count).filter { row in (0..<states).allSatisfy { labels[row, k] >= labels[row, $0] } }
      guard !own.isEmpty else {
        means += Array(repeating: clusters.means.row(k), count: mixtures)
        continue
      }
      let part = Matrix(own.map { row in (0..<dimension).map { rows[row, $0] } })
      let centers = try part.withRows { (part) throws(ExactError) in
        try kMeansPlusPlus(part, clusters: mixtures, using: &generator)
      }
      means += (0..<mixtures).map { centers.row($0) }
    }
    func repeated<T>(_ values: [T]) -> [T] { values.flatMap { Array(repeating: $0, count: mixtures) } }
    let covariances: MixtureCovariances =
      switch clusters.covariances {
      case .full(let matrices): .full(repeated(matrices))
      case .tied(let matrix): .tied(matrix)
      case .diagonal(let variances): .diagonal(Matrix(repeated((0..<states).map { variances.row($0) })))
      case .spherical(let variances): .spherical(repeated(variances))
      }
    return (Matrix(means), covariances)
  }

  public func reordered(_ parameters: GaussianStates, _ order: [Int]) throws(ExactError) -> GaussianStates {
    let components = order.flatMap { state in (0..<mixtures).map { state * mixtures + $0 } }
    let covariances: MixtureCovariances =
      switch parameters.components.covariances {
      case .full(let matrices): .full(components.map { matrices[$0] })
      case .tied(let matrix): .tied(matrix)
      case .diagonal(let variances): .diagonal(Matrix(components.map { variances.row($0) }))
      case .spherical(let variances): .spherical(components.map { variances[$0] })
      }
    return try GaussianStates(
      weights: Matrix(order.map { parameters.weights.row($0) }),
      means: Matrix(components.map { parameters.components.means.row($0) }), covariances: covariances,
      floor: mixture.floor)
  }

  public func rank(_ parameters: GaussianStates, state: Int) -> Double { parameters.mean(state)[0] }

  public func freeParameters(_ parameters: GaussianStates) -> Int {
    // Those of the mixture, without the weights of all components and with those of each state's.
    mixture.freeParameters - (states * mixtures - 1) + rows.freeParameters(parameters.weights)
  }

  public func point(_ parameters: GaussianStates) -> (GaussianEmission, GaussianStates) { (self, parameters) }

  public func sample(
    _ state: Int, _ parameters: GaussianStates, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> [Double] {
    let component = state * mixtures + generator.categorical(parameters.weights.row(state))
    do {
      let factor = try Cholesky(parameters.covariance(component), jitter: .rounding)
      return generator.normal(mean: parameters.components.means.row(component), factor: factor)
    } catch {
      throw ExactError(error, doing: "sampling state \(state)", remedy: "raise the covariance floor")
    }
  }
}
