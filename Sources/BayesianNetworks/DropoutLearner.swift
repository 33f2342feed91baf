import Computations
import Datasets
import Figures
import Foundation
import Learners
import Networks
import Optimizers
import Recipes
import Tensors
import Training

/// A plain network, and the same network with dropout that stays on at prediction: each mask is then a sample of an
/// approximate posterior (Gal and Ghahramani, Dropout as a Bayesian Approximation, ICML 2016).
public enum PlainNetwork: NetworkModel {
  public static let name = "mlp"
  public static let summary = "a plain network, for comparison with the Bayesian ones"
  public static var recipe: [UInt8] { PackageResources.mlp_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try DropoutLearner(Self.self, recipe, data: data, seed: seed, noise: .absent)
  }
}

public enum MCDropout: NetworkModel {
  public static let name = "mc-dropout"
  public static let summary = "a network with dropout at training and prediction, for classes or numbers"
  public static var recipe: [UInt8] { PackageResources.mc_dropout_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try DropoutLearner(Self.self, recipe, data: data, seed: seed, noise: .dropout)
  }
}

/// The same for numbers.
public enum MCDropoutRegression: NetworkModel {
  public static let name = "mc-dropout-regression"
  public static let summary = "dropout at training and prediction for numbers, with settings for small tables"
  public static var recipe: [UInt8] { PackageResources.mc_dropout_regression_yaml }
  public static let answers: Supervision.Wanted? = .values
  public static let hidden = [50]

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try DropoutLearner(Self.self, recipe, data: data, seed: seed, noise: .dropout)
  }
}

/// One network, or several that are trained side by side in one run: an ensemble, whose members begin at other weights
/// and never see each other, are the samples of a prediction (Lakshminarayanan, Pritzel and Blundell 2017).
final class DropoutLearner: GradientLearner, Supervised {
  /// A network of its own, in slots of its own.
  struct Member {
    let network: LayerStack
    let likelihood: any Likelihood
    /// The dropout layers whose rates are learned.
    let concrete: [ConcreteDropout]
  }

  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let supervision: Supervision
  let evaluationSamples: Int
  let distinctSamples: Int?
  let members: [Member]
  private let dropConnect: Double
  private let lengthScale: Double

  /// Streams of noise are as far apart from member to member.
  private static let memberStride: UInt32 = 1 << 14

  /// - Parameters:
  ///   - hasOwnRule: whether a posterior moves the weights, and of the optimizer only the rate is read.
  ///   - makeParameters: where the weights lie, given the first network and their layout.
  init(
    _ model: any NetworkModel.Type, _ recipe: Recipe, data: Dataset, seed: UInt64,
    noise defaults: NetworkNoise.Defaults, hasOwnRule: Bool = false,
    makeParameters: (LayerStack, Layout) throws -> FlatBuffer = { FlatBuffer("parameters", $1) }
  ) throws {
    let objective = recipe["objective"]
    let supervision = try model.supervision(recipe, data)
    self.supervision = supervision
    var lengthScale = defaults == .dropout ? try objective.number("length_scale", default: 0.01, in: 0...1e6) : 0
    let likelihood = try model.likelihood(objective, supervision)
    try supervision.check(likelihood)
    let section = recipe["network"]
    func network(_ name: String, _ layout: inout Layout) throws -> LayerStack {
      try model.network(
        section, input: supervision.inputs.shape, outputs: likelihood.outputs, name: name, layout: &layout)
    }
    var unused = Layout()
    let first = try network("layers", &unused)
    let noise = try NetworkNoise(section, for: first, defaults)
    dropConnect = noise.dropConnect
    if defaults == .none {
      objective.passOver(["length_scale"])
      if noise.isConcrete { lengthScale = try objective.number("length_scale", default: 0.01, in: 0...1e6) }
    }
    self.lengthScale = lengthScale

    let count = try recipe["train"].integer("members", default: 1, in: 1...64)
    var layout = Layout()
    members = try (0..<count).map { index in
      let prefix = count == 1 ? "" : "members.\(index)."
      let plain = try network(prefix + "layers", &layout)
      var own = likelihood
      own.addSlots(to: &layout, prefix: prefix)
      let noisy = noise.inserted(into: plain, name: prefix + "dropout", layout: &layout)
      return Member(network: noisy, likelihood: own, concrete: noisy.allLayers.compactMap { $0 as? ConcreteDropout })
    }
    let isSampled =
      defaults == .dropout || defaults == .none && (noise.isActive || first.drawsNoise) || likelihood.drawsPredictions
    distinctSamples = isSampled ? nil : count
    parameters = try makeParameters(members[0].network, layout)
    for member in members {
      member.network.initialize(parameters, seed: seed)
      member.likelihood.initialize(parameters, seed: seed)
    }
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount, default: 128))
    // Concrete dropout has its weight decay in the loss, since it depends on the rate.
    descent =
      hasOwnRule
      ? try GradientDescent(ratesOf: recipe, parameters: layout)
      : try GradientDescent(
        recipe, parameters: layout,
        weightDecay: noise.isConcrete
          ? 0
          : defaults == .dropout
            ? try DropoutLearner.weightDecay(
              objective, length: lengthScale, rate: noise.rate, supervision, examples: data.trainingCount) : nil)
    let samples =
      defaults == .absent && !isSampled
      ? count
      : try recipe["evaluate"].integer(
        "samples", default: likelihood.drawsPredictions ? 100 : 16, in: 1...1_000_000)
    evaluationSamples = isSampled ? samples : count
  }

  /// λ w is added to the gradient of a mean over examples, λ = (1 − rate) l² / (N τ): the length-scale l of a Gaussian
  /// prior and the precision τ of the model (Gal and Ghahramani 2016, equation 7 of the appendix: weight decay
  /// (1 − rate) l² / (2 N τ) on |w|²). For classes τ is 1. In regression τ is that of standardised targets, so that the
  /// decay does not change with their unit.
  private static func weightDecay(
    _ objective: RecipeSection, length: Double, rate: Double, _ supervision: Supervision, examples: Int
  ) throws -> Double {
    var precision = 1.0
    if case .values = supervision.kind {
      precision = try objective.number("decay_precision", default: 1, in: 1e-12...1e12)
    }
    return (1 - rate) * length * length / (Double(examples) * precision)
  }

  let metrics = ["nll"]

  var runningStatistics: [RunningStatistic] { members.flatMap(\.network.runningStatistics) }

  /// A member's pass, with masks of units keyed by example and layer, and masks of weights by layer.
  private func pass(
    _ member: Int, _ views: ParameterViews, key: RandomKey?, examples: [UInt32], statistics: BatchStatistics? = nil
  ) -> Pass {
    func stream(_ start: UInt32) -> RandomKey? {
      key?.at(tensor: start + UInt32(member) * DropoutLearner.memberStride)
    }
    let weights: WeightPolicy =
      dropConnect > 0 && key != nil
      ? .dropConnect(DropConnect(views, rate: dropConnect, key: stream(NoiseStream.weights)!)) : .given(views)
    return Pass(weights, statistics: statistics, key: stream(NoiseStream.activations), examples: examples)
  }

  /// The slots that never have a posterior, running statistics among them.
  var pointSlots: [Slot] { members.flatMap { $0.network.pointSlots + $0.likelihood.slots } }

  /// A member's outputs for sample t of a prediction, with the weights in `storage`; nil: with the parameters.
  private func outputs(
    _ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey
  ) -> Tensor {
    let member = sample % members.count
    let key = distinctSamples == nil ? key.ofSample(sample) : nil
    return members[member].network(
      x, pass(member, ParameterViews(storage ?? parameters), key: key, examples: examples))
  }

  /// What a member's likelihood computes with.
  private func likelihoodPass(_ member: Int, _ views: ParameterViews, key: RandomKey, examples: [UInt32]) -> Pass {
    let key = key.at(tensor: NoiseStream.logits + UInt32(member) * DropoutLearner.memberStride)
    return Pass(.given(views), key: key, examples: examples)
  }

  /// The sum over the members; no member has a part in another's gradient.
  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let (views, key) = (batch.parameters, batch.step.key)
    let x = supervision.inputs.trainRows(batch.examples, key: batch.key(NoiseStream.binarisation))
    let share = Float(Double(batch.indices.count) / Double(exampleCount))
    var total: Tensor?
    for (index, member) in members.enumerated() {
      let outputs = member.network(
        x, pass(index, views, key: key, examples: batch.indices, statistics: batch.batchStatistics))
      let pass = likelihoodPass(index, views, key: key, examples: batch.indices)
      var loss = member.likelihood.loss(outputs, supervision, epochs: batch.step.epochsPassed, pass).sum()
      metrics["nll"] += Double(loss.value) / Double(members.count)
      for concrete in member.concrete {
        loss = loss + concrete.divergence(views, lengthScale: Float(lengthScale)) * share
      }
      total = total.map { $0 + loss } ?? loss
    }
    return total!
  }

  /// Reports the rates that were learnt, of the first member.
  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    try descend(total, of: step, with: crew)
    var verdict = Verdict.goOn
    for (index, concrete) in members[0].concrete.enumerated() {
      verdict.metrics["dropout/\(index)"] = concrete.rate(parameters)
    }
    return verdict
  }

  // MARK: Prediction

  func makeSampleStorage() -> FlatBuffer? { nil }
  func draw(_ sample: Int, into storage: FlatBuffer?, key: RandomKey, with crew: Crew) {}

  /// Samples take turns among the members.
  func predict(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    let member = sample % members.count
    return members[member].likelihood.prediction(
      outputs(x, examples: examples, sample: sample, with: storage, key: key), supervision,
      likelihoodPass(member, ParameterViews(storage ?? parameters), key: key.ofSample(sample), examples: examples))
  }

  func measured<Measure>(
    _ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey,
    by measure: (any Likelihood, Tensor, Answers, Pass) -> Measure
  ) -> Measure {
    let member = sample % members.count
    let likelihood = members[member].likelihood
    return measure(
      likelihood, outputs(x, examples: examples, sample: sample, with: storage, key: key),
      likelihood.answers(examples, of: .test, supervision),
      likelihoodPass(member, ParameterViews(storage ?? parameters), key: key.ofSample(sample), examples: examples))
  }

  var likelihood: any Likelihood { members[0].likelihood }
  var memberCount: Int { members.count }
  /// The first network.
  var network: LayerStack { members[0].network }

  /// Of the whole network, without masks (the mean pass).
  func computation(_ request: ExportRequest, with crew: Crew) throws -> Computation {
    try request.requireNoDraws("masks of dropout are drawn for each example, and a plain network draws nothing")
    return try computation(
      of: members[0].network, members[0].likelihood, .members(members.count), constants: parameters.constants())
  }

  func logits(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    outputs(x, examples: examples, sample: sample, with: storage, key: key).columns(0..<supervision.width)
  }
}
