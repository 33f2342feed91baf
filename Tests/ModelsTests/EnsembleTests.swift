import BayesianNetworks
import Datasets
import Foundation
import ReferenceSupport
import Tensors
import Testing
import Training

@Suite("Ensembles and dropout with learnt rates") struct EnsembleTests {
  private static let small = ["network.hidden": "[20]", "train.batch": "32", "optimizer.learning_rate": "0.01"]

  private func ensemble(_ members: Int, _ data: Dataset, _ more: [String: String] = [:]) throws -> any Predicting {
    try predictor(
      "mlp", data, Self.small.merging(["train.members": "\(members)"]) { $1 }.merging(more) { $1 })
  }

  /// A member is trained as if it were alone: its numbers are those of a network with the same start.
  @Test func membersDoNotSeeEachOther() async throws {
    let data = try Toy.classes()
    let whole = try ensemble(3, data)
    let names = whole.parameters.layout.slots.map(\.name)
    #expect(names.first == "members.0.layers.0.weight" && names.last == "members.2.layers.1.bias")
    let share = names.count / 3
    let alone = try ensemble(1, data)
    #expect(alone.parameters.layout.slots.map(\.name) == names[..<share].map { String($0.dropFirst(10)) })
    let second = whole.parameters.layout.slots[share..<2 * share]
    for (slot, source) in zip(alone.parameters.layout.slots, second) {
      for index in 0..<slot.shape.count {
        alone.parameters.float32[slot.offset + index] = whole.parameters.float32[source.offset + index]
      }
    }
    try await train(whole, steps: 20)
    try await train(alone, steps: 20)
    for (slot, source) in zip(alone.parameters.layout.slots, second) {
      #expect(alone.parameters.tensor(slot).values == whole.parameters.tensor(source).values, "\(slot.name)")
    }
  }

  @Test func membersAreTheSamples() async throws {
    let learner = try ensemble(3, Toy.classes())
    try await train(learner, steps: 40)
    let array = try Toy.classes().test!.inputs
    let crew = Crew(lanes: 1)
    let table = try PredictionTable(learner, array, samples: 100, key: Prediction.key(seed: 1), with: crew)
    #expect(table.samples == 3)
    var means: [Double] = []
    try Prediction.run(learner, on: array, samples: 3, key: Prediction.key(seed: 9), with: crew) { samples in
      for index in samples.examples {
        let values = samples.ofExample(index)
        #expect(values[0] != values[3] && values[3] != values[6])
        for k in 0..<3 { means.append((values[k] + values[3 + k] + values[6 + k]) / 3) }
      }
    }
    let column = table.columns.first { $0.name == "mean" }!.values
    #expect(zip(column, means).allSatisfy { abs($0 - $1) < 1e-12 })
    let metrics = try learner.offers.evaluation!(RandomKey(seed: 0), crew)
    #expect(metrics["cls/MI"]! > 0)
  }

  /// −log mean p ≤ mean −log p: an ensemble's likelihood is at least its members' on average.
  @Test func theMeanOfProbabilitiesIsTaken() async throws {
    let data = try Toy.line()
    let learner = try ensemble(4, data, ["objective.noise": "heteroscedastic"])
    try await train(learner, steps: 200)
    let whole = try learner.offers.evaluation!(RandomKey(seed: 0), Crew(lanes: 1))["reg/NLL"]!
    var sums = [Double](repeating: 0, count: 4)
    let test = data.test!
    try Prediction.run(learner, on: test.inputs, samples: 4, key: RandomKey(seed: 0), with: Crew(lanes: 1)) { samples in
      for index in samples.examples {
        let values = samples.ofExample(index)
        let target = test.targets!.withUnsafeBufferPointer(as: Double.self) { $0[index] }
        for member in 0..<4 {
          let (mean, variance) = (values[2 * member], values[2 * member + 1])
          sums[member] += 0.5 * (log(2 * .pi * variance) + (target - mean) * (target - mean) / variance)
        }
      }
    }
    #expect(whole <= sums.reduce(0, +) / 4 / Double(test.count) + 1e-9)
  }

  @Test(arguments: ["mlp", "mc-dropout"]) func sameForAnyNumberOfLanesAndResumed(_ model: String) async throws {
    func fresh() throws -> any Predicting {
      let concrete = model == "mc-dropout" ? ["network.concrete": "true"] : [:]
      return try predictor(
        model, Toy.classes(), Self.small.merging(["train.members": "2"]) { $1 }.merging(concrete) { $1 })
    }
    let whole = try fresh()
    try await train(whole, steps: 8, lanes: 4)
    let first = try fresh()
    try await train(first, steps: 4, lanes: 1)
    let second = try fresh()
    second.parameters.copy(from: first.parameters)
    for (target, source) in zip(second.auxiliary, first.auxiliary) { target.copy(from: source) }
    try await train(second, steps: 8, from: 4, lanes: 2)
    #expect(second.parameters.sha256 == whole.parameters.sha256)
  }

  // MARK: Concrete dropout

  private func concrete(_ data: Dataset, _ more: [String: String] = [:]) throws -> any Predicting {
    try predictor(
      "mc-dropout", data,
      Self.small.merging(
        ["network.concrete": "true", "network.activation": "tanh", "objective.length_scale": "0.5"]
      ) { $1 }.merging(more) { $1 })
  }

  /// A step's loss divided by nothing: Σ −log p and the regulariser, whose sum the gradient is of.
  private func objective(_ learner: any Predicting, examples: Int) throws -> Double {
    let total = try total(learner, step: 0, shards: 1, crew: Crew(lanes: 1))
    var value = total.metrics["nll"]
    let layout = learner.parameters.layout
    for layer in 0...1 {
      let logit = Double(learner.parameters.tensor(layout["dropout.\(layer).logit"]!).value)
      let p = 1 / (1 + exp(-logit))
      let weight = learner.parameters.tensor(layout["layers.\(layer).weight"]!)
      let squares = weight.values.reduce(0) { $0 + Double($1) * Double($1) }
      let entropy = -p * log(p) - (1 - p) * log(1 - p)
      // l² (1 − p) / 2 |w / (1 − p)|² − d H(p), of all examples' share.
      value += (0.25 / 2 * squares / (1 - p) - Double(weight.columns) * entropy) * Double(examples) / 90
    }
    return value
  }

  @Test func gradientOfTheRates() throws {
    let learner = try concrete(Toy.classes())
    let gradient = numbers(try total(learner, step: 0, shards: 1, crew: Crew(lanes: 1)))
    let layout = learner.parameters.layout
    for name in ["dropout.0.logit", "dropout.1.logit", "layers.0.weight", "layers.1.bias"] {
      let place = layout[name]!.offset
      let start = learner.parameters.float32[place]
      func at(_ t: Float) throws -> Double {
        learner.parameters.float32[place] = start + t
        defer { learner.parameters.float32[place] = start }
        return try objective(learner, examples: 32)
      }
      let h: Float = 1.0 / 64
      let wanted = try (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / Double(12 * h)
      #expect(
        abs(Double(gradient[place]) - wanted) < 2e-3 * max(abs(wanted), 1), "\(name): \(gradient[place]) \(wanted)")
    }
  }

  /// Shards share the regulariser by their examples: their sum is one shard's.
  @Test func theRegulariserIsCountedOnce() throws {
    let learner = try concrete(Toy.classes())
    let (one, four) = try (
      numbers(total(learner, step: 0, shards: 1, crew: Crew(lanes: 1))),
      numbers(total(learner, step: 0, shards: 4, crew: Crew(lanes: 1)))
    )
    for place in one.indices { #expect(abs(one[place] - four[place]) < 1e-3 * max(abs(one[place]), 1)) }
  }

  /// Where an input is all there is to know, little of it is dropped; with next to no data, the prior's rate stays.
  @Test func ratesFallWithData() async throws {
    let learner = try concrete(Toy.classes(), ["network.input_dropout": "0.5"])
    try await train(learner, steps: 600)
    let logit = learner.parameters.tensor(learner.parameters.layout["dropout.0.logit"]!).value
    #expect(logit < -0.5)
    #expect(learner.parameters.isFinite)
  }
}
