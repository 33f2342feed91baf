import Tensors

/// A learner whose metrics are no means over examples that can be taken one block at a time: a calibration error, an
/// area under a curve, a prediction averaged over many draws of the weights.
public protocol SetEvaluating: Learner {
  /// Metrics over all held-out examples with the current parameters, `test/` left out. The same for any number of lanes.
  func evaluate(key: RandomKey, with crew: Crew) throws -> [String: Double]
}

extension SetEvaluating {
  public var evaluationMetrics: [String] { [] }
  public func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {}
}

/// A text file that a learner leaves in the run folder beside the recipe: what nobody should have to guess.
public struct RunDocument: Sendable {
  public let name: String
  public let contents: String

  public init(name: String, contents: String) {
    self.name = name
    self.contents = contents
  }
}

/// A learner that keeps accounts of what it did.
public protocol Accounting: Learner {
  func documents(with crew: Crew) throws -> [RunDocument]
}
