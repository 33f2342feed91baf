import Autoencoders
import BayesianNetworks
import Datasets
import Foundation
import Learners
import LinearAlgebra
import Models
import Networks
import Recipes
import Runs
import Tensors
import Testing
import Training

/// A model that is not Elbo's: what its likelihood and its layers say is trained and predicted like a shipped one.
@Suite struct OwnModelTests {
  private static let isRegistered: Bool = {
    do {
      for model in [PoissonRegression.self, Softmax.self, LaplaceDecoder.self] as [any Model.Type] {
        try Models.register(model)
      }
      return true
    } catch {
      return false
    }
  }()

  init() { #expect(Self.isRegistered) }

  /// Counts of two groups, whose means are 2 and 8: a network reaches exactly these rates.
  private static let counts: [(x: Double, y: Double)] = [
    (0, 1), (0, 2), (0, 3), (0, 2), (1, 6), (1, 7), (1, 9), (1, 10),
  ]

  private func recipe(_ files: borrowing Files, _ settings: [String: String] = [:]) throws -> Recipe {
    let rows = Self.counts.map { "\($0.x),\($0.y)" }
    try files.write("counts.csv", "x,y\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("test-poisson")
    recipe.set("data.source", text: files["counts.csv"])
    for (key, value) in settings { try recipe.set(key, to: value) }
    return recipe
  }

  @Test func trainingReachesTheGreatestLikelihood() async throws {
    let files = Files()
    let summary = try await Run.train(recipe(files), out: files["run"])
    let run = try Run(opening: files["run"])
    let predictions = try run.predict(ExampleArray([0.0, 1.0], shape: [1]))
    let rates = predictions["mean"]!.values
    #expect(abs(rates[0] - 2) < 1e-3 && abs(rates[1] - 8) < 1e-3, "\(rates)")
    // One sample says all that a network without noise can say; the variance of a count is its rate.
    #expect(predictions.samples == 1 && predictions["aleatoric_variance"]!.values == rates)
    // The mean −log p at the means of the groups.
    let least = Self.counts.reduce(0.0) { sum, row in
      let rate = row.x == 0 ? 2.0 : 8.0
      return sum - (row.y * log(rate) - rate - logGamma(row.y + 1)) / Double(Self.counts.count)
    }
    #expect(abs(summary.metrics["train/nll"]! - least) < 1e-5, "\(summary.metrics), not \(least)")
    #expect(summary.parameters_sha256 == run.parametersSHA256)
  }

  @Test func everyNumberOfLanesGivesTheSame() async throws {
    let files = Files()
    let settings = ["train.steps": "30", "train.batch": "4", "network.dropout": "0.2", "train.members": "2"]
    let one = try await Run.train(recipe(files, settings), out: files["one"], lanes: 1)
    let two = try await Run.train(recipe(files, settings), out: files["two"], lanes: 2)
    #expect(one.parameters_sha256 == two.parameters_sha256)
    let predictions = try [1, 2].map { lanes in
      try Run(opening: files["one"], lanes: lanes).predict(ExampleArray([0.0, 1.0], shape: [1]), samples: 20)
    }
    #expect(predictions[0]["mean"]!.values == predictions[1]["mean"]!.values)
    // Dropout stays on: samples differ.
    #expect(predictions[0].samples == 20 && predictions[0]["epistemic_variance"]!.values.allSatisfy { $0 > 0 })
  }

  /// The test's density is the model's own, not that of a normal distribution with its mean and variance.
  @Test func theLikelihoodItselfIsMeasured() async throws {
    let files = Files()
    let summary = try await Run.train(
      recipe(files, ["data.test_fraction": "0.25", "train.batch": "4", "train.steps": "10"]), out: files["run"])
    let run = try Run(opening: files["run"])
    let test = try run.data().test!
    let rates = try run.predict(test.inputs)["mean"]!.values
    let counts = test.targets!.withUnsafeBufferPointer(as: Double.self) { Array($0) }
    let mean = zip(rates, counts).reduce(0.0) { sum, pair in
      sum - (pair.1 * log(pair.0) - pair.0 - logGamma(pair.1 + 1)) / Double(counts.count)
    }
    #expect(abs(summary.metrics["test/reg/NLL"]! - mean) < 1e-4)
    for level in [50, 80, 90, 95] {
      let inside = zip(rates, counts).count { rate, count in
        let rank = (upperGamma(count, rate) + upperGamma(count + 1, rate)) / 2
        return abs(rank - 0.5) <= Double(level) / 200
      }
      #expect(summary.metrics["test/reg/Coverage\(level)"] == Double(inside) / Double(counts.count))
    }
    #expect(summary.metrics["test/reg/RMSE"] != nil)
  }

  @Test func theWeightsMayHaveAPosterior() async throws {
    let files = Files()
    let settings = [
      "objective.posterior": "variational", "objective.prior": "gaussian", "objective.prior_deviation": "1",
      "train.steps": "20",
    ]
    let summary = try await Run.train(recipe(files, settings), out: files["run"])
    let predictions = try Run(opening: files["run"]).predict(ExampleArray([0.0, 1.0], shape: [1]), samples: 8)
    #expect(summary.metrics["train/kl"]! > 0 && predictions["epistemic_variance"]!.values.allSatisfy { $0 > 0 })
  }

  /// Layers that are no part of Elbo, under the likelihood that suits the data.
  @Test func aNetworkOfOwnLayersClassifies() async throws {
    let files = Files()
    let rows = (0..<40).map { "\(Double($0) / 40 - 0.5),\($0 < 20 ? "a" : "b")" }
    try files.write("kinds.csv", "x,kind\n" + rows.joined(separator: "\n") + "\n")
    let recipe = try Recipe.named("test-softmax")
    recipe.set("data.source", text: files["kinds.csv"])
    try await Run.train(recipe, out: files["run"])
    let mean = try Run(opening: files["run"]).predict(ExampleArray([-0.4, 0.4], shape: [1]))["mean"]!.values
    #expect(mean.count == 4 && mean[0] > 0.9 && mean[3] > 0.9, "\(mean)")
  }

  /// A generative model: new examples are the means of its likelihood.
  @Test func aLikelihoodOfInputsMakesExamples() async throws {
    let files = Files()
    let recipes = try (0..<2).map { _ in
      let recipe = try Recipe.named("test-laplace")
      recipe.set("data.source", text: try files.pictures())
      return recipe
    }
    let one = try await Run.train(recipes[0], out: files["one"], lanes: 1)
    let two = try await Run.train(recipes[1], out: files["two"], lanes: 2)
    #expect(one.parameters_sha256 == two.parameters_sha256 && one.metrics["train/elbo"]! < 0)
    let run = try Run(opening: files["one"])
    #expect(try run.sample(count: 9, seed: 1) == run.sample(count: 9, seed: 1))
    #expect(try run.sample(count: 9, seed: 1) != run.sample(count: 9, seed: 2))
  }

  @Test func aNameIsGivenOnce() {
    #expect(throws: RecipeError.self) { try Models.register(Taken.self) }
    #expect(throws: RecipeError.self) { try Models.register(PoissonRegression.self) }
    #expect(throws: RecipeError.self) { try Models.register(Misnamed.self) }
    #expect(Models.available.filter { $0.name == "test-poisson" }.count == 1)
    #expect(!Models.all.contains { $0.name == "test-poisson" })
  }

  @Test func aKeyThatNobodyReadsIsRefused() async throws {
    let files = Files()
    for (key, value) in [("network.droput", "0.1"), ("objective.noise", "fixed"), ("objective.prior", "nonsense")] {
      let recipe = try recipe(files, [key: value, "objective.posterior": "variational"])
      await #expect(throws: RecipeError.self) { try await Run.train(recipe, out: files["run"]) }
    }
  }
}

/// log p(y | η) = y η − e^η − log y!
private struct PoissonLikelihood: Likelihood {
  let outputs: Int
  let support = Support.counts

  func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    let counts = answers.targets
    let factorials = Tensor(counts.values.map { Float(logGamma(Double($0) + 1)) }, counts.shape)
    return (counts * outputs - outputs.exp() - factorials).sumOfRows()
  }

  func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor { outputs.exp().joiningColumns(outputs.exp()) }

  func distribution(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor? {
    let ranks = zip(answers.targets.values, outputs.values).map { count, logRate in
      let (count, rate) = (Double(count), exp(Double(logRate)))
      return Float((upperGamma(count, rate) + upperGamma(count + 1, rate)) / 2)
    }
    return Tensor(ranks, outputs.shape)
  }
}

/// Q(count, rate): the probability of fewer than so many Poisson events.
private func upperGamma(_ count: Double, _ rate: Double) -> Double {
  var sum = 0.0
  for k in 0..<Int(count) { sum += exp(Double(k) * log(rate) - rate - logGamma(Double(k) + 1)) }
  return sum
}

private enum PoissonRegression: NetworkModel {
  static let name = "test-poisson"
  static let summary = "counts"
  static let recipe = Array(
    """
    model: test-poisson
    data: {target: y, target_kind: values}
    network: {hidden: [4], activation: tanh}
    optimizer: {learning_rate: 0.03, schedule: cosine}
    train: {steps: 2000, batch: 8}
    """.utf8)
  static let answers: Supervision.Wanted? = .values

  static func likelihood(_ objective: RecipeSection, _ task: Supervision) -> any Likelihood {
    PoissonLikelihood(outputs: task.width)
  }
}

/// Numbers at a mean distance of 1 from the outputs.
private struct LaplaceLikelihood: Likelihood {
  let outputs: Int

  func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    (-(outputs - answers.targets).magnitude() - Float(log(2.0))).sumOfRows()
  }

  func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor { outputs.joiningColumns(outputs * 0 + 2) }
}

private enum LaplaceDecoder: LatentVariableModel {
  static let name = "test-laplace"
  static let summary = "examples with Laplace noise"
  static let recipe = Array(
    "model: test-laplace\nnetwork: {hidden: [8], latent: 2}\ntrain: {batch: 20, steps: 5}\n".utf8)

  static func likelihood(_ objective: RecipeSection, of inputs: NetworkInputs) -> any Likelihood {
    LaplaceLikelihood(outputs: inputs.width)
  }
}

/// x · exp(scale): a layer with a parameter of its own.
private struct Scaling: Layer {
  let scale: Slot

  init(name: String, layout: inout Layout) { scale = layout.add(name + ".scale", .scalar) }

  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { x * pass.parameters[scale].exp().repeated(to: x.shape) }
}

private enum Softmax: NetworkModel {
  static let name = "test-softmax"
  static let summary = "two classes"
  static let recipe = Array(
    """
    model: test-softmax
    data: {target: kind}
    optimizer: {learning_rate: 0.1}
    train: {steps: 200, batch: 20}
    """.utf8)

  static func network(
    _ section: RecipeSection, input: [Int], outputs: Int, name: String, layout: inout Layout
  ) throws -> LayerStack {
    LayerStack([
      Scaling(name: name + ".0", layout: &layout),
      Dense(name: name + ".1", in: input.reduce(1, *), out: outputs, layout: &layout),
    ])
  }
}

private enum Taken: NetworkModel {
  static let name = "vae"
  static let summary = ""
  static let recipe: [UInt8] = []
}

private enum Misnamed: NetworkModel {
  static let name = "two words"
  static let summary = ""
  static let recipe: [UInt8] = []
}
