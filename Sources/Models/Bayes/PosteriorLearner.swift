import Figures
import Foundation
import Networks
import Recipes
import Synchronization
import Tensors
import Training

/// A learner of gradients whose weights may have a posterior: all that it predicts, it computes with weights from
/// ``weightSource``.
protocol DrawnLearner: GradientLearner {
  var weightSource: WeightSource { get }
  /// The slots that never have a posterior.
  var pointSlots: [Slot] { get }
  /// What a later step depends on beside the moments of the optimizer.
  var carried: [FlatBuffer] { get }
  /// What the parameters' share of an epoch's loss is divided by: an epoch's loss is the sum over so many examples.
  var lossesPerEpoch: Int { get }
}

extension DrawnLearner {
  var auxiliary: [FlatBuffer] { descent.moments + carried }
  var carried: [FlatBuffer] { [] }
  var lossesPerEpoch: Int { exampleCount }
}

/// The weights that predictions compute with: a learner's parameters, or draws from a posterior over them.
final class WeightSource: Sendable {
  typealias Draw = @Sendable (_ sample: Int?, _ key: RandomKey, _ crew: Crew) throws -> FlatBuffer
  private let draw = Mutex<Draw?>(nil)

  /// Whether samples differ.
  var isRandom: Bool { draw.withLock { $0 != nil } }

  func set(_ draw: @escaping Draw) { self.draw.withLock { $0 = draw } }

  /// The weights of samples 0 ..< `count`.
  func samples(_ count: Int, of learner: some Learner, key: RandomKey, with crew: Crew) throws -> [FlatBuffer] {
    guard let draw = draw.withLock({ $0 }) else { return Array(repeating: learner.parameters, count: count) }
    return try (0..<count).map { try draw($0, key, crew) }
  }

  /// The posterior's means, or the parameters.
  func means(of learner: some Learner, with crew: Crew) throws -> FlatBuffer {
    try draw.withLock { $0 }?(nil, RandomKey(seed: 0), crew) ?? learner.parameters
  }
}

/// Gives the weights of a learner a posterior: Bayes by Backprop with one draw of all weights a step, which all shards
/// share (Fortunato, Blundell and Vinyals 2017, algorithm 1, for recurrent networks).
///
/// The learner computes with its own parameters, which hold the draw; what is learned are the means and deviations.
final class PosteriorLearner<Base: DrawnLearner>: Learner {
  let base: Base
  let parameters: FlatBuffer
  let posterior: VariationalPosterior
  private let descent: PosteriorDescent
  private let complexity: Complexity
  private let isClosed: Bool
  /// KL(q ‖ p) at the step's draw, or in closed form.
  private let cost = Mutex(0.0)

  init(_ base: Base, _ recipe: Recipe, section: String = "network") throws {
    self.base = base
    let objective = recipe["objective"]
    let weights = base.parameters.layout
    let running = Set(base.runningStatistics.map(\.slot.name))
    posterior = VariationalPosterior(
      over: weights, plain: Set(base.pointSlots.map(\.name)).subtracting(running), running: running,
      prior: try WeightPrior(objective))
    complexity = try Complexity(objective, examples: base.lossesPerEpoch)
    isClosed = posterior.prior.gaussianDeviation != nil
    parameters = FlatBuffer("parameters", posterior.parameters)
    let deviation = try recipe[section].number("initial_deviation", default: 0.05, in: 1e-12...1e3)
    posterior.initialize(parameters, from: base.parameters, deviation: deviation)
    descent = PosteriorDescent(
      posterior: posterior, descent: try GradientDescent(recipe, parameters: posterior.parameters))
    let (posterior, parameters) = (posterior, parameters)
    base.weightSource.set { sample, key, crew in
      let weights = FlatBuffer("draw", posterior.weights)
      try crew.forEachBlock(of: posterior.weights.count) { range in
        guard let sample else { return posterior.means(range, into: weights, from: parameters) }
        posterior.draw(
          range, of: weights, from: parameters, key: key.ofSample(sample).at(tensor: NoiseStream.weights),
          withDensities: false)
      }
      return weights
    }
  }

  var auxiliary: [FlatBuffer] { descent.descent.moments + base.carried }
  var dataStatistics: [FlatBuffer] { base.dataStatistics }
  var order: Order.Kind { base.order }
  var exampleCount: Int { base.exampleCount }
  var learntCount: Int {
    parameters.layout.parameterCount - base.runningStatistics.reduce(0) { $0 + $1.slot.shape.count }
  }
  var phases: [Phase] {
    [Phase("gradient", layout: posterior.weights, statistics: base.statistics, metrics: base.metrics + ["kl"])]
  }

  func prepare(phase: Int, of step: Step, with crew: Crew) throws {
    let key = step.key.at(tensor: NoiseStream.weights).at(sample: 0)
    let total = try crew.sumOverBlocks(of: posterior.weights.count) { [self] range in
      let ratio = posterior.draw(range, of: base.parameters, from: parameters, key: key, withDensities: !isClosed)
      return isClosed ? posterior.divergence(range, of: parameters)! : ratio
    }
    cost.withLock { $0 = total }
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    try base.contribute(contribution, phase: phase, shard: shard, of: step, on: lane)
    contribution.metrics["kl"] += cost.withLock { $0 } * Double(contribution.examples)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    let averages = RunningAverages(
      base.runningStatistics, of: parameters, takenFrom: total, at: posterior.mean(of:), leavingZeros: false)
    let sums = PosteriorDescent.Sums(
      hasPairs: false, draw: base.parameters, scale: complexity.scale(step), cost: complexity.cost(step),
      prior: isClosed ? .closedForm : .atDraw(base.parameters))
    try descent.absorb(total, sums: sums, into: parameters, step: step, with: crew)
    averages.write(to: parameters)
    try base.absorb(statistics: total.statistics(), of: step)
    return .goOn
  }

  var evaluationCount: Int { base.evaluationCount }
  var offers: Offers {
    var offers = base.offers
    offers.pruning = self
    return offers
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try base.figures(with: crew, key: key) + PosteriorFigures.all(posterior, parameters)
  }
}

extension Recipe {
  /// The learner itself, or with a posterior over its weights, as `objective.posterior` says.
  func learner<Base: DrawnLearner>(_ base: Base, posterior isDefault: Bool, section: String) throws -> any Learner {
    switch try self["objective"].choice("posterior", default: isDefault ? PosteriorName.variational : .none) {
    case .none:
      self["objective"].passOver(PosteriorName.keys)
      self[section].passOver(["initial_deviation"])
      return base
    case .variational: return try PosteriorLearner(base, self, section: section)
    }
  }
}
