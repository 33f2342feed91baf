import Distributions
import Exact
import Foundation
import LinearAlgebra
import ReferenceSupport
import Testing

/// Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari and Gelman 2018): parameters from the prior, data from
/// the parameters, and where the parameters lie in the posterior of the data. That is uniform if the posterior is right.
@Suite struct CalibrationTests {
  /// Four times as many simulations as problems of other properties: 200, or as ELBO_PROPERTY_PROBLEMS says.
  private let simulations = 4 * propertyProblems

  /// Pearson's statistic over ten equal parts. Nine degrees of freedom: above 40 in 8 of a million.
  private func isUniform(_ places: [Double]) -> Bool {
    var counts = [Double](repeating: 0, count: 10)
    for place in places { counts[min(Int(place * 10), 9)] += 1 }
    let expected = Double(places.count) / 10
    return places.allSatisfy { (0...1).contains($0) }
      && counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected } < 40
  }

  private func table(_ generator: inout SplitMix64, rows: Int, columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: (0..<(rows * columns)).map { _ in generator.normal() })
  }

  /// By precisions that are given, and by those of the largest evidence, which many weights and rows determine.
  @Test(arguments: [true, false])
  func regression(isGiven: Bool) throws {
    var generator = SplitMix64(seed: 71)
    var (weights, targets) = ([Double](), [Double]())
    for _ in 0..<simulations {
      let (d, n) = isGiven ? (2, 8) : (12, 80)
      let (α, β) = (exp(generator.normal()), exp(generator.normal()))
      let features = try Features(.identity, inputs: d)
      let truth = (0...d).map { _ in generator.normal() / α.squareRoot() }
      let x = table(&generator, rows: n + 1, columns: d)
      let t = (0...n).map { dot(truth, features.weighted(x.row($0))) + generator.normal() / β.squareRoot() }
      let seen = Matrix((0..<n).map(x.row))
      func note(_ prediction: RegressionPrediction, _ weight: Double, _ variance: Double) {
        targets.append(normalCDF((t[n] - prediction.mean) / prediction.variance.squareRoot()))
        weights.append(normalCDF((truth[1] - weight) / variance.squareRoot()))
      }
      try observing(seen, Array(t.prefix(n))) { data in
        if isGiven {
          let fit = try ConjugateRegression(features, weightPrecision: α, noisePrecision: β).fit(data).estimate!
          note(fit.predict(x.row(n)), fit.mean[1], fit.covariance[1, 1])
        } else {
          let fit = try EvidenceMaximization(features).fit(data).estimate!
          note(fit.predict(x.row(n)), fit.weights[0], fit.covariance[1, 1])
        }
      }
    }
    #expect(isUniform(weights) && isUniform(targets))
  }

  /// A posterior that is too narrow by a fifth is noticed.
  @Test func theTestCanFail() {
    var generator = SplitMix64(seed: 70)
    let right = (0..<4000).map { _ in normalCDF(generator.normal()) }
    let narrow = (0..<4000).map { _ in normalCDF(generator.normal() / 0.8) }
    #expect(isUniform(right) && !isUniform(narrow))
  }

  @Test func gaussianProcess() throws {
    var generator = SplitMix64(seed: 72)
    let kernel = Kernel.matern52(variance: 1.5, lengthScales: [0.8])
    var (exact, sparse) = ([Double](), [Double]())
    for _ in 0..<simulations {
      let x = table(&generator, rows: 13, columns: 1)
      var covariance = kernel.matrix(x)
      covariance.addToDiagonal(0.2)
      let t = generator.normal(mean: [Double](repeating: 0, count: 13), factor: try Cholesky(covariance))
      let (seen, last) = (Matrix((0..<12).map(x.row)), Matrix([x.row(12)]))
      let process = try GaussianProcess(kernel, noiseVariance: 0.2, inputs: seen, targets: Array(t.prefix(12)))
      func place(_ p: RegressionPrediction) -> Double { normalCDF((t[12] - p.mean) / p.variance.squareRoot()) }
      exact.append(place(try process.predict(last)[0]))
      // Inducing points at all rows: no approximation.
      let model = try SparseGaussianProcess(kernel, noiseVariance: 0.2, inducing: seen, iterations: 0)
      try observing(seen, Array(t.prefix(12))) {
        let fit = try model.fit($0, from: model.start, stopping: Stopping(iterations: 4))
        sparse.append(place(try fit.parameters.posterior!.predict(last)[0]))
      }
    }
    #expect(isUniform(exact) && isUniform(sparse))
  }

  /// Laplace's approximation, with rows enough for it to be close.
  @Test func logisticRegression() throws {
    var generator = SplitMix64(seed: 73)
    let features = try Features(.identity, inputs: 2)
    var (places, rows) = ([Double](), [Double]())
    for _ in 0..<simulations {
      let truth = (0..<3).map { _ in generator.normal() }
      let x = table(&generator, rows: 200, columns: 2)
      let t = (0..<200).map { generator.uniform() < sigmoid(dot(truth, features.weighted(x.row($0)))) ? 1.0 : 0 }
      let model = try LaplaceLogisticRegression(features, weightPrecision: 1)
      let posterior = try observing(x, t) {
        try model.fit($0, from: model.start, stopping: Stopping(iterations: 100, tolerance: 0)).parameters.posterior!
      }
      let activation = posterior.activation([0.3, -0.7])
      let wanted = dot(truth, features.weighted([0.3, -0.7]))
      places.append(normalCDF((wanted - activation.mean) / activation.variance.squareRoot()))
      rows.append(posterior.mean[0])
    }
    #expect(isUniform(places) && rows.allSatisfy { $0.isFinite })
  }

  @Test func conjugateFamilies() throws {
    var generator = SplitMix64(seed: 74)
    var (means, precisions, shares, matrices) = ([Double](), [Double](), [Double](), [Double]())
    for _ in 0..<simulations {
      let prior = try GaussianGamma(mean: 1, meanPrecision: 0.5, shape: 3, rate: 2)
      let truth = prior.sample(using: &generator)
      let seen = (0..<6).map { _ in [truth.mean + generator.normal() / truth.precision.squareRoot()] }
      let posterior = try prior.posterior(GaussianMoments(of: seen))
      // Ranks among draws, as Talts and others do it.
      let draws = (0..<99).map { _ in posterior.sample(using: &generator) }
      means.append((Double(draws.count { $0.mean < truth.mean }) + generator.uniform()) / 100)
      precisions.append((Double(draws.count { $0.precision < truth.precision }) + generator.uniform()) / 100)

      let coin = try BetaBernoulli(a: 2, b: 3)
      let share = Beta(a: 2, b: 3).sample(using: &generator)
      let tosses = (0..<7).map { _ in [generator.uniform() < share ? 1.0 : 0] }
      let after = try coin.posterior(coin.statistics(of: tosses))
      shares.append(Beta(a: after.a, b: after.b).cumulative(share))

      let wishart = try GaussianWishart(mean: [0, 1], meanPrecision: 1, degrees: 4, inverseScale: .identity(2))
      let drawn = wishart.sample(using: &generator)
      let factor = try Cholesky(Cholesky(drawn.precision).inverse)
      let rows = (0..<6).map { _ in generator.normal(mean: drawn.mean, factor: factor) }
      let learnt = try wishart.posterior(GaussianMoments(of: rows))
      let others = (0..<99).map { _ in learnt.sample(using: &generator).precision[0, 1] }
      matrices.append((Double(others.count { $0 < drawn.precision[0, 1] }) + generator.uniform()) / 100)
    }
    #expect(isUniform(means) && isUniform(precisions) && isUniform(shares) && isUniform(matrices))
  }
}
