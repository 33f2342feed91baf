import Distributions
import LinearAlgebra
import Mixtures
import ReferenceSupport
import Statistics
import Testing

private let golden = Golden("mixtures")
private let rows = Matrix(golden["rows"].list.map(\.doubles))

@Suite struct VariationalMixtureTests {
  /// Against scikit-learn, whose prior, last stick and order of updates are the same; the bound against Bishop's terms.
  @Test(arguments: ["dirichlet", "process"])
  func equalsScikitLearnAtEveryIteration(kind: String) throws {
    let reference = golden[kind]
    let k = reference["components"].int
    let prior = try GaussianWishart(
      mean: reference["meanPrior"].doubles, meanPrecision: 0.7, degrees: 3.5,
      inverseScale: Matrix(reference["covariancePrior"].list.map(\.doubles)))
    let concentration = reference["concentration"].double
    let model = try VariationalMixture(
      components: k, weights: kind == "dirichlet" ? .dirichlet(concentration) : .dirichletProcess(concentration),
      prior: prior)
    var assigned = Matrix(rows: rows.rows, columns: k)
    for (row, label) in reference["labels"].doubles.enumerated() { assigned[row, Int(label)] = 1 }
    let centres = Matrix(Array(repeating: prior.mean, count: k))
    var parameters = try rows.withRows { try model.start(from: $0, responsibilities: assigned, centres: centres) }
    let steps = reference["steps"].list
    for iteration in 0..<((steps.count - 1) * reference["stride"].int + 1) {
      let statistics = try rows.withRows {
        try model.statistics(of: Observations(inputs: $0), parameters: parameters, shards: 3)
      }
      let before = parameters
      parameters = try model.update(parameters, statistics: statistics).parameters
      guard iteration % reference["stride"].int == 0 else { continue }
      let step = steps[iteration / reference["stride"].int]
      let bound = model.bound(parameters, statistics: statistics, takenWith: before)
      #expect(relativeDifference(bound, step["bound"].double) < 1e-10)
      #expect(relativeDifference(parameters.components.flatMap(\.mean), step["means"].doubles) < 1e-8)
      #expect(relativeDifference(parameters.components.map(\.meanPrecision), step["meanPrecisions"].doubles) < 1e-8)
      #expect(relativeDifference(parameters.components.map(\.degrees), step["degrees"].doubles) < 1e-8)
      #expect(relativeDifference(parameters.weights.means, step["weights"].doubles) < 1e-8)
      let concentrations =
        switch parameters.weights {
        case .dirichlet(let alpha): alpha
        case .sticks(let a, let b): a + b
        }
      #expect(relativeDifference(concentrations, step["concentration"].doubles) < 1e-8)
      let covariances = parameters.components.flatMap { ((1 / $0.degrees) * $0.inverseScale).elements }
      #expect(relativeDifference(covariances, step["covariances"].doubles) < 1e-8)
    }
    let responsibilities = try Matrix((0..<20).map(rows.row)).withRows {
      try model.responsibilities(of: $0, parameters)
    }
    #expect(relativeDifference(responsibilities.elements, reference["responsibilities"].doubles) < 1e-8)
  }

  @Test(arguments: Problem.all, [true, false])
  func boundNeverFalls(problem: Problem, process: Bool) throws {
    var generator = SplitMix64(seed: 14)
    let fit = try problem.rows.withRows { rows in
      let prior = try GaussianWishart(asWideAs: rows)
      let model = try VariationalMixture(
        components: problem.components + 2, weights: process ? .dirichletProcess(0.1) : .dirichlet(0.01), prior: prior)
      return try model.fit(
        Observations(inputs: rows), from: try model.start(from: rows, using: &generator),
        stopping: Stopping(iterations: 80, tolerance: -1))
    }
    #expect(fit.objectives.allSatisfy { $0.isFinite })
    #expect(neverFalls(fit.objectives), "\(fit.objectives)")
  }

  /// The bound rises at both half-steps, and equals the objective after the E-step.
  @Test func boundAtHalfSteps() throws {
    var generator = SplitMix64(seed: 15)
    try rows.withRows { data in
      let model = try VariationalMixture(
        components: 4, weights: .dirichlet(0.5), prior: try GaussianWishart(asWideAs: data))
      var parameters = try model.start(from: data, using: &generator)
      var bounds: [Double] = []
      for _ in 0..<10 {
        let statistics = try model.statistics(of: Observations(inputs: data), parameters: parameters)
        let step = try model.update(parameters, statistics: statistics)
        #expect(
          relativeDifference(
            model.bound(parameters, statistics: statistics, takenWith: parameters), step.objective) < 1e-12)
        bounds.append(step.objective)
        bounds.append(model.bound(step.parameters, statistics: statistics, takenWith: parameters))
        parameters = step.parameters
      }
      #expect(neverFalls(bounds))
    }
  }

  /// One component has an exact posterior: the bound is the evidence of the Gaussian-Wishart model.
  @Test func withOneComponentTheBoundIsTheEvidence() throws {
    try rows.withRows { data in
      let prior = try GaussianWishart(asWideAs: data, meanPrecision: 0.3, degrees: 5)
      let model = try VariationalMixture(components: 1, weights: .dirichlet(1), prior: prior)
      var generator = SplitMix64(seed: 16)
      let fit = try model.fit(
        Observations(inputs: data), from: try model.start(from: data, using: &generator),
        stopping: Stopping(iterations: 3, tolerance: -1))
      let statistics = try GaussianMoments(of: (0..<rows.rows).map(rows.row))
      let evidence = try prior.logEvidence(statistics)
      #expect(relativeDifference(fit.objectives.last!, evidence) < 1e-11)
      let exact = try prior.posterior(statistics)
      let found = fit.parameters.components[0]
      #expect(relativeDifference(found.inverseScale.elements, exact.inverseScale.elements) < 1e-11)
      let predictive = model.logPredictives(of: data, fit.parameters)[3]
      #expect(relativeDifference(predictive, exact.logPredictiveDensity(rows.row(3))) < 1e-11)
    }
  }

  /// Six components on standardized Old Faithful; the data does not need four of them.
  @Test(.enabled(if: RealData.exists("tables/faithful.csv")), arguments: [1, 2, 3] as [UInt64])
  func componentsDieOnOldFaithful(seed: UInt64) throws {
    var eruptions = Matrix(RealData.rows("tables/faithful.csv", skipping: 1, columns: 2))
    for j in 0..<2 {
      let column = eruptions.column(j)
      let mean = column.reduce(0, +) / 272
      let deviation = (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 272).squareRoot()
      for i in 0..<272 { eruptions[i, j] = (eruptions[i, j] - mean) / deviation }
    }
    var generator = SplitMix64(seed: seed)
    try eruptions.withRows { data in
      let model = try VariationalMixture(
        components: 6, weights: .dirichlet(1e-3), prior: try GaussianWishart(asWideAs: data, meanPrecision: 1))
      let fit = try model.fit(
        Observations(inputs: data), from: try model.start(from: data, using: &generator),
        stopping: Stopping(iterations: 2000, tolerance: 1e-10))
      let statistics = try model.statistics(of: Observations(inputs: data), parameters: fit.parameters)
      #expect(neverFalls(fit.objectives))
      #expect(model.alive(statistics: statistics).count == 2)
    }
  }

  @Test func hostileInput() throws {
    let prior = try GaussianWishart(mean: [0], meanPrecision: 1, degrees: 1, inverseScale: .identity(1))
    #expect(throws: ExactError.self) { try VariationalMixture(components: 0, weights: .dirichlet(1), prior: prior) }
    for bad in [0, -1, Double.nan, .infinity] {
      #expect(throws: ExactError.self) { try VariationalMixture(components: 2, weights: .dirichlet(bad), prior: prior) }
    }
    #expect(throws: ExactError.self) { try Matrix(rows: 0, columns: 1).withRows { try GaussianWishart(asWideAs: $0) } }
    #expect(throws: ExactError.self) { try Matrix([[.nan]]).withRows { try GaussianWishart(asWideAs: $0) } }
  }
}
