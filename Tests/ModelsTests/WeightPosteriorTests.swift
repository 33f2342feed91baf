import BayesianNetworks
import Datasets
import Foundation
import Recipes
import Tensors
import Testing
import Training

@Suite("Posteriors of weights: results and refusals") struct WeightPosteriorTests {
  private static let small = ["network.hidden": "[20, 20]", "train.batch": "40", "evaluate.samples": "8"]
  private static let kept = ["objective.keep": "4"]
  static let posteriors: [(String, [String: String])] = [
    ("ivon", [:]), ("ivon", ["train.members": "2", "network.initial_deviation": "0.02"]),
    ("ivon", ["network.hidden": "[dense 8, norm batch, relu]", "optimizer.clip_radius": "0.1"]),
    ("ivon", ["network.dropout": "0.2"]),
    ("swag", ["objective.rank": "3", "objective.collections": "4", "optimizer.start": "0.2"]),
    (
      "swag",
      ["objective.rank": "0", "train.members": "2", "optimizer.name": "adam", "optimizer.learning_rate": "0.01"]
    ),
    (
      "swag",
      [
        "objective.posterior": "snapshots", "objective.keep": "4", "optimizer.schedule": "cycles",
        "network.hidden": "[dense 8, norm batch, relu]",
      ]
    ),
    ("langevin", ["objective.keep": "4", "optimizer.schedule": "cycles", "optimizer.cycles": "2"]),
    ("langevin", ["objective.keep": "4", "objective.posterior": "sgld", "train.members": "2"]),
    (
      "langevin",
      [
        "objective.keep": "4", "objective.posterior": "hmc", "objective.leapfrogs": "1", "objective.burn_in": "0",
        "optimizer.learning_rate": "0.001",
      ]
    ),
  ]

  private func fresh(_ index: Int, _ data: Dataset) throws -> any Predicting {
    let (model, keys) = Self.posteriors[index]
    return try predictor(model, data, Self.small.merging(keys) { $1 })
  }

  /// 90 examples in batches of 40 make a short last batch.
  @Test(arguments: posteriors.indices) func independentOfLanes(_ index: Int) async throws {
    for data in [try Toy.classes(), try Toy.line(90)] {
      var digests: Set<String> = []
      for lanes in [1, 3] {
        let learner = try fresh(index, data)
        try await train(learner, steps: 8, shards: 4, lanes: lanes)
        #expect(learner.parameters.isFinite)
        let values = try predictions(learner, data, samples: 8, lanes: lanes)
        digests.insert(learner.parameters.sha256 + learner.auxiliary.sha256 + "\(values)")
      }
      #expect(digests.count == 1)
    }
  }

  @Test(arguments: posteriors.indices) func resumesBitForBit(_ index: Int) async throws {
    let data = try Toy.classes()
    let whole = try fresh(index, data)
    try await train(whole, steps: 8)
    let plan = TrainingPlan(seed: 3, shards: 4, steps: 8, reportEvery: 1 << 30)
    let first = try fresh(index, data)
    let stop = StopRequest()
    let ending = try await Trainer(first, plan: plan, crew: Crew(lanes: 1), observer: Stopper(stop, at: 5))
      .train(until: stop)
    #expect(!ending.isFinished && ending.moment.step == 5)
    let second = try fresh(index, data)
    second.parameters.copy(from: first.parameters)
    for (target, source) in zip(second.auxiliary, first.auxiliary) { target.copy(from: source) }
    try await train(second, steps: 8, from: 5)
    #expect(second.parameters.sha256 == whole.parameters.sha256)
    #expect(second.auxiliary.sha256 == whole.auxiliary.sha256)
  }

  /// What predictions need lies in the parameters: another learner that is given these alone says the same.
  @Test(arguments: posteriors.indices) func theParametersAreAllThatPredicts(_ index: Int) async throws {
    let data = try Toy.classes()
    let learner = try fresh(index, data)
    try await train(learner, steps: 8)
    let other = try fresh(index, data)
    other.parameters.copy(from: learner.parameters)
    #expect(other.distinctSamples == learner.distinctSamples)
    #expect(try predictions(other, data, samples: 6) == predictions(learner, data, samples: 6))
  }

  private func predictions(
    _ learner: any Predicting, _ data: Dataset, samples: Int, lanes: Int = 1
  ) throws -> [Float] {
    var values: [Float] = []
    try Prediction.run(
      learner, on: data.test!.inputs, samples: learner.sampleCount(samples), key: RandomKey(seed: 4),
      with: Crew(lanes: lanes)
    ) { values += $0.values }
    return values
  }

  /// The kept weights are those after the steps that the schedule names, and they are the samples of a prediction.
  @Test func samplesAreTheKeptWeights() async throws {
    let data = try Toy.classes()
    let keys = [
      "objective.posterior": "sghmc", "objective.keep": "4", "objective.burn_in": "0.5", "optimizer.cycles": "2",
    ]
    let learner = try predictor(
      "langevin", data, Self.small.merging(keys.merging(["optimizer.schedule": "cycles"]) { $1 }) { $1 })
    #expect(learner.distinctSamples == 1)
    let recorder = Recorder(learner)
    let plan = TrainingPlan(seed: 3, shards: 4, steps: 40, reportEvery: 1 << 30)
    _ = try await Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: recorder).train(until: StopRequest())
    #expect(learner.distinctSamples == 4)
    let (storage, crew) = (learner.makeSampleStorage()!, Crew(lanes: 1))
    for (sample, step) in [15, 20, 35, 40].enumerated() {
      try learner.draw(sample, into: storage, key: RandomKey(seed: 1), with: crew)
      #expect(storage.sha256 == recorder.digests[step - 1], "sample \(sample)")
    }
  }

  @Test("Settings that a weight posterior does not support are refused with an explanation") func refusals() throws {
    func message(_ model: String, _ data: Dataset, _ keys: [String: String]) -> String {
      do {
        _ = try predictor(model, data, keys)
        return "nothing"
      } catch {
        return "\(error)"
      }
    }
    let classes = try Toy.classes()
    #expect(message("swag", classes, ["network.hidden": "[dense 8, norm batch]"]).contains("batch normalization"))
    #expect(
      message("ivon", classes, ["network.initial_deviation": "0.5"]).contains("set network.initial_deviation lower"))
    let cycles = ["objective.keep": "5", "optimizer.schedule": "cycles", "optimizer.cycles": "4"]
    #expect(message("langevin", classes, cycles).contains("take a multiple of optimizer.cycles"))
    let large = message("langevin", classes, ["objective.posterior": "hmc", "network.hidden": "[700, 700]"])
    #expect(large.contains("90 examples") && large.contains("take sghmc or ivon"))
    #expect(message("ivon", classes, ["objective.posterior": "lavon"]).contains("the nearest is ivon"))
  }

  /// Noise that is too small beside that of minibatches raises an alarm.
  @Test func theNoiseOfMinibatchesIsToldOf() async throws {
    func alarm(_ keys: [String: String]) async throws -> String? {
      let learner = try predictor(
        "langevin", Toy.classes(), ["network.hidden": "[]", "objective.keep": "2"].merging(keys) { $1 })
      let listener = Alarms()
      let plan = TrainingPlan(seed: 3, shards: 2, steps: 150, reportEvery: 1 << 30)
      _ = try await Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: listener).train(until: StopRequest())
      return listener.first
    }
    let coarse = try await alarm(["train.batch": "4", "objective.temperature": "0.001"])
    #expect(coarse?.contains("lower optimizer.learning_rate") == true)
    #expect(try await alarm(["train.batch": "90", "optimizer.learning_rate": "0.01"]) == nil)
  }
}

private final class Stopper: TrainingObserver {
  private let (stop, step): (StopRequest, Int)
  init(_ stop: StopRequest, at step: Int) { (self.stop, self.step) = (stop, step) }
  func step(_ report: TrainingReport) { if report.step == step { stop.request() } }
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}

/// The digest of the weights after each step. Called on the training's thread alone, and read when it is over.
private final class Recorder: TrainingObserver, @unchecked Sendable {
  private let learner: any Predicting
  private let weights: FlatBuffer
  private(set) var digests: [String] = []
  init(_ learner: any Predicting) {
    self.learner = learner
    weights = FlatBuffer("weights", learner.makeSampleStorage()!.layout, of: learner.parameters, from: 0)
  }
  func step(_ report: TrainingReport) { digests.append(weights.sha256) }
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}

/// The first alarm. Called on the training's thread alone, and read when it is over.
private final class Alarms: TrainingObserver, @unchecked Sendable {
  private(set) var first: String?
  func step(_ report: TrainingReport) {}
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
  func alarm(_ cause: String, at step: Int) { first = first ?? cause }
}
