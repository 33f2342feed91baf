import Datasets
import Foundation
import ReferenceSupport
import Synchronization
import Tensors
import Testing
import Training

/// A linear model of two inputs and a bias with noise of a known variance: its posterior is Gaussian, of a known precision.
private struct LinearProblem {
  static let count = 64
  static let noiseDeviation = 0.6
  static let priorDeviation = 0.5

  let data: Dataset
  /// Of the noise, in the units of the data.
  let precision: Double
  /// The posterior's precision matrix and mean, of standardized targets: inputs and then the bias.
  let curvature: [[Double]]
  let mean: [Double]
  /// The part of the curvature that is the likelihood's.
  let likelihood: [[Double]]

  /// - Parameter correlation: of the inputs.
  init(correlation: Double = 0) throws {
    var generator = SplitMix64(seed: 17)
    func normal() -> Double {
      let radius = (-2 * log(Double.random(in: 0x1p-53...1, using: &generator))).squareRoot()
      return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
    }
    // Orthogonal columns of ±1; the second leans to the first.
    let rows = (0..<Self.count).map { row in
      let (a, b) = (row % 2 == 0 ? 1.0 : -1.0, row / 2 % 2 == 0 ? 1.0 : -1.0)
      return [a, correlation * a + (1 - correlation * correlation).squareRoot() * b, 1]
    }
    let y = rows.map { 0.8 * $0[0] - 0.5 * $0[1] + 1.5 + Self.noiseDeviation * normal() }
    let set = try ExampleSet(
      inputs: ExampleArray(rows.flatMap { $0.prefix(2) }, shape: [2]), targets: ExampleArray(y, shape: [1]))
    data = try Dataset(name: "linear", train: set, test: set)
    let center = y.reduce(0, +) / Double(y.count)
    let deviation = (y.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(y.count)).squareRoot()
    precision = 1 / (Self.noiseDeviation * Self.noiseDeviation)
    let scaled = precision * deviation * deviation
    let likelihood = (0..<3).map { i in (0..<3).map { j in scaled * rows.reduce(0) { $0 + $1[i] * $1[j] } } }
    let prior = 1 / (Self.priorDeviation * Self.priorDeviation)
    let curvature = (0..<3).map { i in (0..<3).map { j in likelihood[i][j] + (i == j ? prior : 0) } }
    (self.likelihood, self.curvature) = (likelihood, curvature)
    let right = (0..<3).map { i in
      scaled * zip(rows, y).reduce(0) { $0 + $1.0[i] * ($1.1 - center) / deviation }
    }
    // The bias is orthogonal to both inputs.
    let (a, b, d) = (curvature[0][0], curvature[0][1], curvature[1][1])
    mean = [
      (d * right[0] - b * right[1]) / (a * d - b * b), (a * right[1] - b * right[0]) / (a * d - b * b),
      right[2] / curvature[2][2],
    ]
  }

  func learner(_ posterior: String, _ keys: [String: String]) throws -> any Predicting {
    try predictor(
      posterior == "ivon" ? "ivon" : posterior == "swag" ? "swag" : "langevin", data,
      keys.merging([
        "objective.posterior": posterior, "network.hidden": "[]", "objective.noise": "fixed",
        "objective.precision": "\(precision)", "objective.prior_deviation": "\(Self.priorDeviation)",
        "train.batch": "\(Self.count)", "data.normalisation": "none",
      ]) { own, _ in own })
  }
}

/// Moments over steps of some of a learner's numbers.
private final class Moments: TrainingObserver {
  private let learner: any Learner
  private let places: [Int]
  private let first: Int
  private let sums = Mutex<(count: Double, first: [Double], second: [Double])>((0, [], []))

  init(_ learner: any Learner, _ names: [String], after first: Int) {
    (self.learner, self.first) = (learner, first)
    places = names.flatMap { name in Array(learner.parameters.layout[name]!.range) }
  }

  func step(_ report: TrainingReport) {
    guard report.step > first else { return }
    let values = places.map { Double(learner.parameters.float32[$0]) }
    sums.withLock { sums in
      if sums.count == 0 { (sums.first, sums.second) = (values.map { _ in 0 }, values.map { _ in 0 }) }
      sums.count += 1
      for (index, value) in values.enumerated() {
        sums.first[index] += value
        sums.second[index] += value * value
      }
    }
  }

  var means: [Double] { sums.withLock { sums in sums.first.map { $0 / sums.count } } }
  var variances: [Double] {
    sums.withLock { sums in
      zip(sums.first, sums.second).map { $1 / sums.count - $0 * $0 / (sums.count * sums.count) }
    }
  }

  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}

private func train(_ learner: any Learner, steps: Int, observer: any TrainingObserver) async throws {
  let plan = TrainingPlan(seed: 3, shards: 2, steps: steps, reportEvery: 1 << 30)
  _ = try await Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: observer).train(until: StopRequest())
}

@Suite("Posteriors of weights: the exact one") struct PosteriorOptimaTests {
  private static let weights = ["layers.0.weight", "layers.0.bias"]

  /// A mean-field posterior has the precisions on the diagonal, and not one over the marginal variances.
  @Test("IVON reaches the exact mean and the diagonal of the exact precision", arguments: [0, 0.8])
  func ivon(_ correlation: Double) async throws {
    let problem = try LinearProblem(correlation: correlation)
    let learner = try problem.learner(
      "ivon", ["optimizer.learning_rate": "0.02", "optimizer.beta2": "0.9995", "optimizer.schedule": "constant"])
    let moments = Moments(learner, Self.weights + Self.weights.map { "precision." + $0 }, after: 20_000)
    try await train(learner, steps: 100_000, observer: moments)
    for index in 0..<3 { #expect(abs(moments.means[index] - problem.mean[index]) < 0.01) }
    // The columns have the same length, and so the weights the same precision.
    let ratio = moments.means[3..<6].reduce(0, +) / 3 / problem.curvature[0][0]
    #expect(abs(ratio - 1) < 0.01, "\(ratio)")
  }

  /// The likelihood's part of the precision is divided by the temperature, the prior's is not.
  @Test func ivonAtATemperature() async throws {
    let problem = try LinearProblem()
    let learner = try problem.learner(
      "ivon",
      [
        "optimizer.learning_rate": "0.02", "optimizer.beta2": "0.9995", "optimizer.schedule": "constant",
        "objective.temperature": "10",
      ])
    let moments = Moments(learner, ["precision.layers.0.weight"], after: 20_000)
    try await train(learner, steps: 80_000, observer: moments)
    let exact = problem.likelihood[0][0] / 10 + 4
    for precision in moments.means { #expect(abs(precision / exact - 1) < 0.015) }
  }

  @Test(
    "Langevin samples have the variance of the discretized dynamics, not that of the posterior",
    arguments: [("sgld", 0.0, 1.0), ("sghmc", 0.9, 1), ("sghmc", 0.5, 0.1)])
  func langevin(_ name: String, momentum: Double, temperature: Double) async throws {
    let problem = try LinearProblem()
    let steps = 60_000
    let prior = 1 / (LinearProblem.priorDeviation * LinearProblem.priorDeviation)
    let precision = problem.likelihood[0][0] / temperature + prior
    // εL is 0.8 without momentum, 0.2 with it.
    let size = (name == "sgld" ? 0.4 : 0.1) / precision
    let rate = size * Double(LinearProblem.count) / temperature
    let learner = try problem.learner(
      name,
      [
        "optimizer.learning_rate": "\(rate)", "optimizer.schedule": "constant", "objective.keep": "2",
        "objective.temperature": "\(temperature)",
      ].merging(name == "sgld" ? [:] : ["optimizer.momentum": "\(momentum)"]) { $1 })
    let moments = Moments(learner, Self.weights, after: 1000)
    try await train(learner, steps: steps, observer: moments)

    // The covariance of (w, v) under w' = w + v', v' = γ v − size L w + √(2 (1 − γ) size) ξ.
    var (ww, wv, vv) = (1 / precision, 0.0, 0.0)
    let pull = size * precision
    for _ in 0..<10_000 {
      let v2 =
        momentum * momentum * vv - 2 * momentum * pull * wv + pull * pull * ww + 2 * (1 - momentum) * size
      let cross = momentum * wv - pull * ww
      (ww, wv, vv) = (ww + 2 * cross + v2, cross + v2, v2)
    }
    if name == "sgld" { #expect(abs(ww * precision * (1 - 0.2) - 1) < 1e-9) }
    let variance = moments.variances.reduce(0, +) / 3
    #expect(abs(variance / ww - 1) < 0.03, "\(variance * precision) and not \(ww * precision)")
    #expect(abs(ww * precision - 1) > 0.02)
    let exact = (0..<3).map { problem.mean[$0] * problem.curvature[$0][$0] / temperature / precision }
    for index in 0..<3 { #expect(abs(moments.means[index] - exact[index]) < 0.1 / precision.squareRoot()) }
  }

  @Test("SWAG sums the moments of visited weights; half of a draw's covariance is diagonal, half low-rank")
  func swag() async throws {
    let problem = try LinearProblem(correlation: 0.8)
    let learner = try problem.learner(
      "swag",
      [
        "objective.rank": "3", "objective.collections": "5", "optimizer.learning_rate": "0.02", "train.batch": "8",
        "optimizer.schedule": "averaging", "optimizer.start": "0.5",
      ])
    let visited = Visited(learner, Self.weights)
    try await train(learner, steps: 100, observer: visited)
    let points = [60, 70, 80, 90, 100].map { visited.steps.withLock { $0 }[$0]! }
    let layout = learner.parameters.layout
    func numbers(_ prefix: String) -> [Double] {
      Self.weights.flatMap { name in
        layout[prefix + name]!.range.map { Double(learner.parameters.float32[$0]) }
      }
    }
    #expect(learner.parameters.float32[layout["collected"]!.offset] == 5)
    let mean = (0..<3).map { i in points.reduce(0) { $0 + $1[i] } / 5 }
    let squares = (0..<3).map { i in points.reduce(0) { $0 + ($1[i] - mean[i]) * ($1[i] - mean[i]) } }
    // The last three deviations, in a ring: from the mean of the points so far.
    let deviations = [4, 5, 3].map { count in
      (0..<3).map { i in points[count - 1][i] - points.prefix(count).reduce(0) { $0 + $1[i] } / Double(count) }
    }
    for i in 0..<3 {
      #expect(abs(numbers("mean.")[i] - mean[i]) < 1e-6)
      #expect(abs(numbers("squares.")[i] - squares[i]) < 1e-5 * squares[i] + 1e-9)
      for column in 0..<3 { #expect(abs(numbers("deviations.\(column).")[i] - deviations[column][i]) < 1e-6) }
    }

    let count = 20_000
    let (storage, crew) = (learner.makeSampleStorage()!, Crew(lanes: 1))
    var (first, second) = ([Double](repeating: 0, count: 3), [Double](repeating: 0, count: 9))
    for sample in 0..<count {
      try learner.draw(sample, into: storage, key: RandomKey(seed: 5), with: crew)
      let draw = Self.weights.flatMap { storage.tensor(storage.layout[$0]!).values.map(Double.init) }
      for i in 0..<3 {
        first[i] += draw[i] - mean[i]
        for j in 0..<3 { second[3 * i + j] += (draw[i] - mean[i]) * (draw[j] - mean[j]) }
      }
    }
    func covariance(_ i: Int, _ j: Int) -> Double {
      0.5 * ((i == j ? squares[i] / 5 : 0) + deviations.reduce(0) { $0 + $1[i] * $1[j] } / 2)
    }
    for i in 0..<3 {
      for j in 0..<3 {
        let scale = (covariance(i, i) * covariance(j, j)).squareRoot()
        #expect(abs(second[3 * i + j] / Double(count) - covariance(i, j)) < 0.04 * scale, "\(i), \(j)")
      }
    }
  }

  @Test("HMC has the exact means and variances, E exp(−ΔH) = 1 and an energy error of second order")
  func hamiltonian() async throws {
    let problem = try LinearProblem(correlation: 0.5)
    func run(_ size: Double, proposals: Int) async throws -> (any Learner, Energies) {
      let learner = try problem.learner(
        "hmc",
        [
          "optimizer.learning_rate": "\(size)", "optimizer.schedule": "constant", "objective.leapfrogs": "10",
          "objective.keep": "1000", "objective.burn_in": "0.1",
        ])
      let energies = Energies()
      try await train(learner, steps: 11 * proposals, observer: energies)
      return (learner, energies)
    }
    let (learner, energies) = try await run(0.03, proposals: 4000)
    let layout = learner.parameters.layout
    #expect(learner.parameters.float32[layout["samples.count"]!.offset] == 1000)
    let draws = (0..<1000).map { sample in
      Self.weights.flatMap { name in
        layout["samples.\(sample).\(name)"]!.range.map { Double(learner.parameters.float32[$0]) }
      }
    }
    let c = problem.curvature
    let determinant = c[0][0] * c[1][1] - c[0][1] * c[0][1]
    let variances = [c[1][1] / determinant, c[0][0] / determinant, 1 / c[2][2]]
    for i in 0..<3 {
      let mean = draws.reduce(0) { $0 + $1[i] } / 1000
      let variance = draws.reduce(0) { $0 + ($1[i] - mean) * ($1[i] - mean) } / 1000
      #expect(abs(mean - problem.mean[i]) < 0.15 * variances[i].squareRoot())
      #expect(abs(variance / variances[i] - 1) < 0.2, "\(variance / variances[i])")
    }
    let last = energies.values.withLock { $0 }
    #expect(abs(last.weight - 1) < 0.02, "E exp(−ΔH) = \(last.weight)")
    #expect(last.acceptance > 0.8 && last.acceptance <= 1)
    let finer = try await run(0.015, proposals: 1500).1.values.withLock { $0 }
    let ratio = last.square.squareRoot() / finer.square.squareRoot()
    #expect(ratio > 3 && ratio < 6, "a half of the step has \(ratio) times less of the error")
  }
}

/// The weights after each step.
private final class Visited: TrainingObserver {
  private let learner: any Learner
  private let names: [String]
  let steps = Mutex<[Int: [Double]]>([:])

  init(_ learner: any Learner, _ names: [String]) { (self.learner, self.names) = (learner, names) }

  func step(_ report: TrainingReport) {
    let values = names.flatMap { learner.parameters.tensor(learner.parameters.layout[$0]!).values.map(Double.init) }
    steps.withLock { $0[report.step] = values }
  }

  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}

/// What HMC says of its proposals.
private final class Energies: TrainingObserver {
  let values = Mutex<(weight: Double, acceptance: Double, square: Double, count: Double)>((0, 0, 0, 0))

  func step(_ report: TrainingReport) {
    guard let error = report.metrics["train/energy_error"], let weight = report.metrics["train/energy_weight"] else {
      return
    }
    values.withLock {
      $0.count += 1
      ($0.weight, $0.acceptance) = (weight, report.metrics["train/acceptance"]!)
      $0.square += (error * error - $0.square) / $0.count
    }
  }

  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}
