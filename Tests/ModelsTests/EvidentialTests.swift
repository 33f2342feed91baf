import BayesianNetworks
import Datasets
import Foundation
import LinearAlgebra
import ReferenceSupport
import Tensors
import Testing
import Training

@Suite("Evidential networks (Sensoy et al. 2018)") struct EvidentialTests {
  static let settings = [
    "network.hidden": "[20]", "train.batch": "40", "optimizer.learning_rate": "0.01",
    "objective.likelihood": "evidential",
  ]

  @Test("The expected probabilities of a prediction are α / S, and its entropies those of the Dirichlet distribution")
  func moments() async throws {
    let learner = try predictor("mlp", Toy.classes(), Self.settings)
    try await train(learner, steps: 30)
    let crew = Crew(lanes: 2)
    let x = try Toy.classes().test!.inputs[0..<4]
    let (samples, classes) = (20_000, 3)
    var (means, entropies) = ([[Double]](repeating: [0, 0, 0], count: 4), [Double](repeating: 0, count: 4))
    try Prediction.run(learner, on: x, samples: samples, key: RandomKey(seed: 5), with: crew) { piece in
      for example in 0..<4 {
        let values = piece.ofExample(example)
        for sample in 0..<samples {
          let p = (0..<classes).map { values[sample * classes + $0] }
          for (k, value) in p.enumerated() { means[example][k] += value / Double(samples) }
          entropies[example] -= p.reduce(0) { $1 > 0 ? $0 + $1 * log($1) : $0 } / Double(samples)
        }
      }
    }
    let rows = learner.rows(of: x, 0..<4)
    for example in 0..<4 {
      let alpha = concentrations(of: (0..<2).map { Double(rows.pointer[example * 2 + $0]) }, learner)
      let total = alpha.reduce(0, +)
      let entropy = alpha.reduce(0) { $0 - $1 / total * (digamma($1 + 1) - digamma(total + 1)) }
      for k in 0..<classes { #expect(abs(means[example][k] - alpha[k] / total) < 0.01) }
      #expect(abs(entropies[example] - entropy) < 0.01)
    }
  }

  /// α by the formulas: a dense layer with ReLU, another without, and softplus.
  private func concentrations(of input: [Double], _ learner: any Predicting) -> [Double] {
    let parameters = learner.parameters
    let names = Set(parameters.layout.slots.map { String($0.name[..<$0.name.lastIndex(of: ".")!]) }).sorted()
    func dense(_ name: String, _ x: [Double]) -> [Double] {
      func values(_ kind: String) -> [Double] {
        parameters.tensor(parameters.layout.slots.first { $0.name == "\(name).\(kind)" }!).values.map(Double.init)
      }
      let (w, b) = (values("weight"), values("bias"))
      return b.indices.map { row in x.indices.reduce(b[row]) { $0 + w[row * x.count + $1] * x[$1] } }
    }
    return dense(names[1], dense(names[0], input).map { max($0, 0) }).map { log1p(exp($0)) + 1 }
  }

  @Test("The loss is that of the paper; the cost of evidence for other classes grows with the epochs")
  func cost() async throws {
    let data = try Toy.classes()
    func fresh(_ warmup: String) throws -> any Predicting {
      try predictor(
        "mlp", data, Self.settings.merging(["objective.evidence_warmup_epochs": warmup, "train.batch": "90"]) { $1 })
    }
    let start = try fresh("10")
    let rows = start.rows(of: data.train.inputs, 0..<90)
    var (risk, divergence) = (0.0, 0.0)
    for example in 0..<90 {
      let alpha = concentrations(of: (0..<2).map { Double(rows.pointer[example * 2 + $0]) }, start)
      let (total, label) = (alpha.reduce(0, +), example % 3)
      for (k, a) in alpha.enumerated() {
        let p = a / total
        risk += ((k == label ? 1 : 0) - p) * ((k == label ? 1 : 0) - p) + p * (1 - p) / (total + 1)
      }
      let misleading = alpha.enumerated().map { $0.offset == label ? 1 : $0.element }
      let sum = misleading.reduce(0, +)
      divergence += logGamma(sum) - logGamma(3)
      for a in misleading { divergence += (a - 1) * (digamma(a) - digamma(sum)) - logGamma(a) }
    }
    func firstLoss(_ learner: any Predicting) async throws -> Double {
      let heard = KeptReports()
      let plan = TrainingPlan(seed: 3, shards: 4, steps: 1, reportEvery: 1)
      _ = try await Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: heard).train(until: StopRequest())
      return try #require(heard.metrics["train/nll"])
    }
    #expect(try await abs(firstLoss(fresh("10")) - risk / 90) < 1e-5)
    #expect(try await abs(firstLoss(fresh("0")) - (risk + divergence) / 90) < 1e-5)
  }

  @Test("A trained network is better than chance, has an epistemic part, and is measured alike by any number of lanes")
  func evaluated() async throws {
    let learner = try predictor("mlp", Toy.classes(), Self.settings)
    try await train(learner, steps: 400)
    let metrics = try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 2))
    #expect(metrics["test/cls/Acc"]! > 0.6 && metrics["test/cls/NLL"]! < log(3) && metrics["test/cls/MI"]! > 0)
    #expect(try Evaluation.run(learner, seed: 0, crew: Crew(lanes: 1)) == metrics)
  }
}
