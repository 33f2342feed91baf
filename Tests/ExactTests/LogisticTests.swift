import LinearAlgebra
import ReferenceSupport
import Regression
import Statistics
import Testing

private let golden = Golden("logistic")

private func withObservations<R>(
  _ inputs: Matrix, _ targets: [Double], _ body: (Observations) throws -> R
) throws -> R {
  try inputs.withRows { x in
    try Matrix(rows: targets.count, columns: 1, elements: targets).withRows { t in
      try body(Observations(inputs: x, targets: t))
    }
  }
}

private func matrix(_ value: Golden) -> Matrix { Matrix(value.list.map(\.doubles)) }

/// Labels for the rows of clustering problems: by a plane, which separates them, or nearly.
private func labels(_ problem: Problem, flip: Double) -> [Double] {
  var generator = SplitMix64(seed: 51)
  let mean = problem.rows.column(0).reduce(0, +) / Double(problem.rows.rows)
  return problem.rows.column(0).map { ($0 > mean) != (generator.uniform() < flip) ? 1 : 0 }
}

@Suite struct LogisticRegressionTests {
  private let reference = golden["binary"]
  private var inputs: Matrix { matrix(reference["inputs"]) }
  private var targets: [Double] { reference["targets"].doubles }
  private var alpha: Double { reference["weightPrecision"].double }

  @Test(
    "A Laplace approximation agrees with the reference in mode, precision, evidence and probabilities",
    arguments: [1, 3])
  func laplace(shards: Int) throws {
    let model = try LaplaceLogisticRegression(Features(.identity, inputs: 3), weightPrecision: alpha)
    let fit = try withObservations(inputs, targets) {
      try model.fit($0, from: model.start, stopping: Stopping(iterations: 50, tolerance: 0), shards: shards)
    }
    let posterior = fit.parameters.posterior!
    #expect(fit.converged && neverFalls(fit.objectives))
    #expect(relativeDifference(posterior.mean, reference["mode"].doubles) < 1e-8)
    #expect(relativeDifference(posterior.precision.matrix.elements, reference["precision"].doubles) < 1e-8)
    #expect(relativeDifference(fit.objectives.last!, reference["joint"].double) < 1e-10)
    #expect(relativeDifference(fit.parameters.logEvidence!, reference["evidence"].double) < 1e-9)
    let points = matrix(reference["points"])
    let activations = (0..<4).map { posterior.activation(points.row($0)) }
    #expect(relativeDifference(activations.map(\.mean), reference["activationMean"].doubles) < 1e-7)
    #expect(relativeDifference(activations.map(\.variance), reference["activationVariance"].doubles) < 1e-7)
    let probabilities = (0..<4).map { posterior.probability(points.row($0)) }
    #expect(relativeDifference(probabilities, reference["probability"].doubles) < 1e-7)
    // The probit approximation is good to about a hundredth; sampling converges to the integral.
    var generator = SplitMix64(seed: 1)
    for (i, integral) in reference["integrated"].doubles.enumerated() {
      let sampled = posterior.sampledProbability(points.row(i), samples: 20_000, using: &generator)
      #expect(abs(sampled.mean - integral) < 5 * sampled.standardError && sampled.standardError < 0.004)
      #expect(abs(probabilities[i] - integral) < 0.01)
    }
  }

  @Test(arguments: [1, 3])
  func localVariationalBound(shards: Int) throws {
    let model = try VariationalLogisticRegression(Features(.identity, inputs: 3), weightPrecision: alpha)
    var parameters = model.start
    for step in golden["variational"].list {
      let improvement = try withObservations(inputs, targets) {
        try model.update(parameters, statistics: model.statistics(of: $0, parameters: parameters, shards: shards))
      }
      parameters = improvement.parameters
      #expect(relativeDifference(improvement.objective, step["bound"].double) < 1e-11)
      #expect(relativeDifference(parameters.mean, step["mean"].doubles) < 1e-10)
      #expect(relativeDifference(parameters.precision.matrix.elements, step["precision"].doubles) < 1e-11)
    }
  }

  /// With one weight the evidence is known: the bound is below it, Laplace near it.
  @Test func boundIsBelowTheEvidence() throws {
    let one = golden["oneWeight"]
    let x = Matrix(rows: 6, columns: 1, elements: one["x"].doubles)
    let features = try Features(.identity, inputs: 1, intercept: false)
    let variational = try VariationalLogisticRegression(features, weightPrecision: alpha)
    let laplace = try LaplaceLogisticRegression(features, weightPrecision: alpha)
    try withObservations(x, one["t"].doubles) {
      let bound = try variational.fit($0, from: variational.start, stopping: Stopping(iterations: 200, tolerance: 0))
      let mode = try laplace.fit($0, from: laplace.start, stopping: Stopping(iterations: 50, tolerance: 0))
      let evidence = one["evidence"].double
      #expect(
        bound.objectives.last! < evidence && bound.objectives.last! > evidence - 0.5,
        "\(bound.objectives.last!) of \(evidence)")
      #expect(abs(mode.parameters.logEvidence! - evidence) < 0.1)
    }
  }

  @Test(arguments: Problem.all, [0.0, 0.2])
  func objectivesNeverFall(problem: Problem, flip: Double) throws {
    // Far from the origin the intercept and the weights nearly cancel; standardised, as a user would, they do not.
    let d = problem.rows.columns
    var rows = problem.rows
    for j in 0..<d {
      let shift = rows[0, j]
      for i in 0..<rows.rows { rows[i, j] -= shift }
    }
    let targets = labels(problem, flip: flip)
    let features = try Features(.identity, inputs: d)
    for alpha in [1e-6, 1] {
      let variational = try VariationalLogisticRegression(features, weightPrecision: alpha)
      let laplace = try LaplaceLogisticRegression(features, weightPrecision: alpha)
      let softmax = try SoftmaxRegression(features, classes: 3, weightPrecision: alpha)
      let stopping = Stopping(iterations: 60, tolerance: -1)
      try withObservations(rows, targets) {
        let bounds = try variational.fit($0, from: variational.start, stopping: stopping).objectives
        #expect(neverFalls(bounds, tolerance: 1e-8), "\(bounds)")
        let joints = try laplace.fit($0, from: laplace.start, stopping: stopping).objectives
        #expect(neverFalls(joints), "\(joints)")
        let three = try softmax.fit($0, from: softmax.start, stopping: stopping).objectives
        #expect(neverFalls(three), "\(three)")
      }
    }
  }

  /// A start far from the mode makes Newton's first step too long; it is shortened until it improves.
  @Test func longStepsAreTakenBack() throws {
    let x = Matrix(rows: 40, columns: 1, elements: (0..<40).map { Double($0) * 50 - 1000 })
    let model = try LaplaceLogisticRegression(
      Features(.gaussian(centres: [0], width: 1e3), inputs: 1), weightPrecision: 1e-8)
    let targets = (0..<40).map { $0 > 10 && $0 < 30 ? 1.0 : 0 }
    try withObservations(x, targets) {
      let fit = try model.fit($0, from: model.start, stopping: Stopping(iterations: 200, tolerance: 0))
      #expect(fit.converged && neverFalls(fit.objectives))
    }
  }

  /// A row that counts three times is three rows, for all three models: objective, mode and curvature.
  @Test func weightsOfClassesAreNumbersOfRows() throws {
    let features = try Features(.identity, inputs: 3)
    let stopping = Stopping(iterations: 100, tolerance: 0)
    let thrice = targets.indices.flatMap { row in Array(repeating: row, count: targets[row] == 1 ? 3 : 1) }
    let (x, t) = (Matrix(thrice.map(inputs.row)), thrice.map { targets[$0] })
    func check<Model: StatisticsModel>(
      _ weighted: Model, _ plain: Model, _ start: Model.Parameters, _ numbers: (Model.Parameters) -> [Double]
    ) throws {
      let one = try withObservations(inputs, targets) { try weighted.fit($0, from: start, stopping: stopping) }
      let other = try withObservations(x, t) { try plain.fit($0, from: start, stopping: stopping) }
      let unweighted = try withObservations(inputs, targets) { try plain.fit($0, from: start, stopping: stopping) }
      #expect(relativeDifference(one.objectives.last!, other.objectives.last!) < 1e-10)
      #expect(relativeDifference(numbers(one.parameters), numbers(other.parameters)) < 1e-6)
      #expect(relativeDifference(numbers(one.parameters), numbers(unweighted.parameters)) > 1e-2)
    }
    let laplace = try LaplaceLogisticRegression(features, weightPrecision: alpha, classWeights: [1, 3])
    try check(laplace, LaplaceLogisticRegression(features, weightPrecision: alpha), laplace.start) {
      $0.posterior!.mean + $0.posterior!.precision.lower.elements
    }
    let bound = try VariationalLogisticRegression(features, weightPrecision: alpha, classWeights: [1, 3])
    try check(bound, VariationalLogisticRegression(features, weightPrecision: alpha), bound.start) {
      $0.mean + $0.precision.lower.elements
    }
    let softmax = try SoftmaxRegression(features, classes: 2, weightPrecision: alpha, classWeights: [1, 3])
    try check(softmax, SoftmaxRegression(features, classes: 2, weightPrecision: alpha), softmax.start) {
      $0.posterior!.mean.elements + $0.posterior!.precision.lower.elements
    }
  }

  @Test func severalClasses() throws {
    let reference = golden["multiclass"]
    let model = try SoftmaxRegression(Features(.identity, inputs: 3), classes: 3, weightPrecision: alpha)
    let fit = try withObservations(matrix(reference["inputs"]), reference["targets"].doubles) {
      try model.fit($0, from: model.start, stopping: Stopping(iterations: 50, tolerance: 0), shards: 2)
    }
    let posterior = fit.parameters.posterior!
    #expect(fit.converged && neverFalls(fit.objectives))
    #expect(relativeDifference(posterior.mean.elements, reference["mode"].doubles) < 1e-7)
    #expect(relativeDifference(posterior.precision.matrix.elements, reference["precision"].doubles) < 1e-7)
    #expect(relativeDifference(fit.objectives.last!, reference["joint"].double) < 1e-10)
    #expect(relativeDifference(fit.parameters.logEvidence!, reference["evidence"].double) < 1e-9)
    let point = reference["point"].doubles
    let activations = posterior.activations(point)
    #expect(relativeDifference(activations.mean, reference["activationMean"].doubles) < 1e-7)
    #expect(relativeDifference(activations.covariance.elements, reference["activationCovariance"].doubles) < 1e-7)
    var generator = SplitMix64(seed: 2)
    let (approximate, sampled) = (
      posterior.probabilities(point), try posterior.sampledProbabilities(point, samples: 20_000, using: &generator)
    )
    #expect(abs(approximate.reduce(0, +) - 1) < 1e-14 && abs(sampled.reduce(0, +) - 1) < 1e-12)
    #expect(zip(approximate, sampled).allSatisfy { abs($0 - $1) < 0.1 }, "\(approximate) for \(sampled)")
  }

  /// Two classes with weights of their own, half the prior variance each, are one logistic regression.
  @Test func twoClassesAgreeWithTheLogisticRegression() throws {
    let features = try Features(.identity, inputs: 3)
    let two = try SoftmaxRegression(features, classes: 2, weightPrecision: 2 * alpha)
    let one = try LaplaceLogisticRegression(features, weightPrecision: alpha)
    try withObservations(inputs, targets) {
      let stopping = Stopping(iterations: 50, tolerance: 0)
      let (a, b) = (
        try two.fit($0, from: two.start, stopping: stopping).parameters,
        try one.fit($0, from: one.start, stopping: stopping).parameters
      )
      let difference = a.posterior!.mean.row(1).subtracting(a.posterior!.mean.row(0))
      #expect(relativeDifference(difference, b.posterior!.mean) < 1e-9)
      #expect(abs(a.logEvidence! - b.logEvidence!) < 1e-9)
    }
  }

  @Test func hostileInput() throws {
    let features = try Features(.identity, inputs: 1)
    for bad in [0, -1, Double.nan, .infinity] {
      #expect(throws: ExactError.self) { try LaplaceLogisticRegression(features, weightPrecision: bad) }
      #expect(throws: ExactError.self) { try VariationalLogisticRegression(features, weightPrecision: bad) }
      #expect(throws: ExactError.self) { try SoftmaxRegression(features, classes: 2, weightPrecision: bad) }
    }
    #expect(throws: ExactError.self) { try SoftmaxRegression(features, classes: 1, weightPrecision: 1) }
    let model = try LaplaceLogisticRegression(features, weightPrecision: 1)
    let x = Matrix([[1], [2], [3]])
    for bad in [2, -1, 0.5, Double.nan, .infinity] {
      #expect {
        try withObservations(x, [0, 1, bad]) { try model.fit($0, from: model.start) }
      } throws: { ($0 as? ExactError)?.code == .wrongTarget && ($0 as? ExactError)?.row == 2 }
    }
    #expect {
      try withObservations(Matrix([[1], [.nan], [3]]), [0, 1, 1]) { try model.fit($0, from: model.start) }
    } throws: { ($0 as? ExactError)?.code == .notFinite && ($0 as? ExactError)?.row == 1 }
    #expect {
      try withObservations(Matrix(rows: 0, columns: 1), []) { try model.fit($0, from: model.start) }
    } throws: { ($0 as? ExactError)?.code == .tooFewRows }
    #expect {
      try x.withRows { try model.fit(Observations(inputs: $0), from: model.start) }
    } throws: { ($0 as? ExactError)?.code == .wrongShape }
  }
}
