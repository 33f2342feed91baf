import Components
import Distributions
import LinearAlgebra
import ReferenceSupport
import Statistics
import Testing

private let golden = Golden("components")
private let rows = Matrix(golden["rows"].list.map(\.doubles))
private let first5 = Matrix((0..<5).map(rows.row))

private func matrix(_ value: Golden) -> Matrix { Matrix(value.list.map(\.doubles)) }

/// Random data whose components are or are not well defined.
private let problems = Problem.all.filter { $0.rows.columns > 1 }

@Suite struct PrincipalComponentsTests {
  @Test(arguments: [1, 3])
  func equalsScikitLearn(shards: Int) throws {
    let reference = golden["pca"]
    let model = try PrincipalComponents(components: 3, dimension: 6)
    let fit = try rows.withRows {
      try model.fit(
        Observations(inputs: $0), from: model.start(pivot: rows.row(0)),
        stopping: Stopping(iterations: 2, tolerance: 0),
        shards: shards)
    }
    let found = fit.parameters
    #expect(relativeDifference(found.directions.elements, reference["components"].doubles) < 1e-11)
    #expect(relativeDifference(found.variances, reference["variances"].doubles) < 1e-13)
    #expect(relativeDifference(found.varianceRatios, reference["ratios"].doubles) < 1e-13)
    #expect(relativeDifference(found.mean, reference["mean"].doubles) < 1e-14)
    let coordinates = first5.withRows { found.coordinates(of: $0) }
    let whitened = first5.withRows { found.coordinates(of: $0, whitened: true) }
    #expect(relativeDifference(coordinates.elements, reference["coordinates"].doubles) < 1e-11)
    #expect(relativeDifference(whitened.elements, reference["whitened"].doubles) < 1e-11)
    #expect(relativeDifference(found.rows(from: coordinates).elements, reference["reconstruction"].doubles) < 1e-12)
    #expect(fit.objectives.count == 1 && fit.converged)
    let discarded = found.spectrum.dropFirst(3).reduce(0, +) * 69
    #expect(relativeDifference(-fit.objectives[0], discarded) < 1e-11)
  }

  @Test(.enabled(if: RealData.exists("tables/faithful.csv")))
  func oldFaithful() throws {
    let eruptions = Matrix(RealData.rows("tables/faithful.csv", skipping: 1, columns: 2))
    let model = try PrincipalComponents(components: 2, dimension: 2)
    let found = try model.components(of: GaussianMoments(of: (0..<272).map(eruptions.row)))
    #expect(abs(found.variances[0] - 185.881824) < 1e-6 && abs(found.variances[1] - 0.2442167) < 1e-7)
  }

  @Test(arguments: problems)
  func anyDataHasOrthonormalDirections(problem: Problem) throws {
    let d = problem.rows.columns
    let model = try PrincipalComponents(components: d, dimension: d)
    let fit = try problem.rows.withRows {
      try model.fit(
        Observations(inputs: $0), from: model.start(pivot: problem.rows.row(0)),
        stopping: Stopping(iterations: 3, tolerance: -1))
    }
    let products = Matrix.product(fit.parameters.directions, fit.parameters.directions, transposed: .right)
    #expect(relativeDifference(products.elements, Matrix.identity(d).elements) < 1e-12)
    #expect(fit.parameters.variances.allSatisfy { $0 >= 0 && $0.isFinite })
    let back = problem.rows.withRows { fit.parameters.rows(from: fit.parameters.coordinates(of: $0)) }
    #expect(relativeDifference(back.elements, problem.rows.elements) < 1e-12)
  }

  /// Of few rows with many columns the rows are collected; the components are those of the covariance.
  @Test(arguments: [1, 4], [false, true])
  func fewRowsOfManyColumns(shards: Int, areDuplicates: Bool) throws {
    var generator = SplitMix64(seed: 41)
    let (n, d, k) = (9, 30, 4)
    var data = Matrix(
      rows: n, columns: d,
      elements: (0..<(n * d)).map { 1e3 + Double(1 + $0 % 5) * generator.normal() })
    if areDuplicates { for i in 6..<n { for j in 0..<d { data[i, j] = data[i - 6, j] } } }
    let (few, many) = (
      try PrincipalComponents(components: k, dimension: d, rows: n),
      try PrincipalComponents(components: k, dimension: d)
    )
    #expect(few.statisticsCount == 1 + n * d && many.statisticsCount == 1 + d + d * (d + 1) / 2)
    let found = try [few, many].map { model in
      try data.withRows {
        try model.fit(Observations(inputs: $0), from: model.start(pivot: data.row(2)), shards: shards)
      }
    }
    let (a, b) = (found[0].parameters, found[1].parameters)
    #expect(relativeDifference(a.directions.elements, b.directions.elements) < 1e-10)
    #expect(relativeDifference(a.spectrum, b.spectrum) < 1e-12)
    #expect(relativeDifference(a.mean, b.mean) < 1e-15 && a.count == b.count)
    #expect(relativeDifference(found[0].objectives, found[1].objectives) < 1e-12)
    var spoilt = data
    spoilt[5, 7] = .nan
    #expect(throws: ExactError.self) {
      try spoilt.withRows { try few.fit(Observations(inputs: $0), from: few.start(pivot: data.row(2))) }
    }
  }

  @Test func hostileInput() throws {
    #expect(throws: ExactError.self) { try PrincipalComponents(components: 0, dimension: 3) }
    #expect(throws: ExactError.self) { try PrincipalComponents(components: 4, dimension: 3) }
    let model = try PrincipalComponents(components: 1, dimension: 1)
    let start = model.start(pivot: [0])
    #expect(throws: ExactError.self) {
      try Matrix(rows: 0, columns: 1).withRows { try model.fit(Observations(inputs: $0), from: start) }
    }
    #expect(throws: ExactError.self) {
      try Matrix([[.infinity]]).withRows { try model.fit(Observations(inputs: $0), from: start) }
    }
    let one = try Matrix([[4]]).withRows { try model.fit(Observations(inputs: $0), from: start) }
    #expect(one.parameters.variances == [0] && one.parameters.mean == [4] && one.parameters.varianceRatios == [0])
  }
}

@Suite struct ProbabilisticPCATests {
  private func closedForm() throws -> ProbabilisticPCAParameters {
    try ProbabilisticPCAParameters(
      maximisingLikelihoodOf: GaussianMoments(of: (0..<rows.rows).map(rows.row)), latentDimension: 2)
  }

  private func start(_ relevance: [Double]? = nil) throws -> ProbabilisticPCAParameters {
    let mean = (0..<6).map { rows.column($0).reduce(0, +) / 70 }
    return try ProbabilisticPCAParameters(
      mean: mean, loadings: matrix(golden["start"]), noiseVariance: 0.7, relevance: relevance)
  }

  @Test func closedFormEqualsTheReference() throws {
    let reference = golden["ppca"]
    let model = try closedForm()
    #expect(relativeDifference(model.loadings.elements, reference["loadings"].doubles) < 1e-11)
    #expect(relativeDifference(model.noiseVariance, reference["noise"].double) < 1e-12)
    let densities = try (0..<10).map { try model.logDensity(rows.row($0)) }
    #expect(relativeDifference(densities, reference["logDensities"].doubles) < 1e-12)
    let logLikelihood = try rows.withRows { try model.logLikelihood($0) }
    #expect(relativeDifference(logLikelihood, reference["logLikelihood"].double) < 1e-12)
    let latent = try (0..<5).map { try model.latentPosterior(rows.row($0)) }
    #expect(relativeDifference(latent.flatMap(\.mean), reference["latentMeans"].doubles) < 1e-11)
    #expect(relativeDifference(latent[0].covariance.elements, reference["latentCovariance"].doubles) < 1e-11)
  }

  private func check(
    _ model: ProbabilisticPCA, _ data: Matrix, from start: ProbabilisticPCAParameters, _ steps: Golden, shards: Int
  ) throws {
    var parameters = start
    for step in steps.list {
      let statistics = try data.withRows {
        try model.statistics(of: Observations(inputs: $0), parameters: parameters, shards: shards)
      }
      let improvement = try model.update(parameters, statistics: statistics)
      let before = model.bound(parameters, statistics: statistics, takenWith: parameters)
      #expect(relativeDifference(before, improvement.objective) < 1e-12)
      parameters = improvement.parameters
      #expect(model.bound(parameters, statistics: statistics, takenWith: improvement.parameters).isFinite)
      #expect(relativeDifference(improvement.objective, step["objective"].double) < 1e-11)
      #expect(relativeDifference(parameters.loadings.elements, step["loadings"].doubles) < 1e-9)
      #expect(relativeDifference(parameters.mean, step["mean"].doubles) < 1e-10)
      #expect(relativeDifference(parameters.noiseVariance, step["noise"].double) < 1e-10)
      #expect(relativeDifference(parameters.relevance ?? [], step["relevance"].doubles) < 1e-9)
    }
  }

  @Test(arguments: [1, 4])
  func emEqualsTheReferenceAtEveryIteration(shards: Int) throws {
    let model = try ProbabilisticPCA(latentDimension: 2, dimension: 6)
    try check(model, rows, from: start(), golden["em"], shards: shards)
    // Allowing missing values changes nothing when none is.
    let general = try ProbabilisticPCA(latentDimension: 2, dimension: 6, allowsMissing: true)
    try check(general, rows, from: start(), golden["em"], shards: shards)
  }

  @Test(arguments: [1, 4])
  func emWithMissingValuesEqualsTheReferenceAtEveryIteration(shards: Int) throws {
    let model = try ProbabilisticPCA(latentDimension: 2, dimension: 6, allowsMissing: true)
    // Row 3 is missing altogether; the reference leaves it out.
    let data = matrix(golden["missing"])
    let mean = (0..<6).map { j in
      let seen = data.column(j).filter { !$0.isNaN }
      return seen.reduce(0, +) / Double(seen.count)
    }
    let start = try ProbabilisticPCAParameters(mean: mean, loadings: matrix(golden["start"]), noiseVariance: 0.7)
    try check(model, data, from: start, golden["missingEM"], shards: shards)
  }

  @Test func relevanceEqualsTheReferenceAtEveryIteration() throws {
    let model = try ProbabilisticPCA(latentDimension: 2, dimension: 6, relevance: .init(limit: 1e3))
    let loadings = matrix(golden["start"])
    let relevance = (0..<2).map { min(6 / dot(loadings.column($0), loadings.column($0)), 1e3) }
    try check(model, rows, from: start(relevance), golden["relevanceEM"], shards: 2)
  }

  @Test func emConvergesToTheClosedForm() throws {
    let model = try ProbabilisticPCA(latentDimension: 2, dimension: 6)
    let fit = try rows.withRows {
      try model.fit(
        Observations(inputs: $0), from: start(), stopping: Stopping(iterations: 5000, tolerance: 1e-16))
    }
    let (found, exact) = (try fit.parameters.rotated(), try closedForm())
    #expect(relativeDifference(fit.objectives.last!, golden["ppca"]["logLikelihood"].double) < 1e-12)
    #expect(relativeDifference(found.loadings.elements, exact.loadings.elements) < 1e-6)
    #expect(relativeDifference(found.noiseVariance, exact.noiseVariance) < 1e-7)
    #expect(relativeDifference(found.mean, exact.mean) < 1e-7)
    #expect(relativeDifference(found.covariance.elements, fit.parameters.covariance.elements) < 1e-12)
  }

  @Test func missingValuesAreIntegratedOutAndImputed() throws {
    let reference = golden["conditional"]
    let model = try ProbabilisticPCAParameters(
      mean: Array(repeating: 0, count: 6), loadings: matrix(reference["loadings"]), noiseVariance: 0.3)
    let row = reference["row"].doubles
    #expect(relativeDifference(try model.logDensity(row), reference["logDensity"].double) < 1e-12)
    #expect(relativeDifference(try model.imputed(row), reference["imputed"].doubles) < 1e-12)
    let nothing = Array(repeating: Double.nan, count: 6)
    #expect(abs(try model.logDensity(nothing)) < 1e-12)
    #expect(try model.imputed(nothing) == model.mean)
    let prior = try model.latentPosterior(nothing)
    #expect(prior.mean == [0, 0] && relativeDifference(prior.covariance.elements, [1, 0, 0, 1]) < 1e-12)
  }

  @Test(arguments: problems, [false, true])
  func likelihoodNeverFalls(problem: Problem, withGaps: Bool) throws {
    let d = problem.rows.columns
    var generator = SplitMix64(seed: 21)
    var data = problem.rows
    if withGaps {
      for i in data.elements.indices where generator.uniform() < 0.2 { data.elements[i] = .nan }
    }
    for relevance in [nil, ProbabilisticPCA.Relevance(limit: 1e4)] {
      let model = try ProbabilisticPCA(
        latentDimension: max(d - 1, 1), dimension: d, allowsMissing: withGaps, relevance: relevance, noiseFloor: 1e-4)
      let fit = try data.withRows { rows in
        try model.fit(
          Observations(inputs: rows), from: try model.start(from: rows, using: &generator),
          stopping: Stopping(iterations: 80, tolerance: -1))
      }
      #expect(fit.objectives.allSatisfy { $0.isFinite })
      #expect(neverFalls(fit.objectives), "\(fit.objectives)")
    }
  }

  /// The bound between log-likelihoods: touching before the M-step, risen and short of the next by a KL after it.
  @Test func boundAtHalfSteps() throws {
    let model = try ProbabilisticPCA(latentDimension: 2, dimension: 6, allowsMissing: true)
    let data = matrix(golden["missing"])
    var generator = SplitMix64(seed: 22)
    try data.withRows { rows in
      var parameters = try model.start(from: rows, using: &generator)
      for _ in 0..<10 {
        let statistics = try model.statistics(of: Observations(inputs: rows), parameters: parameters)
        let step = try model.update(parameters, statistics: statistics)
        let after = model.bound(step.parameters, statistics: statistics, takenWith: parameters)
        let next = try step.parameters.logLikelihood(rows)
        #expect(after >= step.objective - 1e-9 && next >= after - 1e-9)
        parameters = step.parameters
      }
    }
  }

  /// Six columns made of two: of five allowed, two stay.
  @Test(arguments: [23, 24, 25] as [UInt64]) func relevanceFindsTheDimension(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let directions = Matrix(rows: 6, columns: 2, elements: (0..<12).map { _ in generator.normal() })
    let truth = try ProbabilisticPCAParameters(
      mean: Array(repeating: 1, count: 6), loadings: directions, noiseVariance: 0.05)
    let sample = Matrix((0..<200).map { _ in truth.sample(using: &generator) })
    let model = try ProbabilisticPCA(latentDimension: 5, dimension: 6, relevance: .init(limit: 1e6))
    let fit = try sample.withRows { rows in
      try model.fit(
        Observations(inputs: rows), from: try model.start(from: rows, using: &generator),
        stopping: Stopping(iterations: 2000, tolerance: 1e-9))
    }
    // α of a column that is needed is D/‖w‖² ≈ 1; one that is not has less in it than the noise.
    #expect(fit.parameters.relevance!.filter { $0 < 100 }.count == 2)
    #expect(relativeDifference(fit.parameters.noiseVariance, 0.05) < 0.15)
  }

  @Test func samplesHaveTheCovariance() throws {
    var generator = SplitMix64(seed: 24)
    let model = try ProbabilisticPCAParameters(mean: [1, -1], loadings: Matrix([[2], [1]]), noiseVariance: 0.5)
    let draws = try GaussianMoments(of: (0..<40_000).map { _ in model.sample(using: &generator) })
    let found = (1.0 / 40_000) * draws.scatter
    // Five standard errors of a variance v are 5 v √(2/N) = 0.035 v.
    #expect(zip(found.elements, [4.5, 2, 2, 1.5]).allSatisfy { abs($0 - $1) < 0.16 })
    #expect(zip(draws.mean, [1, -1]).allSatisfy { abs($0 - $1) < 0.06 })
  }

  @Test func hostileInput() throws {
    for q in [0, 2, 3] {
      #expect(throws: ExactError.self) { try ProbabilisticPCA(latentDimension: q, dimension: 2) }
      #expect(throws: ExactError.self) {
        try ProbabilisticPCAParameters(
          maximisingLikelihoodOf: GaussianMoments(of: [[1, 2], [3, 5], [2, 9]]), latentDimension: q)
      }
    }
    // All on a line: no noise is left.
    #expect {
      try ProbabilisticPCAParameters(
        maximisingLikelihoodOf: GaussianMoments(of: [[1, 2], [2, 4], [3, 6]]), latentDimension: 1)
    } throws: { ($0 as? ExactError)?.code == .singular }
    #expect(throws: ExactError.self) {
      try ProbabilisticPCAParameters(mean: [0], loadings: Matrix([[1]]), noiseVariance: 0)
    }
    let model = try ProbabilisticPCA(latentDimension: 1, dimension: 2)
    let parameters = try ProbabilisticPCAParameters(mean: [0, 0], loadings: Matrix([[1], [1]]), noiseVariance: 1)
    for bad in [Double.nan, .infinity] {
      #expect {
        try Matrix([[1, 2], [bad, 3]]).withRows { try model.fit(Observations(inputs: $0), from: parameters) }
      } throws: { ($0 as? ExactError)?.code == .notFinite && ($0 as? ExactError)?.row == 1 }
    }
    let general = try ProbabilisticPCA(latentDimension: 1, dimension: 2, allowsMissing: true)
    #expect(throws: ExactError.self) {
      try Matrix([[.nan, .infinity]]).withRows { try general.fit(Observations(inputs: $0), from: parameters) }
    }
    #expect(throws: ExactError.self) {
      try Matrix(rows: 0, columns: 2).withRows { try general.fit(Observations(inputs: $0), from: parameters) }
    }
    #expect(throws: ExactError.self) { try parameters.logDensity([1]) }
    #expect(throws: ExactError.self) { try parameters.logDensity([1, .infinity]) }
  }
}
