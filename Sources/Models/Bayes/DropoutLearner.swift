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

final class DropoutLearner: GradientLearner, Scoring {
  enum Task: String, CaseIterable { case automatic, classification, regression }

  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let supervision: Supervision
  let isStochastic: Bool
  private let network: MLP
  private let head: Head
  private let hiddenDropout: Dropout
  private let inputDropout: Dropout
  let evaluationSamples: Int

  init(_ recipe: Recipe, data: Dataset, seed: UInt64, hasDropout: Bool) throws {
    let objective = recipe["objective"]
    let task = try objective.choice("task", default: Task.automatic)
    let isRegression = task == .automatic ? data.train.labels == nil : task == .regression
    supervision = try Supervision(
      data, recipe["data"], wants: isRegression ? .values : .classes, default: isRegression ? .standard : .unit)
    let section = recipe["network"]
    let hidden = try section.integers("hidden", default: [400, 400], in: 1...1_000_000)
    var layout = Layout()
    network = MLP(
      name: "layers", in: supervision.inputs.width, hidden: hidden, out: try Head.outputs(objective, supervision),
      activation: try section.nonlinearity(), layout: &layout)
    head = try Head(objective, supervision, layout: &layout)
    let rate = hasDropout ? try section.number("dropout", default: 0.5, in: 0...0.999) : 0
    hiddenDropout = Dropout(rate: rate)
    inputDropout = Dropout(rate: hasDropout ? try section.number("input_dropout", default: 0.2, in: 0...0.999) : 0)
    isStochastic = hasDropout
    parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: seed)
    order = .shuffled(batch: try recipe.batch(examples: data.train.count, default: 128))
    descent = try GradientDescent(
      recipe, parameters: layout,
      weightDecay: hasDropout
        ? try DropoutLearner.weightDecay(objective, rate: rate, supervision, examples: data.train.count) : nil)
    evaluationSamples = hasDropout ? try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000) : 1
  }

  /// λ w is added to the gradient of a mean over examples, λ = (1 − rate) l² / (N τ): the length-scale l of a Gaussian
  /// prior and the precision τ of the model (Gal and Ghahramani 2016, equation 7 of the appendix: weight decay
  /// (1 − rate) l² / (2 N τ) on |w|²). For classes τ is 1. In regression τ is that of standardised targets, so that the
  /// decay does not change with their unit.
  private static func weightDecay(
    _ objective: RecipeSection, rate: Double, _ supervision: Supervision, examples: Int
  ) throws -> Double {
    let length = try objective.number("length_scale", default: 0.01, in: 0...1e6)
    var precision = 1.0
    if case .values = supervision.kind {
      precision = try objective.number("decay_precision", default: 1, in: 1e-12...1e12)
    }
    return (1 - rate) * length * length / (Double(examples) * precision)
  }

  var exampleCount: Int { supervision.inputs.train.count }
  var statistics: [FlatBuffer] { supervision.statistics }
  let metrics = ["nll"]

  /// The network's outputs, with masks keyed by example and layer.
  private func outputs(_ x: Tensor, examples: [UInt32], views: ParameterViews, key: RandomKey) -> Tensor {
    var x = x
    for (index, layer) in network.layers.enumerated() {
      let dropout = index == 0 ? inputDropout : hiddenDropout
      x = dropout(x, key: key.at(tensor: NoiseStream.activations + UInt32(index)), examples: examples)
      x = layer(x, views)
    }
    return x
  }

  func loss(
    _ examples: Examples, of step: Step, parameters views: ParameterViews, metrics: inout [Double]
  ) -> Tensor {
    let x = supervision.inputs.trainRows(examples, key: step.key.at(tensor: NoiseStream.binarisation))
    let indices = examples.indices
    let loss = head.loss(
      outputs(x, examples: indices, views: views, key: step.key), examples: indices, views: views,
      key: step.key.at(tensor: NoiseStream.logits)
    ).sum()
    metrics[0] += Double(loss.value)
    return loss
  }

  // MARK: Prediction

  var predictionWidth: Int { head.predictionWidth }
  var isClassifier: Bool { head.isClassifier }
  var classNames: [String] { supervision.classNames }

  func rows(of array: ExampleArray, _ examples: Range<Int>) -> Tensor {
    supervision.inputs.rows(of: array, .range(examples), key: RandomKey(seed: 0))
  }

  func mismatch(_ array: ExampleArray) -> String? { supervision.mismatch(array) }
  func makeSampleStorage() -> FlatBuffer? { nil }
  func draw(_ sample: Int, into storage: FlatBuffer?, key: RandomKey, with crew: Crew) {}

  func predict(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    let views = ParameterViews(parameters)
    let key = key.ofSample(sample)
    return head.prediction(
      outputs(x, examples: examples, views: views, key: key), examples: examples, views: views,
      key: key.at(tensor: NoiseStream.logits))
  }

  func logits(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    outputs(x, examples: examples, views: ParameterViews(parameters), key: key.ofSample(sample))
      .columns(0..<supervision.width)
  }

  // MARK: Evaluation

  var evaluationCount: Int { supervision.testCount }

  func evaluate(key: RandomKey, with crew: Crew) throws -> [String: Double] {
    try PredictiveEvaluation(self, supervision, samples: evaluationSamples, key: key, with: crew).metrics
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    var figures: [Figure] = []
    if evaluationCount > 0, isClassifier {
      let evaluation = try PredictiveEvaluation(
        self, supervision, samples: evaluationSamples, key: key, with: crew)
      figures += evaluation.reliabilityFigure.map { [$0] } ?? []
    }
    if isClassifier { figures += try rotationFigures(self, supervision, key: key, with: crew) }
    return try figures + curveFigure(self, supervision, key: key, with: crew)
  }
}
