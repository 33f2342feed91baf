import LinearAlgebra

/// What keeps covariances away from zero: variances in squared units of the data, or, for a mixture whose floor is relative,
/// as parts of the columns' own variances.
public enum CovarianceFloor: Hashable, Sendable {
  /// Added to every variance, as scikit-learn's `reg_covar`. The log-likelihood may then fall by as little as the floor
  /// changes it; with zero it is plain maximum likelihood, and a component that shrinks to a point is an error.
  case added(Double)
  /// Eigenvalues and variances below it are raised to it: the maximum of the likelihood over all covariances that are no
  /// smaller, so the log-likelihood never falls.
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

  /// - Parameter unit: the deviation that the variance is taken relative to.
  package func applied(to variance: Double, unit: Double) -> Double {
    switch self {
    case .added(let value): variance + value * unit * unit
    case .clipped(let value): max(variance, value * unit * unit)
    }
  }

  /// - Parameter units: a deviation for each column.
  package func applied(to matrix: Matrix, units: [Double]) throws(LinearAlgebraError) -> Matrix {
    switch self {
    case .added(let value):
      var result = matrix
      for j in 0..<matrix.rows { result[j, j] += value * units[j] * units[j] }
      return result
    case .clipped(let value):
      let eigen = try SymmetricEigen(matrix.scaled(by: units.map { 1 / $0 }))
      return (eigen.values.first ?? value) >= value ? matrix : eigen.matrix { max($0, value) }.scaled(by: units)
    }
  }

  /// Whether a covariance is no larger, in some direction, than the floor alone makes it.
  package func holds(_ matrix: Matrix, units: [Double]) -> Bool {
    guard value > 0 else { return false }
    var rest = matrix.scaled(by: units.map { 1 / $0 })
    switch self {
    case .added: rest.addToDiagonal(-2 * value)
    case .clipped: rest.addToDiagonal(-value * (1 + 1e-6))
    }
    return (try? Cholesky(rest)) == nil
  }

  func factor(_ matrix: Matrix) throws(LinearAlgebraError) -> Cholesky { try Cholesky(matrix, jitter: jitter) }
}

extension Matrix {
  /// D A D for a diagonal D.
  fileprivate func scaled(by diagonal: [Double]) -> Matrix {
    var result = self
    for i in 0..<rows {
      for j in 0..<columns { result[i, j] *= diagonal[i] * diagonal[j] }
    }
    return result
  }
}

extension GaussianMixture {
  /// What floors are relative to: the deviation of each column over all rows, as the mixture has it; ones when the floor
  /// is not relative. A column without variance counts as the widest one does, all of them as their magnitude.
  func units(weights: [Double], means: Matrix, covariances: MixtureCovariances) -> [Double] {
    guard floorIsRelative else { return [Double](repeating: 1, count: dimension) }
    var variances = [Double](repeating: 0, count: dimension)
    var magnitude = 0.0
    for j in 0..<dimension {
      let shift = (0..<components).reduce(0) { $0 + weights[$1] * (means[$1, j] - means[0, j]) }
      for k in 0..<components {
        let difference = means[k, j] - means[0, j] - shift
        variances[j] += weights[k] * (covariances.variance(k, column: j) + difference * difference)
      }
      magnitude = max(magnitude, abs(means[0, j] + shift))
    }
    let widest = variances.max() ?? 0
    if covariance == .spherical {
      // One variance for all columns has one unit.
      let mean = variances.reduce(0) { $0 + $1 / Double(dimension) }
      variances = [Double](repeating: mean, count: dimension)
    }
    let least = widest > 0 ? widest.squareRoot() : magnitude > 0 ? magnitude : 1
    return variances.map { $0 > 0 ? $0.squareRoot() : least }
  }

  /// The components that the floor keeps from being narrower: their rows lie in a plane, or on a point.
  public func flooredComponents(_ parameters: GaussianMixtureParameters) -> [Int] {
    let units = units(weights: parameters.weights, means: parameters.means, covariances: parameters.covariances)
    if covariance == .tied {
      let matrix = parameters.covariances.matrix(0, dimension: dimension)
      return floor.holds(matrix, units: units) ? Array(0..<components) : []
    }
    return (0..<components).filter {
      floor.holds(parameters.covariances.matrix($0, dimension: dimension), units: units)
    }
  }

  /// Whether a component says nothing but that the likelihood has no bound: the floor alone keeps it from a point or a
  /// plane, or it has fewer rows than a covariance needs.
  public func isDegenerate(_ parameters: GaussianMixtureParameters, rows: Int) -> Bool {
    let least: Double =
      switch covariance {
      case .full: Double(dimension + 1)
      case .diagonal, .spherical: 2
      case .tied: 0
      }
    return parameters.weights.contains { $0 * Double(rows) < least } || !flooredComponents(parameters).isEmpty
  }
}
