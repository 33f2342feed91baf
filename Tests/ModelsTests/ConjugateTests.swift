import BayesianNetworks
import Datasets
import Foundation
import Networks
import ReferenceSupport
import Synchronization
import Tensors
import Testing
import Training

/// A linear model with noise of known variance and orthogonal columns: the exact posterior is Gaussian with independent
/// weights, so the variational one can equal it, and every wrong scale of the complexity cost shows in its variances.
private struct ConjugateProblem {
  let data: Dataset
  /// Of the weights and the bias, for standardised targets.
  let mean: [Double]
  /// The same for all.
  let variance: Double
  /// Of the noise, in the units of the data.
  let precision: Double
  let targetMean: Double
  let targetDeviation: Double

  /// Many weights with the same variance: their mean reveals a wrong scale of one per cent.
  static let columns = 31
  static let count = 64
  static let priorDeviation = 0.5
  private static let truth = (0..<columns).map { 0.4 * cos(2.5 * Double($0)) }
  private static let noiseDeviation = 0.6

  /// Walsh functions: ±1 columns, orthogonal to each other and to the constant of the bias.
  private static func inputs(_ rows: Int) -> [Double] {
    (0..<rows).flatMap { row in (1...columns).map { Double((row & $0).nonzeroBitCount % 2 == 0 ? 1 : -1) } }
  }

  init() throws {
    var generator = SplitMix64(seed: 5)
    func set(_ rows: Int) throws -> (x: [Double], y: [Double], ExampleSet) {
      let x = Self.inputs(rows)
      let y = (0..<rows).map { row in
        // Box and Muller.
        let radius = (-2 * log(Double.random(in: 0x1p-53...1, using: &generator))).squareRoot()
        let noise = radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
        return (0..<Self.columns).reduce(1.5 + Self.noiseDeviation * noise) {
          $0 + Self.truth[$1] * x[row * Self.columns + $1]
        }
      }
      return (
        x, y, try ExampleSet(inputs: ExampleArray(x, shape: [Self.columns]), targets: ExampleArray(y, shape: [1]))
      )
    }
    let (x, y, train) = try set(Self.count)
    data = try Dataset(name: "linear", train: train, test: set(8000).2)
    let center = y.reduce(0, +) / Double(y.count)
    let deviation = (y.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(y.count)).squareRoot()
    precision = 1 / (Self.noiseDeviation * Self.noiseDeviation)
    // In standardised units the noise has the precision β s²; each column's squares sum to N.
    let scaled = precision * deviation * deviation
    let posterior = scaled * Double(Self.count) + 1 / (Self.priorDeviation * Self.priorDeviation)
    let weights = (0..<Self.columns).map { column in
      (0..<y.count).reduce(0) { $0 + x[$1 * Self.columns + column] * (y[$1] - center) / deviation }
        * scaled / posterior
    }
    mean = weights + [0]
    variance = 1 / posterior
    targetMean = center
    targetDeviation = deviation
  }
}

/// Means and variances of the posterior after every step: their averages over a long stretch at a constant rate have no
/// error of the rate's, and how far its parts differ says how large their Monte Carlo error is.
private final class Trajectory: TrainingObserver {
  struct Estimate {
    let value: Double
    let error: Double
  }

  private static let batches = 20
  private let learner: any Learner
  private let numbers: [(mean: Int, rho: Int)]
  private let first: Int
  private let last: Int
  /// Sums of each batch: means, then variances.
  private let sums: Mutex<[[Double]]>

  init(_ learner: any Learner, steps: Range<Int>) {
    self.learner = learner
    let layout = learner.parameters.layout
    let tensors = ["layers.0.weight", "layers.0.bias"].map { (layout[$0 + "_mu"]!, layout[$0 + "_rho"]!) }
    numbers = tensors.flatMap { mean, rho in
      (0..<mean.shape.count).map { (mean.offset + $0, rho.offset + $0) }
    }
    (first, last) = (steps.lowerBound, steps.upperBound)
    sums = Mutex(Array(repeating: Array(repeating: 0, count: 2 * numbers.count), count: Self.batches))
  }

  func step(_ report: TrainingReport) {
    guard report.step > first else { return }
    let batch = min((report.step - 1 - first) * Self.batches / (last - first), Self.batches - 1)
    let values = learner.parameters.float32
    sums.withLock { sums in
      for (index, place) in numbers.enumerated() {
        let deviation = log1p(exp(Double(values[place.rho])))
        sums[batch][index] += Double(values[place.mean])
        sums[batch][numbers.count + index] += deviation * deviation
      }
    }
  }

  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}

  /// Batch means of the means and of the variances.
  var estimates: (means: [Estimate], variances: [Estimate]) {
    let length = Double((last - first) / Self.batches)
    let all = sums.withLock { sums in
      sums[0].indices.map { index in
        let values = sums.map { $0[index] / length }
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return Estimate(value: mean, error: (squares / Double(values.count * (values.count - 1))).squareRoot())
      }
    }
    return (Array(all.prefix(numbers.count)), Array(all.dropFirst(numbers.count)))
  }

  /// Puts the averages in the place of the last step's numbers.
  func settle() {
    let (means, variances) = estimates
    for (index, place) in numbers.enumerated() {
      learner.parameters.float32[place.mean] = Float(means[index].value)
      learner.parameters.float32[place.rho] = inverseSoftplus(variances[index].value.squareRoot())
    }
  }
}

@Suite("Networks with a posterior: the exact one") struct ConjugateTests {
  private static func fit(_ keys: [String: String]) async throws -> (any Predicting, Trajectory, ConjugateProblem) {
    let problem = try ConjugateProblem()
    let learner = try predictor(
      "bbb-regression", problem.data,
      keys.merging([
        "network.hidden": "[]", "objective.noise": "fixed", "objective.precision": "\(problem.precision)",
        "objective.prior": "gaussian", "objective.prior_deviation": "\(ConjugateProblem.priorDeviation)",
        // 64 = 24 + 24 + 16: N / B is no whole number, and the last batch is short.
        "train.batch": "24", "data.normalisation": "none", "optimizer.learning_rate": "0.01",
      ]) { $1 })
    let steps = 10_000
    let trajectory = Trajectory(learner, steps: 2000..<steps)
    let trainer = Trainer(
      learner, plan: TrainingPlan(seed: 3, shards: 4, steps: steps, reportEvery: 1 << 30), crew: Crew(lanes: 1),
      observer: trajectory)
    _ = try await trainer.train(until: StopRequest())
    return (learner, trajectory, problem)
  }

  @Test(arguments: PosteriorLearnerTests.estimators.indices)
  func posteriorIsTheExactOne(_ index: Int) async throws {
    var keys = PosteriorLearnerTests.estimators[index]
    keys["objective.divergence"] = index % 2 == 0 ? "closed" : "sampled"
    let (_, trajectory, problem) = try await Self.fit(keys)
    let (means, variances) = trajectory.estimates
    for (got, want) in zip(means, problem.mean) {
      // In standard deviations of the posterior.
      let distance = (got.value - want) / problem.variance.squareRoot()
      let error = got.error / problem.variance.squareRoot()
      #expect(error < 0.05, "the error of a mean is too large to tell anything")
      #expect(abs(distance) < 5 * error + 0.005, "\(distance) ± \(error)")
    }
    for estimate in variances {
      let (ratio, error) = (estimate.value / problem.variance, estimate.error / problem.variance)
      #expect(error < 0.06, "the error of a variance is too large to tell anything")
      #expect(abs(ratio - 1) < 5 * error + 0.01, "\(ratio) ± \(error)")
    }
    // All weights have one variance, and their errors hardly depend on each other.
    let count = Double(variances.count)
    let ratio = variances.reduce(0) { $0 + $1.value } / count / problem.variance
    let error = variances.reduce(0) { $0 + $1.error * $1.error }.squareRoot() / count / problem.variance
    #expect(error < 0.008)
    #expect(abs(ratio - 1) < 4 * error + 0.003, "\(ratio) ± \(error)")
  }

  /// Predictions are the exact ones, and their intervals cover what they say.
  @Test func predictiveIsTheExactOne() async throws {
    let (learner, trajectory, problem) = try await Self.fit(PosteriorLearnerTests.estimators[2])
    trajectory.settle()
    let table = try PredictionTable(
      learner, problem.data.test!.inputs[0..<8], samples: 4000, key: Prediction.key(seed: 1), with: Crew(lanes: 2))
    func column(_ name: String) -> [Double] { table.columns.first { $0.name == name }!.values }
    let (means, meanErrors) = (column("mean"), column("mean_error"))
    let (epistemic, epistemicErrors) = (column("epistemic_variance"), column("epistemic_variance_error"))
    let x = problem.data.test!.inputs
    let scale = problem.targetDeviation
    for row in 0..<8 {
      let inputs =
        x.withUnsafeBufferPointer(as: Double.self) {
          Array($0[ConjugateProblem.columns * row..<ConjugateProblem.columns * (row + 1)])
        } + [1]
      let mean = problem.targetMean + scale * zip(inputs, problem.mean).reduce(0) { $0 + $1.0 * $1.1 }
      let variance = scale * scale * problem.variance * inputs.reduce(0) { $0 + $1 * $1 }
      #expect(abs(means[row] - mean) < 5 * meanErrors[row] + 0.02 * variance.squareRoot())
      #expect(abs(epistemic[row] - variance) < 5 * epistemicErrors[row] + 0.02 * variance)
    }
    for noise in column("aleatoric_variance") { #expect(abs(noise * problem.precision - 1) < 1e-5) }

    let metrics = try learner.offers.evaluation!(RandomKey(seed: 2), Crew(lanes: 2))
    for level in [50, 80, 95] {
      let coverage = metrics["reg/Coverage\(level)"]!
      #expect(abs(coverage - Double(level) / 100) < 0.02, "\(level): \(coverage)")
    }
  }
}
