import CKernels
import Learners
import Networks
import Tensors
import Training

/// One of the two networks with its part of the parameters and its optimiser.
struct Player: Sendable {
  let network: LayerStack
  /// A part of the learner's parameters.
  let parameters: FlatBuffer
  let descent: GradientDescent
  /// How many of its first layers stay as they are (Mo, Cho and Shin 2020: what the first layers of a discriminator see
  /// in one set of pictures serves for others).
  var frozenLayers = 0

  /// The network at a growth; nil: it does not grow.
  func grown(to growth: Growth?) -> LayerStack { growth.map(network.grown) ?? network }

  /// The network as one that makes images of styles.
  var style: StyleGenerator? { network.layers.first as? StyleGenerator }

  /// The parameters without the running statistics.
  var learntCount: Int {
    parameters.layout.parameterCount - network.runningStatistics.reduce(0) { $0 + $1.slot.shape.count }
  }

  /// The running statistics; frozen slots are such that never move, so that neither gradient nor weight decay changes
  /// them.
  private var statistics: [RunningStatistic] {
    let frozen = LayerSlots(parameters.layout, of: network).first(frozenLayers)
    return frozen.map { RunningStatistic($0, momentum: 0) }
      + network.runningStatistics.filter { !frozen.contains($0.slot) }
  }

  /// Takes a step along the total of a phase, and then sets the running statistics of the batches, which the total
  /// holds in the place of their gradient.
  /// - Parameters:
  ///   - epoch: the epoch of the update, counted from 0.
  ///   - start: the update at which the optimizer began anew.
  ///   - clip: the greatest magnitude of a weight; 0: any.
  /// - Returns: the gradient's Euclidean norm.
  func absorb(
    _ total: Total, update: Int, of updates: Int, epoch: Int, since start: Int = 0, clip: Float = 0, with crew: Crew
  ) throws -> Double {
    let averages = RunningAverages(statistics, of: parameters, takenFrom: total)
    let norm = try descent.norm(of: total, with: crew)
    guard norm.isFinite else {
      throw TrainingError(
        .diverged, "the gradient of the \(parameters.name) became \(norm) at its step \(update)",
        advice: "try a lower optimizer.learning_rate, or optimizer.clip_norm")
    }
    try descent.absorb(total, into: parameters, update: update, of: updates, epoch: epoch, since: start, with: crew)
    if clip > 0 {
      let numbers = parameters.float32
      elbo_clamp(numbers.baseAddress, -clip, clip, numbers.baseAddress, numbers.count)
    }
    averages.write(to: parameters)
    return norm
  }
}
