/// How far a training is.
public struct TrainingProgress: Sendable, Hashable {
  /// Steps that are done, those before a resumption included.
  public var step: Int
  /// Nil when the end is not known in steps.
  public var totalSteps: Int?
  /// The epoch that is running, from 1; nil for what has none.
  public var epoch: Int?
  public var totalEpochs: Int?
  /// Examples that were seen. Only differences count, so any start will do.
  public var examples: Int
  /// What is worth a look while it works, the most important first: "ELBO", "loss".
  public var metrics: [Metric]

  public struct Metric: Sendable, Hashable {
    public var name: String
    public var value: Double

    public init(_ name: String, _ value: Double) {
      self.name = name
      self.value = value
    }
  }

  public init(
    step: Int, totalSteps: Int? = nil, epoch: Int? = nil, totalEpochs: Int? = nil, examples: Int,
    metrics: [Metric] = []
  ) {
    self.step = step
    self.totalSteps = totalSteps
    self.epoch = epoch
    self.totalEpochs = totalEpochs
    self.examples = examples
    self.metrics = metrics
  }
}
