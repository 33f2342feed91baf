import BayesianNetworks
import Datasets
import Foundation
import Learners
import LinearAlgebra
import Recipes
import ReferenceSupport
import Tensors
import Testing
import Training

/// A learner at weights of the test's own: one step at the rate 0 fits its posterior to them.
private struct Fitted {
  let learner: any Predicting
  let metrics: [String: Double]

  init(
    _ data: Dataset, _ keys: [String: String], weights: [String: [Double]] = [:], shards: Int = 3, lanes: Int = 1
  ) async throws {
    let fixed = [
      "train.steps": "1", "train.epochs": "null", "optimizer.learning_rate": "0", "data.normalisation": "none",
      "train.batch": "10",
    ]
    learner = try predictor("laplace", data, fixed.merging(keys) { $1 })
    for (name, values) in weights {
      let slot = try #require(learner.parameters.layout[name])
      try #require(values.count == slot.shape.count)
      for (index, value) in values.enumerated() { learner.parameters.float32[slot.offset + index] = Float(value) }
    }
    let heard = KeptReports()
    let plan = TrainingPlan(seed: 3, shards: shards, steps: 1, reportEvery: 1)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: lanes), observer: heard)
    _ = try await trainer.train(until: StopRequest())
    metrics = heard.metrics
  }

  func numbers(_ name: String) throws -> [Double] {
    let slot = try #require(learner.parameters.layout[name], "\(learner.parameters.layout.slots.map(\.name))")
    return learner.parameters.tensor(slot).values.map { Double($0) }
  }

  /// The curvature that is kept of a layer, rows of `vectors` being the eigenvectors.
  func curvature(_ layer: String, _ vectors: String) throws -> Matrix {
    let values = try numbers("laplace.\(layer).weight.curvature")
    let basis = Matrix(
      rows: values.count, columns: values.count, elements: try numbers("laplace.\(layer).weight.\(vectors)"))
    var scaled = basis
    for row in 0..<values.count { for column in 0..<values.count { scaled[row, column] *= values[row] } }
    return Matrix.product(basis, scaled, transposed: .left)
  }

  /// Samples of each example, [sample][number].
  func samples(_ array: ExampleArray, _ count: Int) throws -> [[[Double]]] {
    var result: [[[Double]]] = []
    try Prediction.run(
      learner, on: array, samples: count, key: Prediction.key(seed: 5), with: Crew(lanes: 1)
    ) { samples in
      let width = samples.width
      for index in 0..<samples.examples.count {
        let values = samples.ofExample(index)
        result.append((0..<count).map { Array(values[$0 * width..<($0 + 1) * width]) })
      }
    }
    return result
  }
}

private func variance(_ values: [Double]) -> Double {
  let mean = values.reduce(0, +) / Double(values.count)
  return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
}

@Suite("Laplace approximations") struct LaplaceTests {
  // MARK: Linear regression

  /// Rows with correlated columns, [1, x] and the standardized target.
  private static func line(_ count: Int = 40) throws -> (data: Dataset, design: Matrix, targets: [Double], unit: Double)
  {
    var generator = SplitMix64(seed: 21)
    var (x, y) = ([Float](), [Double]())
    for _ in 0..<count {
      let a = Double.random(in: -1...1, using: &generator)
      let b = 0.6 * a + Double.random(in: -1...1, using: &generator)
      x += [Float(a), Float(b)]
      y.append(3 * (0.7 * a - 0.4 * b + 0.2 + Double.random(in: -0.4...0.4, using: &generator)))
    }
    let set = try ExampleSet(inputs: ExampleArray(x, shape: [2]), targets: ExampleArray(y, shape: [1]))
    let mean = y.reduce(0, +) / Double(count)
    let deviation = (y.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
    let design = Matrix((0..<count).map { [Double(x[2 * $0]), Double(x[2 * $0 + 1]), 1] })
    return (try Dataset(name: "line", train: set, test: set), design, y.map { ($0 - mean) / deviation }, deviation)
  }

  private static let noise = 4.0
  private static let prior = 0.7

  /// The posterior of linear regression is Gaussian: the approximation is exact, and so is a Kronecker product whose
  /// second factor is the noise's precision. Its evidence is the density of the targets with the weights integrated out.
  @Test(arguments: ["full", "kronecker"]) func linearRegressionIsExact(_ form: String) async throws {
    let (data, design, targets, unit) = try Self.line()
    var precision = Self.noise * design.gram
    precision.addToDiagonal(Self.prior)
    let factor = try Cholesky(precision)
    let mean = factor.solve(design.transposedProduct(targets).scaled(by: Self.noise))
    let fitted = try await Fitted(
      data,
      [
        "network.hidden": "[]", "objective.noise": "fixed", "objective.precision": "\(Self.noise / (unit * unit))",
        "objective.curvature": form, "objective.prior_precision": "\(Self.prior)",
      ], weights: ["layers.0.weight": Array(mean[0..<2]), "layers.0.bias": [mean[2]]])
    var found = try fitted.curvature("layers.0", form == "full" ? "vectors" : "inputs")
    found.addToDiagonal(Self.prior)
    #expect(relativeDifference(found.elements, precision.elements) < 1e-5)

    var covariance = (1 / Self.prior) * Matrix.product(design, design, transposed: .right)
    covariance.addToDiagonal(1 / Self.noise)
    let marginal = try Cholesky(covariance)
    let evidence =
      -0.5 * (marginal.quadraticForm(targets) + marginal.logDeterminant + Double(targets.count) * log(2 * .pi))
    #expect(abs(try #require(fitted.metrics["train/log_evidence"]) - evidence) < 1e-3)

    // 4000 draws of the function: the standard error of a variance is 2.2 %.
    let samples = try fitted.samples(data.test!.inputs, 4000)
    for row in 0..<8 {
      let expected = factor.quadraticForm(design.row(row)) * unit * unit
      #expect(abs(variance(samples[row].map { $0[0] }) / expected - 1) < 0.1)
      #expect(abs(samples[row][0][1] - unit * unit / Self.noise) < 1e-4)
    }
  }

  /// Orthogonal columns: the diagonal is all there is.
  @Test func theDiagonalIsExactForOrthogonalColumns() async throws {
    let x: [Float] = [1, 1, 1, -1, -1, 1, -1, -1]
    let set = try ExampleSet(inputs: ExampleArray(x, shape: [2]), targets: ExampleArray([1.0, 2, 4, 3], shape: [1]))
    let fitted = try await Fitted(
      Dataset(name: "square", train: set, test: set),
      ["network.hidden": "[]", "objective.curvature": "diagonal", "objective.noise": "fixed", "train.batch": "4"])
    let scale = 1.25  // the variance of the targets: a precision of 1 in their own units
    #expect(
      relativeDifference(try fitted.numbers("laplace.layers.0.weight.curvature"), [4, 4, 4].map { $0 * scale }) < 1e-6)
  }

  @Test func residualsFixTheNoise() async throws {
    let (data, _, targets, _) = try Self.line()
    let fitted = try await Fitted(
      data, ["network.hidden": "[]"], weights: ["layers.0.weight": [0, 0], "layers.0.bias": [0.5]])
    let square = targets.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / Double(targets.count)
    #expect(abs(try fitted.numbers("noise.log_variance")[0] - log(square)) < 1e-5)
  }

  // MARK: Curvature

  /// Of a network that is linear in its weights the Gauss-Newton matrix is the Hessian of the loss.
  @Test func softmaxCurvatureIsTheHessian() async throws {
    let data = try Toy.classes(30)
    var generator = SplitMix64(seed: 4)
    let weights = (0..<9).map { _ in Double.random(in: -0.5...0.5, using: &generator) }
    let matrix = (0..<3).flatMap { Array(weights[3 * $0..<3 * $0 + 2]) }
    let bias = (0..<3).map { weights[3 * $0 + 2] }
    let fitted = try await Fitted(
      data, ["network.hidden": "[]"], weights: ["layers.0.weight": matrix, "layers.0.bias": bias])
    let rows = data.train.inputs.withUnsafeBufferPointer(as: Float.self) { x in
      (0..<30).map { [Double(x[2 * $0]), Double(x[2 * $0 + 1]), 1] }
    }
    let labels = data.train.labels!.indices
    func loss(_ w: [Double]) -> Double {
      zip(rows, labels).reduce(0) { sum, example in
        let logits = (0..<3).map { k in dot(Array(w[3 * k..<3 * k + 3]), example.0) }
        return sum + log(logits.reduce(0) { $0 + exp($1) }) - logits[Int(example.1)]
      }
    }
    let step = 1e-3
    var hessian = Matrix(rows: 9, columns: 9)
    for i in 0..<9 {
      for j in 0..<9 {
        hessian[i, j] =
          [(1.0, 1.0), (1, -1), (-1, 1), (-1, -1)].reduce(0) { sum, sign in
            var moved = weights
            moved[i] += sign.0 * step
            moved[j] += sign.1 * step
            return sum + sign.0 * sign.1 * loss(moved)
          } / (4 * step * step)
      }
    }
    let found = try fitted.curvature("layers.0", "vectors")
    #expect(relativeDifference(found.elements, hessian.elements) < 1e-4)

    let diagonal = try await Fitted(
      data, ["network.hidden": "[]", "objective.curvature": "diagonal"],
      weights: ["layers.0.weight": matrix, "layers.0.bias": bias])
    #expect(relativeDifference(try diagonal.numbers("laplace.layers.0.weight.curvature"), hessian.diagonal) < 1e-4)
  }

  /// Pictures of 5 × 4 pixels with two channels, and a number for each.
  private static func pictures(_ count: Int = 7) throws -> Dataset {
    var generator = SplitMix64(seed: 8)
    let x = (0..<count * 40).map { _ in Float.random(in: -1...1, using: &generator) }
    let y = (0..<count).map { _ in Double.random(in: -1...1, using: &generator) }
    let set = try ExampleSet(inputs: ExampleArray(x, shape: [5, 4, 2]), targets: ExampleArray(y, shape: [1]))
    return try Dataset(name: "pictures", train: set, test: set)
  }

  private static let networks = ["[5, 4]", "[conv 3 3 2 padding=1, tanh, 4]"]

  /// ∂(mean) / ∂(weights) by finite differences, an array for each example.
  private func jacobian(_ fitted: Fitted, _ data: Dataset, _ slots: [Slot]) throws -> [[Double]] {
    let parameters = fitted.learner.parameters
    let step: Float = 1e-2
    var result = Array(repeating: [Double](), count: data.train.count)
    for slot in slots {
      for index in slot.range {
        let value = parameters.float32[index]
        parameters.float32[index] = value + step
        let above = try fitted.samples(data.test!.inputs, 1)
        parameters.float32[index] = value - step
        let below = try fitted.samples(data.test!.inputs, 1)
        parameters.float32[index] = value
        for row in result.indices { result[row].append((above[row][0][0] - below[row][0][0]) / Double(2 * step)) }
      }
    }
    return result
  }

  /// Every layer's derivatives, those of convolutions among them, and what a linearized network makes of a draw.
  @Test(arguments: networks) func everyLayer(_ hidden: String) async throws {
    let data = try Self.pictures()
    let keys = [
      "network.hidden": hidden, "network.activation": "tanh", "objective.laplace_layers": "all",
      "objective.curvature": "diagonal",
      "objective.noise": "fixed", "objective.prior_precision": "3", "train.batch": "7",
    ]
    let fitted = try await Fitted(data, keys)
    let parameters = fitted.learner.parameters
    let marker = try #require(parameters.layout["laplace.fitted"])
    let samples = try fitted.samples(data.test!.inputs, 3000)
    // Without a posterior all samples are the network's own.
    parameters.float32[marker.offset] = 0
    let point = try fitted.samples(data.test!.inputs, 1)
    var expected = Array(repeating: 0.0, count: data.train.count)
    for layer in parameters.layout.slots.filter({ $0.name.hasPrefix("layers.") && $0.name.hasSuffix(".weight") }) {
      let bias = try #require(parameters.layout[String(layer.name.dropLast(6)) + "bias"])
      let (outputs, inputs) = (layer.shape[0], layer.shape.count / layer.shape[0])
      let jacobian = try jacobian(fitted, data, [layer, bias])
      let curvature = try fitted.numbers("laplace.\(layer.name).curvature")
      for output in 0..<outputs {
        for input in 0...inputs {
          let place = input < inputs ? output * inputs + input : outputs * inputs + output
          let column = jacobian.map { $0[place] }
          let found = curvature[output * (inputs + 1) + input]
          // The precision of 1 is in the units of the target, as the derivatives are.
          #expect(abs(found - dot(column, column)) < 1e-3 * max(found, 0.1), "\(layer.name) \(output) \(input)")
          for row in expected.indices { expected[row] += column[row] * column[row] / (3 + found) }
        }
      }
    }
    for row in expected.indices {
      let values = samples[row].map { $0[0] }
      let mean = values.reduce(0, +) / Double(values.count)
      let ratio = variance(values) / expected[row]
      #expect(abs(ratio - 1) < 0.12, "\(ratio)")
      #expect(abs(mean - point[row][0][0]) < 5 * (expected[row] / 3000).squareRoot())
    }
  }

  /// One layer's Kronecker product, of a network whose last layer sees correlated features and classes.
  @Test func kroneckerFactorsAreSecondMoments() async throws {
    let data = try Toy.classes(30)
    let fitted = try await Fitted(
      data, ["network.hidden": "[]", "objective.curvature": "kronecker"],
      weights: ["layers.0.weight": [0, 0, 0, 0, 0, 0], "layers.0.bias": [0, 0, 0]])
    let design = data.train.inputs.withUnsafeBufferPointer(as: Float.self) { x in
      Matrix((0..<30).map { [Double(x[2 * $0]), Double(x[2 * $0 + 1]), 1] })
    }
    let inputs = try SymmetricEigen(design.gram)
    // diag p − p pᵀ at p = 1/3 has the eigenvalues 0, 1/3 and 1/3.
    let expected = [0, 1.0 / 3, 1.0 / 3].flatMap { a in inputs.values.map { a * $0 } }
    #expect(relativeDifference(try fitted.numbers("laplace.layers.0.weight.curvature"), expected) < 1e-5)
  }

  // MARK: Prediction

  /// Two classes: the mean probability against quadrature over the difference of the logits, and against the probit
  /// approximation of it.
  @Test func classProbabilitiesAreAnIntegral() async throws {
    let whole = try Toy.classes(40)
    let labels = whole.train.labels!.indices.map { min($0, 1) }
    let set = try ExampleSet(inputs: whole.train.inputs, labels: ClassLabels(indices: labels, count: 2))
    let weights = [1.0, -0.5, 0.3, -1, 0.5, -0.2]
    let matrix = [weights[0], weights[1], weights[3], weights[4]]
    let fitted = try await Fitted(
      Dataset(name: "two", train: set, test: set),
      ["network.hidden": "[]", "objective.prior_precision": "0.2"],
      weights: ["layers.0.weight": matrix, "layers.0.bias": [weights[2], weights[5]]])
    var precision = try fitted.curvature("layers.0", "vectors")
    precision.addToDiagonal(0.2)
    let factor = try Cholesky(precision)
    let samples = try fitted.samples(set.inputs, 8000)
    for row in 0..<10 {
      let x = set.inputs.withUnsafeBufferPointer(as: Float.self) { [Double($0[2 * row]), Double($0[2 * row + 1]), 1] }
      let mean = dot(Array(weights[0..<3]), x) - dot(Array(weights[3..<6]), x)
      let spread = factor.quadraticForm(x + x.map { -$0 }).squareRoot()
      func logistic(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
      let nodes = (-400...400).map { Double($0) / 50 }
      let integral =
        nodes.reduce(0) { $0 + logistic(mean + spread * $1) * exp(-0.5 * $1 * $1) } / 50 / (2 * Double.pi).squareRoot()
      let probability = samples[row].reduce(0) { $0 + $1[0] } / 8000
      #expect(abs(probability - integral) < 0.015)
      #expect(abs(logistic(mean / (1 + .pi / 8 * spread * spread).squareRoot()) - integral) < 0.02)
    }
  }

  /// What leaving examples out is computed from: the same densities that an evaluation takes the mean of.
  @Test func densitiesOfSamplesAreThoseOfEvaluations() async throws {
    for data in [try Self.line(230).data, try Toy.classes(230)] {
      let fitted = try await Fitted(data, ["network.hidden": "[4]", "evaluate.samples": "7"])
      let key = Prediction.key(seed: 0)
      let densities = try fitted.learner.offers.logDensities!(7, key, Crew(lanes: 2))
      #expect(densities.count == 230 && densities.allSatisfy { $0.count == 7 })
      let mean = densities.reduce(0) { $0 + log($1.reduce(0) { $0 + exp($1) } / 7) } / 230
      let metrics = try fitted.learner.offers.evaluation!(key, Crew(lanes: 1))
      #expect(abs(mean + (metrics["reg/NLL"] ?? metrics["cls/NLL"]!)) < 1e-5)
    }
  }

  // MARK: The prior, shards, and what is refused

  @Test(arguments: ["full", "kronecker", "diagonal"]) func thePriorMaximizesTheEvidence(_ form: String) async throws {
    let data = try Toy.classes(60)
    let keys = ["network.hidden": "[6]", "objective.curvature": form]
    let best = try await Fitted(data, keys)
    let precision = try best.numbers("laplace.layers.1.weight.prior_precision")[0]
    let evidence = try #require(best.metrics["train/log_evidence"])
    #expect(precision > 1e-8 && precision < 1e8)
    for factor in [0.5, 0.9, 1.1, 2] {
      let other = try await Fitted(data, keys.merging(["objective.prior_precision": "\(precision * factor)"]) { $1 })
      #expect(try #require(other.metrics["train/log_evidence"]) < evidence)
    }
    // MacKay's fixed point.
    let determined = try #require(best.metrics["train/determined_parameters"])
    let weights = try best.numbers("layers.1.weight") + best.numbers("layers.1.bias")
    #expect(abs(determined / (precision * dot(weights, weights)) - 1) < 1e-4)
  }

  @Test(arguments: ["full", "kronecker", "diagonal"]) func shardsChangeRoundingAlone(_ form: String) async throws {
    let data = try Toy.classes(60)
    let keys = ["network.hidden": "[6]", "objective.curvature": form]
    let one = try await Fitted(data, keys, shards: 1)
    let seven = try await Fitted(data, keys, shards: 7)
    let lanes = try await Fitted(data, keys, shards: 7, lanes: 3)
    let name = "laplace.layers.1.weight.curvature"
    #expect(relativeDifference(try one.numbers(name), try seven.numbers(name)) < 1e-5)
    #expect(lanes.learner.parameters.sha256 == seven.learner.parameters.sha256)
  }

  @Test(
    "Keys that a Laplace approximation does not support are refused by name",
    arguments: [
      (["train.members": "2"], "train.members is 2"), (["objective.class_noise": "logits"], "objective.class_noise"),
      (["objective.laplace_layers": "all", "objective.curvature": "full"], "objective.curvature=kronecker"),
    ])
  func refusals(_ keys: [String: String], _ message: String) throws {
    let error = #expect(throws: RecipeError.self) { try predictor("laplace", Toy.classes(30), keys) }
    #expect("\(error!)".contains(message))
  }
}
