import Distributions
import Foundation
import LinearAlgebra
import Statistics

/// Principal component analysis by the eigenvectors of the covariance, which one pass over the data gives.
///
/// Of few rows with many columns a covariance would be larger than the data: the statistics then are the rows themselves,
/// each in its place, and the components their right singular vectors (Bishop 2006, section 12.1.4).
///
/// The objective is minus the squared error of reconstructing all rows.
public struct PrincipalComponents: StatisticsModel {
  public let dimension: Int
  /// How many components are kept.
  public let components: Int
  /// N, when the rows themselves are the statistics.
  let collectedRows: Int?

  /// - Parameter rows: how many rows the data has, if that is known: what allows the form for few rows.
  /// - Throws: `.wrongArgument` for no components, or more than columns.
  public init(components: Int, dimension: Int, rows: Int? = nil) throws(ExactError) {
    guard components > 0, components <= dimension else {
      throw ExactError(
        .wrongArgument, doing: "asking for \(components) principal components of \(dimension) columns",
        remedy: "ask for at least one and at most \(dimension)")
    }
    (self.components, self.dimension) = (components, dimension)
    collectedRows = rows.flatMap { components <= $0 && 2 * $0 <= dimension ? $0 : nil }
  }

  public var statisticsCount: Int {
    collectedRows.map { 1 + $0 * dimension } ?? 1 + dimension + packedCount(dimension)
  }

  /// Nil when rows are collected, which needs no memory of its own.
  public func makeScratch() -> MomentScratch? { collectedRows == nil ? MomentScratch(dimension: dimension) : nil }

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
    into statistics: UnsafeMutablePointer<Double>, scratch: MomentScratch?
  ) throws(ExactError) {
    guard let scratch else { return try collect(observations, pivot: parameters.pivot, into: statistics) }
    scratch.begin(pivot: parameters.pivot)
    try scratch.add(observations.inputs)
    scratch.flush(into: statistics)
  }

  public func update(
    _ parameters: PrincipalComponentsParameters, statistics: [Double]
  ) throws(ExactError) -> Improvement<PrincipalComponentsParameters> {
    guard statistics[0] >= 1 else {
      throw ExactError(.tooFewRows, doing: "finding principal components", remedy: "give at least one row")
    }
    let next: PrincipalComponentsParameters
    if let collectedRows {
      next = try components(
        of: Matrix(rows: collectedRows, columns: dimension, elements: Array(statistics.dropFirst())),
        pivot: parameters.pivot)
    } else {
      var moments = GaussianMoments(pivot: parameters.pivot)
      moments.flat = statistics
      next = try components(of: moments)
    }
    let lost = next.spectrum.dropFirst(components).reduce(0, +) * max(next.count - 1, 1)
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
