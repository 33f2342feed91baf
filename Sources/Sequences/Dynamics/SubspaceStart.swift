import Foundation
import LinearAlgebra
import Mixtures
import Statistics

extension LinearDynamics {
  /// A system by the covariances of series alone: canonical correlations of the future and the past, whose strongest
  /// directions are the states (Van Overschee and De Moor 1996, chapter 3; Katayama 2005, chapter 8).
  ///
  /// States have variances of at most one. Nil: the lags do not suffice for so many states.
  static func identified(states n: Int, by moments: SeriesMoments) throws(LinearAlgebraError) -> LinearDynamics? {
    let units = moments.deviations
    let dimension = units.count
    let blocks = (moments.lags + 1) / 2
    guard (blocks - 1) * dimension >= n else { return nil }
    let covariances = (0..<2 * blocks).map { lag in
      var scaled = moments.covariance(lag: lag)
      for i in 0..<dimension {
        for j in 0..<dimension { scaled[i, j] /= units[i] * units[j] }
      }
      return scaled
    }
    func blockMatrix(_ block: (Int, Int) -> Matrix) -> Matrix {
      var result = Matrix(rows: blocks * dimension, columns: blocks * dimension)
      for a in 0..<blocks {
        for b in 0..<blocks {
          let part = block(a, b)
          for i in 0..<dimension {
            for j in 0..<dimension { result[a * dimension + i, b * dimension + j] = part[i, j] }
          }
        }
      }
      return result
    }
    let future = blockMatrix { a, b in a >= b ? covariances[a - b] : covariances[b - a].transposed }
    let past = blockMatrix { a, b in b >= a ? covariances[b - a] : covariances[a - b].transposed }
    let hankel = blockMatrix { a, b in covariances[a + b + 1] }
    let (futures, pasts) = (try SymmetricEigen(future), try SymmetricEigen(past))
    let least = 1e-6 * max(futures.values.last ?? 1, 1e-12)
    func whitening(_ eigen: SymmetricEigen) -> Matrix { eigen.matrix { 1 / max($0, least).squareRoot() } }
    let values = try SingularValues(whitening(futures) * hankel * whitening(pasts))
    let strengths = values.values.prefix(n).map { min(max($0, 1e-3), 0.999) }
    var directions = Matrix(rows: blocks * dimension, columns: n)
    for i in 0..<directions.rows {
      for k in 0..<n { directions[i, k] = values.left[i, k] * strengths[k].squareRoot() }
    }
    let observability = futures.matrix { max($0, least).squareRoot() } * directions

    let before = observability.rows((0..<(blocks - 1) * dimension))
    let after = observability.rows((dimension..<blocks * dimension))
    let transition = try Cholesky(before.gram, jitter: JitterPolicy(first: 1e-10, last: 1))
      .solve(Matrix.product(before, after, transposed: .left)).contracted()
    var observation = observability.rows((0..<dimension))
    let stateCovariance = Matrix(diagonal: strengths)
    let floor = CovarianceFloor.clipped(1e-2)
    let ones = [Double](repeating: 1, count: n)
    let moved = Matrix.product(transition * stateCovariance, transition, transposed: .right)
    let stateNoise = try floor.applied(to: (stateCovariance - moved).symmetricFromLower, units: ones)
    let seen = Matrix.product(observation * stateCovariance, observation, transposed: .right)
    var noise = try floor.applied(
      to: (covariances[0] - seen).symmetricFromLower, units: [Double](repeating: 1, count: dimension))
    for i in 0..<dimension {
      for k in 0..<n { observation[i, k] *= units[i] }
      for j in 0..<dimension { noise[i, j] *= units[i] * units[j] }
    }
    return LinearDynamics(
      transition: transition, observation: observation, offset: moments.means, stateNoise: stateNoise,
      observationNoise: noise, initialMean: [Double](repeating: 0, count: n), initialCovariance: .identity(n),
      units: units)
  }

  /// A random stable system around the means of series.
  static func drawn(
    states n: Int, around moments: SeriesMoments, using generator: inout some RandomNumberGenerator
  ) -> LinearDynamics {
    let units = moments.deviations
    func noise(_ rows: Int, _ columns: Int, _ scale: (Int) -> Double) -> Matrix {
      Matrix((0..<rows).map { i in (0..<columns).map { _ in scale(i) * generator.normal() } })
    }
    var transition = noise(n, n) { _ in 0.5 / Double(n).squareRoot() }
    transition.addToDiagonal(0.7)
    return LinearDynamics(
      transition: transition.contracted(),
      observation: noise(units.count, n) { units[$0] / Double(2 * n).squareRoot() },
      offset: moments.means, stateNoise: 0.3 * .identity(n),
      observationNoise: Matrix(diagonal: units.map { 0.5 * $0 * $0 }),
      initialMean: [Double](repeating: 0, count: n), initialCovariance: .identity(n), units: units)
  }
}

extension LinearDynamicalSystem {
  /// The greatest distance of elements between which covariances are taken for a start.
  public static func lags(_ form: Form, dimension: Int) -> Int {
    guard case .general(let states) = form else { return 1 }
    return 2 * max(states / dimension + 2, 8) - 1
  }

  /// Looks whether something can be learned of series.
  /// - Parameter names: of the columns.
  /// - Throws: `.tooFewRows` or `.wrongShape` with what is missing.
  public func validate(_ moments: SeriesMoments, names: [String]) throws(ExactError) {
    guard moments.longest > 1 else {
      throw ExactError(
        .tooFewRows, doing: "reading sequences of one element", remedy: "give a sequence of at least two elements")
    }
    if let column = moments.emptyColumn {
      throw ExactError(.tooFewRows, doing: "reading \(names[column]), which has no value", remedy: "leave it out")
    }
    if let column = moments.constantColumn {
      throw ExactError(
        .wrongShape, doing: "reading \(names[column]), whose values are all the same", remedy: "leave it out")
    }
    switch form {
    case .general(let states):
      guard states <= moments.values else {
        throw ExactError(
          .tooFewRows, doing: "starting \(states) states from \(moments.values) values",
          remedy: "ask for fewer with network.states")
      }
    case .structural(let form):
      guard form.period ?? 0 <= moments.longest else {
        throw ExactError(
          .tooFewRows, doing: "reading sequences of at most \(moments.longest) elements, less than one period",
          remedy: "set network.period to no more")
      }
    }
  }

  /// Parameters to start from: those of the moments, and of further restarts draws around them.
  public func start(
    _ moments: SeriesMoments, restart: Int, using generator: inout some RandomNumberGenerator
  ) -> LinearDynamics {
    switch form {
    case .general(let states):
      let found = restart == 0 ? try? LinearDynamics.identified(states: states, by: moments) : nil
      var start = found ?? .drawn(states: states, around: moments, using: &generator)
      if hasDiagonalNoise { start.observationNoise = Matrix(diagonal: start.observationNoise.diagonal) }
      return start
    case .structural(let form):
      // What the level and the noise share at first, and parts of it for the others.
      var shares = form.disturbed.map { part in
        switch part.component {
        case .level: 0.25
        case .slope: 1e-3
        case .season: 1e-2
        }
      }
      shares.append(0.25)
      if restart > 0 { shares = shares.map { $0 * exp(2 * generator.normal()) } }
      return form.dynamics(
        means: moments.means, shares: shares, variances: moments.stepVariances, units: moments.deviations)
    }
  }
}

extension Matrix {
  fileprivate func rows(_ range: Range<Int>) -> Matrix { Matrix(range.map { row($0) }) }

  /// The matrix, made smaller where powers of it grow: the root of the norm of its 64th power is then 0.995.
  fileprivate func contracted() -> Matrix {
    var power = self
    for _ in 0..<6 { power = power * power }
    let radius = pow(max(power.maximumNorm, 1e-300), 1.0 / 64)
    return radius > 0.995 ? (0.995 / radius) * self : self
  }
}
