import CKernels
import Foundation
import Learners
import Networks
import Recipes
import Tensors
import Training

/// Improved variational online Newton (Shen et al., Variational Learning is Effective for Large Deep Networks, ICML 2024,
/// algorithm 1): an optimizer whose second moments are the posterior N(m, 1 / Λ), independent in every weight.
///
/// A step takes the gradient of the mean loss at one draw of the weights, which all shards share; noise times gradient
/// estimates the curvature. The prior's part is added when the total is absorbed, once.
struct IVONPosterior: WeightPosterior {
  static let hasOwnRule = true
  static let isAtParameters = false
  private static let precisionPrefix = "precision."

  /// The means, and behind them the precisions Λ = λ (h + δ) of their posterior; of slots without one, 0.
  static func parameters(over weights: Layout, _ recipe: Recipe) -> Layout {
    var layout = weights
    layout.add(weights, prefix: precisionPrefix)
    return layout
  }

  private let base: DropoutLearner
  private let parameters: FlatBuffer
  private let momentum: FlatBuffer
  private let target: WeightTarget
  private let kinds: SlotKinds
  private let beta1: Double
  private let beta2: Double?
  private let clip: Double
  /// h0 + δ, per example: the step of a rescaled learning rate is that of gradient descent at the start.
  private let unit: Double

  init(
    _ name: PosteriorName, _ recipe: Recipe, of base: DropoutLearner, examples: Int, parameters: FlatBuffer
  ) throws {
    (self.base, self.parameters) = (base, parameters)
    let weights = base.parameters.layout
    momentum = FlatBuffer("momentum", weights)
    target = try WeightTarget(recipe["objective"], examples: examples, deviation: 0.3)
    let optimizer = recipe["optimizer"]
    beta1 = try optimizer.number("beta1", default: 0.9, in: 0...0.999_999)
    beta2 = try optimizer.optionalNumber("beta2", in: 0...0.999_999_999)
    clip = try optimizer.optionalNumber("clip_radius", in: 1e-9...1e9) ?? .infinity
    kinds = SlotKinds(base)
    let deviation = try recipe["network"].optionalNumber("initial_deviation", in: 1e-9...1e6)
    unit =
      if let deviation { 1 / (deviation * deviation * target.examples) } else {
        IVONPosterior.usualCurvature + target.priorPrecision / target.examples
      }
    let start = unit * target.examples
    guard start > target.priorPrecision else {
      throw RecipeError(
        "the weights of an IVON posterior start with a standard deviation of \(1 / start.squareRoot()), which must be less "
          + "than objective.prior_deviation: set network.initial_deviation lower")
    }
    parameters.float32.baseAddress!.update(from: base.parameters.float32.baseAddress!, count: weights.count)
    for piece in weights.pieces(in: 0..<weights.count) where !kinds.point.contains(piece.number) {
      (precisions + piece.range.lowerBound).update(repeating: Float(start), count: piece.range.count)
    }
  }

  /// h0 where the recipe names no deviation to start with.
  private static let usualCurvature = 1.0
  /// h forgets its start by exp of minus this in a training, unless the recipe gives β₂: its own error is least where it
  /// remembers long.
  private static let forgetting = 3.0

  private var means: UnsafeMutablePointer<Float> { parameters.float32.baseAddress! }
  private var precisions: UnsafeMutablePointer<Float> { means + base.parameters.layout.count }

  var auxiliary: [FlatBuffer] { [momentum] }
  var order: Order.Kind { base.order }
  var learntCount: Int {
    base.parameters.layout.slots.enumerated().reduce(0) { sum, item in
      let number = UInt32(item.offset)
      return sum + (kinds.running.contains(number) ? 0 : kinds.point.contains(number) ? 1 : 2)
        * item.element.shape.count
    }
  }

  func prepare(_ step: Step, with crew: Crew) throws {
    try draw(into: base.parameters, key: step.key, with: crew)
  }

  func absorb(_ total: Total, of step: Step, with crew: Crew) throws -> Verdict {
    let averages = RunningAverages(base.runningStatistics, of: parameters, takenFrom: total, leavingZeros: false)
    let number = step.number + 1
    let rate = base.descent.rate(of: step)
    let bias = beta1 == 0 ? 1 : -expm1(Double(number) * log(beta1))
    let update = elbo_ivon_step(
      lr: rate, beta1: beta1, bias1: bias,
      forget: beta2.map { 1 - $0 } ?? min(IVONPosterior.forgetting / Double(step.total), 0.1),
      examples: target.examples, prior: target.priorPrecision, unit: unit, clip: clip)
    let scale = 1 / Float(max(total.examples, 1))
    let weights = base.parameters
    try crew.forEach(total.blockCount) { [self] block, _ in
      let range = total.range(ofBlock: block)
      let gradient = total.float32(block: block).baseAddress! - range.lowerBound
      var update = update
      for piece in weights.layout.pieces(in: range) where !kinds.running.contains(piece.number) {
        let (place, count) = (piece.range.lowerBound, piece.range.count)
        let velocity = momentum.float32.baseAddress! + place
        if kinds.point.contains(piece.number) {
          elbo_momentum(means + place, gradient + place, velocity, rate / bias, beta1, beta1, 0, 0, scale, count)
        } else {
          elbo_ivon(
            means + place, precisions + place, velocity, weights.float32.baseAddress! + place, gradient + place,
            &update,
            scale, count)
        }
      }
    }
    averages.write(to: parameters)
    return Verdict(metrics: ["temperature": target.temperature])
  }

  var distinctDraws: Int? { nil }

  func draw(_ number: Int?, into weights: FlatBuffer, key: RandomKey, with crew: Crew) throws {
    guard let number else {
      return weights.float32.baseAddress!.update(from: means, count: weights.layout.count)
    }
    try draw(into: weights, key: key.ofSample(number), with: crew)
  }

  private func draw(into weights: FlatBuffer, key: RandomKey, with crew: Crew) throws {
    try crew.forEachBlock(of: weights.layout.count) { [self] range in
      for piece in weights.layout.pieces(in: range) {
        let (place, count) = (piece.range.lowerBound, piece.range.count)
        let target = weights.float32.baseAddress! + place
        if kinds.point.contains(piece.number) {
          target.update(from: means + place, count: count)
        } else {
          elbo_gaussian_sample(
            means + place, precisions + place, key.seed, NoiseStream.weights + piece.number, key.sample, key.step,
            UInt64(piece.first), target, count)
        }
      }
    }
  }
}
