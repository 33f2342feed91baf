import Networks
import Recipes
import Tensors
import Training

/// The streams of random numbers that models take, as tensor numbers of a `RandomKey`: far enough apart that samples
/// can be counted upwards from each.
package enum NoiseStream {
  package static let binarisation: UInt32 = 1 << 20
  package static let latent: UInt32 = 2 << 20
  package static let importance: UInt32 = 3 << 20
  package static let start: UInt32 = 4 << 20
  /// Draws of weights: counted by slot.
  package static let weights: UInt32 = 5 << 20
  /// Noise of activations, signs and dropout masks: counted by layer.
  package static let activations: UInt32 = 6 << 20
  /// Noise on logits: counted by sample.
  package static let logits: UInt32 = 7 << 20
  /// Points between real and generated examples: counted by phase.
  package static let penalty: UInt32 = 8 << 20
  /// Changes of what a discriminator is shown: counted by phase.
  package static let augmentation: UInt32 = 9 << 20
  /// Distances of weights from a sharpened draw: counted by slot.
  package static let sharpening: UInt32 = 10 << 20
  /// Latent rows and directions of the path length penalty.
  package static let pathLength: UInt32 = 11 << 20
}

/// One shard's part of a step, as a learner of gradients sees it.
public struct ShardBatch {
  public let examples: Examples
  /// The examples' numbers, which key their noise.
  public let indices: [UInt32]
  public let step: Step
  /// Variables of the lane's tape.
  public let parameters: ParameterViews
  /// Where layers leave means and variances of this batch.
  public let batchStatistics: BatchStatistics
  /// The learner's `statistics` of this shard, to be added to: zeros to begin with.
  public let statistics: FlatBuffer

  /// The key of one of the step's streams of noise.
  package func key(_ stream: UInt32) -> RandomKey { step.key.at(tensor: stream) }

  /// A pass of training.
  ///
  /// - Parameters:
  ///   - number: passes of different numbers draw different noise.
  ///   - examples: the rows' examples where they are not all of the shard's in their order.
  public func pass(_ number: Int = 0, of examples: [UInt32]? = nil) -> Pass {
    Pass(
      trainingWith: parameters, statistics: batchStatistics,
      key: key(NoiseStream.activations + (UInt32(number) << 8)), examples: examples ?? indices)
  }
}

/// A learner with one phase whose contribution is a gradient: it says what is minimized, the rest follows.
///
/// Beside the gradient it may have statistics: sums that a rule of its own absorbs, such as the counts of a codebook.
/// They are float64 whatever the exchange does to gradients.
public protocol GradientLearner: Learner {
  var descent: GradientDescent { get }
  /// Names of the sums that `loss` yields beside the loss.
  var metrics: [String] { get }
  /// The slots that layers average from batches.
  var runningStatistics: [RunningStatistic] { get }
  /// What every shard adds up in `ShardBatch.statistics`, by slot.
  var statistics: Layout { get }
  /// The sum over examples of what is minimized, made of the parameters' views, and sums of metrics.
  func loss(_ batch: ShardBatch, metrics: inout Sums) throws -> Tensor
  /// What the shard adds to the number that the sum is divided by: its examples, unless the learner says otherwise.
  func count(of batch: ShardBatch) -> Int
  /// Absorbs the statistics of all shards, after the step along the gradient: a pure function of the buffers, the sums
  /// and the step, alike on every node.
  func absorb(statistics: TotalStatistics, of step: Step) throws
}

extension GradientLearner {
  public var auxiliary: [FlatBuffer] { descent.moments }
  public var phases: [Phase] {
    [Phase("gradient", layout: parameters.layout, statistics: statistics, metrics: metrics)]
  }
  public var runningStatistics: [RunningStatistic] { [] }
  public var statistics: Layout { Layout() }
  public func count(of batch: ShardBatch) -> Int { batch.indices.count }
  public func absorb(statistics: TotalStatistics, of step: Step) throws {}
  public var learntCount: Int {
    parameters.layout.parameterCount - runningStatistics.reduce(0) { $0 + $1.slot.shape.count }
  }

  public func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    lane.tape.reset()
    let start = contribution.values.float32.baseAddress!
    let batch = ShardBatch(
      examples: shard.examples, indices: shard.examples.indices, step: step,
      parameters: ParameterViews(parameters, on: lane.tape, gradient: start), batchStatistics: BatchStatistics(),
      statistics: contribution.statistics)
    contribution.examples = count(of: batch)
    let loss = try loss(batch, metrics: &contribution.metrics)
    guard let finished = contribution.finished, runningStatistics.isEmpty else {
      lane.tape.backward(from: loss)
      batch.batchStatistics.write(to: start, examples: contribution.examples)
      return
    }
    let count = parameters.layout.count
    lane.tape.backward(from: loss) { gradient in
      let first = gradient.pointer - start
      precondition(first >= 0 && first < count, "a gradient that is no part of the contribution")
      // With the gap up to the next slot, so that what is finished has no holes.
      finished(first..<min(count, (first + gradient.count + 15) / 16 * 16))
    }
  }

  public func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    try descend(total, of: step, with: crew)
    return .goOn
  }

  /// Takes a step along the total, sets the running statistics, and has the others absorbed.
  package func descend(_ total: Total, of step: Step, with crew: Crew) throws {
    let averages = RunningAverages(runningStatistics, of: parameters, takenFrom: total)
    try descent.absorb(
      total, into: parameters, update: step.number, of: step.total, epoch: step.epoch, with: crew)
    averages.write(to: parameters)
    try absorb(statistics: total.statistics(), of: step)
  }
}
