import CKernels
import Optimizers
import Synchronization
import Tensors

/// How a learner whose contribution is a gradient absorbs the total: clip, schedule, optimise.
///
/// Blocks of the flat buffer are spread over the lanes; the sum of the shards' gradients and the update go through the
/// cache together.
public final class GradientDescent: Sendable {
  package let optimizer: Optimizer
  package let learningRate: Double
  package let schedule: Schedule
  package let clipping: Clipping
  /// What the optimiser remembers, one buffer of the parameters' layout for each of its slots.
  public let moments: [FlatBuffer]

  public init(
    _ optimizer: Optimizer, learningRate: Double, schedule: Schedule, clipping: Clipping, parameters: Layout
  ) {
    self.optimizer = optimizer
    self.learningRate = learningRate
    self.schedule = schedule
    self.clipping = clipping
    moments = optimizer.stateNames.map { FlatBuffer($0, parameters) }
  }

  /// The learning rate of a step that makes one update.
  package func rate(of step: Step) -> Double {
    learningRate * schedule.value(at: step.number + 1, of: step.total, epoch: step.epoch)
  }

  /// Takes one step downhill along the mean of the examples' gradients.
  /// - Parameters:
  ///   - total: the sum over examples of the gradient of what is minimised.
  ///   - parameters: what the step moves; as long as the total's numbers.
  ///   - update: how many updates there were before, counted from 0.
  ///   - updates: how many there will be in all.
  ///   - epoch: the epoch that the update belongs to, counted from 0.
  ///   - start: the update at which the moments were last zero, from which their bias is counted.
  ///   - crew: the lanes that share the work.
  public func absorb(
    _ total: Total, into parameters: FlatBuffer, update: Int, of updates: Int, epoch: Int, since start: Int = 0,
    with crew: Crew
  ) throws {
    var scale = 1 / Float(max(total.examples, 1))
    if case .norm = clipping {
      scale = clipping.gradientScale(scale, sumsOfSquares: try sumsOfSquares(of: total, with: crew))
      guard scale.isFinite else {
        throw TrainingError(
          .diverged, "the gradient became infinite at step \(update)", advice: "try a lower optimizer.learning_rate")
      }
    }
    let rate = learningRate * schedule.value(at: update + 1, of: updates, epoch: epoch)
    let (optimizer, clipping) = (optimizer, clipping)
    let state = moments.map { SharedPointer($0.float32.baseAddress!) }
    try crew.forEach(total.blockCount) { [scale] block, _ in
      let range = total.range(ofBlock: block)
      if case .value = clipping {
        clipping.clampValues(range, of: total.writable(block: block).baseAddress! - range.lowerBound, scale: scale)
      }
      let gradient = total.float32(block: block).baseAddress! - range.lowerBound
      optimizer.update(
        range, of: parameters.float32.baseAddress!, gradient: gradient, state: state.map(\.pointer),
        step: update - start + 1, learningRate: rate, gradientScale: scale)
    }
  }

  /// The Euclidean length of the mean of the examples' gradients, as it is before clipping.
  public func norm(of total: Total, with crew: Crew) throws -> Double {
    try sumsOfSquares(of: total, with: crew).reduce(0, +).squareRoot() / Double(max(total.examples, 1))
  }

  /// Memory that lanes write in disjoint ranges.
  private struct SharedPointer: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>
    init(_ pointer: UnsafeMutablePointer<Float>) { self.pointer = pointer }
  }

  /// Σ g² of each block, from which the norm is summed in a fixed order.
  private func sumsOfSquares(of total: Total, with crew: Crew) throws -> [Double] {
    let squares = Mutex([Double](repeating: 0, count: total.blockCount))
    try crew.forEach(total.blockCount) { block, _ in
      let gradient = total.float32(block: block)
      let sum = elbo_sum_squares(gradient.baseAddress, gradient.count)
      squares.withLock { $0[block] = sum }
    }
    return squares.withLock { $0 }
  }
}
