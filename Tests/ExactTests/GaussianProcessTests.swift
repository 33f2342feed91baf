import Foundation
import LinearAlgebra
import Processes
import ReferenceSupport
import Regression
import Statistics
import Testing

private let golden = Golden("processes")
private let inputs = Matrix(golden["inputs"].list.map(\.doubles))
private let targets = golden["targets"].doubles
/// A periodic function of the distance is a covariance along one column only.
private func columns(_ name: String) -> Int { name == "periodic" || name == "sumAndProduct" ? 1 : 2 }
private func first(_ count: Int, of matrix: Matrix) -> Matrix {
  Matrix((0..<matrix.rows).map { Array(matrix.row($0).prefix(count)) })
}
private let points = Matrix((0..<5).map { inputs.row($0).map { $0 + 0.37 } })

private let kernels: [(name: String, kernel: Kernel)] = [
  ("rbf", .rbf(variance: 1.3, lengthScales: [1.1])),
  ("rbfColumns", .rbf(variance: 0.8, lengthScales: [0.7, 2.5])),
  ("matern12", .matern12(variance: 1.3, lengthScales: [1.1])),
  ("matern32", .matern32(variance: 1.3, lengthScales: [1.1, 0.6])),
  ("matern52", .matern52(variance: 1.3, lengthScales: [1.1])),
  ("rationalQuadratic", .rationalQuadratic(variance: 1.3, lengthScales: [1.1], alpha: 0.8)),
  ("periodic", .periodic(variance: 1.3, lengthScale: 1.2, period: 4)),
  ("linear", .linear(variance: 2) + .constant(variance: 1)),
  (
    "sumAndProduct",
    .rbf(variance: 1.3, lengthScales: [1.1]) * .fixed(.periodic(variance: 1, lengthScale: 1.2, period: 4))
      + .matern32(variance: 0.4, lengthScales: [2])
  ),
]

/// Central differences of f by the logarithm of each parameter.
private func differences(_ parameters: [Double], _ f: ([Double]) throws -> Double) rethrows -> [Double] {
  let step = 1e-5
  return try parameters.indices.map { i in
    var (up, down) = (parameters, parameters)
    up[i] *= exp(step)
    down[i] *= exp(-step)
    return (try f(up) - f(down)) / (2 * step)
  }
}

@Suite struct GaussianProcessTests {
  @Test(arguments: kernels.map(\.name))
  func equalsScikitLearn(name: String) throws {
    let reference = golden["kernels"][name]
    let kernel = kernels.first { $0.name == name }!.kernel
    let inputs = first(columns(name), of: inputs)
    let points = first(columns(name), of: points)
    let process = try GaussianProcess(kernel, noiseVariance: 0.04, inputs: inputs, targets: targets)
    #expect(relativeDifference(process.logMarginalLikelihood, reference["logMarginalLikelihood"].double) < 1e-10)
    let predictions = try process.predict(points)
    #expect(relativeDifference(predictions.map(\.mean), reference["mean"].doubles) < 1e-9)
    #expect(relativeDifference(predictions.map(\.variance), reference["variance"].doubles) < 1e-9)
    let expected = reference["gradient"].doubles
    switch name {
    // scikit-learn orders or shares these parameters otherwise; differences check them below.
    case "linear", "sumAndProduct": #expect(relativeDifference(process.gradient.last!, expected.last!) < 1e-8)
    case "rationalQuadratic":
      #expect(relativeDifference(process.gradient, [expected[0], expected[2], expected[1], expected[3]]) < 1e-8)
    default: #expect(relativeDifference(process.gradient, expected) < 1e-8)
    }
  }

  @Test(arguments: kernels.map(\.name) + ["all"])
  func gradientsEqualDifferences(name: String) throws {
    let all = Kernel.product([
      .sum(kernels.filter { columns($0.name) == 2 }.map(\.kernel) + [.white(variance: 0.2)]),
      .rationalQuadratic(variance: 0.5, lengthScales: [1, 2], alpha: 2),
    ])
    let kernel = kernels.first { $0.name == name }?.kernel ?? all
    let inputs = first(columns(name), of: inputs)
    let process = try GaussianProcess(kernel, noiseVariance: 0.04, inputs: inputs, targets: targets)
    let found = try differences(kernel.parameters + [0.04]) {
      try GaussianProcess(
        kernel.with(parameters: Array($0.dropLast())), noiseVariance: $0.last!, inputs: inputs, targets: targets
      ).logMarginalLikelihood
    }
    #expect(relativeDifference(process.gradient, found) < 1e-6)
  }

  @Test func optimisationFindsScikitLearnsMaximum() throws {
    let reference = golden["optimum"]
    let start = try GaussianProcess(
      .rbf(variance: 1, lengthScales: [1, 1]), noiseVariance: 0.1, inputs: inputs, targets: targets)
    let best = try start.optimized(targets: targets)
    #expect(best.logMarginalLikelihood > reference["logMarginalLikelihood"].double - 1e-6)
    #expect(relativeDifference(best.logMarginalLikelihood, reference["logMarginalLikelihood"].double) < 1e-6)
    let parameters = zip(best.kernel.parameters + [best.noiseVariance], reference["parameters"].doubles)
    #expect(parameters.allSatisfy { abs(log($0 / $1)) < 1e-2 })
    let kept = try start.optimized(targets: targets, optimizesNoise: false)
    #expect(kept.noiseVariance == 0.1 && kept.logMarginalLikelihood > start.logMarginalLikelihood)
  }

  @Test func interpolatesWithoutNoiseAndReturnsToThePriorFarAway() throws {
    let process = try GaussianProcess(
      .matern52(variance: 2, lengthScales: [1]), noiseVariance: 0, mean: 5, inputs: inputs, targets: targets)
    for (i, prediction) in try process.predict(inputs).enumerated() {
      #expect(abs(prediction.mean - targets[i]) < 1e-6 && prediction.modelVariance < 1e-6)
    }
    let far = try process.predict(Matrix([[1000, 1000]]))[0]
    #expect(far.mean == 5 && far.modelVariance == 2)
  }

  @Test func samplesHaveTheMarginals() throws {
    let process = try GaussianProcess(
      .rbf(variance: 1, lengthScales: [1]), noiseVariance: 0.1, inputs: inputs, targets: targets)
    var generator = SplitMix64(seed: 6)
    let draws = try process.sample(4000, at: points, using: &generator)
    for (j, prediction) in try process.predict(points).enumerated() {
      let column = draws.column(j)
      let mean = column.reduce(0, +) / 4000
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
      #expect(abs(mean - prediction.mean) < 5 * (prediction.modelVariance / 4000).squareRoot())
      #expect(abs(variance / prediction.modelVariance - 1) < 0.12)
    }
  }

  @Test(.enabled(if: RealData.exists("mauna_loa_co2/co2-mm-mlo.csv")))
  func carbonDioxide() throws {
    let reference = golden["co2"]
    let table = RealData.rows("mauna_loa_co2/co2-mm-mlo.csv", skipping: 1, columns: 3)
    let x = Matrix(rows: 480, columns: 1, elements: table.prefix(480).map { $0[0] })
    let trend = Kernel.rbf(variance: 2500, lengthScales: [50])
    let season =
      Kernel.rbf(variance: 4, lengthScales: [100]) * .periodic(variance: 1, lengthScale: 1, period: 1)
    let weather =
      Kernel.rationalQuadratic(variance: 0.25, lengthScales: [1], alpha: 1) + .rbf(variance: 0.01, lengthScales: [0.1])
    let process = try GaussianProcess(
      trend + season + weather, noiseVariance: 0.01, mean: reference["centre"].double, inputs: x,
      targets: table.prefix(480).map { $0[2] })
    #expect(relativeDifference(process.logMarginalLikelihood, reference["logMarginalLikelihood"].double) < 1e-8)
    let ahead = reference["ahead"].doubles
    let predictions = try process.predict(Matrix(rows: ahead.count, columns: 1, elements: ahead))
    #expect(relativeDifference(predictions.map(\.mean), reference["mean"].doubles) < 1e-8)
    #expect(relativeDifference(predictions.map(\.variance), reference["variance"].doubles) < 1e-6)
  }

  @Test func hostileInput() throws {
    let kernel = Kernel.rbf(variance: 1, lengthScales: [1])
    func check(_ code: ExactError.Code, _ make: () throws -> Void) {
      #expect { try make() } throws: { ($0 as? ExactError)?.code == code }
    }
    check(.tooFewRows) {
      _ = try GaussianProcess(kernel, noiseVariance: 1, inputs: Matrix(rows: 0, columns: 1), targets: [])
    }
    check(.wrongArgument) { _ = try GaussianProcess(kernel, noiseVariance: -1, inputs: inputs, targets: targets) }
    check(.wrongArgument) { _ = try GaussianProcess(kernel, noiseVariance: 1, inputs: inputs, targets: [1]) }
    check(.wrongArgument) {
      _ = try GaussianProcess(
        .rbf(variance: 1, lengthScales: [1, 1, 1]), noiseVariance: 1, inputs: inputs, targets: targets)
    }
    for bad in [
      Kernel.white(variance: 0), .sum([]), .periodic(variance: 1, lengthScale: .nan, period: 1),
      .fixed(.constant(variance: -1)),
    ] {
      check(.wrongArgument) {
        _ = try GaussianProcess(kernel + bad, noiseVariance: 1, inputs: inputs, targets: targets)
      }
    }
    var spoilt = inputs
    spoilt[4, 1] = .nan
    check(.notFinite) { _ = try GaussianProcess(kernel, noiseVariance: 1, inputs: spoilt, targets: targets) }
    let tooMany = GaussianProcess.maximumRows + 1
    check(.wrongArgument) {
      _ = try GaussianProcess(
        kernel, noiseVariance: 1, inputs: Matrix(rows: tooMany, columns: 1),
        targets: Array(repeating: 0, count: tooMany))
    }
    // All rows alike: the covariance has rank one, which jitter mends.
    let alike = try GaussianProcess(
      kernel, noiseVariance: 0, inputs: Matrix(rows: 20, columns: 1, repeating: 1),
      targets: Array(repeating: 3, count: 20))
    #expect(abs(try alike.predict(Matrix([[1]]))[0].mean - 3) < 1e-3)
    let process = try GaussianProcess(kernel, noiseVariance: 1, inputs: inputs, targets: targets)
    check(.wrongShape) { _ = try process.predict(Matrix([[1]])) }
  }
}

@Suite struct SparseGaussianProcessTests {
  private let kernel = Kernel.rbf(variance: 1.3, lengthScales: [1.1])
  private let reference = golden["sparse"]
  private var inducing: Matrix { Matrix(reference["inducing"].list.map(\.doubles)) }

  private func withObservations<R>(_ body: (Observations) throws -> R) throws -> R {
    try inputs.withRows { x in
      try Matrix(rows: targets.count, columns: 1, elements: targets).withRows { t in
        try body(Observations(inputs: x, targets: t))
      }
    }
  }

  @Test(arguments: [1, 4])
  func boundAndPredictionsEqualTheReference(shards: Int) throws {
    let model = try SparseGaussianProcess(kernel, noiseVariance: 0.04, inducing: inducing)
    let first = try withObservations {
      try model.update(model.start, statistics: model.statistics(of: $0, parameters: model.start, shards: shards))
    }
    #expect(relativeDifference(first.objective, reference["bound"].double) < 1e-9)
    let predictions = try first.parameters.posterior!.predict(points)
    #expect(relativeDifference(predictions.map(\.mean), reference["mean"].doubles) < 1e-8)
    #expect(relativeDifference(predictions.map(\.modelVariance), reference["variance"].doubles) < 1e-8)
  }

  /// With the rows themselves as inducing inputs the bound is the marginal likelihood, up to the jitter.
  @Test func withAllRowsTheBoundIsExact() throws {
    let exact = try GaussianProcess(kernel, noiseVariance: 0.04, inputs: inputs, targets: targets)
    let model = try SparseGaussianProcess(kernel, noiseVariance: 0.04, inducing: inputs)
    let bound = try withObservations {
      try model.update(model.start, statistics: model.statistics(of: $0, parameters: model.start)).objective
    }
    #expect(bound < exact.logMarginalLikelihood && relativeDifference(bound, exact.logMarginalLikelihood) < 1e-4)
    let few = try SparseGaussianProcess(kernel, noiseVariance: 0.04, inducing: inducing)
    let less = try withObservations {
      try few.update(few.start, statistics: few.statistics(of: $0, parameters: few.start)).objective
    }
    #expect(less < bound)
  }

  private func bound(_ kernel: Kernel, _ noise: Double) throws -> Double {
    let model = try SparseGaussianProcess(kernel, noiseVariance: noise, inducing: inducing)
    return try withObservations {
      try model.update(model.start, statistics: model.statistics(of: $0, parameters: model.start)).objective
    }
  }

  /// The gradient of the second pass against differences of the first, by how the search uses it: its first step goes
  /// along the gradient with length one (or the gradient's, if that is less than one).
  @Test(arguments: kernels.map(\.name).filter { columns($0) == 2 })
  func gradientsEqualDifferences(name: String) throws {
    let kernel = kernels.first { $0.name == name }!.kernel
    let parameters = kernel.parameters + [0.04]
    let expected = try differences(parameters) { try bound(kernel.with(parameters: Array($0.dropLast())), $0.last!) }
    let model = try SparseGaussianProcess(kernel, noiseVariance: 0.04, inducing: inducing)
    let found = try withObservations { observations in
      let first = try model.update(
        model.start, statistics: model.statistics(of: observations, parameters: model.start, shards: 2))
      let second = try model.statistics(of: observations, parameters: first.parameters, shards: 2)
      return model.gradient(first.parameters, statistics: second)!
    }
    #expect(relativeDifference(found, expected) < 1e-5)
  }

  @Test func optimisationRaisesTheBoundBelowTheEvidence() throws {
    let model = try SparseGaussianProcess(
      .rbf(variance: 1, lengthScales: [1, 1]), noiseVariance: 0.1, inducing: inducing, iterations: 200)
    let fit = try withObservations {
      try model.fit($0, from: model.start, stopping: Stopping(iterations: 1000, tolerance: 0), shards: 3)
    }
    #expect(fit.converged && fit.parameters.isFinished && neverFalls(fit.objectives))
    let posterior = fit.parameters.posterior!
    #expect(posterior.bound == fit.objectives.last!)
    // Below the exact evidence at the same parameters.
    let exact = try GaussianProcess(
      posterior.kernel, noiseVariance: posterior.noiseVariance, inputs: inputs, targets: targets)
    #expect(posterior.bound < exact.logMarginalLikelihood)
    #expect(fit.objectives.last! > fit.objectives[0] + 1)
    let gradient = try differences(posterior.kernel.parameters + [posterior.noiseVariance]) {
      try bound(posterior.kernel.with(parameters: Array($0.dropLast())), $0.last!)
    }
    #expect(gradient.allSatisfy { abs($0) < 0.1 }, "\(gradient)")
  }

  @Test func hostileInput() throws {
    #expect(throws: ExactError.self) {
      try SparseGaussianProcess(kernel, noiseVariance: 0.1, inducing: Matrix(rows: 0, columns: 2))
    }
    #expect(throws: ExactError.self) { try SparseGaussianProcess(kernel, noiseVariance: 0, inducing: inducing) }
    #expect(throws: ExactError.self) {
      try SparseGaussianProcess(kernel, noiseVariance: 0.1, inducing: Matrix([[.nan, 1]]))
    }
    let model = try SparseGaussianProcess(kernel, noiseVariance: 0.1, inducing: inducing)
    var spoilt = inputs
    spoilt[20, 0] = .infinity
    #expect {
      try spoilt.withRows { x in
        try Matrix(rows: 30, columns: 1, elements: targets).withRows {
          try model.fit(Observations(inputs: x, targets: $0), from: model.start)
        }
      }
    } throws: { ($0 as? ExactError)?.code == .notFinite && ($0 as? ExactError)?.row == 20 }
    #expect(throws: ExactError.self) {
      try inputs.withRows { try model.fit(Observations(inputs: $0), from: model.start) }
    }
    // Inducing inputs that repeat: jitter mends them.
    let repeated = try SparseGaussianProcess(
      kernel, noiseVariance: 0.04, inducing: Matrix(Array(repeating: inputs.row(0), count: 4)))
    let bound = try withObservations {
      try repeated.update(repeated.start, statistics: repeated.statistics(of: $0, parameters: repeated.start)).objective
    }
    #expect(bound.isFinite)
  }
}

@Suite struct LBFGSTests {
  private func minimize(
    _ search: LBFGS, _ f: ([Double]) -> (Double, [Double])
  ) -> (LBFGS, evaluations: Int) {
    var (search, count) = (search, 0)
    while !search.isFinished, count < 10_000 {
      let (value, gradient) = f(search.point)
      search.tell(value, gradient)
      count += 1
    }
    return (search, count)
  }

  private func rosenbrock(_ x: [Double]) -> (Double, [Double]) {
    let (a, b) = (1 - x[0], x[1] - x[0] * x[0])
    return (a * a + 100 * b * b, [-2 * a - 400 * x[0] * b, 200 * b])
  }

  @Test func findsRosenbrocksMinimum() {
    let (search, count) = minimize(LBFGS(from: [-1.2, 1], valueTolerance: 0), rosenbrock)
    #expect(search.point.allSatisfy { abs($0 - 1) < 1e-5 } && count < 100)
  }

  @Test func staysWithinBounds() {
    let (search, _) = minimize(LBFGS(from: [-5, 7], lower: [-2, -2], upper: [0.5, 2]), rosenbrock)
    #expect(search.point[0] == 0.5 && abs(search.point[1] - 0.25) < 1e-5)
  }

  @Test func stepsBackFromWhereTheFunctionIsNotDefined() {
    let (search, _) = minimize(LBFGS(from: [5])) { x in
      x[0] > 0 ? (x[0] - log(x[0]), [1 - 1 / x[0]]) : (.nan, [.nan])
    }
    #expect(abs(search.point[0] - 1) < 1e-5)
  }

  @Test func endsWhereNothingIsDefinedOrNothingVaries() {
    #expect(minimize(LBFGS(from: [1])) { _ in (.infinity, [0]) }.evaluations == 1)
    #expect(minimize(LBFGS(from: [1])) { _ in (3, [0]) }.evaluations == 1)
    #expect(LBFGS(from: []).isFinished)
  }
}
