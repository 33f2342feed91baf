import Computations

/// Which of a learner's networks to write for other programs.
public struct ExportRequest: Sendable {
  /// How many draws of the weights to compute side by side; nil: the network at their mean.
  public var draws: Int?
  /// Of the draws: those that a prediction of this seed takes.
  public var seed: UInt64

  public init(draws: Int? = nil, seed: UInt64 = 0) { (self.draws, self.seed) = (draws, seed) }

  /// Refuses draws of a model whose weights have no posterior.
  public func requireNoDraws(_ what: String) throws(TrainingError) {
    guard draws != nil else { return }
    throw TrainingError(.unsuitable, "--draws: \(what)", advice: "leave it out")
  }
}
