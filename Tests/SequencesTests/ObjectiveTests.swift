import Distributions
import Foundation
import LinearAlgebra
import Mixtures
import ReferenceSupport
import Sequences
import Statistics
import Testing

@Suite("The objective never falls, and is what it says it is")
struct ObjectiveTests {
  static let shards = 1...5

  /// Starts somewhere and iterates in V shards; every objective is at least the one before, but for rounding.
  private func expectRise<E: StateEmission>(
    _ emission: E, _ estimation: Estimation, _ series: Series, shards: Int, iterations: Int = 30
  ) throws {
    let concentration = estimation == .posterior ? 1.5 : 0.5
    let rows = ProbabilityRows(estimation, concentration: concentration)
    let model = HiddenMarkovModel(emission, start: rows, transitions: rows)
    var generator = SplitMix64(seed: 3)
    let seen = (0..<series.rows.rows).map { series.rows.row($0) }.filter { $0.allSatisfy { !$0.isNaN } }
    let parameters = try Matrix(seen).withRows { (rows) throws(ExactError) in
      try emission.start(from: rows, using: &generator)
    }
    let k = emission.states
    let start = model.parameters(
      start: Matrix([[Double](repeating: 1 / Double(k), count: k)]),
      transitions: Matrix((0..<k).map { i in generator.dirichlet((0..<k).map { $0 == i ? 4 : 1 }) }),
      emission: parameters, elements: series.rows.rows)
    let objectives = try model.iterate(series, from: start, iterations, shards: shards).objectives
    for (before, after) in zip(objectives, objectives.dropFirst()) {
      #expect(after >= before - 1e-9 * abs(before), "\(before) to \(after)")
    }
    #expect(objectives.last! > objectives[0])
  }

  @Test("Gaussians of all covariances", arguments: CovarianceKind.allCases, shards)
  func gaussian(_ covariance: CovarianceKind, _ shards: Int) throws {
    let emission = try GaussianEmission(states: 3, dimension: 2, covariance: covariance)
    try expectRise(emission, .likelihood, Problems.ragged(dimension: 2), shards: shards)
  }

  @Test("Mixtures of Gaussians in each state", arguments: CovarianceKind.allCases)
  func mixtures(_ covariance: CovarianceKind) throws {
    let emission = try GaussianEmission(states: 2, dimension: 2, covariance: covariance, mixtures: 3)
    try expectRise(emission, .likelihood, Problems.ragged(dimension: 2), shards: 2, iterations: 60)
  }

  @Test("Symbols", arguments: Estimation.allCases, shards)
  func symbols(_ estimation: Estimation, _ shards: Int) throws {
    let rows = ProbabilityRows(estimation, concentration: estimation == .posterior ? 1.5 : 0.5)
    let emission = CategoricalEmission(states: 3, symbols: 5, rows)
    try expectRise(emission, estimation, Problems.symbols(), shards: shards)
  }

  @Test("Counts", arguments: Estimation.allCases, shards)
  func counts(_ estimation: Estimation, _ shards: Int) throws {
    let emission = PoissonEmission(states: 3, dimension: 2, estimation, priorMeans: [3, 4])
    try expectRise(emission, estimation, Problems.counts(), shards: shards)
  }

  @Test("Gaussians with a prior", arguments: [true, false], shards)
  func wishart(_ isVariational: Bool, _ shards: Int) throws {
    let series = Problems.ragged(dimension: 2)
    let prior = try series.rows.withRows { (rows) throws(ExactError) in
      try GaussianWishart(asWideAs: rows, meanPrecision: 0.1, degrees: 4)
    }
    let emission = try GaussianWishartEmission(states: 3, prior: prior, isVariational: isVariational)
    try expectRise(emission, isVariational ? .variational : .posterior, series, shards: shards)
  }

  @Test("At the floor: more states than distinct rows, and a value that repeats", arguments: CovarianceKind.allCases)
  func floor(_ covariance: CovarianceKind) throws {
    let rows = (0..<60).map { row -> [Double] in row / 10 % 2 == 0 ? [0, 0] : [3, 1] }
    let series = Series(rows, lengths: [20, 1, 39])
    let emission = try GaussianEmission(states: 5, dimension: 2, covariance: covariance, floor: .clipped(1e-3))
    let model = HiddenMarkovModel(emission)
    var generator = SplitMix64(seed: 4)
    let start = HiddenMarkovParameters(
      start: Matrix([[Double](repeating: 0.2, count: 5)]),
      transitions: Matrix((0..<5).map { _ in [Double](repeating: 0.2, count: 5) }),
      emission: try series.rows.withRows { (rows) throws(ExactError) in
        try emission.start(from: rows, using: &generator)
      })
    let objectives = try model.iterate(series, from: start, 30).objectives
    for (before, after) in zip(objectives, objectives.dropFirst()) {
      #expect(after >= before - 1e-9 * abs(before), "\(before) to \(after)")
      #expect(after.isFinite)
    }
  }

  @Test("With missing elements", arguments: shards) func missing(_ shards: Int) throws {
    var series = Problems.ragged(dimension: 2)
    for row in stride(from: 0, to: series.rows.rows, by: 3) { series.rows[row, row % 2] = .nan }
    try expectRise(GaussianEmission(states: 2, dimension: 2), .likelihood, series, shards: shards)
  }

  // MARK: One state: the bound is the evidence, and what EM finds is the mode

  private func single<E: StateEmission>(
    _ emission: E, _ parameters: E.Parameters, _ series: Series
  ) throws -> Double {
    let model = HiddenMarkovModel(emission)
    let one = Matrix([[1]])
    return try model.iterate(
      series, from: HiddenMarkovParameters(start: one, transitions: one, emission: parameters), 3
    ).objectives.last!
  }

  @Test("One state: the bound of symbols is their evidence") func symbolEvidence() throws {
    let series = Problems.symbols()
    let emission = CategoricalEmission(states: 1, symbols: 5, ProbabilityRows(.variational, concentration: 0.7))
    let bound = try single(emission, Matrix([[1, 1, 1, 1, 1]]), series)
    let counts = (0..<5).map { symbol in Double(series.rows.elements.count { Int($0) == symbol }) }
    let prior = [Double](repeating: 0.7, count: 5)
    let evidence = logMultivariateBeta(zip(prior, counts).map { $0 + $1 }) - logMultivariateBeta(prior)
    #expect(isClose(bound, evidence, 1e-12))
  }

  @Test("One state: the bound of counts is their evidence") func countEvidence() throws {
    let series = Problems.earthquakes
    let emission = PoissonEmission(states: 1, .variational, priorMeans: [20])
    let start = PoissonParameters(rates: Matrix([[3]]), inverseScales: Matrix([[1]]))
    let (sum, count) = (2072.0, 107.0)
    let evidence =
      logGamma(1 + sum) - (1 + sum) * log(0.05 + count) + log(0.05)
      - series.rows.elements.reduce(0) { $0 + logGamma($1 + 1) }
    #expect(isClose(try single(emission, start, series), evidence, 1e-12))
  }

  @Test("One state: the bound of Gaussians is their evidence, and the mode is the posterior's")
  func gaussianEvidence() throws {
    let series = Problems.ragged(dimension: 2)
    let prior = try GaussianWishart(
      mean: [0.5, 1], meanPrecision: 0.3, degrees: 4.5, inverseScale: Matrix([[2, 0.3], [0.3, 1]]))
    let rows = (0..<series.rows.rows).map { series.rows.row($0) }
    let moments = try prior.statistics(of: rows)
    let variational = try GaussianWishartEmission(states: 1, prior: prior, isVariational: true)
    #expect(isClose(try single(variational, [prior], series), try prior.logEvidence(moments), 1e-11))

    // The penalised likelihood is the log of the joint density at the mode, by Bayes: evidence × posterior density.
    let mode = try GaussianWishartEmission(states: 1, prior: prior, isVariational: false)
    let posterior = try prior.posterior(moments)
    let (_, states) = try mode.point([posterior])
    let covariance = states.covariance(0)
    let density = try GaussianWishartEmission(states: 1, prior: posterior, isVariational: false)
    let peak = density.penalty([posterior])
    #expect(isClose(try single(mode, [prior], series), try prior.logEvidence(moments) + peak, 1e-11))
    #expect(isClose(covariance[0, 1] * (posterior.degrees - 2), posterior.inverseScale[0, 1], 1e-12))
  }
}
