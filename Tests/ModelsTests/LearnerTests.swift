import BayesianNetworks
import Datasets
import Foundation
import Learners
import Models
import Networks
import Recipes
import ReferenceSupport
import Tensors
import Testing
import Training

@Suite("Networks with a posterior: results") struct PosteriorLearnerTests {
  static let estimators = [
    ["objective.estimator": "weights", "objective.scope": "step"],
    ["objective.estimator": "weights", "objective.scope": "shard"],
    ["objective.estimator": "local", "objective.scope": "step"],
    ["objective.estimator": "flipout", "objective.scope": "step"],
    ["objective.estimator": "flipout", "objective.scope": "shard"],
  ]
  static let models: [(String, [String: String])] =
    estimators.map { ("bbb", $0) } + [
      ("bbb", ["objective.prior": "gaussian", "objective.scope": "shard"]),
      ("bbb", ["objective.prior": "laplace", "optimizer.clip_norm": "1"]),
      ("bbb", ["objective.class_noise": "logits", "optimizer.name": "momentum"]),
      ("mc-dropout", [:]), ("mlp", [:]), ("mlp", ["objective.likelihood": "evidential"]),
    ]
  static let small = ["network.hidden": "[20, 20]", "train.batch": "40", "optimizer.learning_rate": "0.01"]

  /// 90 examples in batches of 40 make a short last batch.
  @Test(arguments: models.indices) func independentOfLanes(_ index: Int) async throws {
    let (model, keys) = Self.models[index]
    var digests: Set<String> = []
    for lanes in [1, 2, 4] {
      let learner = try predictor(model, Toy.classes(), keys.merging(Self.small) { $1 })
      try await train(learner, steps: 7, shards: 4, lanes: lanes)
      digests.insert(learner.parameters.sha256 + learner.auxiliary.sha256)
    }
    #expect(digests.count == 1)
  }

  @Test(arguments: models.indices) func resumesBitForBit(_ index: Int) async throws {
    let (model, keys) = Self.models[index]
    func fresh() throws -> any Predicting { try predictor(model, Toy.classes(), keys.merging(Self.small) { $1 }) }
    let whole = try fresh()
    try await train(whole, steps: 8)
    let first = try fresh()
    try await train(first, steps: 4)
    let second = try fresh()
    second.parameters.copy(from: first.parameters)
    for (target, source) in zip(second.auxiliary, first.auxiliary) { target.copy(from: source) }
    try await train(second, steps: 8, from: 4)
    #expect(second.parameters.sha256 == whole.parameters.sha256)
  }

  @Test(arguments: ["constant", "cosine", "linear", "step", "exponential", "epochs"])
  func theScheduleIsOneKey(_ schedule: String) throws {
    let shipped = "optimizer:\n  schedule: exponential\n  step_factor: 0.9997\n"
    let recipe = try Recipe(yaml: shipped, source: "test")
    try recipe.set("optimizer.schedule", to: schedule)
    _ = try Models.named("bbb").learner(recipe, data: Toy.classes(150), seed: 0)
    try recipe.finish()
  }

  @Test func fewerExamplesThanShardsInTheLastBatch() async throws {
    // 82 = 40 + 40 + 2: two of the last step's shards have no example, and the cost is still counted once.
    let learner = try predictor("bbb", Toy.classes(82), Self.small.merging(["objective.scope": "shard"]) { $1 })
    try await train(learner, steps: 3, shards: 4)
    #expect(learner.parameters.isFinite)
  }

  /// What a step multiplies KL with, beside the mean of an example's −log p: the shares of an epoch's steps are 1 in
  /// all, whatever the batch leaves over, and no power of two overflows.
  @Test func costOfAnEpochIsTheWholeCost() throws {
    func ledger(_ weighting: String, examples: Int, batch: Int) throws -> [String: Any] {
      let learner = try predictor(
        "bbb", Toy.classes(examples),
        ["network.hidden": "[4]", "train.batch": "\(batch)", "objective.kl_weighting": weighting])
      let document = try learner.offers.documents!(Crew(lanes: 1))[0]
      return try JSONSerialization.jsonObject(with: Data(document.contents.utf8)) as! [String: Any]
    }
    func cost(_ ledger: [String: Any], _ step: String) -> Double {
      (ledger["cost_\(step)_step"] as! NSNumber).doubleValue
    }
    // 90 examples in batches of 40: three steps of 30 examples on average.
    let uniform = try ledger("uniform", examples: 90, batch: 40)
    #expect(abs(cost(uniform, "first") - 1 / 90) < 1e-15 && cost(uniform, "first") == cost(uniform, "last"))
    let blundell = try ledger("blundell", examples: 90, batch: 40)
    #expect(abs(cost(blundell, "first") - 3.0 / 90 * 4 / 7) < 1e-15)
    #expect(abs(cost(blundell, "last") - 3.0 / 90 * 1 / 7) < 1e-15)
    let long = try ledger("blundell", examples: 6000, batch: 1)
    #expect(abs(cost(long, "first") - 0.5) < 1e-12 && cost(long, "last") == 0)
  }

  // MARK: Predictions

  @Test func samplesDifferAndTheirErrorFallsAsTheRoot() async throws {
    for model in ["mc-dropout", "bbb"] {
      let data = try Toy.classes()
      let learner = try predictor(
        model, data,
        Self.small.merging(["network.initial_deviation": "0.3"]) { model == "bbb" ? $1 : $0 }
          .filter { model == "bbb" || $0.key != "network.initial_deviation" })
      let crew = Crew(lanes: 2)
      func means(_ samples: Int, seed: UInt64) throws -> Double {
        var sum = 0.0
        try Prediction.run(
          learner, on: data.test!.inputs[0..<1], samples: samples, key: RandomKey(seed: seed), with: crew
        ) {
          let values = $0.ofExample(0)
          sum = stride(from: 0, to: values.count, by: 3).reduce(0) { $0 + values[$1] } / Double(samples)
        }
        return sum
      }
      func spread(_ samples: Int) throws -> Double {
        let values = try (0..<100).map { try means(samples, seed: UInt64($0 + 1)) }
        let mean = values.reduce(0, +) / 100
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 99).squareRoot()
      }
      let (few, many) = (try spread(4), try spread(64))
      #expect(few > 1e-4, "\(model)")
      #expect(few / many > 2.8 && few / many < 5.6, "\(model): \(few / many), which should be near 4")
    }
  }

  @Test func predictionDoesNotDependOnItsCompanions() throws {
    for (model, keys) in [("bbb", [:]), ("mc-dropout", [:]), ("bbb", ["objective.class_noise": "logits"])]
      as [(String, [String: String])]
    {
      let data = try Toy.classes()
      let learner = try predictor(model, data, Self.small.merging(keys) { $1 })
      let key = RandomKey(seed: 9)
      let storage = learner.makeSampleStorage()
      try learner.draw(5, into: storage, key: key, with: Crew(lanes: 1))
      let x = learner.rows(of: data.test!.inputs, 0..<20)
      let all = learner.predict(x, examples: Array(0..<20), sample: 5, with: storage, key: key).values
      let own = learner.predict(x.rows(7..<8), examples: [7], sample: 5, with: storage, key: key).values
      for k in 0..<3 { #expect(abs(all[7 * 3 + k] - own[k]) < 1e-6, "\(model)") }
    }
  }

  @Test func unitsOfTheTarget() async throws {
    var reports: [[String: Double]] = []
    for unit in [1.0, 10] {
      let learner = try predictor(
        "bbb-regression", Toy.line(unit: unit), ["train.batch": "32", "network.hidden": "[10]"])
      try await train(learner, steps: 200, shards: 2)
      reports.append(try learner.offers.evaluation!(RandomKey(seed: 1), Crew(lanes: 2)))
    }
    #expect(abs(reports[1]["reg/RMSE"]! / reports[0]["reg/RMSE"]! - 10) < 0.05)
    #expect(abs(reports[1]["reg/NLL"]! - reports[0]["reg/NLL"]! - log(10)) < 0.01)
  }

  @Test func heteroscedasticNoiseIsFinite() async throws {
    let learner = try predictor("bbb-regression", Toy.line(), ["objective.noise": "heteroscedastic"])
    try await train(learner, steps: 300, shards: 2)
    let report = try learner.offers.evaluation!(RandomKey(seed: 1), Crew(lanes: 1))
    #expect(report["reg/NLL"]!.isFinite && report["reg/RMSE"]! < 0.6)
  }
}

@Suite("Noise of weights and of examples") struct NoiseTests {
  /// The covariance of two examples' outputs over many draws, for equal inputs: their variance when weights are shared.
  private static func moments(_ output: (RandomKey) -> Tensor) -> (variance: Double, covariance: Double) {
    let pairs = (0..<4000).map { step -> (Double, Double) in
      let y = output(RandomKey(seed: 1).at(step: UInt32(step)))
      return (Double(y.values[0]), Double(y.values[1]))
    }
    let count = Double(pairs.count)
    let means = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
    let variance = pairs.reduce(0) { $0 + ($1.0 - means.0) * ($1.0 - means.0) } / count
    return (variance, pairs.reduce(0) { $0 + ($1.0 - means.0) * ($1.1 - means.1) } / count)
  }

  @Test func estimatorsShareWhatTheySayAndNoMore() {
    var layout = Layout()
    let network = LayerStack.dense(name: "layers", in: 5, hidden: [], out: 1, activation: .identity, layout: &layout)
    let posterior = VariationalPosterior(over: layout, prior: .gaussian(deviation: 1))
    let parameters = FlatBuffer("parameters", posterior.parameters)
    let (weights, means, variances) = (FlatBuffer("w", layout), FlatBuffer("m", layout), FlatBuffer("v", layout))
    network.initialize(weights, seed: 1)
    posterior.initialize(parameters, from: weights, deviation: 0.5)
    let all = 0..<layout.count
    posterior.means(all, into: means, from: parameters)
    posterior.variances(all, into: variances, from: parameters)
    let x = Tensor([1, -1, 0.5, 2, 0, 1, -1, 0.5, 2, 0], [2, 5])
    let exact = 0.25 * (1 + 1 + 0.25 + 4 + 1)  // the bias included

    let shared = Self.moments { key in
      posterior.draw(all, of: weights, from: parameters, key: key, withDensities: false)
      return network(x, Pass(.given(ParameterViews(weights))))
    }
    let local = Self.moments { key in
      let policy = LocalReparameterization(
        means: ParameterViews(means), variances: ParameterViews(variances), key: key)
      return network(x, Pass(.localReparameterization(policy), examples: [0, 1]))
    }
    let deviations = FlatBuffer("d", layout)
    let flipout = Self.moments { key in
      posterior.draw(all, of: weights, from: parameters, key: key, withDensities: false)
      for i in all { deviations.float32[i] = weights.float32[i] - means.float32[i] }
      let policy = Flipout(
        means: ParameterViews(means), deviations: ParameterViews(deviations), key: key.at(tensor: 50))
      return network(x, Pass(.flipout(policy), examples: [0, 1]))
    }
    for moments in [shared, local, flipout] { #expect(abs(moments.variance / exact - 1) < 0.1) }
    #expect(abs(shared.covariance / exact - 1) < 0.1)
    #expect(abs(local.covariance / exact) < 0.07)
    #expect(abs(flipout.covariance / exact) < 0.07)
  }

  @Test func costOfTheWholeIsTheSumOfItsTensors() {
    // The same ten weights in one tensor or in two cost the same.
    func total(_ shapes: [Shape]) -> Double {
      var layout = Layout()
      for (index, shape) in shapes.enumerated() { layout.add("w\(index)", shape) }
      let posterior = VariationalPosterior(over: layout, prior: .gaussian(deviation: 2))
      let (parameters, weights) = (FlatBuffer("p", posterior.parameters), FlatBuffer("w", layout))
      posterior.initialize(parameters, from: weights, deviation: 0.3)
      let parts = posterior.divergences(of: parameters, closed: true, key: RandomKey(seed: 0))
      let whole = posterior.divergence(0..<layout.count, of: parameters)!
      #expect(abs(parts.reduce(0) { $0 + $1.divergence } - whole) < 1e-9)
      return whole
    }
    let exact = 10 * (log(2 / 0.3) + 0.09 / 8 - 0.5)
    #expect(abs(total([[10]]) - exact) < 1e-4)
    #expect(abs(total([[2, 3], [4]]) - exact) < 1e-4)
  }
}
