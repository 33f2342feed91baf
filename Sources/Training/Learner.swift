import Datasets
import Figures
import Tensors

/// A model with its objective and its update. Everything Elbo trains is improved by a sum over examples: the gradient
/// of a bound, an adversarial gradient, or the sufficient statistics of an E-step.
///
/// A learner is shared by all lanes. While contributions are made its buffers are only read; they change in `absorb`
/// alone (and in `prepare`, before the contributions of a phase).
public protocol Learner: AnyObject, Sendable {
  /// What is learnt; what `parameters_sha256` hashes and `model.safetensors` holds.
  var parameters: FlatBuffer { get }
  /// How many numbers are learnt: without running statistics and averages, which follow from others.
  var learntCount: Int { get }
  /// What else a later step depends on: moments of an optimiser, the best of several restarts.
  var auxiliary: [FlatBuffer] { get }
  /// What the training data fixed before the first step, such as the means and deviations of their columns. It is
  /// stored with every checkpoint and restored from it, so that other data are never treated by statistics of their own.
  var dataStatistics: [FlatBuffer] { get }
  /// The parts of a step, in order.
  var phases: [Phase] { get }
  /// How a training sees its examples.
  var order: Order.Kind { get }
  /// How many examples there are to train on; of streams, how many streams.
  var exampleCount: Int { get }
  /// Whether a step may have more shards than examples, so that some are empty: what is contributed is sums.
  var allowsEmptyShards: Bool { get }

  /// Makes what all shards of a phase share, such as one draw of the weights.
  func prepare(phase: Int, of step: Step, with crew: Crew) throws

  /// Computes what one shard yields: a pure function of the buffers, the shard and the step. Sets every number of
  /// `contribution.values` and adds to its statistics and metrics, which are zeros.
  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws

  /// Improves the parameters: a pure function of the buffers, the total and the step, alike on every node.
  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict

  /// Forgets what was derived from `parameters` and `dataStatistics`, whose numbers were replaced from outside.
  func numbersWereReplaced()

  /// Names of the sums that `evaluate` adds to, `test/` left out; reported as means over examples.
  var evaluationMetrics: [String] { get }
  /// How many held-out examples there are; 0 when there is nothing to evaluate.
  var evaluationCount: Int { get }
  /// Adds one block of held-out examples to the sums, with the current parameters.
  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) throws
  /// Turns means over examples into what is reported (a perplexity, a root); by default they are reported as they are.
  func report(_ means: [String: Double], examples: Int) -> [String: Double]

  /// Pictures of what was learnt.
  func figures(with crew: Crew, key: RandomKey) throws -> [Figure]

  /// What the learner can do besides learning.
  var offers: Offers { get }
}

/// What absorbing a total came to.
public struct Verdict: Sendable {
  /// The learner has converged; more steps would change nothing.
  public var isConverged: Bool
  /// Metrics that only the total provides, such as a gradient's norm or a bound; reported as `train/…` as they are.
  public var metrics: [String: Double]
  /// What is wrong with the training and what likely helps, in one line; reported once for as long as it is so.
  public var alarm: String?
  /// Metrics of held-out examples after this step by their whole names, such as `validation/reg/NLL`; nil: none were
  /// measured.
  public var evaluation: [String: Double]?
  /// Whether the parameters are the best ones so far by what the training selects on: a checkpoint is due.
  public var isBest = false

  public init(isConverged: Bool = false, metrics: [String: Double] = [:], alarm: String? = nil) {
    self.isConverged = isConverged
    self.metrics = metrics
    self.alarm = alarm
  }

  public static let goOn = Verdict()
}

extension Learner {
  /// Takes over what another learner of the same recipe has learnt, and what its training data fixed.
  package func copyNumbers(from other: any Learner) {
    parameters.copy(from: other.parameters)
    for (copy, original) in zip(dataStatistics, other.dataStatistics) { copy.copy(from: original) }
    numbersWereReplaced()
  }

  public var learntCount: Int { parameters.layout.parameterCount }
  public var allowsEmptyShards: Bool { false }
  public var auxiliary: [FlatBuffer] { [] }
  public var dataStatistics: [FlatBuffer] { [] }
  public func prepare(phase: Int, of step: Step, with crew: Crew) throws {}
  public func numbersWereReplaced() {}
  public func report(_ means: [String: Double], examples: Int) -> [String: Double] { means }
  public func figures(with crew: Crew, key: RandomKey) throws -> [Figure] { [] }
  public var offers: Offers { Offers() }
  public var evaluationMetrics: [String] { [] }
  public func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) throws {}
}
