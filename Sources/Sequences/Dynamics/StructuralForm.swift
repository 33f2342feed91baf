import LinearAlgebra

/// A structural time series (Harvey 1989; Durbin and Koopman 2012, section 3.2): each column is a level, which may have a
/// slope and a season, and noise. Of several columns the disturbances of one component may be correlated.
///
///     level:   μₜ₊₁ = μₜ + νₜ + ξₜ      slope: νₜ₊₁ = νₜ + ζₜ      season: γₜ₊₁ = −(γₜ + … + γₜ₋ₛ₊₂) + ωₜ
///
/// A state has component after component, and of a component column after column.
public struct StructuralForm: Hashable, Sendable {
  public let hasSlope: Bool
  /// s: elements of a season; nil: there is no season.
  public let period: Int?

  public init(hasSlope: Bool = false, period: Int? = nil) {
    precondition((period ?? 2) >= 2, "a season has elements that differ")
    (self.hasSlope, self.period) = (hasSlope, period)
  }

  public enum Component: String, Sendable, Hashable { case level, slope, season }

  /// The components that are disturbed, with the place of each in the state of one column.
  public var disturbed: [(component: Component, place: Int)] {
    [(.level, 0)] + (hasSlope ? [(.slope, 1)] : []) + (period == nil ? [] : [(.season, seasonPlace)])
  }

  private var seasonPlace: Int { hasSlope ? 2 : 1 }
  /// States of one column.
  public var statesPerColumn: Int { seasonPlace + (period.map { $0 - 1 } ?? 0) }

  /// A of some columns.
  func transition(columns: Int) -> Matrix {
    var one = Matrix(rows: statesPerColumn, columns: statesPerColumn)
    one[0, 0] = 1
    if hasSlope { (one[0, 1], one[1, 1]) = (1, 1) }
    if period != nil {
      for place in seasonPlace..<statesPerColumn {
        one[seasonPlace, place] = -1
        if place > seasonPlace { one[place, place - 1] = 1 }
      }
    }
    return one.repeated(columns)
  }

  /// C of some columns.
  func observation(columns: Int) -> Matrix {
    var one = Matrix(rows: 1, columns: statesPerColumn)
    one[0, 0] = 1
    if period != nil { one[0, seasonPlace] = 1 }
    return one.repeated(columns)
  }

  /// Q by the covariance of each component's disturbances, D × D.
  func stateNoise(_ covariances: [Matrix]) -> Matrix {
    let columns = covariances[0].rows
    var result = Matrix(rows: statesPerColumn * columns, columns: statesPerColumn * columns)
    for (part, covariance) in zip(disturbed, covariances) {
      for i in 0..<columns {
        for j in 0..<columns { result[part.place * columns + i, part.place * columns + j] = covariance[i, j] }
      }
    }
    return result
  }

  /// The covariance of each component's disturbances in a matrix of all states.
  public func covariances(in matrix: Matrix, columns: Int) -> [Matrix] {
    disturbed.map { part in
      Matrix(
        (0..<columns).map { i in
          (0..<columns).map { j in matrix[part.place * columns + i, part.place * columns + j] }
        })
    }
  }

  /// A system to start from.
  /// - Parameters:
  ///   - means: of each column.
  ///   - shares: the variances of the disturbances of each component, and behind them that of the observation, as parts of
  ///     the columns' `variances`.
  ///   - variances: of each column's steps from element to element.
  ///   - units: deviations of each column. The first state has 10⁷ times their squares as variances: next to nothing is
  ///     known of it.
  public func dynamics(
    means: [Double], shares: [Double], variances: [Double], units: [Double]
  ) -> LinearDynamics {
    let columns = means.count
    func noise(_ share: Double) -> Matrix { Matrix(diagonal: variances.map { share * $0 }) }
    let spread = Array(repeating: units.map { 1e7 * $0 * $0 }, count: statesPerColumn).flatMap { $0 }
    return LinearDynamics(
      transition: transition(columns: columns), observation: observation(columns: columns),
      offset: [Double](repeating: 0, count: columns), stateNoise: stateNoise(shares.dropLast().map(noise)),
      observationNoise: noise(shares.last!),
      initialMean: means + [Double](repeating: 0, count: (statesPerColumn - 1) * columns),
      initialCovariance: Matrix(diagonal: spread), units: units)
  }
}

extension Matrix {
  /// The Kronecker product with an identity matrix: every element for each of so many columns.
  fileprivate func repeated(_ count: Int) -> Matrix {
    var result = Matrix(rows: rows * count, columns: columns * count)
    for i in 0..<rows {
      for j in 0..<columns {
        for k in 0..<count { result[i * count + k, j * count + k] = self[i, j] }
      }
    }
    return result
  }
}
