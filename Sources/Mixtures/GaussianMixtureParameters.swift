import Foundation
import LinearAlgebra
import Statistics

/// A Gaussian mixture: weights πₖ, means μₖ (K × D) and covariances.
public struct GaussianMixtureParameters: Hashable, Sendable {
  public let weights: [Double]
  /// K × D
  public let means: Matrix
  public let covariances: MixtureCovariances
  /// log πₖ − ½ D log 2π − ½ log |Σₖ|: the log-density at the centre.
  let constants: [Double]
  let shape: ComponentShape

  public var components: Int { weights.count }
  public var dimension: Int { means.columns }

  /// - Parameter floor: whether rounding errors in the covariances may be met with jitter, see `CovarianceFloor`.
  /// - Throws: `.wrongArgument` for weights that are negative or do not sum to one, `.singular` for a covariance that is
  ///   not positive definite.
  public init(
    weights: [Double], means: Matrix, covariances: MixtureCovariances, floor: CovarianceFloor = .added(0)
  ) throws(ExactError) {
    let (k, d) = (weights.count, means.columns)
    let doing = "taking \(k) components over \(d) columns"
    guard k > 0, d > 0, weights.allSatisfy({ $0 >= 0 }), abs(weights.reduce(0, +) - 1) < 1e-6 else {
      throw ExactError(.wrongArgument, doing: doing, remedy: "give weights that are not negative and sum to one")
    }
    guard means.rows == k, means.firstRowNotFinite == nil else {
      throw ExactError(.wrongArgument, doing: doing, remedy: "give one finite mean for each weight")
    }
    var logDeterminants: [Double]
    (shape, logDeterminants) = try Self.whiten(covariances, components: k, dimension: d, floor: floor)
    (self.weights, self.means, self.covariances) = (weights, means, covariances)
    if logDeterminants.count == 1 { logDeterminants = Array(repeating: logDeterminants[0], count: k) }
    constants = (0..<k).map { log(weights[$0]) - 0.5 * Double(d) * logTwoPi - 0.5 * logDeterminants[$0] }
  }

  private static func whiten(
    _ covariances: MixtureCovariances, components: Int, dimension: Int, floor: CovarianceFloor
  ) throws(ExactError) -> (ComponentShape, [Double]) {
    switch covariances {
    case .full(let matrices):
      precondition(matrices.count == components, "a covariance for each component")
      return try whiten(matrices, dimension: dimension, floor: floor)
    case .tied(let matrix): return try whiten([matrix], dimension: dimension, floor: floor)
    case .diagonal(let variances):
      precondition(variances.rows == components && variances.columns == dimension, "a variance for each column")
      return try whiten(variances)
    case .spherical(let variances):
      precondition(variances.count == components, "a variance for each component")
      return try whiten(
        Matrix(
          rows: components, columns: dimension,
          elements: variances.flatMap { Array(repeating: $0, count: dimension) }))
    }
  }

  private static func whiten(
    _ matrices: [Matrix], dimension: Int, floor: CovarianceFloor
  ) throws(ExactError) -> (ComponentShape, [Double]) {
    var (whitening, logDeterminants): ([Matrix], [Double]) = ([], [])
    for (k, matrix) in matrices.enumerated() {
      precondition(matrix.rows == dimension && matrix.isSquare, "covariances of the means' dimension")
      do {
        let factor = try floor.factor(matrix)
        whitening.append(factor.lowerInverse)
        logDeterminants.append(factor.logDeterminant)
      } catch {
        throw ExactError(error, doing: "factorising the covariance of component \(k)", remedy: singularRemedy)
      }
    }
    return (.whitening(whitening), logDeterminants)
  }

  private static func whiten(_ variances: Matrix) throws(ExactError) -> (ComponentShape, [Double]) {
    guard let bad = variances.elements.firstIndex(where: { !($0 > 0 && $0.isFinite) }) else {
      let precisions = Matrix(
        rows: variances.rows, columns: variances.columns, elements: variances.elements.map { 1 / $0 })
      return (.precisions(precisions), (0..<variances.rows).map { variances.row($0).reduce(0) { $0 + log($1) } })
    }
    throw ExactError(
      .singular,
      doing: "inverting the variance of column \(bad % variances.columns) of component \(bad / variances.columns)",
      remedy: singularRemedy)
  }

  private static let singularRemedy =
    "raise the covariance floor, ask for fewer components, or drop columns that are constant or depend on others"

  func prepare(_ scratch: MixtureScratch) {
    precondition(scratch.components == components && scratch.dimension == dimension, "scratch of this mixture")
    scratch.prepare(constants: constants, means: means, shape: shape)
  }
}

// MARK: Predictions

extension GaussianMixture {
  /// log p(x) of each row.
  public func logDensities(
    of rows: RowBlock, _ parameters: GaussianMixtureParameters, scratch: MixtureScratch? = nil
  ) throws(ExactError) -> [Double] {
    let scratch = scratch ?? makeScratch()
    parameters.prepare(scratch)
    var result: [Double] = []
    result.reserveCapacity(rows.count)
    try scratch.panels.forEachBlock(of: rows) { (_, count) throws(ExactError) in
      scratch.logDensities()
      for row in 0..<count {
        result.append(logSumExp((0..<components).map { scratch.density(row: row, component: $0) }))
      }
    }
    return result
  }

  /// p(component | x), N × K.
  public func responsibilities(
    of rows: RowBlock, _ parameters: GaussianMixtureParameters, scratch: MixtureScratch? = nil
  ) throws(ExactError) -> Matrix {
    let scratch = scratch ?? makeScratch()
    parameters.prepare(scratch)
    return try scratch.responsibilities(of: rows)
  }

  /// New rows, each with the component that it came from.
  public func sample(
    _ count: Int, _ parameters: GaussianMixtureParameters, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> (rows: Matrix, components: [Int]) {
    var rows = Matrix(rows: count, columns: dimension)
    var labels: [Int] = []
    let factors: [Cholesky]
    do {
      factors = try (0..<components).map {
        try floor.factor(parameters.covariances.matrix($0, dimension: dimension))
      }
    } catch {
      throw ExactError(.singular, doing: "sampling a mixture", remedy: "raise the covariance floor")
    }
    for i in 0..<count {
      let k = generator.categorical(parameters.weights)
      let row = generator.normal(mean: parameters.means.row(k), factor: factors[k])
      for j in 0..<dimension { rows[i, j] = row[j] }
      labels.append(k)
    }
    return (rows, labels)
  }
}
