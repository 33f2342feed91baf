import Computations
import Datasets
import Foundation
import Learners
import Networks
import Recipes
import Tensors
import Training

/// A plain network whose weights are given a Gaussian posterior when it has been trained.
public enum LaplaceNetwork: NetworkModel {
  public static let name = "laplace"
  public static let summary =
    "a plain network with a Gaussian posterior around its trained weights, for classes or numbers"
  public static var recipe: [UInt8] { PackageResources.laplace_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try learner(recipe, data: data, seed: seed, posterior: .laplace)
  }
}

/// Trains a network as it is, and makes a Laplace approximation of the posterior over its weights in the last step: two
/// more phases, whose shards share all training examples, fix the noise of the answers and add up the curvature. Where
/// the training selects, they come with every evaluation.
///
/// Samples are those of the network linearized at its weights θ: f(x; θ) + J(x) d with d drawn from the posterior, never
/// f(x; θ + d). The two are one where the posterior is over the last layer alone.
final class LaplaceLearner: Supervised {
  let parameters: FlatBuffer
  let evaluationSamples: Int
  private let base: DropoutLearner
  private let posterior: LaplacePosterior
  /// Where the likelihood learns its noise: log variances, which the residuals fix.
  private let logVariance: Slot?
  private let period: Int

  init(_ model: any NetworkModel.Type, _ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    var made: (posterior: LaplacePosterior, parameters: FlatBuffer)?
    base = try DropoutLearner(model, recipe, data: data, seed: seed, noise: .none) { network, layout in
      var whole = layout
      let posterior = try LaplacePosterior(recipe["objective"], over: network, parameters: &whole)
      let parameters = FlatBuffer("parameters", whole)
      made = (posterior, parameters)
      return FlatBuffer("parameters", layout, of: parameters, from: 0)
    }
    (posterior, parameters) = made!
    guard base.memberCount == 1 else {
      throw RecipeError(
        "train.members is \(base.memberCount), and objective.posterior laplace is of one network: set train.members to 1"
      )
    }
    let probe = Tensor.zeros([1, base.likelihood.outputs])
    let pass = Pass(.given(ParameterViews(base.parameters)), key: RandomKey(seed: 0), examples: [0])
    guard base.likelihood.information(probe, pass) != nil else {
      throw RecipeError(
        "objective.posterior is laplace, which needs the information of an answer in closed form, and this likelihood has "
          + "none: leave out objective.class_noise, or choose another objective.posterior")
    }
    logVariance = base.likelihood is GaussianLikelihood ? base.likelihood.slots.first : nil
    evaluationSamples = try recipe["evaluate"].integer("samples", default: 64, in: 1...1_000_000)
    let perEpoch = Order(base.order, exampleCount: base.exampleCount, seed: seed).stepsPerEpoch
    let train = recipe["train"]
    period =
      try train.text("select") == nil
      ? recipe.plannedSteps(perEpoch: perEpoch)
      : train.integer("evaluate_every", default: perEpoch, in: 0...1_000_000_000)
  }

  var supervision: Supervision { base.supervision }
  var likelihood: any Likelihood { base.likelihood }
  var order: Order.Kind { base.order }
  var learntCount: Int { base.learntCount }
  var auxiliary: [FlatBuffer] { base.auxiliary }

  // MARK: Training

  private enum Part { case gradient, noise, curvature }
  private var parts: [Part] { logVariance == nil ? [.gradient, .curvature] : [.gradient, .noise, .curvature] }

  var phases: [Phase] {
    parts.map { part in
      switch part {
      case .gradient: return base.phases[0]
      case .noise:
        var layout = Layout()
        layout.add("squared_residuals", [supervision.width])
        return sweep("noise", layout)
      case .curvature: return sweep("curvature", posterior.sums)
      }
    }
  }

  /// A phase of all training examples, after the last step of each period.
  private func sweep(_ name: String, _ layout: Layout) -> Phase {
    let period = max(period, 1)
    return Phase(
      name, layout: layout, precision: .float64, metrics: [], period: period, offset: period - 1,
      items: exampleCount)
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    let part = parts[phase]
    guard part != .gradient else {
      return try base.contribute(contribution, phase: 0, shard: shard, of: step, on: lane)
    }
    contribution.values.float64.update(repeating: 0)
    contribution.examples = shard.examples.count
    if part == .noise {
      addResiduals(shard.examples, to: contribution.values.float64)
    } else {
      posterior.add(shard.examples, of: base, to: contribution.values, on: lane.tape)
    }
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    switch parts[phase] {
    case .gradient:
      posterior.clear(parameters)
      return try base.absorb(total, phase: 0, of: step, with: crew)
    case .noise:
      for (target, sum) in total.float64().prefix(supervision.width).enumerated() {
        // Of the standardized target; an exact fit would take it to −∞.
        parameters.float32[logVariance!.offset + target] = Float(log(max(sum / Double(total.examples), 1e-6)))
      }
      return .goOn
    case .curvature:
      return Verdict(metrics: try posterior.fit(parameters, to: total.float64(), with: crew))
    }
  }

  private func addResiduals(_ examples: Examples, to sums: UnsafeMutableBufferPointer<Double>) {
    let width = supervision.width
    for start in stride(from: 0, to: examples.count, by: Prediction.blockLength) {
      let part = examples[start..<min(start + Prediction.blockLength, examples.count)]
      let x = supervision.inputs.rows(of: supervision.inputs.train, part, key: RandomKey(seed: 0))
      let outputs = base.network(x, Pass(predictingWith: ParameterViews(base.parameters)))
      let targets = supervision.targets(part.indices)
      for index in 0..<targets.count {
        let residual = Double(targets.pointer[index]) - Double(outputs.pointer[index])
        sums[index % width] += residual * residual
      }
    }
  }

  // MARK: Prediction

  let distinctSamples: Int? = nil

  func makeSampleStorage() -> FlatBuffer? { FlatBuffer("draw", base.parameters.layout) }

  /// The weights of a linear network, or the distance from the weights.
  func draw(_ sample: Int, into storage: FlatBuffer?, key: RandomKey, with crew: Crew) throws {
    let storage = storage!
    try posterior.drawDistance(
      into: storage, from: parameters, key: key.ofSample(sample).at(tensor: NoiseStream.weights), with: crew)
    guard posterior.isLinear else { return }
    for index in storage.float32.indices { storage.float32[index] += base.parameters.float32[index] }
  }

  private func outputs(_ x: Tensor, with storage: FlatBuffer) -> Tensor {
    guard posterior.isLinear else {
      return base.network.linearized(x, at: base.parameters, movedBy: storage)
    }
    return base.network(x, Pass(predictingWith: ParameterViews(storage)))
  }

  private func likelihoodPass(_ examples: [UInt32]) -> Pass {
    Pass(.given(ParameterViews(base.parameters)), examples: examples)
  }

  func predict(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    likelihood.prediction(outputs(x, with: storage!), supervision, likelihoodPass(examples))
  }

  func measured<Measure>(
    _ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey,
    by measure: (any Likelihood, Tensor, Answers, Pass) -> Measure
  ) -> Measure {
    measure(
      likelihood, outputs(x, with: storage!), likelihood.answers(examples, of: .test, supervision),
      likelihoodPass(examples))
  }

  func logits(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    outputs(x, with: storage!).columns(0..<supervision.width)
  }

  /// The network at its weights, or with those that samples of a prediction draw.
  func computation(_ request: ExportRequest, with crew: Crew) throws -> Computation {
    guard request.draws != nil else {
      return try computation(of: base.network, likelihood, .one, constants: base.parameters.constants())
    }
    guard posterior.isLinear else {
      throw TrainingError(
        .unsuitable,
        "--draws: the network is linearized for a posterior over all layers, which is no network of its own",
        advice: "leave it out, or train with objective.laplace_layers=last")
    }
    return try computation(
      drawing: request, base.network, likelihood, isNoisy: false, weights: base.parameters.layout, with: crew)
  }
}

extension LayerStack {
  /// The network's linearization in its parameters, f(x; θ) + J(x) d.
  ///
  /// J d is the derivative of ⟨Jᵀ u, d⟩ in u, so two walks back along the tape make it for all rows at once.
  func linearized(_ x: Tensor, at parameters: FlatBuffer, movedBy distance: FlatBuffer) -> Tensor {
    let tape = Tape()
    // What a tape has recorded keeps it.
    defer { tape.reset() }
    let slots = Set(
      allLayers.compactMap { $0 as? any LinearLayer }.flatMap { [$0.slots.weight] + ($0.slots.bias.map { [$0] } ?? []) }
    )
    let views = ParameterViews(parameters, on: tape)
    let outputs = self(x, Pass(predictingWith: views))
    let weights = parameters.layout.slots.filter(slots.contains)
    let direction = tape.variable(.zeros(outputs.shape))
    let gradients = tape.gradient(
      of: outputs * direction, withRespectTo: weights.map { views[$0] }, recorded: true)
    let shifts = zip(gradients, weights).map { ($0 * distance.tensor($1)).sum() }
    let shift = tape.gradient(of: shifts.dropFirst().reduce(shifts[0], +), withRespectTo: [direction])[0]
    return outputs.detached + shift
  }
}
