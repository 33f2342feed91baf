import Computations
import Datasets
import Figures
import Learners
import Networks
import Recipes
import Tensors
import Training

/// A network, or an ensemble of some, whose predictions compute with weights that a posterior draws.
final class WeightPosteriorLearner: Supervised {
  let parameters: FlatBuffer
  let posterior: any WeightPosterior
  private let base: DropoutLearner
  private let wantedSamples: Int
  /// The most bytes of a posterior that need no note to the user.
  private static let unremarkable = 1_000_000

  init(
    _ model: any NetworkModel.Type, _ recipe: Recipe, data: Dataset, seed: UInt64, _ name: PosteriorName,
    _ type: any WeightPosterior.Type
  ) throws {
    var whole: FlatBuffer?
    base = try DropoutLearner(
      model, recipe, data: data, seed: seed, noise: .none, hasOwnRule: type.hasOwnRule
    ) { _, weights in
      let parameters = FlatBuffer("parameters", try type.parameters(over: weights, recipe))
      whole = parameters
      return type.isAtParameters ? FlatBuffer("weights", weights, of: parameters, from: 0) : FlatBuffer("draw", weights)
    }
    parameters = whole!
    posterior = try type.init(name, recipe, of: base, examples: data.trainingCount, parameters: parameters)
    wantedSamples = try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000)
    let extra = (parameters.layout.count - base.parameters.layout.count) * Precision.float32.stride
    if extra > WeightPosteriorLearner.unremarkable {
      recipe.remark("the posterior takes \(extra / 1_000_000) MB beside the weights, in memory and in every checkpoint")
    }
  }

  // MARK: Training

  var auxiliary: [FlatBuffer] { posterior.auxiliary }
  var order: Order.Kind { posterior.order }
  var learntCount: Int { posterior.learntCount }
  var phases: [Phase] { base.phases }

  func prepare(phase: Int, of step: Step, with crew: Crew) throws { try posterior.prepare(step, with: crew) }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    try base.contribute(contribution, phase: phase, shard: shard, of: step, on: lane)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    try posterior.absorb(total, of: step, with: crew)
  }

  // MARK: Prediction

  var supervision: Supervision { base.supervision }
  var likelihood: any Likelihood { base.likelihood }

  /// Samples take turns among the members of an ensemble, each with draws of its own.
  var distinctSamples: Int? {
    guard let members = base.distinctSamples, let draws = posterior.distinctDraws else { return nil }
    return members * draws
  }

  var chainCount: Int? { type(of: posterior).isOfChains ? base.members.count : nil }

  /// No more than there are, which would count some twice.
  var evaluationSamples: Int { sampleCount(wantedSamples) }

  func makeSampleStorage() -> FlatBuffer? { FlatBuffer("draw", base.parameters.layout) }

  func draw(_ sample: Int, into storage: FlatBuffer?, key: RandomKey, with crew: Crew) throws {
    try posterior.draw(sample / base.members.count, into: storage!, key: key, with: crew)
  }

  func predict(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    base.predict(x, examples: examples, sample: sample, with: storage, key: key)
  }

  func measured<Measure>(
    _ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey,
    by measure: (any Likelihood, Tensor, Answers, Pass) -> Measure
  ) -> Measure {
    base.measured(x, examples: examples, sample: sample, with: storage, key: key, by: measure)
  }

  func logits(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    base.logits(x, examples: examples, sample: sample, with: storage, key: key)
  }

  func computation(_ request: ExportRequest, with crew: Crew) throws -> Computation {
    let network = base.members[0].network
    guard request.draws != nil else {
      let means = makeSampleStorage()!
      try posterior.draw(nil, into: means, key: RandomKey(seed: 0), with: crew)
      return try computation(
        of: network, likelihood, .members(base.members.count), constants: means.constants())
    }
    guard base.members.count == 1 else {
      throw TrainingError(
        .unsuitable, "--draws: the run has \(base.members.count) members, whose draws are not exported side by side",
        advice: "leave it out: the members are exported at the means of their posteriors")
    }
    return try computation(
      drawing: request, network, likelihood, isNoisy: base.distinctSamples == nil, weights: base.parameters.layout,
      with: crew)
  }
}
