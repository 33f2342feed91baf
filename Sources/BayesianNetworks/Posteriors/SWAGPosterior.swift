import CKernels
import Learners
import Networks
import Optimizers
import Recipes
import Tensors
import Training

/// A Gaussian around the average of the weights that stochastic gradient descent visits, its covariance half diagonal and half of
/// low rank (Maddox, Garipov, Izmailov, Vetrov and Wilson, A Simple Baseline for Bayesian Uncertainty in Deep Learning,
/// NeurIPS 2019, algorithm 1).
struct SWAGPosterior: WeightPosterior {
  static let hasOwnRule = false
  static let isAtParameters = true

  /// The current weights, the mean of those collected, sums of squared distances from it, the last deviations from the mean
  /// at their time, and how often weights were collected.
  static func parameters(over weights: Layout, _ recipe: Recipe) throws -> Layout {
    var layout = weights
    layout.add(weights, prefix: "mean.")
    layout.add(weights, prefix: "squares.")
    for index in 0..<(try rank(recipe)) { layout.add(weights, prefix: "deviations.\(index).") }
    layout.add(countName, [1])
    return layout
  }

  private static let countName = "collected"

  private static func rank(_ recipe: Recipe) throws -> Int {
    try recipe["objective"].integer("rank", default: 20, in: 0...1000)
  }

  private let base: DropoutLearner
  private let parameters: FlatBuffer
  private let rank: Int
  private let collections: Collections
  private let weights: Layout

  init(
    _ name: PosteriorName, _ recipe: Recipe, of base: DropoutLearner, examples: Int, parameters: FlatBuffer
  ) throws {
    guard base.runningStatistics.isEmpty else {
      throw RecipeError(
        "the network has batch normalization, whose statistics belong to one set of weights and not to the draws of a SWAG "
          + "posterior: leave it out, or set objective.posterior to snapshots or ivon")
    }
    (self.base, self.parameters) = (base, parameters)
    weights = base.parameters.layout
    rank = try SWAGPosterior.rank(recipe)
    let schedule = base.descent.schedule
    var start = 0.5
    if case .averaging(let share, _) = schedule.decay { start = share }
    collections = try Collections(
      recipe["objective"], "collections", default: 40, schedule: schedule, burnIn: start)
  }

  var auxiliary: [FlatBuffer] { base.auxiliary }
  var order: Order.Kind { base.order }
  var learntCount: Int { base.learntCount }

  /// A part of the parameters: 0 the current weights, 1 the mean, 2 the squares, from 3 on the deviations.
  private func part(_ index: Int) -> UnsafeMutablePointer<Float> {
    parameters.float32.baseAddress! + index * weights.count
  }
  private var collected: Int { Int(part(3 + rank).pointee) }

  func absorb(_ total: Total, of step: Step, with crew: Crew) throws -> Verdict {
    var verdict = try base.absorb(total, phase: 0, of: step, with: crew)
    if collections.index(after: step.number + 1, of: step.total) != nil { try collect(with: crew) }
    verdict.metrics["collected"] = Double(collected)
    return verdict
  }

  /// Welford's recursion: E[w²] − E[w]² would cancel in single precision.
  private func collect(with crew: Crew) throws {
    let number = collected + 1
    let column = rank > 0 ? 3 + (number - 1) % rank : nil
    try crew.forEachBlock(of: weights.count) { [self] range in
      let (start, count) = (range.lowerBound, range.count)
      let (current, mean, squares) = (part(0) + start, part(1) + start, part(2) + start)
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { buffer in
        let (before, after) = (buffer.baseAddress!, buffer.baseAddress! + count)
        elbo_sub(current, mean, before, count)
        elbo_axpy(1 / Float(number), before, mean, count)
        elbo_sub(current, mean, after, count)
        elbo_fma(before, after, squares, squares, count)
        if let column { (part(column) + start).update(from: after, count: count) }
      }
    }
    part(3 + rank).pointee = Float(number)
  }

  /// One draw, where there is no second collection to say how weights vary.
  var distinctDraws: Int? { collected > 1 ? nil : 1 }

  func draw(_ number: Int?, into weights: FlatBuffer, key: RandomKey, with crew: Crew) throws {
    let count = collected
    guard let number, count > 1 else {
      return weights.float32.baseAddress!.update(from: part(count == 0 ? 0 : 1), count: weights.layout.count)
    }
    let key = key.ofSample(number)
    let columns = min(rank, count)
    // Half of each covariance; the diagonal is all of it where nothing else is kept.
    let (diagonal, scale) =
      columns > 1
      ? (0.5 / Float(count), (0.5 / Float(columns - 1)).squareRoot()) : (1 / Float(count), 0)
    var factors = [Float](repeating: 0, count: columns)
    factors.withUnsafeMutableBufferPointer {
      key.at(tensor: NoiseStream.weights + UInt32(weights.layout.slots.count)).normal(into: $0)
    }
    try crew.forEachBlock(of: weights.layout.count) { [self, factors] range in
      for piece in weights.layout.pieces(in: range) {
        let (place, length) = (piece.range.lowerBound, piece.range.count)
        let target = weights.float32.baseAddress! + place
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * length) { buffer in
          let (deviation, noise) = (buffer.baseAddress!, buffer.baseAddress! + length)
          elbo_scale(part(2) + place, diagonal, deviation, length)
          elbo_sqrt(deviation, deviation, length)
          key.at(tensor: NoiseStream.weights + piece.number)
            .normal(into: noise, count: length, first: UInt64(piece.first))
          elbo_fma(deviation, noise, part(1) + place, target, length)
        }
        guard columns > 1 else { continue }
        for (column, factor) in factors.enumerated() {
          elbo_axpy(scale * factor, part(3 + column) + place, target, length)
        }
      }
    }
  }
}
