import LinearAlgebra
import Mixtures
import Statistics

/// A linear dynamical system of many sequences, by expectation maximization (Shumway and Stoffer 1982; Ghahramani and Hinton
/// 1996): the E-step filters and smooths every sequence, the M-step is a function of sums.
///
/// Numbers that are NaN are missing: the likelihood is that of the others. It never falls, also where a floor acts: the
/// parameters are then the best among those above it.
public struct LinearDynamicalSystem: StatisticsModel {
  public typealias Parameters = LinearDynamics

  public enum Form: Hashable, Sendable {
    /// Any matrices.
    case general(states: Int)
    /// A and C are given, and so is which states are disturbed; the variances are learned.
    case structural(StructuralForm)
  }

  /// What is learned of the first state.
  public enum Initial: Hashable, Sendable {
    /// Its mean and covariance.
    case learned
    /// Its mean; the covariance stands for an infinite one.
    case diffuse
    case fixed
  }

  public let form: Form
  /// D
  public let dimension: Int
  public let initial: Initial
  /// Whether the noise of columns, and of their components, is independent.
  public let hasDiagonalNoise: Bool
  /// Of the noise of observation, and of disturbances: a part of the squared units. In the general form of the noise of
  /// states and of the first one: of a variance of one.
  public let floor: CovarianceFloor

  public init(
    _ form: Form, dimension: Int, initial: Initial? = nil, hasDiagonalNoise: Bool = false, floor: Double = 1e-8
  ) {
    precondition(dimension > 0 && floor > 0, "columns, and a floor above zero")
    (self.form, self.dimension, self.hasDiagonalNoise) = (form, dimension, hasDiagonalNoise)
    self.floor = .clipped(floor)
    if case .general = form { self.initial = initial ?? .learned } else { self.initial = initial ?? .diffuse }
  }

  /// n
  public var states: Int {
    switch form {
    case .general(let states): states
    case .structural(let form): form.statesPerColumn * dimension
    }
  }

  public var statisticsCount: Int { DynamicsSums.count(states: states, dimension: dimension) }
  public func makeScratch() {}

  func filter(_ parameters: LinearDynamics) throws(ExactError) -> KalmanFilter {
    try KalmanFilter(parameters, isDiffuse: initial == .diffuse)
  }

  // MARK: The E-step

  public func accumulate(
    _ observations: Observations, parameters: LinearDynamics, into statistics: UnsafeMutablePointer<Double>,
    scratch: Void
  ) throws(ExactError) {
    let filter = try filter(parameters)
    let sums = DynamicsSums(statistics, states: states, dimension: dimension)
    let n = states
    for sequence in observations.sequences {
      let rows = observations.inputs.rows(sequence)
      sums.logLikelihood.pointee += try filter.filter(rows, from: sequence.lowerBound)
      filter.smooth(into: sums)
      sums.add(first: filter.smoothedMeans, filter.smoothedCovariances, around: parameters.initialMean)
      for t in 0..<rows.count {
        guard let seen = try filter.sets.columns(of: rows, t) else { continue }
        sums.add(
          rows, t, seen, parameters, mean: filter.smoothedMeans + t * n, filter.smoothedCovariances + t * n * n)
      }
    }
  }

  // MARK: The M-step

  public func update(
    _ parameters: LinearDynamics, statistics: [Double]
  ) throws(ExactError) -> Improvement<LinearDynamics> {
    var numbers = statistics
    let objective = statistics[0]
    let result: Result<LinearDynamics, ExactError> = numbers.withUnsafeMutableBufferPointer { buffer in
      let sums = DynamicsSums(buffer.baseAddress!, states: states, dimension: dimension)
      do throws(ExactError) {
        return .success(try updated(parameters, sums))
      } catch {
        return .failure(error)
      }
    }
    return Improvement(parameters: try result.get(), objective: objective)
  }

  private func updated(_ parameters: LinearDynamics, _ sums: DynamicsSums) throws(ExactError) -> LinearDynamics {
    let elements = sums.elements.pointee
    guard elements > 0, sums.transitions.pointee > 0 else {
      throw ExactError(
        .tooFewRows, doing: "fitting a linear dynamical system",
        remedy: "give a sequence of at least two elements, with values")
    }
    var next = parameters
    let n = states
    let noise = sums.matrix(sums.noise, dimension, dimension)
    let disturbances = sums.matrix(sums.disturbances, n, n)
    do {
      switch form {
      case .general:
        let observed = regressed(
          sums.matrix(sums.noiseWithStates, dimension, n + 1), sums.matrix(sums.observedStates, n + 1, n + 1), noise)
        for i in 0..<dimension {
          for j in 0..<n { next.observation[i, j] += observed.change[i, j] }
          next.offset[i] += observed.change[i, n]
        }
        next.observationNoise = try covariance(observed.rest, elements, parameters.units)
        let moved = regressed(
          sums.matrix(sums.disturbancesWithStates, n, n), sums.matrix(sums.states, n, n), disturbances)
        next.transition = parameters.transition + moved.change
        next.stateNoise = try floored(moved.rest, sums.transitions.pointee, [Double](repeating: 1, count: n))
      case .structural(let form):
        next.observationNoise = try covariance(noise, elements, parameters.units)
        var parts: [Matrix] = []
        for part in form.covariances(in: disturbances, columns: dimension) {
          parts.append(try covariance(part, sums.transitions.pointee, parameters.units))
        }
        next.stateNoise = form.stateNoise(parts)
      }
      try updateFirst(&next, sums)
    } catch {
      throw ExactError(error, doing: "updating the noise of a dynamical system", remedy: "scale the columns")
    }
    return next
  }

  private func updateFirst(_ next: inout LinearDynamics, _ sums: DynamicsSums) throws(LinearAlgebraError) {
    guard initial != .fixed else { return }
    let (count, n) = (sums.sequences.pointee, states)
    let shift = sums.matrix(sums.firsts, 1, n).row(0).scaled(by: 1 / count)
    next.initialMean = next.initialMean.adding(shift)
    guard initial == .learned else { return }
    var squares = sums.matrix(sums.firstSquares, n, n)
    squares.addOuterProduct(shift, factor: -count)
    next.initialCovariance = try floored(squares, count, [Double](repeating: 1, count: n))
  }

  /// The change of coefficients that explains most of what is left over, and the squares that remain.
  /// - Parameters:
  ///   - cross: Σ r zᵀ
  ///   - moments: Σ z zᵀ
  ///   - squares: Σ r rᵀ
  private func regressed(_ cross: Matrix, _ moments: Matrix, _ squares: Matrix) -> (change: Matrix, rest: Matrix) {
    // States that do not move carry no information: the coefficients then stay.
    guard let factor = try? Cholesky(moments, jitter: .rounding) else {
      return (Matrix(rows: cross.rows, columns: cross.columns), squares)
    }
    let change = factor.solve(cross.transposed).transposed
    let explained = Matrix.product(change, cross, transposed: .right)
    let rest =
      squares - explained - explained.transposed + Matrix.product(change * moments, change, transposed: .right)
    return (change, rest)
  }

  /// The covariance of columns by a sum of squares.
  private func covariance(_ squares: Matrix, _ count: Double, _ units: [Double]) throws(LinearAlgebraError) -> Matrix {
    guard hasDiagonalNoise else { return try floored(squares, count, units) }
    return Matrix(
      diagonal: zip(squares.diagonal, units).map { floor.applied(to: $0 / count, unit: $1) })
  }

  private func floored(_ squares: Matrix, _ count: Double, _ units: [Double]) throws(LinearAlgebraError) -> Matrix {
    try floor.applied(to: ((1 / count) * squares).symmetricFromLower, units: units)
  }

  // MARK: What is learned

  /// The number of learned values that the likelihood distinguishes; those of a diffuse first state count, as in Durbin
  /// and Koopman (2012, section 7.4).
  public var freeParameters: Int {
    func covariance(_ size: Int) -> Int { size * (size + 1) / 2 }
    let noise = hasDiagonalNoise ? dimension : covariance(dimension)
    switch form {
    case .general(let n):
      // A, C and Q are one of n² as good bases.
      return n * dimension + covariance(n) + dimension + noise + (initial == .learned ? n + covariance(n) : 0)
    case .structural(let form): return (form.disturbed.count + 1) * noise + (initial == .fixed ? 0 : states)
    }
  }

  /// What the floor keeps from being smaller, by name.
  public func floored(_ parameters: LinearDynamics) -> [String] {
    var names: [String] = []
    if case .structural(let form) = form {
      let parts = form.covariances(in: parameters.stateNoise, columns: dimension)
      for (part, covariance) in zip(form.disturbed, parts) where floor.holds(covariance, units: parameters.units) {
        names.append(part.component.rawValue)
      }
    }
    if floor.holds(parameters.observationNoise, units: parameters.units) { names.append("observation") }
    return names
  }

  /// The form's one way to write its parameters, where the likelihood leaves several.
  public func identified(_ parameters: LinearDynamics) throws(LinearAlgebraError) -> LinearDynamics {
    guard case .general = form else { return parameters }
    return try parameters.identified()
  }
}

extension KalmanFilter {
  /// Filters a sequence that begins at a row; an error names the row among all.
  func filter(_ rows: RowBlock, from first: Int) throws(ExactError) -> Double {
    do throws(ExactError) {
      return try filter(rows)
    } catch {
      throw ExactError(
        error.code, row: error.row.map { $0 + first }, doing: error.doing, remedy: error.remedy)
    }
  }
}
