import Distributions
import Foundation
import LinearAlgebra
import ReferenceSupport
import Testing

private let golden = Golden("conjugate")

private func close(_ a: Double, _ b: Double, _ tolerance: Double = 1e-11) -> Bool {
  abs(a - b) <= tolerance * max(1, abs(b))
}

/// What holds for every conjugate model.
///
/// - Updating one by one gives what updating with all at once does.
/// - Evidence is the chain of predictives, p(x₁) p(x₂ | x₁) …
/// - Statistics of parts add to those of the whole.
/// - Nothing observed changes nothing.
private func checkLaws<Model: Conjugate>(
  _ prior: Model, _ observations: [[Double]], tolerance: Double = 1e-10, parameters: (Model) -> [Double]
) throws {
  let all = try prior.statistics(of: observations)
  let batch = try prior.posterior(all)
  var sequential = prior
  var chain = 0.0
  for observation in observations {
    chain += try sequential.logPredictive(observation)
    sequential = try sequential.posterior(sequential.statistics(of: [observation]))
  }
  #expect(relativeDifference(parameters(sequential), parameters(batch)) < tolerance)
  let evidence = try prior.logEvidence(all)
  #expect(close(chain, evidence, tolerance))

  let (left, right) = (observations.prefix(observations.count / 3), observations.dropFirst(observations.count / 3))
  let parts = try prior.statistics(of: left) + prior.statistics(of: right)
  #expect(relativeDifference(parts.flat, all.flat) < tolerance)

  #expect(try prior.posterior(prior.noStatistics) == prior)
  let nothing = try prior.logEvidence(prior.noStatistics)
  #expect(abs(nothing) < 1e-12)
}

@Suite struct ConjugateTests {
  @Test func betaBernoulli() throws {
    let values = golden["betaBernoulli"]
    let model = try BetaBernoulli(a: values["a"].double, b: values["b"].double)
    let observations = values["observations"].doubles.map { [$0] }
    #expect(close(model.logEvidence(try model.statistics(of: observations)), values["evidence"].double))
    #expect(close(try model.logPredictive([0]), values["predictive"].doubles[0]))
    #expect(close(try model.logPredictive([1]), values["predictive"].doubles[1]))
    try checkLaws(model, observations) { [$0.a, $0.b] }
  }

  @Test func betaBinomial() throws {
    let values = golden["betaBinomial"]
    let model = try BetaBinomial(a: values["a"].double, b: values["b"].double)
    let observations = values["observations"].list.map(\.doubles)
    #expect(close(model.logEvidence(try model.statistics(of: observations)), values["evidence"].double))
    for (k, expected) in values["predictive"].doubles.enumerated() {
      #expect(close(try model.logPredictive([Double(k), 10]), expected))
    }
    let strong = try BetaBinomial(a: 2000, b: 1000)
    #expect(close(try strong.logPredictive([700_000, 1_000_000]), values["large"].double, 1e-8))
    let total = try (0...10).reduce(0.0) { $0 + exp(try model.logPredictive([Double($1), 10])) }
    #expect(close(total, 1))
    try checkLaws(model, observations) { [$0.a, $0.b] }
  }

  @Test func dirichletCategoricalAndMultinomial() throws {
    let values = golden["dirichlet"]
    let concentration = values["concentration"].doubles
    let categorical = try DirichletCategorical(concentration: concentration)
    let categories = values["categories"].doubles.map { [$0] }
    #expect(
      close(categorical.logEvidence(try categorical.statistics(of: categories)), values["sequenceEvidence"].double))
    try checkLaws(categorical, categories) { $0.concentration }

    let multinomial = try DirichletMultinomial(concentration: concentration)
    let rows = values["rows"].list.map(\.doubles)
    #expect(close(multinomial.logEvidence(try multinomial.statistics(of: rows)), values["evidence"].double))
    for (row, expected) in zip(rows, values["predictive"].doubles) {
      #expect(close(try multinomial.logPredictive(row), expected))
    }
    try checkLaws(multinomial, rows) { $0.concentration }
    #expect(close(multinomial.dirichlet.logDensity(values["point"].doubles), values["logDensity"].double))
  }

  @Test func gaussianMean() throws {
    let values = golden["gaussianMean"]
    let model = try GaussianMean(
      mean: values["mean"].double, precision: values["precision"].double, noiseVariance: values["noise"].double)
    let observations = values["observations"].doubles.map { [$0] }
    let statistics = try model.statistics(of: observations)
    let posterior = try model.posterior(statistics)
    #expect(close(posterior.mean, values["posteriorMean"].double))
    #expect(close(posterior.precision, values["posteriorPrecision"].double))
    #expect(close(model.logEvidence(statistics), values["evidence"].double))
    #expect(close(try model.logPredictive([4.2]), values["predictive"].double))
    try checkLaws(model, observations) { [$0.mean, $0.precision] }
  }

  @Test func gaussianGamma() throws {
    let values = golden["gaussianGamma"]
    let model = try GaussianGamma(
      mean: values["mean"].double, meanPrecision: values["meanPrecision"].double, shape: values["shape"].double,
      rate: values["rate"].double)
    let observations = values["observations"].doubles.map { [$0] }
    #expect(close(try model.logEvidence(model.statistics(of: observations)), values["evidence"].double, 1e-9))
    #expect(close(try model.logPredictive([1.7]), values["predictive"].double))
    #expect(close(model.predictiveQuantile(0.9), values["predictiveQuantile"].double))
    #expect(close(model.precisionQuantile(0.25), values["precisionQuantile"].double))
    #expect(close(model.meanQuantile(0.3), 2 * model.mean - model.meanQuantile(0.7)))
    try checkLaws(model, observations) { [$0.mean, $0.meanPrecision, $0.shape, $0.rate] }
  }

  @Test func gaussianWishart() throws {
    let values = golden["gaussianWishart"]
    let model = try GaussianWishart(
      mean: values["mean"].doubles, meanPrecision: values["meanPrecision"].double, degrees: values["degrees"].double,
      inverseScale: Matrix(values["inverseScale"].list.map(\.doubles)))
    let observations = values["observations"].list.map(\.doubles)
    let statistics = try model.statistics(of: observations)
    let posterior = try model.posterior(statistics)
    #expect(relativeDifference(posterior.mean, values["posteriorMean"].doubles) < 1e-12)
    #expect(close(posterior.meanPrecision, values["posteriorMeanPrecision"].double))
    #expect(close(posterior.degrees, values["posteriorDegrees"].double))
    #expect(relativeDifference(posterior.inverseScale.elements, values["posteriorInverseScale"].doubles) < 1e-12)
    #expect(close(try model.logEvidence(statistics), values["evidence"].double))
    for (row, expected) in zip(observations, values["predictive"].doubles) {
      #expect(close(try model.logPredictive(row), expected))
    }
    try checkLaws(model, observations) {
      $0.mean + [$0.meanPrecision, $0.degrees] + $0.inverseScale.elements
    }
    // The entropy of the Wishart (Bishop 2006, equation B.82) holds the normaliser and E[log |Λ|].
    let (d, ν) = (3.0, posterior.degrees)
    let entropy =
      -posterior.logWishartNormaliser - (ν - d - 1) / 2 * posterior.expectedLogDeterminant + ν * d / 2
    #expect(close(entropy, values["precisionEntropy"].double))
    #expect(abs(posterior.divergence(from: posterior)) < 1e-10)
    #expect(posterior.divergence(from: model) > 1)
  }

  /// In one dimension the Gaussian-Wishart is the Gaussian-gamma with a = ν/2, b = W⁻¹/2.
  @Test func gaussianWishartOfOneColumnIsGaussianGamma() throws {
    let wishart = try GaussianWishart(mean: [0.3], meanPrecision: 2, degrees: 5, inverseScale: Matrix([[1.4]]))
    let gamma = try GaussianGamma(mean: 0.3, meanPrecision: 2, shape: 2.5, rate: 0.7)
    let observations = [[1.2], [-0.4], [2.0], [0.9]]
    #expect(
      close(
        try wishart.logEvidence(wishart.statistics(of: observations)),
        try gamma.logEvidence(gamma.statistics(of: observations))))
  }

  @Test func divergenceEqualsItsMonteCarloEstimate() throws {
    let q = try GaussianWishart(
      mean: [1, 2], meanPrecision: 3, degrees: 6, inverseScale: Matrix([[2, 0.4], [0.4, 1]]))
    let p = try GaussianWishart(mean: [0, 1], meanPrecision: 1, degrees: 3, inverseScale: Matrix([[1, 0], [0, 2]]))
    func logDensity(_ g: GaussianWishart, _ mean: [Double], _ precision: Matrix) throws -> Double {
      let logDeterminant = try Cholesky(precision).logDeterminant
      let distance = precision.quadraticForm(mean.subtracting(g.mean))
      return g.logWishartNormaliser + 0.5 * (g.degrees - 3) * logDeterminant
        - 0.5 * Matrix.product(g.inverseScale, precision).trace + log(g.meanPrecision) - logTwoPi
        + 0.5 * logDeterminant - 0.5 * g.meanPrecision * distance
    }
    var generator = SplitMix64(seed: 31)
    var (sum, squares) = (0.0, 0.0)
    let count = 40_000
    for _ in 0..<count {
      let (mean, precision) = q.sample(using: &generator)
      let ratio = try logDensity(q, mean, precision) - logDensity(p, mean, precision)
      sum += ratio
      squares += ratio * ratio
    }
    let estimate = sum / Double(count)
    let error = ((squares / Double(count) - estimate * estimate) / Double(count)).squareRoot()
    #expect(abs(estimate - q.divergence(from: p)) < 5 * error)
  }

  @Test func farFromTheOriginNoDigitsAreLost() throws {
    let prior = try GaussianGamma(mean: 1e9, meanPrecision: 1e-3, shape: 1, rate: 1)
    let rows = (0..<100).map { [1e9 + Double($0 % 10)] }
    let posterior = try prior.posterior(GaussianMoments(of: rows))
    // Σ (x − x̄)² of ten times 0 … 9 is 825.
    #expect(close(posterior.rate, 1 + 0.5 * (825 + 1e-3 * 100 / 100.001 * 20.25), 1e-9))
  }

  @Test func samplesHaveTheDistributionsMoments() throws {
    var generator = SplitMix64(seed: 77)
    let count = 20_000
    func mean(_ draw: (inout SplitMix64) -> Double) -> Double {
      (0..<count).reduce(0) { sum, _ in sum + draw(&generator) } / Double(count)
    }
    let beta = Beta(a: 0.4, b: 1.6)
    #expect(abs(mean { beta.sample(using: &$0) } - beta.mean) < 5 * (beta.variance / Double(count)).squareRoot())
    let dirichlet = Dirichlet(concentration: [0.5, 2, 1.5])
    for k in 0..<3 {
      let error = (dirichlet.variance[k] / Double(count)).squareRoot()
      #expect(abs(mean { dirichlet.sample(using: &$0)[k] } - dirichlet.mean[k]) < 5 * error)
    }
    let gamma = try GaussianGamma(mean: 2, meanPrecision: 4, shape: 3, rate: 2)
    #expect(abs(mean { gamma.sample(using: &$0).precision } - 1.5) < 5 * (0.75 / Double(count)).squareRoot())
    #expect(abs(mean { gamma.sample(using: &$0).mean } - 2) < 5 * (0.25 / Double(count)).squareRoot())
    let wishart = try GaussianWishart(
      mean: [0, 5], meanPrecision: 2, degrees: 7, inverseScale: Matrix([[2, 1], [1, 3]]))
    // E[Λ] = ν W = 7/5 · [[3, −1], [−1, 2]]; Var Λ₀₁ = ν (W₀₁² + W₀₀ W₁₁) = 7 (1 + 6)/25.
    let corner = mean { wishart.sample(using: &$0).precision[0, 1] }
    #expect(abs(corner + 1.4) < 5 * (7 * 7 / 25.0 / Double(count)).squareRoot())
  }

  @Test func betaDensityAndQuantiles() {
    let beta = Beta(a: 2, b: 3)
    #expect(close(exp(beta.logDensity(0.5)), 1.5))
    #expect(beta.logDensity(-0.1) == -.infinity && beta.logDensity(0) == -.infinity)
    #expect(close(exp(Beta(a: 1, b: 4).logDensity(0)), 4))
    #expect(close(beta.cumulative(beta.quantile(0.3)), 0.3))
  }
}

@Suite struct ConjugateHostileInputTests {
  @Test func priorsThatAreNoDistributions() {
    for bad in [0, -1, Double.nan, .infinity] {
      #expect(throws: ConjugateError.self) { try BetaBernoulli(a: bad, b: 1) }
      #expect(throws: ConjugateError.self) { try BetaBinomial(a: 1, b: bad) }
      #expect(throws: ConjugateError.self) { try DirichletCategorical(concentration: [1, bad]) }
      #expect(throws: ConjugateError.self) { try DirichletMultinomial(concentration: [bad]) }
      #expect(throws: ConjugateError.self) { try GaussianMean(mean: 0, precision: bad, noiseVariance: 1) }
      #expect(throws: ConjugateError.self) { try GaussianGamma(mean: 0, meanPrecision: 1, shape: bad, rate: 1) }
      #expect(throws: ConjugateError.self) {
        try GaussianWishart(mean: [0, 0], meanPrecision: bad, degrees: 2, inverseScale: .identity(2))
      }
    }
    #expect(throws: ConjugateError.self) { try DirichletCategorical(concentration: []) }
    #expect(throws: ConjugateError.self) { try GaussianMean(mean: .nan, precision: 1, noiseVariance: 1) }
    #expect(throws: ConjugateError.self) {
      try GaussianWishart(mean: [0, 0], meanPrecision: 1, degrees: 1, inverseScale: .identity(2))
    }
    #expect {
      try GaussianWishart(mean: [0, 0], meanPrecision: 1, degrees: 2, inverseScale: Matrix([[1, 2], [2, 1]]))
    } throws: { ($0 as? ConjugateError)?.code == .singular }
  }

  @Test func observationsWithoutProbabilityChangeNothing() throws {
    func check<Model: Conjugate>(_ model: Model, _ bad: [[Double]]) {
      for observation in bad {
        var statistics = model.noStatistics
        #expect(throws: ConjugateError.self) { try statistics.add(observation) }
        #expect(statistics == model.noStatistics)
        #expect(throws: ConjugateError.self) { try model.logPredictive(observation) }
      }
    }
    check(try BetaBernoulli(a: 1, b: 1), [[], [2], [0.5], [.nan], [0, 1]])
    check(try BetaBinomial(a: 1, b: 1), [[3], [3, 2], [-1, 2], [0.5, 2], [1, .infinity]])
    check(try DirichletCategorical(concentration: [1, 1]), [[2], [-1], [0.5], [1e300], []])
    check(try DirichletMultinomial(concentration: [1, 1]), [[1], [1, -1], [1, 2, 3], [.nan, 1]])
    check(try GaussianMean(mean: 0, precision: 1, noiseVariance: 1), [[], [1, 2], [.infinity], [.nan]])
  }
}
