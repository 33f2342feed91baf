import CKernels
import Figures
import Foundation
import Learners
import Networks
import Recipes
import Synchronization
import Tensors
import Training

/// A learner of gradients whose weights may have a posterior: all that it predicts, it computes with weights from
/// ``weightSource``.
package protocol DrawnLearner: GradientLearner {
  var weightSource: WeightSource { get }
  /// The slots that never have a posterior.
  var pointSlots: [Slot] { get }
  /// What a later step depends on beside the moments of the optimizer.
  var carried: [FlatBuffer] { get }
  /// What the parameters' share of an epoch's loss is divided by: an epoch's loss is the sum over so many examples.
  var lossesPerEpoch: Int { get }
  /// The weights whose first axis is the input: tables of vectors. Of the others it is the output.
  var tables: [Slot] { get }
  /// The held-out text from its beginning, of a learner whose steps are windows of a text.
  var testReader: (any WindowReader)? { get }
}

/// A held-out text that is read window after window, each from the state that the one before it left.
package protocol WindowReader {
  /// How many windows are read side by side.
  var streams: Int { get }
  /// How many tokens are foretold.
  var count: Int { get }
  var isAtEnd: Bool { get }
  /// Reads the next window: −log p of its tokens.
  mutating func loss(_ weights: FlatBuffer) -> Double
  /// Reads the next window, and leaves in `gradient` the derivative of its loss times `scale`.
  mutating func differentiate(_ weights: FlatBuffer, into gradient: FlatBuffer, on tape: Tape, scale: Float)
}

extension DrawnLearner {
  package var auxiliary: [FlatBuffer] { descent.moments + carried }
  package var carried: [FlatBuffer] { [] }
  package var lossesPerEpoch: Int { exampleCount }
  package var testReader: (any WindowReader)? { nil }
}

/// The weights that predictions compute with: a learner's parameters, or draws from a posterior over them.
package final class WeightSource: Sendable {
  package typealias Draw = @Sendable (_ sample: Int?, _ key: RandomKey, _ crew: Crew) throws -> FlatBuffer
  private let draw = Mutex<Draw?>(nil)

  package init() {}

  /// Whether samples differ.
  package var isRandom: Bool { draw.withLock { $0 != nil } }

  package func set(_ draw: @escaping Draw) { self.draw.withLock { $0 = draw } }

  /// The weights of samples 0 ..< `count`.
  package func samples(_ count: Int, of learner: some Learner, key: RandomKey, with crew: Crew) throws -> [FlatBuffer] {
    guard let draw = draw.withLock({ $0 }) else { return Array(repeating: learner.parameters, count: count) }
    return try (0..<count).map { try draw($0, key, crew) }
  }

  /// The posterior's means, or the parameters.
  package func means(of learner: some Learner, with crew: Crew) throws -> FlatBuffer {
    try draw.withLock { $0 }?(nil, RandomKey(seed: 0), crew) ?? learner.parameters
  }
}

/// Gives the weights of a learner a posterior: Bayes by Backprop with one draw of all weights a step, which all shards
/// share (Fortunato, Blundell and Vinyals 2017, algorithm 1, for recurrent networks).
///
/// The learner computes with its own parameters, which hold the draw; what is learned are the means and deviations. With
/// posterior sharpening a step has two phases: the gradient at the draw, which moves the draw, and the gradient there.
final class PosteriorLearner<Base: DrawnLearner>: Learner {
  let base: Base
  let parameters: FlatBuffer
  let posterior: VariationalPosterior
  private let descent: PosteriorDescent
  private let complexity: Complexity
  private let isClosed: Bool
  /// A prior whose component rows share, and the weights that its derivative is taken at.
  private let rows: (prior: RowPrior, equivalents: FlatBuffer)?
  private let sharpening: Sharpening?
  private enum PriorScope: String, CaseIterable { case weight, row }
  /// KL(q ‖ p) at the step's draw, or in closed form, and what moving the draw costs; in nats.
  private let costs = Mutex((divergence: 0.0, sharpening: 0.0))

  init(_ base: Base, _ recipe: Recipe, section: String = "network") throws {
    self.base = base
    let objective = recipe["objective"]
    let weights = base.parameters.layout
    let running = Set(base.runningStatistics.map(\.slot.name))
    let plain = Set(base.pointSlots.map(\.name)).subtracting(running)
    let prior = try WeightPrior(objective)
    rows = try PosteriorLearner.rows(
      objective, prior, weights.slots.filter { !plain.union(running).contains($0.name) }, base)
    // What rows add to the prior of a weight is added where it is needed.
    posterior = VariationalPosterior(
      over: weights, plain: plain, running: running, prior: rows?.prior.wideComponent ?? prior)
    complexity = try Complexity(objective, examples: base.lossesPerEpoch)
    isClosed = prior.gaussianDeviation != nil
    var layout = posterior.parameters
    sharpening = try base.testReader == nil ? nil : Sharpening(objective, posterior, layout: &layout)
    parameters = FlatBuffer("parameters", layout)
    let deviation = try recipe[section].number("initial_deviation", default: 0.05, in: 1e-12...1e3)
    posterior.initialize(parameters, from: base.parameters, deviation: deviation)
    sharpening?.initialize(parameters)
    descent = PosteriorDescent(posterior: posterior, descent: try GradientDescent(recipe, parameters: layout))
    let (posterior, parameters, sharpening) = (posterior, parameters, sharpening)
    base.weightSource.set { sample, key, crew in
      let weights = FlatBuffer("draw", posterior.weights)
      try crew.forEachBlock(of: posterior.weights.count) { range in
        guard let sample else { return posterior.means(range, into: weights, from: parameters) }
        let key = key.ofSample(sample)
        posterior.draw(
          range, of: weights, from: parameters, key: key.at(tensor: NoiseStream.weights), withDensities: false)
        sharpening?.spread(range, of: weights, parameters, key: key)
      }
      return weights
    }
  }

  private static func rows(
    _ objective: RecipeSection, _ prior: WeightPrior, _ slots: [Slot], _ base: Base
  ) throws -> (prior: RowPrior, equivalents: FlatBuffer)? {
    guard try objective.choice("prior_scope", default: PriorScope.weight) == .row else { return nil }
    guard let rows = RowPrior(prior, of: slots, tables: Set(base.tables)) else {
      throw RecipeError("objective.prior_scope is row, which only a mixture has: set objective.prior to mixture")
    }
    return (rows, FlatBuffer("equivalents", base.parameters.layout))
  }

  var auxiliary: [FlatBuffer] {
    descent.descent.moments + base.carried + (sharpening.map { [$0.gradient] } ?? [])
  }
  var dataStatistics: [FlatBuffer] { base.dataStatistics }
  var order: Order.Kind { base.order }
  var exampleCount: Int { base.exampleCount }
  var learntCount: Int {
    parameters.layout.parameterCount - base.runningStatistics.reduce(0) { $0 + $1.slot.shape.count }
  }
  var phases: [Phase] {
    func phase(_ name: String, _ metrics: [String]) -> Phase {
      Phase(name, layout: posterior.weights, statistics: base.statistics, metrics: base.metrics + metrics)
    }
    return sharpening == nil
      ? [phase("gradient", ["kl"])] : [phase("draw", []), phase("gradient", ["kl", "sharpening"])]
  }
  private func isLast(_ phase: Int) -> Bool { sharpening == nil || phase == 1 }

  /// The step's draw of the weights, where it lies once the last phase is prepared.
  private var draw: FlatBuffer { sharpening?.draw ?? base.parameters }

  func prepare(phase: Int, of step: Step, with crew: Crew) throws {
    let key = step.key.at(tensor: NoiseStream.weights).at(sample: 0)
    let isLast = isLast(phase)
    let draw = isLast ? draw : base.parameters
    // A node that joins between the phases has not made the draw of the first: each makes it.
    var divergence = try crew.sumOverBlocks(of: posterior.weights.count) { [self] range in
      let ratio = posterior.draw(
        range, of: draw, from: parameters, key: key, withDensities: isLast && !isClosed)
      return isClosed ? posterior.divergence(range, of: parameters)! : ratio
    }
    guard isLast else { return }
    if let rows { divergence -= try rows.prior.excess(at: draw, equivalents: rows.equivalents, with: crew) }
    let price = try sharpening.map { sharpening in
      try crew.sumOverBlocks(of: posterior.weights.count) { [self] range in
        sharpening.sharpen(
          range, of: draw, along: sharpening.gradient, into: base.parameters, parameters, noise: step.key)
      }
    }
    costs.withLock { [divergence] in $0 = (divergence, price ?? 0) }
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    try base.contribute(contribution, phase: phase, shard: shard, of: step, on: lane)
    guard isLast(phase) else { return }
    let costs = costs.withLock { $0 }
    contribution.metrics["kl"] += costs.divergence * Double(contribution.examples)
    if sharpening != nil { contribution.metrics["sharpening"] += costs.sharpening * Double(contribution.examples) }
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    if let sharpening, !isLast(phase) {
      let scale = Float(complexity.scale(step))
      try crew.forEach(total.blockCount) { block, _ in
        let (sums, range) = (total.float32(block: block), total.range(ofBlock: block))
        elbo_scale(
          sums.baseAddress, scale, sharpening.gradient.float32.baseAddress! + range.lowerBound, range.count)
      }
      return .goOn
    }
    let averages = RunningAverages(
      base.runningStatistics, of: parameters, takenFrom: total, at: posterior.mean(of:), leavingZeros: false)
    let sums = PosteriorDescent.Sums(
      hasPairs: false, draw: draw, scale: complexity.scale(step), cost: complexity.cost(step),
      prior: isClosed ? .closedForm : .atDraw(rows?.equivalents ?? draw), sharpening: sharpening)
    try descent.absorb(total, sums: sums, into: parameters, step: step, with: crew)
    averages.write(to: parameters)
    try base.absorb(statistics: total.statistics(), of: step)
    return Verdict(metrics: ["temperature": complexity.weight])
  }

  var evaluationCount: Int { base.evaluationCount }
  var offers: Offers {
    var offers = base.offers
    offers.pruning = self
    if let sharpening, let evaluation = offers.evaluation {
      offers.evaluation = { key, crew in
        let bound = try self.bound(sharpening, key: key, with: crew)
        return try evaluation(key, crew).merging(["lm/perplexity_bound": exp(bound)]) { $1 }
      }
    }
    return offers
  }

  /// A bound of the mean −log p of the held-out text's tokens, in nats, by windows that are learned before they are scored, at
  /// the posterior's means μ in the place of a draw:
  ///
  ///     −log p(y | x, μ) ≤ E −log p(y | θ, x) + ‖η ∘ g‖² / (2 σ₀²),  θ ~ N(μ − η ∘ g, σ₀² I)
  ///
  /// What θ knows of the window is paid for by the second term. The expectation is estimated by one draw a window.
  private func bound(_ sharpening: Sharpening, key: RandomKey, with crew: Crew) throws -> Double {
    let means = try base.weightSource.means(of: base, with: crew)
    let bound = Mutex(0.0)
    // A window waits for the one before it: one lane computes.
    try crew.forEach(1) { [self] _, lane in
      let (moved, gradient) = (FlatBuffer("moved", means.layout), FlatBuffer("gradient", means.layout))
      let whole = 0..<means.layout.count
      var (reader, sum, step) = (base.testReader!, 0.0, UInt32(0))
      let share = 1 / Float(reader.streams)
      while !reader.isAtEnd {
        var draft = reader
        draft.differentiate(means, into: gradient, on: lane.tape, scale: share)
        sum += sharpening.sharpen(
          whole, of: means, along: gradient, into: moved, parameters, noise: key.ofSample(0).at(sample: step))
        sum += reader.loss(moved)
        step += 1
      }
      bound.withLock { [sum] in $0 = sum / Double(reader.count) }
    }
    return bound.withLock { $0 }
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try base.figures(with: crew, key: key) + PosteriorFigures.all(posterior, parameters)
  }
}

/// What `objective.posterior` may be of a learner whose steps can draw their weights.
private enum DrawnPosteriorName: String, CaseIterable { case none, variational }

extension Recipe {
  /// The learner itself, or with a posterior over its weights, as `objective.posterior` says.
  package func learner<Base: DrawnLearner>(_ base: Base, posterior isDefault: Bool, section: String) throws
    -> any Learner
  {
    switch try self["objective"].choice("posterior", default: isDefault ? DrawnPosteriorName.variational : .none) {
    case .none:
      self["objective"].passOver(PosteriorName.variationalKeys + ["prior_scope", "sharpening"] + Sharpening.keys)
      self[section].passOver(["initial_deviation"])
      return base
    case .variational: return try PosteriorLearner(base, self, section: section)
    }
  }
}
