import Distributions
import Foundation
import LinearAlgebra

/// Principal component analysis by the eigenvectors of the covariance, which one pass over the data gives.
///
/// The objective is minus the squared error of reconstructing all rows.
public struct PrincipalComponents: StatisticsModel {
  public let dimension: Int
  /// How many components are kept.
  public let components: Int

  /// - Throws: `.wrongArgument` for no components, or more than columns.
  public init(components: Int, dimension: Int) throws(ExactError) {
    guard components > 0, components <= dimension else {
      throw ExactError(
        .wrongArgument, doing: "asking for \(components) principal components of \(dimension) columns",
        remedy: "ask for at least one and at most \(dimension)")
    }
    (self.components, self.dimension) = (components, dimension)
  }

  public var statisticsCount: Int { 1 + dimension + packedCount(dimension) }

  public func makeScratch() -> MomentScratch { MomentScratch(dimension: dimension) }

  /// Nothing known yet.
  /// - Parameter pivot: what moments are taken around: any row of the data.
  public func start(pivot: [Double]) -> PrincipalComponentsParameters {
    precondition(pivot.count == dimension, "a pivot of the data's dimension")
    return PrincipalComponentsParameters(
      pivot: pivot, mean: pivot, directions: Matrix(rows: 0, columns: dimension), variances: [], spectrum: [],
      count: 0)
  }

  public func accumulate(
    _ observations: Observations, parameters: PrincipalComponentsParameters,
    into statistics: UnsafeMutablePointer<Double>, scratch: MomentScratch
  ) throws(ExactError) {
    scratch.begin(pivot: parameters.pivot)
    try scratch.add(observations.inputs)
    scratch.flush(into: statistics)
  }

  public func update(
    _ parameters: PrincipalComponentsParameters, statistics: [Double]
  ) throws(ExactError) -> Improvement<PrincipalComponentsParameters> {
    var moments = GaussianMoments(pivot: parameters.pivot)
    moments.flat = statistics
    guard moments.count >= 1 else {
      throw ExactError(.tooFewRows, doing: "finding principal components", remedy: "give at least one row")
    }
    let next = try components(of: moments)
    let lost = next.spectrum.dropFirst(components).reduce(0, +) * max(moments.count - 1, 1)
    return Improvement(parameters: next, objective: -lost, of: .after, isFinal: true)
  }

  /// The components of data with these moments. With one row all variances are zero.
  public func components(of moments: GaussianMoments) throws(ExactError) -> PrincipalComponentsParameters {
    let eigen: SymmetricEigen
    do {
      eigen = try SymmetricEigen((1 / max(moments.count - 1, 1)) * moments.scatter)
    } catch {
      throw ExactError(error, doing: "finding principal components", remedy: "scale the columns to similar magnitudes")
    }
    // Rounding leaves values just below zero where there is no variance.
    let spectrum = eigen.values.reversed().map { max($0, 0) }
    let directions = Matrix((0..<components).map { eigen.vectors.row(dimension - 1 - $0) })
    return PrincipalComponentsParameters(
      pivot: moments.pivot, mean: moments.mean, directions: directions, variances: Array(spectrum.prefix(components)),
      spectrum: spectrum, count: moments.count)
  }
}

/// Principal components of a data set.
public struct PrincipalComponentsParameters: Hashable, Sendable {
  /// What moments were taken around.
  public let pivot: [Double]
  public let mean: [Double]
  /// Components × D: orthonormal rows by falling variance, the element of largest magnitude of each positive.
  public let directions: Matrix
  /// The variance along each component, with N − 1 in the denominator.
  public let variances: [Double]
  /// All D variances, falling.
  public let spectrum: [Double]
  /// N
  public let count: Double

  public init(
    pivot: [Double], mean: [Double], directions: Matrix, variances: [Double], spectrum: [Double], count: Double
  ) {
    (self.pivot, self.mean, self.directions) = (pivot, mean, directions)
    (self.variances, self.spectrum, self.count) = (variances, spectrum, count)
  }

  /// The share of the whole variance that each component explains; zero when there is none.
  public var varianceRatios: [Double] {
    let total = spectrum.reduce(0, +)
    return variances.map { total > 0 ? $0 / total : 0 }
  }

  /// Coordinates along the components, N × components.
  /// - Parameter whitened: whether each coordinate is divided by its standard deviation; where that is zero it stays zero.
  public func coordinates(of rows: RowBlock, whitened: Bool = false) -> Matrix {
    var centred = rows.matrix
    for i in 0..<centred.rows {
      for j in 0..<centred.columns { centred[i, j] -= mean[j] }
    }
    var result = Matrix.product(centred, directions, transposed: .right)
    guard whitened else { return result }
    for k in 0..<result.columns {
      let factor = variances[k] > 0 ? 1 / variances[k].squareRoot() : 0
      for i in 0..<result.rows { result[i, k] *= factor }
    }
    return result
  }

  /// Rows from their coordinates (not whitened), N × D.
  public func rows(from coordinates: Matrix) -> Matrix {
    var result = coordinates * directions
    for i in 0..<result.rows {
      for j in 0..<result.columns { result[i, j] += mean[j] }
    }
    return result
  }
}
