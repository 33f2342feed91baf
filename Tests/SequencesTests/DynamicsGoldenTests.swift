import LinearAlgebra
import ReferenceSupport
import Sequences
import Statistics
import Testing

/// Numbers of statsmodels and pykalman (scripts/reference/dynamics.py).
@Suite("Linear dynamical systems: golden numbers") struct DynamicsGoldenTests {
  private static let golden = Golden("dynamics")
  private static let nile = golden["nile"].doubles

  /// A form with given variances: of the disturbances, and behind them of the observation.
  private func system(_ form: StructuralForm, _ variances: [Double], _ series: Series) throws -> LinearDynamics {
    let values = series.rows.elements.filter { !$0.isNaN }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    return form.dynamics(means: [mean], shares: variances, variances: [1], units: [variance.squareRoot()])
  }

  @Test("The Nile with a first state that something is known of, and EM from there") func nileProper() throws {
    let expected = Self.golden["nile_proper"]
    let series = Series(Self.nile)
    let model = LinearDynamicalSystem(.structural(StructuralForm()), dimension: 1, initial: .fixed)
    func parameters(_ level: Double, _ observation: Double) throws -> LinearDynamics {
      var result = try system(StructuralForm(), [level, observation], series)
      (result.initialMean, result.initialCovariance) = ([1000], Matrix([[1e5]]))
      return result
    }
    let known = try parameters(1469.1, 15099)
    let logLikelihood = try series.lend { (rows) throws(ExactError) in try model.logLikelihood(of: rows, known) }
    #expect(isClose(logLikelihood, -639.3007238141722, 1e-12))
    #expect(isClose(logLikelihood, expected["log_likelihood"].double, 1e-12))
    let paths = try series.lend { (rows) throws(ExactError) in try model.paths(of: rows, known) }
    #expect(relativeDifference(paths.smoothed, expected["smoothed"].doubles) < 1e-12)
    #expect(relativeDifference(paths.smoothedDeviations.map { $0 * $0 }, expected["variances"].doubles) < 1e-10)
    for steps in [1, 10, 50] {
      let numbers = expected["em_\(steps)"].doubles
      let fit = try model.iterate(series, from: parameters(1000, 10000), steps).parameters
      #expect(isClose(fit.stateNoise[0, 0], numbers[0], 1e-10), "\(steps) steps")
      #expect(isClose(fit.observationNoise[0, 0], numbers[1], 1e-10), "\(steps) steps")
      let last = try series.lend { (rows) throws(ExactError) in try model.logLikelihood(of: rows, fit) }
      #expect(isClose(last, numbers[2], 1e-11))
    }
  }

  /// What statsmodels says with its exact diffuse start.
  private func expectAgreement(_ name: String, _ form: StructuralForm, _ series: Series) throws {
    let expected = Self.golden[name]
    let start = expected["start"].doubles
    let model = LinearDynamicalSystem(.structural(form), dimension: 1)
    let parameters = try system(form, Array(start.dropFirst()) + [start[0]], series)
    let paths = try series.lend { (rows) throws(ExactError) in try model.paths(of: rows, parameters) }
    #expect(isClose(paths.logDensities.reduce(0, +), expected["start_log_likelihood"].double, 1e-6))
    #expect(relativeDifference(paths.logDensities, expected["start_log_densities"].doubles) < 1e-5)
    let n = model.states
    func levels(_ states: [Double]) -> [Double] { stride(from: 0, to: states.count, by: n).map { states[$0] } }
    #expect(relativeDifference(levels(paths.smoothed), expected["smoothed"].doubles) < 1e-5)
    let variances = levels(paths.smoothedDeviations).map { $0 * $0 }
    #expect(relativeDifference(variances, expected["smoothed_variance"].doubles) < 1e-5)
    #expect(relativeDifference(Array(paths.smoothed.suffix(n)), expected["last_state"].doubles) < 1e-5)
    let filtered = Array(levels(paths.filtered).dropFirst(n))
    #expect(relativeDifference(filtered, Array(expected["filtered"].doubles.dropFirst(n))) < 1e-5)
    let means = expected["forecast_mean"].doubles
    let forecast = try series.lend { (rows) throws(ExactError) in
      try model.forecasts(after: rows, steps: means.count, parameters)[0]
    }
    #expect(relativeDifference(forecast.means.column(0), means) < 1e-5)
    #expect(relativeDifference(forecast.deviations.column(0), expected["forecast_std"].doubles) < 1e-5)
  }

  private static var gaps: Series {
    Series(nile.enumerated().map { (20..<40).contains($0.offset) || (60..<80).contains($0.offset) ? .nan : $0.element })
  }

  @Test("The Nile as a local level, whole and with forty years missing, and as a local trend") func nile() throws {
    try expectAgreement("local_level", StructuralForm(), Series(Self.nile))
    try expectAgreement("local_level_gaps", StructuralForm(), Self.gaps)
    try expectAgreement("local_trend", StructuralForm(hasSlope: true), Series(Self.nile))
  }

  private static let table = "tables/nottem.csv"

  @Test(
    "The temperatures of Nottingham as a level and a season",
    .enabled(if: RealData.exists(table), "tables/nottem.csv is not beside the repository"))
  func nottem() throws {
    let series = Series(RealData.rows(Self.table, skipping: 2, columns: 1).map { $0[0] })
    #expect(series.rows.rows == 240)
    try expectAgreement("season", StructuralForm(period: 12), series)
  }

  /// EM from the start of a training, until nothing moves.
  private func fit(_ form: StructuralForm, _ series: Series, iterations: Int) throws -> (LinearDynamics, Double) {
    let model = LinearDynamicalSystem(.structural(form), dimension: 1)
    var generator = SplitMix64(seed: 1)
    let start = model.start(try series.moments(for: model), restart: 0, using: &generator)
    let (parameters, objectives) = try model.iterate(series, from: start, iterations)
    return (parameters, objectives.last!)
  }

  @Test("EM finds Durbin and Koopman's variances of the Nile: 15099 and 1469.1") func variances() throws {
    for (name, series) in [("local_level", Series(Self.nile)), ("local_level_gaps", Self.gaps)] {
      let expected = Self.golden[name]
      let (parameters, logLikelihood) = try fit(StructuralForm(), series, iterations: 2000)
      #expect(isClose(logLikelihood, expected["best_log_likelihood"].double, 1e-7))
      let best = expected["best"].doubles
      #expect(isClose(parameters.observationNoise[0, 0], best[0], 1e-4), "\(parameters.observationNoise[0, 0])")
      #expect(isClose(parameters.stateNoise[0, 0], best[1], 1e-3), "\(parameters.stateNoise[0, 0])")
    }
  }
}
