import LinearAlgebra
import Mixtures
import ReferenceSupport
import Sequences
import Statistics
import Testing

/// Numbers of hmmlearn without its priors (scripts/reference/sequences.py). Those of earthquakes are published too: Zucchini
/// and MacDonald (2009), table 3.1.
@Suite struct GoldenTests {
  private static let golden = Golden("sequences")

  @Test("Earthquakes: one, two and three Poisson states", arguments: [(1, -391.9189), (2, -341.8787), (3, -328.5275)])
  func earthquakes(_ states: Int, _ published: Double) throws {
    let expected = Self.golden["earthquakes"].list[states - 1]
    let model = HiddenMarkovModel(PoissonEmission(states: states))
    let start = HiddenMarkovParameters(
      start: Matrix([[Double](repeating: 1 / Double(states), count: states)]),
      transitions: Matrix(
        (0..<states).map { i in (0..<states).map { states == 1 ? 1 : $0 == i ? 0.8 : 0.2 / Double(states - 1) } }),
      emission: PoissonParameters(rates: Matrix((0..<states).map { [10 + 10 * Double($0)] })))
    let (fit, objectives) = try model.iterate(Problems.earthquakes, from: start, 2000)
    #expect(abs(objectives.last! - published) < 5.1e-5, "\(objectives.last!)")
    #expect(isClose(objectives.last!, expected["last"].double, 1e-11))
    #expect(relativeDifference(fit.emission.rates.elements, expected["rates"].doubles) < 1e-7)
    #expect(relativeDifference(fit.transitions.elements, expected["transitions"].doubles) < 1e-7)
  }

  @Test(
    "Old Faithful: twenty iterations from a fixed start",
    .enabled(if: RealData.exists("tables/faithful.csv"), "tables/faithful.csv is not beside the repository"))
  func faithful() throws {
    let expected = Self.golden["faithful"]
    let series = Series(RealData.rows("tables/faithful.csv", skipping: 1, columns: 2), lengths: [100, 172])
    let floor = CovarianceFloor.clipped(1e-6)
    let model = HiddenMarkovModel(try GaussianEmission(states: 2, dimension: 2, floor: floor))
    let wide = Matrix([[1, 0], [0, 100]])
    let start = HiddenMarkovParameters(
      start: Matrix([[0.5, 0.5]]), transitions: Matrix([[0.6, 0.4], [0.4, 0.6]]),
      emission: try GaussianStates(
        weights: Matrix([[1], [1]]), means: Matrix([[2, 55], [4, 80]]), covariances: .full([wide, wide]), floor: floor))
    let (fit, objectives) = try model.iterate(series, from: start, 20)
    #expect(relativeDifference(objectives, expected["history"].doubles) < 1e-12)
    let last = try series.lend { (rows) throws(ExactError) in try model.logLikelihood(of: rows, fit) }
    #expect(isClose(last, expected["last"].double, 1e-11))
    #expect(relativeDifference(fit.emission.components.means.elements, expected["means"].doubles) < 1e-10)
    let covariances = fit.emission.covariance(0).elements + fit.emission.covariance(1).elements
    #expect(relativeDifference(covariances, expected["covariances"].doubles) < 1e-10)
    #expect(relativeDifference(fit.transitions.elements, expected["transitions"].doubles) < 1e-9)
    let paths = try series.lend { (rows) throws(ExactError) in try model.paths(of: rows, fit) }
    #expect(isClose(paths.pathLogDensities.reduce(0, +), expected["path_score"].double, 1e-11))
    #expect(paths.best == expected["path"].list.map(\.int))
    #expect(relativeDifference(Array(paths.smoothed.prefix(40)), expected["posteriors"].doubles) < 1e-9)
    #expect(isClose(paths.logDensities.reduce(0, +), last, 1e-12))
  }

  @Test("The dishonest casino: fifty iterations from a fixed start")
  func casino() throws {
    let expected = Self.golden["casino"]
    let (series, states) = Problems.casino
    #expect(series.rows.elements == expected["symbols"].doubles && states == expected["states"].list.map(\.int))
    let model = HiddenMarkovModel(CategoricalEmission(states: 2, symbols: 6))
    let start = HiddenMarkovParameters(
      start: Matrix([[0.6, 0.4]]), transitions: Matrix([[0.8, 0.2], [0.3, 0.7]]),
      emission: Matrix([[0.2, 0.2, 0.2, 0.15, 0.15, 0.1], [0.1, 0.1, 0.1, 0.2, 0.2, 0.3]]))
    let (fit, objectives) = try model.iterate(series, from: start, 50)
    #expect(relativeDifference(objectives, expected["history"].doubles) < 1e-12)
    let last = try series.lend { (rows) throws(ExactError) in try model.logLikelihood(of: rows, fit) }
    #expect(isClose(last, expected["last"].double, 1e-11))
    #expect(relativeDifference(fit.emission.elements, expected["emissions"].doubles) < 1e-9)
    let paths = try series.lend { (rows) throws(ExactError) in try model.paths(of: rows, fit) }
    #expect(isClose(paths.pathLogDensities.reduce(0, +), expected["path_score"].double, 1e-11))
    #expect(paths.best == expected["path"].list.map(\.int))
    let right = zip(paths.best, states).count { $0 == $1 }
    #expect((100 * Double(right) / 1500).rounded() == 79)
  }
}
