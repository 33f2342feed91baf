import LinearAlgebra
import Statistics

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
