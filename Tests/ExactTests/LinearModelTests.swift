import Foundation
import LinearAlgebra
import ReferenceSupport
import Regression
import Statistics
import Testing

private let golden = Golden("linear")
private let inputs = Matrix(golden["inputs"].list.map(\.doubles))
private let targets = golden["targets"].doubles

private func withObservations<R>(
  _ inputs: Matrix, _ targets: [Double], _ body: (Observations) throws -> R
) throws -> R {
  try inputs.withRows { x in
    try Matrix(rows: targets.count, columns: 1, elements: targets).withRows { t in
      try body(Observations(inputs: x, targets: t))
    }
  }
}

private func fit<E: MomentEstimator>(_ estimator: E, _ x: Matrix, _ t: [Double], shards: Int = 1) throws -> E.Estimate {
  let model = MomentRegression(estimator)
  return try withObservations(x, t) {
    let start = model.start(pivot: x.row(0), target: t[0])
    let fit = try model.fit($0, from: start, stopping: Stopping(iterations: 1), shards: shards)
    return fit.parameters.estimate!
  }
}

private func column(_ x: [Double]) -> Matrix { Matrix(rows: x.count, columns: 1, elements: x) }

@Suite struct LinearRegressionTests {
  @Test(arguments: [1, 7])
  func equalsScikitLearn(shards: Int) throws {
    let reference = golden["linear"]
    let found = try fit(LinearRegression(Features(.identity, inputs: 5)), inputs, targets, shards: shards)
    #expect(relativeDifference(found.weights, reference["weights"].doubles) < 1e-11)
    #expect(relativeDifference(found.intercept, reference["intercept"].double) < 1e-11)
    #expect(relativeDifference(found.noiseVariance, reference["noiseVariance"].double) < 1e-11)
    #expect(found.rank == 5)
    let zero = try fit(LinearRegression(Features(.identity, inputs: 5, intercept: false)), inputs, targets)
    #expect(relativeDifference(zero.weights, reference["throughZero"].doubles) < 1e-10)
    #expect(zero.intercept == 0)
  }

  @Test func dependentFeaturesShareTheirWeight() throws {
    let x = Matrix([[1, 2, 5], [2, 4, 5], [3, 6, 5], [4, 8, 5]])
    let found = try fit(LinearRegression(Features(.identity, inputs: 3)), x, [1, 2, 3, 4])
    #expect(found.rank == 1)
    #expect(relativeDifference(found.weights, [0.5, 0.25, 0]) < 1e-12)
    #expect(abs(found.predict([10, 20, 5]) - 10) < 1e-10 && found.noiseVariance < 1e-20)
  }

  /// Ten points, ten coefficients (Bishop 2006, figure 1.4): the polynomial passes through all of them.
  @Test func aPolynomialOfOrderNinePassesThroughTenPoints() throws {
    let x = (0..<10).map { Double($0) / 9 }
    let t = x.map { sin(2 * .pi * $0) + 0.1 * cos(30 * $0) }
    let features = try Features(.polynomial(degree: 9, centre: 0.5, scale: 0.5), inputs: 1)
    let found = try fit(LinearRegression(features), column(x), t)
    #expect(zip(x, t).allSatisfy { abs(found.predict([$0]) - $1) < 1e-6 })
  }

  @Test func orderOneHundredHasAnAnswerOrAClearError() throws {
    let x = (0..<50).map { Double($0) }
    let t = x.map { sin($0 / 8) }
    let scaled = try Features(.polynomial(degree: 100, centre: 24.5, scale: 24.5), inputs: 1)
    let found = try fit(LinearRegression(scaled), column(x), t)
    #expect(x.allSatisfy { found.predict([$0]).isFinite } && found.noiseVariance < 1e-4)
    let bayesian = try fit(EvidenceMaximization(scaled), column(x), t)
    #expect(bayesian.scores.allSatisfy { $0.isFinite } && abs(bayesian.predict([20]).mean - sin(2.5)) < 0.05)
    let raw = try Features(.polynomial(degree: 300), inputs: 1)
    #expect {
      try fit(LinearRegression(raw), column(x), t)
    } throws: { ($0 as? ExactError)?.code == .notFinite && ($0 as? ExactError)!.remedy.contains("scale") }
  }

  @Test func hostileInput() throws {
    #expect(throws: ExactError.self) { try Features(.identity, inputs: 0) }
    #expect(throws: ExactError.self) { try Features(.polynomial(degree: -1), inputs: 1) }
    #expect(throws: ExactError.self) { try Features(.polynomial(degree: 0), inputs: 1, intercept: false) }
    #expect(throws: ExactError.self) { try Features(.gaussian(centres: [0], width: 0), inputs: 1) }
    #expect(throws: ExactError.self) { try Features(.sigmoid(centres: [.nan], width: 1), inputs: 1) }
    let estimator = LinearRegression(try Features(.identity, inputs: 1))
    for bad in [Double.nan, .infinity] {
      #expect {
        try fit(estimator, column([1, 2, bad, 4]), [1, 2, 3, 4])
      } throws: { ($0 as? ExactError)?.row == 2 }
      #expect {
        try fit(estimator, column([1, 2, 3, 4]), [1, 2, 3, bad])
      } throws: { ($0 as? ExactError)?.row == 3 }
    }
    #expect(throws: ExactError.self) { try column([1]).withRows { try estimator.fit(Observations(inputs: $0)) } }
    #expect(throws: ExactError.self) {
      try withObservations(Matrix(rows: 0, columns: 1), []) { try estimator.fit($0) }
    }
    let one = try withObservations(column([3]), [7]) { try estimator.fit($0) }
    #expect(one.estimate!.predict([100]) == 7)
  }
}

@Suite struct BayesianLinearRegressionTests {
  private let reference = golden["bayesian"]
  private var x: [Double] { reference["x"].doubles }
  private var t: [Double] { reference["t"].doubles }

  private func prior(_ degree: Int = 4) throws -> BayesianLinearRegression {
    try BayesianLinearRegression(
      Features(.polynomial(degree: degree), inputs: 1), weightPrecision: reference["weightPrecision"].double,
      noisePrecision: reference["noisePrecision"].double)
  }

  private func moments(_ features: Features, _ range: Range<Int>? = nil) throws -> RegressionMoments {
    let range = range ?? 0..<x.count
    return try withObservations(column(Array(x[range])), Array(t[range])) {
      try LinearRegression(features).fit($0).moments!
    }
  }

  @Test func posteriorAndPredictive() throws {
    let prior = try prior()
    let posterior = try prior.posterior(moments(prior.features))
    #expect(relativeDifference(posterior.mean, reference["mean"].doubles) < 1e-10)
    #expect(relativeDifference(posterior.covariance.elements, reference["covariance"].doubles) < 1e-10)
    let predictions = reference["points"].doubles.map { posterior.predict([$0]) }
    #expect(relativeDifference(predictions.map(\.mean), reference["predictiveMean"].doubles) < 1e-10)
    #expect(relativeDifference(predictions.map(\.modelVariance), reference["modelVariance"].doubles) < 1e-10)
    #expect(
      predictions.allSatisfy { $0.noiseVariance == 1 / 20.0 && $0.variance == $0.noiseVariance + $0.modelVariance })
    #expect(
      abs(
        predictions[0].quantile(0.975) - predictions[0].mean - 1.959963984540054 * predictions[0].variance.squareRoot())
        < 1e-12)
  }

  @Test func evidenceIsTheDensityOfTheTargets() throws {
    for (degree, expected) in reference["evidences"].doubles.enumerated() {
      let prior = try prior(degree)
      #expect(relativeDifference(try prior.logEvidence(moments(prior.features)), expected) < 1e-9)
    }
  }

  /// Point by point, or in parts: the same posterior; and the evidences of the parts add to that of the whole.
  @Test func sequentialUpdatingIsBatchUpdating() throws {
    let prior = try prior()
    let batch = try prior.posterior(moments(prior.features))
    for size in [1, 4, 25] {
      var (current, evidence) = (prior, 0.0)
      for first in stride(from: 0, to: 25, by: size) {
        let part = try moments(prior.features, first..<min(first + size, 25))
        evidence += try current.logEvidence(part)
        current = try current.posterior(part)
      }
      #expect(relativeDifference(current.mean, batch.mean) < 1e-11)
      #expect(relativeDifference(current.precision.elements, batch.precision.elements) < 1e-13)
      #expect(relativeDifference(evidence, reference["evidence"].double) < 1e-11)
    }
  }

  @Test func sampledWeightsHaveTheCovariance() throws {
    let prior = try prior(1)
    let posterior = try prior.posterior(moments(prior.features))
    var generator = SplitMix64(seed: 3)
    let draws = (0..<20_000).map { _ in posterior.sampleWeights(using: &generator) }
    let covariance = posterior.covariance
    for i in 0..<2 {
      let mean = draws.reduce(0) { $0 + $1[i] } / 20_000
      let variance = draws.reduce(0) { $0 + ($1[i] - mean) * ($1[i] - mean) } / 20_000
      #expect(abs(mean - posterior.mean[i]) < 5 * (covariance[i, i] / 20_000).squareRoot())
      #expect(abs(variance / covariance[i, i] - 1) < 0.05)
    }
  }

  @Test func basisFunctions() throws {
    let centres = reference["centres"].doubles
    let gaussian = try Features(.gaussian(centres: centres, width: 0.3), inputs: 1)
    let sigmoid = try Features(.sigmoid(centres: centres, width: 0.3), inputs: 1)
    #expect(relativeDifference(gaussian.values([x[0]]), reference["gaussian"].doubles) < 1e-14)
    #expect(relativeDifference(sigmoid.values([x[0]]), reference["sigmoid"].doubles) < 1e-14)
    let polynomial = try Features(.polynomial(degree: 3, centre: 1, scale: 2), inputs: 2)
    #expect(polynomial.weighted([5, -1]) == [1, 2, 4, 8, -1, 1, -1])
    let seasonal = try Features(.seasonal(degree: 1, centre: 1, scale: 2, period: 4, harmonics: 2), inputs: 1)
    // A quarter of a season after its third beginning.
    let found = seasonal.weighted([9])
    #expect(zip(found, [1, 4, 1, 0, 0, -1]).allSatisfy { abs($0 - $1) < 1e-12 } && found.count == 6, "\(found)")
    for (period, harmonics) in [(0.0, 1), (.nan, 1), (1, 0)] {
      #expect(throws: ExactError.self) {
        try Features(.seasonal(degree: 1, period: period, harmonics: harmonics), inputs: 1)
      }
    }
  }

  @Test(arguments: [EvidenceMaximization.Method.search, .effectiveParameters, .expectationMaximization])
  func evidenceMaximizationFindsTheMaximum(method: EvidenceMaximization.Method) throws {
    var estimator = EvidenceMaximization(try Features(.polynomial(degree: 4), inputs: 1))
    estimator.method = method
    (estimator.iterations, estimator.tolerance) = (20_000, 1e-13)
    let found = try fit(estimator, column(x), t)
    #expect(relativeDifference(found.scores.last!, reference["bestEvidence"].double) < 1e-10)
    #expect(relativeDifference(found.weightPrecision, reference["bestWeightPrecision"].double) < 1e-5)
    #expect(relativeDifference(found.noisePrecision, reference["bestNoisePrecision"].double) < 1e-5)
    #expect(found.effectiveParameters > 0 && found.effectiveParameters < 5)
    // Its posterior is that of the prior with these precisions.
    let prior = try BayesianLinearRegression(
      estimator.features, weightPrecision: found.weightPrecision, noisePrecision: found.noisePrecision)
    let posterior = try prior.posterior(moments(estimator.features))
    #expect(relativeDifference([found.intercept] + found.weights, posterior.mean) < 1e-9)
    let (a, b) = (found.predict([0.3]), posterior.predict([0.3]))
    #expect(relativeDifference([a.mean, a.modelVariance], [b.mean, b.modelVariance]) < 1e-9)
  }

  /// Evidence never falls under EM, on problems with more features than rows and without noise too.
  @Test(arguments: Problem.all)
  func evidenceNeverFallsUnderExpectationMaximization(problem: Problem) throws {
    var generator = SplitMix64(seed: 41)
    let d = problem.rows.columns
    for noise in [0.0, 0.5] {
      let t = (0..<problem.rows.rows).map {
        problem.rows[$0, 0] - 2 * problem.rows[$0, d - 1] + noise * generator.normal()
      }
      for penalizes in [true, false] {
        var estimator = EvidenceMaximization(try Features(.identity, inputs: d))
        (estimator.method, estimator.start) = (.expectationMaximization, .unit)
        estimator.penalizesIntercept = penalizes
        (estimator.iterations, estimator.tolerance) = (60, -1)
        let found = try fit(estimator, problem.rows, t)
        #expect(found.scores.count == 61 && found.scores.allSatisfy { $0.isFinite })
        // Precisions of 10¹⁵ and more come from errors that are rounding alone.
        let scores = noise > 0 ? found.scores : found.scores.filter { $0 < 10 * Double(t.count) }
        #expect(neverFalls(scores, tolerance: 1e-7), "\(scores)")
      }
    }
  }
}

@Suite struct BayesianRidgeTests {
  private func check(
    _ name: String, _ x: Matrix, _ y: [Double], intercept: Bool = true,
    _ change: (inout EvidenceMaximization) -> Void = { _ in }
  ) throws {
    for step in golden[name].list {
      var estimator = EvidenceMaximization.bayesianRidge(
        try Features(.identity, inputs: x.columns, intercept: intercept))
      change(&estimator)
      (estimator.iterations, estimator.tolerance) = (step["iterations"].int, 0)
      let found = try fit(estimator, x, y, shards: 3)
      #expect(relativeDifference(found.weights, step["weights"].doubles) < 1e-8)
      #expect(abs(found.intercept - step["intercept"].double) < 1e-8 * max(1, abs(step["intercept"].double)))
      #expect(relativeDifference(found.noisePrecision, step["noisePrecision"].double) < 1e-8)
      #expect(relativeDifference(found.weightPrecision, step["weightPrecision"].double) < 1e-8)
      // scikit-learn takes its last score with the weights of the iteration before.
      #expect(found.scores.count == step["scores"].doubles.count)
      #expect(relativeDifference(Array(found.scores.dropLast()), Array(step["scores"].doubles.dropLast())) < 1e-8)
      #expect(relativeDifference(found.covariance.elements, step["covariance"].doubles) < 1e-8)
      let predictions = (0..<4).map { i in found.predict(x.row(i).map { $0 + 1 }) }
      #expect(relativeDifference(predictions.map(\.mean), step["mean"].doubles) < 1e-8)
      #expect(relativeDifference(predictions.map { $0.variance.squareRoot() }, step["deviation"].doubles) < 1e-8)
    }
  }

  @Test func equalsScikitLearnAtEveryIteration() throws {
    try check("ridge", inputs, targets)
    try check("ridgeThroughZero", inputs, targets, intercept: false)
    try check("ridgeWide", Matrix(golden["wideInputs"].list.map(\.doubles)), golden["wideTargets"].doubles)
    try check("ridgeStarted", inputs, targets) {
      $0.start = .given(weightPrecision: 2, noisePrecision: 0.5)
      $0.noiseHyperprior = GammaHyperprior(shape: 1.5, rate: 0.3)
      $0.weightHyperprior = GammaHyperprior(shape: 0.2, rate: 0.7)
    }
  }

  @Test func relevanceEqualsScikitLearnAtEveryIteration() throws {
    for (name, x, y) in [
      ("relevance", inputs, targets),
      ("relevanceWide", Matrix(golden["wideInputs"].list.map(\.doubles)), golden["wideTargets"].doubles),
    ] {
      for step in golden[name].list {
        var estimator = RelevanceRegression(try Features(.identity, inputs: x.columns))
        estimator.isStandardized = false
        (estimator.iterations, estimator.tolerance) = (step["iterations"].int, 0)
        let found = try fit(estimator, x, y, shards: 2)
        #expect(relativeDifference(found.weights, step["weights"].doubles) < 1e-7)
        #expect(abs(found.intercept - step["intercept"].double) < 1e-7 * max(1, abs(step["intercept"].double)))
        #expect(relativeDifference(found.noisePrecision, step["noisePrecision"].double) < 1e-7)
        #expect(relativeDifference(found.precisions, step["precisions"].doubles) < 1e-6)
        let predictions = (0..<4).map { i in found.predict(x.row(i).map { $0 + 1 }) }
        #expect(relativeDifference(predictions.map(\.mean), step["mean"].doubles) < 1e-7)
        #expect(relativeDifference(predictions.map { $0.variance.squareRoot() }, step["deviation"].doubles) < 1e-7)
      }
    }
  }

  @Test(
    "Ridge, relevance and linear regression of the diabetes table agree with scikit-learn",
    .enabled(if: RealData.exists("tables/diabetes_data_raw.csv.gz")))
  func diabetes() throws {
    let reference = golden["diabetes"]
    let x = Matrix(RealData.rows("tables/diabetes_data_raw.csv.gz", columns: 10))
    let y = RealData.rows("tables/diabetes_target.csv.gz", columns: 1).map { $0[0] }
    #expect(x.rows == 442 && y.count == 442 && x.row(0) == reference["firstRow"].doubles)
    let features = try Features(.identity, inputs: 10)
    let ridge = try fit(EvidenceMaximization.bayesianRidge(features), x, y, shards: 4)
    #expect(relativeDifference(ridge.weights, reference["ridge"]["weights"].doubles) < 1e-8)
    #expect(relativeDifference(ridge.intercept, reference["ridge"]["intercept"].double) < 1e-8)
    #expect(relativeDifference(ridge.noisePrecision, reference["ridge"]["noisePrecision"].double) < 1e-8)
    #expect(relativeDifference(ridge.weightPrecision, reference["ridge"]["weightPrecision"].double) < 1e-8)
    // scikit-learn takes its last score with the weights of the iteration before.
    #expect(relativeDifference(ridge.scores.last!, reference["ridge"]["score"].double) < 1e-6)
    #expect(ridge.iterations == reference["ridge"]["iterations"].int)
    var unscaled = RelevanceRegression(features)
    unscaled.isStandardized = false
    let relevance = try fit(unscaled, x, y)
    #expect(relativeDifference(relevance.weights, reference["relevance"]["weights"].doubles) < 1e-6)
    #expect(relativeDifference(relevance.noisePrecision, reference["relevance"]["noisePrecision"].double) < 1e-6)
    let linear = try fit(LinearRegression(features), x, y)
    #expect(relativeDifference(linear.weights, reference["linear"]["weights"].doubles) < 1e-9)
  }

  @Test func hostileInput() throws {
    let features = try Features(.identity, inputs: 5)
    for change: (inout EvidenceMaximization) -> Void in [
      { $0.start = .given(weightPrecision: 0, noisePrecision: 1) },
      { $0.start = .given(weightPrecision: 1, noisePrecision: .nan) }, { $0.iterations = -1 },
      { $0.weightHyperprior = GammaHyperprior(shape: -1, rate: 0) },
    ] {
      var estimator = EvidenceMaximization(features)
      change(&estimator)
      #expect(throws: ExactError.self) { try fit(estimator, inputs, targets) }
    }
    #expect(throws: ExactError.self) { try BayesianLinearRegression(features, weightPrecision: 0, noisePrecision: 1) }
    #expect(throws: ExactError.self) { try BayesianLinearRegression(features, weightPrecision: 1, noisePrecision: -1) }
    // Targets without variance, features without variance, one row.
    for (x, t) in [
      (inputs, targets.map { _ in 3.0 }), (inputs, targets.map { _ in 0.0 }),
      (Matrix(rows: 60, columns: 5, repeating: 2), targets), (Matrix([inputs.row(0)]), [targets[0]]),
    ] {
      let ridge = try fit(EvidenceMaximization.bayesianRidge(features), x, t)
      let relevance = try fit(RelevanceRegression(features), x, t)
      let plain = try fit(EvidenceMaximization(features), x, t)
      for prediction in [ridge.predict(inputs.row(1)), relevance.predict(inputs.row(1)), plain.predict(inputs.row(1))] {
        #expect(prediction.mean.isFinite && prediction.variance.isFinite && prediction.variance > 0)
      }
    }
  }
}
