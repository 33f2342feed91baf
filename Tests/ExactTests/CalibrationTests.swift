import Components
import Distributions
import Foundation
import LinearAlgebra
import Mixtures
import Processes
import ReferenceSupport
import Regression
import Statistics
import Testing

/// Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari and Gelman 2018): parameters from the prior, data from
/// the parameters, and where the parameters lie in the posterior of the data. That is uniform if the posterior is right.
///
/// It says nothing of a model without a prior or a posterior (least squares, K-means, principal components, the weights of
/// a mixture by EM), and it is not passed by a posterior that is known to be too narrow: that of a variational mixture,
/// whose components also have no names to be compared by, and that of a Gaussian process whose parameters were searched
/// for. The bound of Jaakkola and Jordan is too narrow by a factor that is known, and is tested for it.
@Suite struct CalibrationTests {
  /// Four times as many simulations as problems of other properties: 200, or as many as ELBO_PROPERTY_PROBLEMS says.
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
  @Test(
    "Weights and targets of linear regression are uniform in their posterior distributions",
    arguments: [true, false])
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

  /// Both precisions from their gamma hyperpriors, and taken where their density is largest. The noise is such that a weight is
  /// known by its prior more than by the rows. What the rows leave open of the prior's precision, a deviation of less than
  /// s = 0.4 of the variance of a weight, is left out: the distribution function is then wrong by s²/8 · |3x − x³| φ(x) <
  /// 0.012 at most, to second order, which adds less than N · 10 · 0.024² to the statistic of N simulations: 1.2 of 200.
  ///
  /// A hyperprior that holds the weights ten times as close to zero is noticed.
  @Test(arguments: [true, false]) func ridgeWithHyperpriors(isRight: Bool) throws {
    var generator = SplitMix64(seed: 75)
    let (d, n) = (12, 80)
    var estimator = EvidenceMaximization(try Features(.identity, inputs: d))
    estimator.penalizesIntercept = false
    estimator.weightHyperprior = GammaHyperprior(shape: isRight ? 4 : 40, rate: 3)
    estimator.noiseHyperprior = GammaHyperprior(shape: 4, rate: 300)
    var (weights, targets) = ([Double](), [Double]())
    for _ in 0..<simulations {
      let (α, β) = (generator.gamma(shape: 4) / 3, generator.gamma(shape: 4) / 300)
      // Of the intercept, whose prior is flat, any value will do.
      let truth = [10 * generator.normal()] + (0..<d).map { _ in generator.normal() / α.squareRoot() }
      let x = table(&generator, rows: n + 1, columns: d)
      let t = (0...n).map {
        dot(truth, estimator.features.weighted(x.row($0))) + generator.normal() / β.squareRoot()
      }
      let fit = try observing(Matrix((0..<n).map(x.row)), Array(t.prefix(n))) { try estimator.fit($0).estimate! }
      let prediction = fit.predict(x.row(n))
      targets.append(normalCDF((t[n] - prediction.mean) / prediction.variance.squareRoot()))
      let deviation = fit.covariance[fit.covariance.rows - d, fit.covariance.rows - d].squareRoot()
      weights.append(normalCDF((truth[1] - fit.weights[0]) / deviation))
    }
    #expect(isUniform(weights) == isRight)
    if isRight { #expect(isUniform(targets)) }
  }

  /// Latent columns and missing values of rows, whose prior the parameters are: both exact.
  @Test func probabilisticComponents() throws {
    var generator = SplitMix64(seed: 76)
    var (latent, hidden) = ([Double](), [Double]())
    for _ in 0..<simulations {
      let model = try ProbabilisticPCAParameters(
        mean: [1, -2, 0, 5], loadings: table(&generator, rows: 4, columns: 2), noiseVariance: exp(generator.normal()))
      let z = [generator.normal(), generator.normal()]
      var x = model.mean.adding(model.loadings * z).map { $0 + model.noiseVariance.squareRoot() * generator.normal() }
      let missing = x[3]
      x[3] = .nan
      let posterior = try model.latentPosterior(x)
      latent.append(normalCDF((z[1] - posterior.mean[1]) / posterior.covariance[1, 1].squareRoot()))
      let loading = model.loadings.row(3)
      let variance = posterior.covariance.quadraticForm(loading) + model.noiseVariance
      hidden.append(normalCDF((missing - (try model.imputed(x)[3])) / variance.squareRoot()))
    }
    #expect(isUniform(latent) && isUniform(hidden))
  }

  /// The component that a row came from, whose prior the weights are: exact. A class lies anywhere in its own part of 0 … 1.
  @Test(arguments: CovarianceKind.allCases)
  func componentsOfMixtures(kind: CovarianceKind) throws {
    var generator = SplitMix64(seed: 77)
    let model = try GaussianMixture(components: 3, dimension: 2, covariance: kind)
    var places: [Double] = []
    for _ in 0..<simulations {
      func variance() -> Double { exp(generator.normal()) }
      let covariances: MixtureCovariances
      switch kind {
      case .spherical: covariances = .spherical((0..<3).map { _ in variance() })
      case .diagonal:
        covariances = .diagonal(Matrix(rows: 3, columns: 2, elements: (0..<6).map { _ in variance() }))
      case .tied: covariances = .tied(Matrix(diagonal: [variance(), variance()]))
      case .full:
        covariances = .full(
          (0..<3).map { _ in
            var matrix = table(&generator, rows: 2, columns: 2).gram
            matrix.addToDiagonal(0.2)
            return matrix
          })
      }
      let parameters = try GaussianMixtureParameters(
        weights: generator.dirichlet([2, 2, 2]), means: table(&generator, rows: 3, columns: 2),
        covariances: covariances)
      let drawn = try model.sample(1, parameters, using: &generator)
      let shares = try drawn.rows.withRows { try model.responsibilities(of: $0, parameters) }
      let label = drawn.components[0]
      places.append((0..<label).reduce(0) { $0 + shares[0, $1] } + generator.uniform() * shares[0, label])
    }
    #expect(isUniform(places.map { min(max($0, 0), 1) }))
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

  /// Laplace's approximation of three classes: a difference of activations, which the prior and the data are about.
  @Test func softmaxRegression() throws {
    var generator = SplitMix64(seed: 78)
    let features = try Features(.identity, inputs: 2)
    let model = try SoftmaxRegression(features, classes: 3, weightPrecision: 1)
    let point = [0.3, -0.7]
    var places: [Double] = []
    for _ in 0..<simulations {
      let truth = table(&generator, rows: 3, columns: 3)
      let x = table(&generator, rows: 200, columns: 2)
      let t = (0..<200).map { row -> Double in
        let activations = truth * features.weighted(x.row(row))
        return Double(generator.categorical(activations.map { exp($0) }))
      }
      let posterior = try observing(x, t) {
        try model.fit($0, from: model.start, stopping: Stopping(iterations: 100, tolerance: 0)).parameters.posterior!
      }
      let (mean, covariance) = posterior.activations(point)
      let wanted = truth * features.weighted(point)
      let variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
      places.append(normalCDF((wanted[0] - wanted[1] - mean[0] + mean[1]) / variance.squareRoot()))
    }
    #expect(isUniform(places))
  }

  /// The variational bound takes 2 λ(ξ) for the curvature σ′(a) of a row. With |a| ≤ ξ that is too much by a factor from 1 to
  /// sinh(ξ)/ξ, and so is the precision, at most by the largest of these factors of all rows. The mean square of the truth in
  /// deviations then lies from one to the mean of that factor, to four standard errors of N squares of a normal number.
  @Test func variationalLogisticRegression() throws {
    var generator = SplitMix64(seed: 79)
    let features = try Features(.identity, inputs: 2)
    let model = try VariationalLogisticRegression(features, weightPrecision: 4)
    let laplace = try LaplaceLogisticRegression(features, weightPrecision: 4)
    var (squares, factors, exact) = (0.0, 0.0, [Double]())
    for _ in 0..<simulations {
      let truth = (0..<3).map { _ in 0.5 * generator.normal() }
      let x = table(&generator, rows: 200, columns: 2)
      let t = (0..<200).map { generator.uniform() < sigmoid(dot(truth, features.weighted(x.row($0)))) ? 1.0 : 0 }
      let wanted = dot(truth, features.weighted([0.3, -0.7]))
      try observing(x, t) { data in
        let stopping = Stopping(iterations: 200, tolerance: 0)
        let posterior = try model.fit(data, from: model.start, stopping: stopping).parameters
        let (mean, variance) = posterior.activation([0.3, -0.7])
        squares += (wanted - mean) * (wanted - mean) / variance
        factors += (0..<200).reduce(1) { largest, row in
          let (a, spread) = posterior.activation(x.row(row))
          let ξ = (a * a + spread).squareRoot()
          return max(largest, ξ > 1e-4 ? sinh(ξ) / ξ : 1)
        }
        let other = try laplace.fit(data, from: laplace.start, stopping: stopping).parameters.posterior!
        let (centre, width) = other.activation([0.3, -0.7])
        exact.append(normalCDF((wanted - centre) / width.squareRoot()))
      }
    }
    let (found, most) = (squares / Double(simulations), factors / Double(simulations))
    let error = 4 * (2 / Double(simulations)).squareRoot()
    #expect(found > 1 - error && found < most * (1 + error), "\(found) of \(most)")
    #expect(isUniform(exact))
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
