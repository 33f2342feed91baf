import Foundation
import LinearAlgebra
import ReferenceSupport
import Regression
import Statistics
import Testing

/// A regression of a table, with log N(t; 0, 1/β + φ φᵀ/α) of its targets by brute force.
private struct Table {
  var rows: Matrix
  var targets: [Double]

  /// Targets that are linear in inputs which lie around `place`.
  init(seed: UInt64, rows count: Int, place: Double, weights: [Double], noise: Double) {
    var generator = SplitMix64(seed: seed)
    rows = Matrix(rows: count, columns: weights.count)
    targets = []
    for i in 0..<count {
      for j in weights.indices { rows[i, j] = generator.normal() }
      targets.append(dot(weights, rows.row(i)) + noise * generator.normal())
      for j in weights.indices { rows[i, j] += place }
    }
  }

  init(_ rows: Matrix, _ targets: [Double]) { (self.rows, self.targets) = (rows, targets) }

  func fit<E: MomentEstimator>(_ estimator: E) throws -> E.Estimate {
    try rows.withRows { x in
      try Matrix(rows: targets.count, columns: 1, elements: targets).withRows { t in
        try estimator.fit(Observations(inputs: x, targets: t)).estimate!
      }
    }
  }

  func logDensity(_ features: Features, weightPrecision: Double, noisePrecision: Double) throws -> Double {
    let φ = Matrix((0..<rows.rows).map { features.weighted(rows.row($0)) })
    var covariance = (1 / weightPrecision) * Matrix.product(φ, φ, transposed: .right)
    covariance.addToDiagonal(1 / noisePrecision)
    let factor = try Cholesky(covariance)
    return -0.5 * (Double(targets.count) * log(2 * .pi) + factor.logDeterminant + factor.quadraticForm(targets))
  }
}

private let methods = [EvidenceMaximization.Method.search, .effectiveParameters, .expectationMaximization]

@Suite struct EvidenceTests {
  /// The evidence has two maxima here. Iterations from precision 1 end in the lower one, 400 nats below.
  @Test(arguments: methods)
  func inputsFarFromZero(method: EvidenceMaximization.Method) throws {
    let table = Table(seed: 3, rows: 60, place: 30, weights: [1, 2], noise: 0.001)
    let features = try Features(.identity, inputs: 2)
    var estimator = EvidenceMaximization(features)
    estimator.method = method
    let fit = try table.fit(estimator)
    #expect(fit.scores.last! > 250)
    #expect(zip(fit.weights, [1, 2]).allSatisfy { abs($0 - $1) < 1e-3 })
    #expect((0.5...2).contains(1e-6 * fit.noisePrecision))
    let brute = try table.logDensity(
      features, weightPrecision: fit.weightPrecision, noisePrecision: fit.noisePrecision)
    // The N × N covariance has a condition of 10¹⁰.
    #expect(abs(brute - fit.scores.last!) < 0.2)
    // No precisions around have more.
    for (a, b) in [(0.9, 1), (1.1, 1), (1, 0.9), (1, 1.1)] {
      (estimator.method, estimator.iterations) = (.effectiveParameters, 0)
      estimator.start = .given(weightPrecision: a * fit.weightPrecision, noisePrecision: b * fit.noisePrecision)
      #expect(try table.fit(estimator).scores.last! < fit.scores.last!)
    }
  }

  @Test(arguments: methods)
  func aQuadraticOverYears(method: EvidenceMaximization.Method) throws {
    var generator = SplitMix64(seed: 4)
    let years = (1950...2020).map(Double.init)
    let targets = years.map { 10 + 0.3 * ($0 - 1985) + 0.02 * ($0 - 1985) * ($0 - 1985) + 0.1 * generator.normal() }
    let table = Table(Matrix(rows: years.count, columns: 1, elements: years), targets)
    var estimator = EvidenceMaximization(try Features(.polynomial(degree: 2), inputs: 1))
    estimator.method = method
    let fit = try table.fit(estimator)
    #expect((0.006...0.016).contains(1 / fit.noisePrecision))
    for year in [1950.0, 1985, 2020] {
      let t = year - 1985
      let prediction = fit.predict([year])
      #expect(abs(prediction.mean - (10 + 0.3 * t + 0.02 * t * t)) < 0.1)
      #expect(prediction.modelVariance > 1e-5 && prediction.modelVariance < 0.003)
    }
  }

  /// Targets such as times in seconds since 1970: a spread of a second beside a magnitude of 1.7e9.
  @Test func targetsFarFromZero() throws {
    var table = Table(seed: 5, rows: 50, place: 0, weights: [1, -0.5], noise: 0.001)
    for i in table.targets.indices { table.targets[i] += 1.7e9 }
    for isRelative in [false, true] {
      var estimator = EvidenceMaximization.bayesianRidge(try Features(.identity, inputs: 2))
      (estimator.method, estimator.hyperpriorsAreRelative) = (.search, isRelative)
      let fit = try table.fit(estimator)
      let deviation = fit.predict(table.rows.row(0)).variance.squareRoot()
      #expect((0.0008...0.0014).contains(deviation))
    }
    let relevance = try table.fit(RelevanceRegression(try Features(.identity, inputs: 2)))
    #expect((0.0008...0.0014).contains(relevance.predict(table.rows.row(0)).variance.squareRoot()))
  }

  /// Two maxima: the search takes the higher one, whichever that is.
  @Test func theHigherOfTwoMaxima() throws {
    for seed in 0..<20 {
      let table = Table(
        seed: UInt64(seed), rows: 40, place: Double(seed), weights: [1, 2, 0], noise: seed % 2 == 0 ? 0.01 : 3)
      let features = try Features(.identity, inputs: 3)
      let best = try table.fit(EvidenceMaximization(features)).scores.last!
      for exponent in stride(from: -8.0, through: 8, by: 2) {
        var other = EvidenceMaximization(features)
        other.method = .expectationMaximization
        other.start = .given(weightPrecision: pow(10, exponent), noisePrecision: pow(10, -exponent / 2))
        (other.iterations, other.tolerance) = (500, 0)
        #expect(try table.fit(other).scores.last! <= best + 1e-6 * abs(best))
      }
    }
  }

  @Test func anErrorOfZeroIsSaid() throws {
    let table = Table(seed: 6, rows: 30, place: 0, weights: [1, 2], noise: 0)
    let features = try Features(.identity, inputs: 2)
    let (plain, relevance) = (
      try table.fit(EvidenceMaximization(features)), try table.fit(RelevanceRegression(features))
    )
    #expect(plain.isFloored && relevance.isFloored)
    #expect(zip(plain.weights, [1, 2]).allSatisfy { abs($0 - $1) < 1e-6 })
    let noisy = Table(seed: 6, rows: 30, place: 0, weights: [1, 2], noise: 0.01)
    #expect(!(try noisy.fit(EvidenceMaximization(features)).isFloored))
  }

  /// Columns whose lengths differ by 10¹² keep the digits of small singular values.
  @Test func singularValuesOfScaledColumns() throws {
    var generator = SplitMix64(seed: 7)
    let plain = Matrix(rows: 6, columns: 4, elements: (0..<24).map { _ in generator.normal() })
    var scaled = plain
    let scales = [1, 1e-12, 1e6, 1e-4]
    for i in 0..<6 { for j in 0..<4 { scaled[i, j] *= scales[j] } }
    let found = try SingularValues(ofScaledColumns: scaled)
    var restored = found.left
    for i in 0..<6 { for j in 0..<4 { restored[i, j] *= found.values[j] } }
    restored = restored * found.rightTransposed
    for j in 0..<4 {
      #expect(relativeDifference(restored.column(j), scaled.column(j)) < 1e-14)
    }
    let same = try SingularValues(ofScaledColumns: plain)
    #expect(relativeDifference(same.values, try SingularValues(plain).values) < 1e-14)
  }
}
