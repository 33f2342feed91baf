import Datasets
import Figures
import Foundation
import Networks
import Optimizers
import Recipes
import Tensors
import Training

/// A plain network, and the same network with dropout that stays on at prediction: each mask is then a sample of an
/// approximate posterior (Gal and Ghahramani, Dropout as a Bayesian Approximation, ICML 2016).
public enum PlainNetwork: Model {
  public static let name = "mlp"
  public static let summary = "a plain network, for comparison with the Bayesian ones"
  public static var recipe: [UInt8] { PackageResources.mlp_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try DropoutLearner(recipe, data: data, seed: seed, hasDropout: false)
  }
}

public enum MCDropout: Model {
  public static let name = "mc-dropout"
  public static let summary = "a network with dropout at training and prediction, for classes or numbers"
  public static var recipe: [UInt8] { PackageResources.mc_dropout_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try DropoutLearner(recipe, data: data, seed: seed, hasDropout: true)
  }
}

/// One network, or several that are trained side by side in one run: an ensemble, whose members begin at other weights
/// and never see each other, are the samples of a prediction (Lakshminarayanan, Pritzel and Blundell 2017).
final class DropoutLearner: GradientLearner, Supervised {
  enum Task: String, CaseIterable { case automatic, classification, regression }

  /// A network of its own, in slots of its own.
  private struct Member {
    let network: MLP
    let head: Head
    /// What is learnt of the dropout before each layer; none where the rates are given.
    let concrete: [ConcreteDropout]
  }

  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let supervision: Supervision
  let evaluationSamples: Int
  let distinctSamples: Int?
  private let members: [Member]
  private let hiddenDropout: Dropout
  private let inputDropout: Dropout
  private let lengthScale: Double

  /// Streams of noise are as far apart from member to member.
  private static let memberStride: UInt32 = 1 << 14

  init(_ recipe: Recipe, data: Dataset, seed: UInt64, hasDropout: Bool) throws {
    let objective = recipe["objective"]
    let task = try objective.choice("task", default: Task.automatic)
    let isRegression = task == .automatic ? data.train.labels == nil : task == .regression
    supervision = try Supervision(
      data, recipe["data"], wants: isRegression ? .values : .classes, default: isRegression ? .standard : .unit)
    let section = recipe["network"]
    let hidden = try section.integers("hidden", default: [400, 400], in: 1...1_000_000)
    let activation = try section.nonlinearity()
    let rate = hasDropout ? try section.number("dropout", default: 0.5, in: 0...0.999) : 0
    hiddenDropout = Dropout(rate: rate)
    inputDropout = Dropout(rate: hasDropout ? try section.number("input_dropout", default: 0.2, in: 0...0.999) : 0)
    let isConcrete = hasDropout ? try section.flag("concrete", default: false) : false
    lengthScale = hasDropout ? try objective.number("length_scale", default: 0.01, in: 0...1e6) : 0

    let count = try recipe["train"].integer("members", default: 1, in: 1...64)
    var layout = Layout()
    members = try (0..<count).map { [supervision] index in
      let prefix = count == 1 ? "" : "members.\(index)."
      let network = MLP(
        name: prefix + "layers", in: supervision.inputs.width, hidden: hidden,
        out: try Head.outputs(objective, supervision), activation: activation, layout: &layout)
      let head = try Head(objective, supervision, layout: &layout, prefix: prefix)
      let concrete =
        isConcrete
        ? network.layers.indices.map { ConcreteDropout(name: "\(prefix)dropout.\($0)", layout: &layout) } : []
      return Member(network: network, head: head, concrete: concrete)
    }
    distinctSamples = hasDropout ? nil : count
    parameters = FlatBuffer("parameters", layout)
    for member in members {
      member.network.initialize(parameters, seed: seed)
      for (index, concrete) in member.concrete.enumerated() {
        concrete.initialize(parameters, rate: index == 0 ? inputDropout.rate : rate)
      }
    }
    order = .shuffled(batch: try recipe.batch(examples: data.train.count, default: 128))
    // Concrete dropout has its weight decay in the loss, since it depends on the rate.
    descent = try GradientDescent(
      recipe, parameters: layout,
      weightDecay: !hasDropout
        ? nil
        : isConcrete
          ? 0
          : try DropoutLearner.weightDecay(
            objective, length: lengthScale, rate: rate, supervision, examples: data.train.count))
    evaluationSamples = hasDropout ? try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000) : count
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

  /// A member's outputs, with masks keyed by example and layer.
  private func outputs(
    _ member: Int, _ x: Tensor, examples: [UInt32], views: ParameterViews, key: RandomKey
  ) -> Tensor {
    var x = x
    let stream = NoiseStream.activations + UInt32(member) * DropoutLearner.memberStride
    let (network, concrete) = (members[member].network, members[member].concrete)
    for (index, layer) in network.layers.enumerated() {
      let key = key.at(tensor: stream + UInt32(index))
      if concrete.isEmpty {
        x = (index == 0 ? inputDropout : hiddenDropout)(x, key: key, examples: examples)
      } else {
        x = concrete[index](x, views, key: key, examples: examples)
      }
      x = layer(x, views)
    }
    return x
  }

  private func logitsKey(_ key: RandomKey, _ member: Int) -> RandomKey {
    key.at(tensor: NoiseStream.logits + UInt32(member) * DropoutLearner.memberStride)
  }

  /// The sum over the members, none of which has a part in another's gradient.
  func loss(
    _ examples: Examples, of step: Step, parameters views: ParameterViews, metrics: inout [Double]
  ) -> Tensor {
    let x = supervision.inputs.trainRows(examples, key: step.key.at(tensor: NoiseStream.binarisation))
    let indices = examples.indices
    let share = Float(Double(indices.count) / Double(exampleCount))
    var total: Tensor?
    for (index, member) in members.enumerated() {
      var loss = member.head.loss(
        outputs(index, x, examples: indices, views: views, key: step.key), examples: indices, views: views,
        key: logitsKey(step.key, index)
      ).sum()
      metrics[0] += Double(loss.value) / Double(members.count)
      for (layer, concrete) in zip(member.network.layers, member.concrete) {
        loss = loss + concrete.divergence(of: layer, views, lengthScale: Float(lengthScale)) * share
      }
      total = total.map { $0 + loss } ?? loss
    }
    return total!
  }

  /// Reports the rates that were learnt, of the first member.
  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    try descent.absorb(total, into: parameters, update: step.number, of: step.total, with: crew)
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
    let views = ParameterViews(parameters)
    let key = key.ofSample(sample)
    let member = sample % members.count
    return members[member].head.prediction(
      outputs(member, x, examples: examples, views: views, key: key), examples: examples, views: views,
      key: logitsKey(key, member))
  }

  func logits(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    outputs(
      sample % members.count, x, examples: examples, views: ParameterViews(parameters), key: key.ofSample(sample)
    ).columns(0..<supervision.width)
  }
}
