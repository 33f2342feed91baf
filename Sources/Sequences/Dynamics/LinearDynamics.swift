import LinearAlgebra

/// The parameters of a linear dynamical system with states xₜ ∈ ℝⁿ and elements yₜ ∈ ℝᴰ (Shumway and Stoffer 1982):
///
///     x₁ ~ N(μ, V)    xₜ₊₁ = A xₜ + wₜ,  wₜ ~ N(0, Q)    yₜ = C xₜ + d + vₜ,  vₜ ~ N(0, R)
public struct LinearDynamics: Hashable, Sendable {
  /// A, n × n.
  public var transition: Matrix
  /// C, D × n.
  public var observation: Matrix
  /// d, D numbers.
  public var offset: [Double]
  /// Q, n × n; rows of states that follow the others exactly are zero.
  public var stateNoise: Matrix
  /// R, D × D.
  public var observationNoise: Matrix
  /// μ, n numbers.
  public var initialMean: [Double]
  /// V, n × n.
  public var initialCovariance: Matrix
  /// The deviation of each column that floors are relative to.
  public var units: [Double]

  public init(
    transition: Matrix, observation: Matrix, offset: [Double], stateNoise: Matrix, observationNoise: Matrix,
    initialMean: [Double], initialCovariance: Matrix, units: [Double]
  ) {
    precondition(transition.isSquare && observation.columns == transition.rows, "matrices of n states")
    precondition(offset.count == observation.rows && units.count == observation.rows, "a number for each column")
    (self.transition, self.observation, self.offset) = (transition, observation, offset)
    (self.stateNoise, self.observationNoise) = (stateNoise, observationNoise)
    (self.initialMean, self.initialCovariance, self.units) = (initialMean, initialCovariance, units)
  }

  /// n
  public var states: Int { transition.rows }
  /// D
  public var dimension: Int { observation.rows }

  /// The mean of an element whose state has a mean.
  func element(_ state: [Double]) -> [Double] { (observation * state).adding(offset) }

  /// The variance of each column of an element whose state has a covariance, with or without the noise of observation.
  func variances(_ covariance: Matrix, withNoise: Bool) -> [Double] {
    (0..<dimension).map { j in
      max(covariance.quadraticForm(observation.row(j)), 0) + (withNoise ? observationNoise[j, j] : 0)
    }
  }

  /// The same system in the one basis that the likelihood leaves open: state noise I, the observability Gramian of n steps
  /// diagonal with descending entries, and the element of largest magnitude of each state's responses positive.
  public func identified() throws(LinearAlgebraError) -> LinearDynamics {
    let factor = try Cholesky(stateNoise, jitter: .rounding)
    let whitened = expressed(in: factor.lowerInverse, inverse: factor.lower)
    let eigen = try SymmetricEigen(try whitened.responses().gram)
    let turn = Matrix((0..<states).reversed().map { eigen.vectors.row($0) })
    let turned = whitened.expressed(in: turn, inverse: turn.transposed)
    let responses = try turned.responses()
    let signs = Matrix(
      diagonal: (0..<states).map { state in
        let largest = responses.column(state).reduce(0) { abs($1) > abs($0) ? $1 : $0 }
        return largest < 0 ? -1 : 1
      })
    var result = turned.expressed(in: signs, inverse: signs)
    result.stateNoise = .identity(states)
    return result
  }

  /// What a unit of each state adds to the elements of n steps, in deviations of their noise, n D × n.
  private func responses() throws(LinearAlgebraError) -> Matrix {
    let noise = try Cholesky(observationNoise, jitter: .rounding)
    var block = noise.solveLower(observation)
    var rows: [[Double]] = []
    for _ in 0..<states {
      rows += (0..<dimension).map { block.row($0) }
      block = block * transition
    }
    return Matrix(rows)
  }

  /// The same system for states T x.
  private func expressed(in basis: Matrix, inverse: Matrix) -> LinearDynamics {
    func turned(_ covariance: Matrix) -> Matrix {
      Matrix.product(basis * covariance, basis, transposed: .right).symmetricFromLower
    }
    var result = self
    result.transition = basis * transition * inverse
    result.observation = observation * inverse
    result.stateNoise = turned(stateNoise)
    result.initialMean = basis * initialMean
    result.initialCovariance = turned(initialCovariance)
    return result
  }
}
