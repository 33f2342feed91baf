import Distributions
import Foundation
import LinearAlgebra
import Mixtures
import ReferenceSupport
import Sequences
import Testing

/// Other units and another origin of each column change the units of the density and nothing else: the floor of covariances
/// goes with them. As many problems as ELBO_PROPERTY_PROBLEMS says, as in ExactTests.
@Suite struct UnitsTests {
  private let problems = ProcessInfo.processInfo.environment["ELBO_PROPERTY_PROBLEMS"].flatMap(Int.init) ?? 50

  @Test(arguments: CovarianceKind.allCases, [1, 2]) func gaussianStates(kind: CovarianceKind, mixtures: Int) throws {
    for seed in 0..<problems {
      var generator = SplitMix64(seed: UInt64(seed) &* 6007 &+ 3)
      let series = Problems.ragged(dimension: 2, seed: UInt64(seed))
      func power() -> Double { pow(10, Double(generator.index(below: 13)) - 6) }
      var factors = [power(), power()]
      if kind == .spherical { factors[1] = factors[0] }
      let shifts = factors.map { $0 * 100 * generator.normal() }
      let moved = Series(
        (0..<series.rows.rows).map { row in (0..<2).map { factors[$0] * series.rows[row, $0] + shifts[$0] } },
        lengths: series.lengths)
      let emission = try GaussianEmission(
        states: 2, dimension: 2, covariance: kind, mixtures: mixtures, floor: .clipped(1e-6), floorIsRelative: true)
      let model = HiddenMarkovModel(emission)
      /// Components around rows, as wide as the data.
      func states(_ series: Series, _ factors: [Double]) throws -> GaussianStates {
        let variances = factors.map { $0 * $0 * 2 }
        let count = 2 * mixtures
        let covariances: MixtureCovariances =
          switch kind {
          case .full: .full(Array(repeating: Matrix(diagonal: variances), count: count))
          case .tied: .tied(Matrix(diagonal: variances))
          case .diagonal: .diagonal(Matrix(Array(repeating: variances, count: count)))
          case .spherical: .spherical(Array(repeating: variances[0], count: count))
          }
        return try GaussianStates(
          weights: Matrix(rows: 2, columns: mixtures, repeating: 1 / Double(mixtures)),
          means: Matrix((0..<count).map { series.rows.row(11 * $0) }), covariances: covariances, floor: .clipped(1e-6))
      }
      func objectives(_ series: Series, _ factors: [Double]) throws -> [Double] {
        let start = model.parameters(
          start: Matrix([[0.5, 0.5]]), transitions: Matrix([[0.8, 0.2], [0.3, 0.7]]),
          emission: try states(series, factors), elements: series.rows.rows)
        return try model.iterate(series, from: start, 12).objectives
      }
      let (one, two) = (try objectives(series, [1, 1]), try objectives(moved, factors))
      let shift = Double(series.rows.rows) * factors.reduce(0) { $0 + log($1) }
      for (a, b) in zip(one, two) { #expect(abs(a - b - shift) < 1e-4, "problem \(seed): \(a), \(b + shift)") }
    }
  }
}
