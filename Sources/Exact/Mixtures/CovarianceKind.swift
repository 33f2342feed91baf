import LinearAlgebra

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

/// What keeps covariances away from zero, in squared units of the data.
public enum CovarianceFloor: Hashable, Sendable {
  /// Added to every variance, as scikit-learn's `reg_covar`. The log-likelihood may then fall by as little as the floor
  /// changes it; with zero it is plain maximum likelihood, and a component that shrinks to a point is an error.
  case added(Double)
  /// Eigenvalues and variances below it are raised to it: the maximum of the likelihood over all covariances ⪰ floor · I,
  /// so the log-likelihood never falls.
  case clipped(Double)

  /// scikit-learn's 1e-6, added.
  public static let standard = CovarianceFloor.added(1e-6)

  var value: Double {
    switch self {
    case .added(let value), .clipped(let value): value
    }
  }

  /// Jitter as far as rounding errors go, but only where a floor was asked for.
  private var jitter: JitterPolicy { value > 0 ? .rounding : .none }

  func applied(to variance: Double) -> Double {
    switch self {
    case .added(let value): variance + value
    case .clipped(let value): max(variance, value)
    }
  }

  func applied(to matrix: Matrix) throws(LinearAlgebraError) -> Matrix {
    switch self {
    case .added(let value):
      var result = matrix
      result.addToDiagonal(value)
      return result
    case .clipped(let value):
      let eigen = try SymmetricEigen(matrix)
      return (eigen.values.first ?? value) >= value ? matrix : eigen.matrix { max($0, value) }
    }
  }

  func factor(_ matrix: Matrix) throws(LinearAlgebraError) -> Cholesky { try Cholesky(matrix, jitter: jitter) }
}
