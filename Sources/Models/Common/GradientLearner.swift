import Networks
import Recipes
import Tensors
import Training

/// The streams of random numbers that models take, as tensor numbers of a `RandomKey`: far enough apart that samples
/// can be counted upwards from each.
enum NoiseStream {
  static let binarisation: UInt32 = 1 << 20
  static let latent: UInt32 = 2 << 20
  static let importance: UInt32 = 3 << 20
  static let start: UInt32 = 4 << 20
  /// Draws of weights: counted by slot.
  static let weights: UInt32 = 5 << 20
  /// Noise of activations, signs and dropout masks: counted by layer.
  static let activations: UInt32 = 6 << 20
  /// Noise on logits: counted by sample.
  static let logits: UInt32 = 7 << 20
  /// Points between real and generated examples: counted by phase.
  static let penalty: UInt32 = 8 << 20
  /// Changes of what a discriminator is shown: counted by phase.
  static let augmentation: UInt32 = 9 << 20
}

/// A learner with one phase whose contribution is a gradient: it says what is minimised, the rest follows.
public protocol GradientLearner: Learner {
  var descent: GradientDescent { get }
  /// Names of the sums that `loss` yields beside the loss.
  var metrics: [String] { get }
  /// The sum over examples of what is minimised, made of the parameters' views, and sums of metrics.
  func loss(
    _ examples: Examples, of step: Step, parameters: ParameterViews, metrics: inout [Double]
  ) throws -> Tensor
}

extension GradientLearner {
  public var auxiliary: [FlatBuffer] { descent.moments }
  public var phases: [Phase] { [Phase("gradient", layout: parameters.layout, metrics: metrics)] }

  public func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    lane.tape.reset()
    let start = contribution.values.float32.baseAddress!
    let views = ParameterViews(parameters, on: lane.tape, gradient: start)
    let loss = try loss(shard.examples, of: step, parameters: views, metrics: &contribution.metrics)
    guard let finished = contribution.finished else {
      lane.tape.backward(from: loss)
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
    try descent.absorb(total, into: parameters, update: step.number, of: step.total, with: crew)
    return .goOn
  }
}
