import Foundation
import LinearAlgebra
import ReferenceSupport
import Sequences
import Statistics
import Testing

@Suite("Linear dynamical systems") struct DynamicsTests {
  // MARK: Exact cases

  private static func wishart(_ size: Int, _ scale: Double, _ generator: inout SplitMix64) -> Matrix {
    generator.wishart(degrees: Double(size + 3), scale: Cholesky(lower: (scale / Double(size + 3)) * .identity(size)))
      .symmetricFromLower
  }

  /// A random system of two states and three columns.
  static func system(seed: UInt64) -> LinearDynamics {
    var generator = SplitMix64(seed: seed)
    func normals(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix((0..<rows).map { _ in (0..<columns).map { _ in generator.normal() } })
    }
    return LinearDynamics(
      transition: Matrix([[0.8, 0.3], [-0.2, 0.7]]), observation: normals(3, 2), offset: [1, -2, 0.5],
      stateNoise: wishart(2, 2, &generator), observationNoise: wishart(3, 1.5, &generator),
      initialMean: [0.3, -0.4], initialCovariance: wishart(2, 3, &generator), units: [1, 1, 1])
  }

  /// Mean and covariance of all numbers of a sequence and of its states.
  private struct Joint {
    let states: (mean: [Double], covariance: Matrix)
    let elements: (mean: [Double], covariance: Matrix)
    let cross: Matrix

    init(_ p: LinearDynamics, length: Int) {
      let (n, d) = (p.states, p.dimension)
      var means = [p.initialMean]
      var covariances = [p.initialCovariance]
      for t in 1..<length {
        means.append(p.transition * means[t - 1])
        covariances.append(
          Matrix.product(p.transition * covariances[t - 1], p.transition, transposed: .right) + p.stateNoise)
      }
      var states = Matrix(rows: length * n, columns: length * n)
      for t in 0..<length {
        var block = covariances[t]
        for later in t..<length {
          for i in 0..<n {
            for j in 0..<n {
              states[later * n + i, t * n + j] = block[i, j]
              states[t * n + j, later * n + i] = block[i, j]
            }
          }
          block = p.transition * block
        }
      }
      var observation = Matrix(rows: length * d, columns: length * n)
      var noise = Matrix(rows: length * d, columns: length * d)
      for t in 0..<length {
        for i in 0..<d {
          for j in 0..<n { observation[t * d + i, t * n + j] = p.observation[i, j] }
          for j in 0..<d { noise[t * d + i, t * d + j] = p.observationNoise[i, j] }
        }
      }
      self.states = (means.flatMap { $0 }, states)
      cross = Matrix.product(states, observation, transposed: .right)
      elements = (
        means.flatMap { (p.observation * $0).adding(p.offset) }, observation * cross + noise
      )
    }
  }

  /// A sequence with missing columns, a missing row and a missing end.
  static func series(_ system: LinearDynamics, length: Int, seed: UInt64, withGaps: Bool) -> Series {
    var generator = SplitMix64(seed: seed)
    let model = LinearDynamicalSystem(.general(states: system.states), dimension: system.dimension)
    var rows = model.sample(length, system, using: &generator)
    if withGaps {
      for (row, column) in [(0, 1), (3, 0), (3, 1), (3, 2), (7, 2), (8, 0), (8, 2), (length - 1, 1)] {
        rows[row, column] = .nan
      }
    }
    return Series((0..<length).map { rows.row($0) })
  }

  @Test("The likelihood and the smoothed states are those of the joint Gaussian", arguments: [false, true])
  func joint(_ withGaps: Bool) throws {
    let system = Self.system(seed: 1)
    let series = Self.series(system, length: 20, seed: 2, withGaps: withGaps)
    let joint = Joint(system, length: 20)
    let values = series.rows.elements
    let seen = values.indices.filter { !values[$0].isNaN }
    let factor = try Cholesky(Matrix(seen.map { i in seen.map { joint.elements.covariance[i, $0] } }))
    let differences = seen.map { values[$0] - joint.elements.mean[$0] }
    let logDensity =
      -0.5
      * (factor.quadraticForm(differences) + factor.logDeterminant + Double(seen.count) * log(2 * Double.pi))
    let model = LinearDynamicalSystem(.general(states: 2), dimension: 3)
    let paths = try series.lend { (rows) throws(ExactError) in try model.paths(of: rows, system) }
    #expect(isClose(paths.logDensities.reduce(0, +), logDensity, 1e-12))
    let cross = Matrix((0..<40).map { i in seen.map { joint.cross[i, $0] } })
    let means = joint.states.mean.adding(cross * factor.solve(differences))
    #expect(relativeDifference(paths.smoothed, means) < 1e-11)
    let covariance = joint.states.covariance - cross * factor.solve(cross.transposed)
    let deviations = covariance.diagonal.map { $0.squareRoot() }
    #expect(relativeDifference(paths.smoothedDeviations, deviations) < 1e-10)
  }

  @Test("The statistics are the derivatives of the likelihood", arguments: [false, true])
  func derivatives(_ withGaps: Bool) throws {
    let system = Self.system(seed: 3)
    let series = Self.series(system, length: 12, seed: 4, withGaps: withGaps)
    let model = LinearDynamicalSystem(.general(states: 2), dimension: 3)
    var statistics = try model.statistics(of: series, system, shards: 1)[...]
    func take(_ rows: Int, _ columns: Int) -> Matrix {
      defer { statistics = statistics.dropFirst(rows * columns) }
      return Matrix(rows: rows, columns: columns, elements: Array(statistics.prefix(rows * columns)))
    }
    let counts = take(1, 4).row(0)
    let (firsts, firstSquares) = (take(1, 2).row(0), take(2, 2))
    _ = take(2, 2)
    let (disturbances, withStates) = (take(2, 2), take(2, 2))
    _ = take(3, 3)
    let (noiseWithStates, noise) = (take(3, 3), take(3, 3))
    #expect(statistics.isEmpty && counts[1] == (withGaps ? 11 : 12) && counts[2] == 11 && counts[3] == 1)

    /// The central difference along a change of a parameter.
    func slope(_ change: (inout LinearDynamics, Double) -> Void) throws -> Double {
      let values = try [1e-5, -1e-5].map { step in
        var moved = system
        change(&moved, step)
        return try series.lend { (rows) throws(ExactError) in try model.logLikelihood(of: rows, moved) }
      }
      return (values[0] - values[1]) / 2e-5
    }
    /// Of a covariance with so many draws whose squares add up to `squares`; a change moves both of two elements.
    func gradient(_ covariance: Matrix, _ squares: Matrix, _ count: Double) throws -> Matrix {
      let inverse = try Cholesky(covariance).inverse
      return 0.5 * (inverse * squares * inverse - count * inverse)
    }
    let stateNoise = try Cholesky(system.stateNoise)
    let transitions = stateNoise.solve(withStates)
    let ofStateNoise = try gradient(system.stateNoise, disturbances, 11)
    let ofFirst = try gradient(system.initialCovariance, firstSquares, 1)
    let firstMeans = try Cholesky(system.initialCovariance).solve(firsts)
    for i in 0..<2 {
      #expect(abs(try slope { $0.initialMean[i] += $1 } - firstMeans[i]) < 1e-6)
      for j in 0..<2 {
        #expect(abs(try slope { $0.transition[i, j] += $1 } - transitions[i, j]) < 1e-6)
        let twice = i == j ? 1.0 : 2
        #expect(
          abs(
            try slope {
              $0.stateNoise[i, j] += $1
              if i != j { $0.stateNoise[j, i] += $1 }
            } - twice * ofStateNoise[i, j]) < 1e-6)
        #expect(
          abs(
            try slope {
              $0.initialCovariance[i, j] += $1
              if i != j { $0.initialCovariance[j, i] += $1 }
            } - twice * ofFirst[i, j]) < 1e-6)
      }
    }
    let observations = try Cholesky(system.observationNoise).solve(noiseWithStates)
    let ofNoise = try gradient(system.observationNoise, noise, counts[1])
    for i in 0..<3 {
      #expect(abs(try slope { $0.offset[i] += $1 } - observations[i, 2]) < 1e-6)
      for j in 0..<2 { #expect(abs(try slope { $0.observation[i, j] += $1 } - observations[i, j]) < 1e-6) }
      for j in 0..<3 {
        #expect(
          abs(
            try slope {
              $0.observationNoise[i, j] += $1
              if i != j { $0.observationNoise[j, i] += $1 }
            } - (i == j ? 1 : 2) * ofNoise[i, j]) < 1e-6)
      }
    }
  }

  @Test("A million times the precision in observation than in motion keeps covariances positive") func precise() throws
  {
    var system = Self.system(seed: 5)
    system.observationNoise = 1e-12 * system.observationNoise
    system.initialCovariance = 1e9 * system.initialCovariance
    let series = Self.series(system, length: 300, seed: 6, withGaps: true)
    let model = LinearDynamicalSystem(.general(states: 2), dimension: 3)
    let paths = try series.lend { (rows) throws(ExactError) in try model.paths(of: rows, system) }
    #expect(paths.smoothedDeviations.allSatisfy { $0 > 0 && $0.isFinite })
    #expect(zip(paths.smoothedDeviations, paths.filteredDeviations).allSatisfy { $0 <= $1 * (1 + 1e-6) })
  }

  @Test("Another basis of the states changes nothing, and is written in one way") func basis() throws {
    let system = Self.system(seed: 7)
    let (turn, back) = (Matrix([[2, 1], [0.5, -1]]), try Cholesky(Matrix([[4.25, 1.5], [1.5, 2]])).inverse)
    let inverse = back * turn.transposed
    #expect(relativeDifference((inverse * turn).elements, Matrix.identity(2).elements) < 1e-12)
    var other = system
    other.transition = turn * system.transition * inverse
    other.observation = system.observation * inverse
    other.stateNoise = Matrix.product(turn * system.stateNoise, turn, transposed: .right)
    other.initialMean = turn * system.initialMean
    other.initialCovariance = Matrix.product(turn * system.initialCovariance, turn, transposed: .right)
    let series = Self.series(system, length: 30, seed: 8, withGaps: true)
    let model = LinearDynamicalSystem(.general(states: 2), dimension: 3)
    func logLikelihood(_ system: LinearDynamics) throws -> Double {
      try series.lend { (rows) throws(ExactError) in try model.logLikelihood(of: rows, system) }
    }
    let known = try logLikelihood(system)
    #expect(isClose(try logLikelihood(other), known, 1e-12))
    let (one, two) = (try model.identified(system), try model.identified(other))
    #expect(isClose(try logLikelihood(one), known, 1e-12))
    #expect(one.stateNoise == .identity(2))
    #expect(relativeDifference(one.transition.elements, two.transition.elements) < 1e-9)
    #expect(relativeDifference(one.observation.elements, two.observation.elements) < 1e-9)
    #expect(relativeDifference(one.initialMean, two.initialMean) < 1e-9)
  }

  // MARK: EM

  static let forms: [(String, LinearDynamicalSystem.Form)] = [
    ("general, 1 state", .general(states: 1)), ("general, 3 states", .general(states: 3)),
    ("local level", .structural(StructuralForm())), ("local trend", .structural(StructuralForm(hasSlope: true))),
    ("season", .structural(StructuralForm(period: 4))),
    ("trend and season", .structural(StructuralForm(hasSlope: true, period: 3))),
  ]

  private func expectRise(
    _ model: LinearDynamicalSystem, _ series: Series, shards: Int, restart: Int = 0, iterations: Int = 25
  ) throws -> LinearDynamics {
    var generator = SplitMix64(seed: 9)
    let start = model.start(try series.moments(for: model), restart: restart, using: &generator)
    let (parameters, objectives) = try model.iterate(series, from: start, iterations, shards: shards)
    for (before, after) in zip(objectives, objectives.dropFirst()) {
      #expect(after.isFinite && after >= before - 1e-9 * abs(before), "\(before) to \(after)")
    }
    #expect(objectives.last! > objectives[0])
    return parameters
  }

  @Test("The likelihood never falls", arguments: forms.indices, [false, true])
  func rises(_ form: Int, _ hasDiagonalNoise: Bool) throws {
    let model = LinearDynamicalSystem(Self.forms[form].1, dimension: 2, hasDiagonalNoise: hasDiagonalNoise)
    var series = Problems.ragged(dimension: 2)
    let whole = try expectRise(model, series, shards: 3)
    #expect(!hasDiagonalNoise || whole.observationNoise[0, 1] == 0)
    _ = try expectRise(model, series, shards: 1, restart: 1)
    for row in stride(from: 0, to: series.rows.rows, by: 3) { series.rows[row, row % 2] = .nan }
    for row in 20..<25 { (series.rows[row, 0], series.rows[row, 1]) = (.nan, .nan) }
    _ = try expectRise(model, series, shards: 12)
  }

  @Test("At floors: series without noise", arguments: forms.indices) func floors(_ form: Int) throws {
    let model = LinearDynamicalSystem(Self.forms[form].1, dimension: 1, floor: 1e-3)
    let series = Series((0..<60).map { Double($0 % 2) + ($0 < 30 ? 0 : 1) }, lengths: [29, 1, 30])
    let parameters = try expectRise(model, series, shards: 2, iterations: 200)
    #expect(parameters.observationNoise[0, 0] >= 1e-3 * parameters.units[0] * parameters.units[0] * (1 - 1e-12))
  }

  @Test("A line without noise comes to the floor, which is named") func namedFloor() throws {
    let model = LinearDynamicalSystem(.structural(StructuralForm(hasSlope: true)), dimension: 1, floor: 1e-2)
    let series = Series((0..<40).map { 3 + 0.5 * Double($0) })
    let parameters = try expectRise(model, series, shards: 1, iterations: 60)
    #expect(model.floored(parameters) == ["level", "slope", "observation"])
  }

  @Test("A long series tells the system that it came from, from the start by subspaces") func recovery() throws {
    let truth = Self.system(seed: 11)
    let series = Self.series(truth, length: 4000, seed: 12, withGaps: false)
    let model = LinearDynamicalSystem(.general(states: 2), dimension: 3)
    var generator = SplitMix64(seed: 13)
    let start = model.start(try series.moments(for: model), restart: 0, using: &generator)
    func logLikelihood(_ system: LinearDynamics) throws -> Double {
      try series.lend { (rows) throws(ExactError) in try model.logLikelihood(of: rows, system) }
    }
    let known = try logLikelihood(truth)
    let drawn = model.start(try series.moments(for: model), restart: 1, using: &generator)
    #expect(try known - logLikelihood(start) < 0.2 * (known - logLikelihood(drawn)))
    let fit = try model.iterate(series, from: start, 30).parameters
    #expect(try logLikelihood(fit) > known)
    let (one, two) = (try model.identified(truth), try model.identified(fit))
    #expect(relativeDifference(two.transition.trace, one.transition.trace) < 0.05)
  }

  // MARK: Forecasts

  @Test("Intervals of 50, 80 and 95 % hold as many next elements", arguments: [0, 2, 5])
  func calibration(_ form: Int) throws {
    let model = LinearDynamicalSystem(Self.forms[form].1, dimension: 1)
    var generator = SplitMix64(seed: 14)
    let values = (0..<400).map { 10 + 0.1 * Double($0) + 4 * generator.normal() }
    let system = model.start(try Series(values).moments(for: model), restart: 0, using: &generator)
    let draws = 1500
    var inside = [0.5: 0, 0.8: 0, 0.95: 0]
    for draw in 0..<draws {
      let rows = model.sample(34, system, using: &generator)
      let seen = Series((0..<30).map { $0 == 7 ? [.nan] : rows.row($0) })
      let step = draw % 4
      let forecast = try seen.lend { (rows) throws(ExactError) in try model.forecasts(after: rows, steps: 4, system)[0]
      }
      let distance = abs(rows[30 + step, 0] - forecast.means[step, 0]) / forecast.deviations[step, 0]
      for level in inside.keys where distance <= normalQuantile(0.5 + level / 2) { inside[level]! += 1 }
    }
    for (level, count) in inside {
      let error = (level * (1 - level) / Double(draws)).squareRoot()
      #expect(abs(Double(count) / Double(draws) - level) < 3 * error, "\(level): \(count) of \(draws)")
    }
  }

  // MARK: What nothing can be learned of

  private func message(_ form: LinearDynamicalSystem.Form, _ values: [Double], lengths: [Int]? = nil) throws -> String {
    let model = LinearDynamicalSystem(form, dimension: 1)
    let error = #expect(throws: ExactError.self) {
      try model.validate(Series(values, lengths: lengths).moments(for: model), names: ["flow"])
    }
    return error?.description ?? ""
  }

  @Test("Series that say nothing are refused in one line") func refused() throws {
    let level = LinearDynamicalSystem.Form.structural(StructuralForm())
    #expect(try message(level, [3]).contains("one element"))
    #expect(try message(level, [3, 4], lengths: [1, 1]).contains("one element"))
    #expect(try message(level, [Double](repeating: 0.1, count: 9)).contains("flow, whose values are all the same"))
    #expect(try message(level, [Double](repeating: .nan, count: 9)).contains("flow, which has no value"))
    #expect(try message(.general(states: 5), [1, 2, 3, 5]).contains("5 states"))
    let season = LinearDynamicalSystem.Form.structural(StructuralForm(period: 12))
    #expect(try message(season, [1, 2, 1, 2, 1]).contains("period"))
  }

  @Test("An infinity is named with its row") func infinity() throws {
    let model = LinearDynamicalSystem(.structural(StructuralForm()), dimension: 1)
    let system = StructuralForm().dynamics(means: [0], shares: [1, 1], variances: [1], units: [1])
    let series = Series([1, 2, 3, .infinity, 2], lengths: [2, 3])
    let error = #expect(throws: ExactError.self) { try model.statistics(of: series, system, shards: 1) }
    #expect(error?.row == 3)
  }
}
