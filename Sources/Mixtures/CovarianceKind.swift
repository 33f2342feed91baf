import LinearAlgebra
import Statistics

/// The covariances that a mixture's components may have.
public enum CovarianceKind: String, CaseIterable, Hashable, Sendable {
  /// One matrix for each component.
  case full
  /// One matrix for all.
  case tied
  /// Variances of the columns for each component.
  case diagonal
  /// One variance for each component.
  case spherical

  /// Doubles of the second moments that estimate them.
  func momentCount(components: Int, dimension: Int) -> Int {
    switch self {
    case .full: components * packedCount(dimension)
    case .tied: packedCount(dimension)
    case .diagonal: components * dimension
    case .spherical: components
    }
  }

  /// Free parameters of the covariances, for information criteria.
  func freeParameters(components: Int, dimension: Int) -> Int {
    momentCount(components: components, dimension: dimension)
  }
}

/// The covariances of a mixture.
public enum MixtureCovariances: Hashable, Sendable {
  case full([Matrix])
  case tied(Matrix)
  /// K × D
  case diagonal(Matrix)
  case spherical([Double])

  public var kind: CovarianceKind {
    switch self {
    case .full: .full
    case .tied: .tied
    case .diagonal: .diagonal
    case .spherical: .spherical
    }
  }

  /// The variance of a column within component k.
  func variance(_ k: Int, column j: Int) -> Double {
    switch self {
    case .full(let matrices): matrices[k][j, j]
    case .tied(let matrix): matrix[j, j]
    case .diagonal(let variances): variances[k, j]
    case .spherical(let variances): variances[k]
    }
  }

  /// The covariance of component k as a matrix.
  public func matrix(_ k: Int, dimension: Int) -> Matrix {
    switch self {
    case .full(let matrices): matrices[k]
    case .tied(let matrix): matrix
    case .diagonal(let variances): Matrix(diagonal: variances.row(k))
    case .spherical(let variances): Matrix(diagonal: Array(repeating: variances[k], count: dimension))
    }
  }
}
