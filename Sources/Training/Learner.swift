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

  /// Makes what all shards of a phase share, such as one draw of the weights.
  func prepare(phase: Int, of step: Step, with crew: Crew) throws

  /// Computes what one shard yields: a pure function of the buffers, the shard and the step. Sets every number of
  /// `contribution.values` and adds to its statistics and metrics, which are zeros.
  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws

  /// Improves the parameters: a pure function of the buffers, the total and the step, alike on every node.
  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict

  /// Names of the sums that `evaluate` yields, `test/` left out; reported as means over examples.
  var evaluationMetrics: [String] { get }
  /// How many held-out examples there are; 0 when there is nothing to evaluate.
  var evaluationCount: Int { get }
  /// Adds one block of held-out examples to the sums, with the current parameters.
  func evaluate(_ examples: Range<Int>, into sums: inout [Double], key: RandomKey, on lane: Lane) throws
  /// Turns means over examples into what is reported (a perplexity, a count); by default nothing more.
  func report(_ means: [String: Double], examples: Int) -> [String: Double]

  /// Pictures of what was learnt.
  func figures(with crew: Crew, key: RandomKey) throws -> [Figure]
}

/// What absorbing a total came to.
public struct Verdict: Sendable {
  /// The learner has converged; more steps would change nothing.
  public var isConverged: Bool
  /// What only the total tells, such as a gradient's norm or a bound; reported as `train/…` as it is.
  public var metrics: [String: Double]
  /// What is wrong with the training and what likely helps, in one line; told once for as long as it is so.
  public var alarm: String?

  public init(isConverged: Bool = false, metrics: [String: Double] = [:], alarm: String? = nil) {
    self.isConverged = isConverged
    self.metrics = metrics
    self.alarm = alarm
  }

  public static let goOn = Verdict()
}

extension Learner {
  public var learntCount: Int { parameters.layout.parameterCount }
  public var auxiliary: [FlatBuffer] { [] }
  public var dataStatistics: [FlatBuffer] { [] }
  public func prepare(phase: Int, of step: Step, with crew: Crew) throws {}
  public func report(_ means: [String: Double], examples: Int) -> [String: Double] { means }
  public func figures(with crew: Crew, key: RandomKey) throws -> [Figure] { [] }
}

/// A learner that can make new examples.
public protocol Generating: Learner {
  /// Makes examples as pictures (values in 0…1).
  func sample(count: Int, key: RandomKey, with crew: Crew) throws -> Figure
}

/// How latent vectors are chosen for new examples.
public struct LatentRequest: Sendable {
  public enum Path: Sendable, Equatable {
    /// Each is a draw of its own.
    case independent
    /// Each row of the picture leads from one draw to another.
    case interpolated
  }

  public var count: Int
  public var path: Path
  /// The prior is cut off at so many standard deviations: less variety, more typical examples. Nil: not at all.
  public var truncation: Double?

  public init(count: Int, path: Path = .independent, truncation: Double? = nil) {
    self.count = count
    self.path = path
    self.truncation = truncation
  }
}

/// Generated examples as numbers, a row an example.
public struct GeneratedExamples: Sendable {
  public struct Rows: Sendable {
    public let values: [Float]
    /// The number of rows, then the shape of one.
    public let shape: [Int]

    public init(values: [Float], shape: [Int]) { (self.values, self.shape) = (values, shape) }
  }

  /// In the units of the data.
  public let examples: Rows
  /// What they were made of.
  public let latents: Rows
  /// What the discriminator says of them.
  public let scores: Rows

  public init(examples: Rows, latents: Rows, scores: Rows) {
    (self.examples, self.latents, self.scores) = (examples, latents, scores)
  }
}

/// A learner whose latent space can be walked through.
public protocol LatentGenerating: Generating {
  func examples(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> GeneratedExamples
  /// Makes examples as pictures (values in 0…1).
  func sample(_ request: LatentRequest, key: RandomKey, with crew: Crew) throws -> Figure
}

extension LatentGenerating {
  public func sample(count: Int, key: RandomKey, with crew: Crew) throws -> Figure {
    try sample(LatentRequest(count: count), key: key, with: crew)
  }
}

/// A learner that shows while it trains how it comes along, always with the same noise.
public protocol Picturing: Learner {
  /// What the model makes after `step` steps; `key` is the same at every step of a training.
  func progress(at step: Int, key: RandomKey, with crew: Crew) throws -> [Figure]
}

/// A learner whose networks can be used by other programs.
public protocol Exporting: Learner {
  /// Writes what is large to a folder that exists.
  /// - Returns: the texts that belong beside it.
  func export(to folder: String) throws -> [RunDocument]
}
