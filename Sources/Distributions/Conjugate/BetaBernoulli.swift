import Foundation
import LinearAlgebra

/// θ ~ Beta(a, b), x | θ ~ Bernoulli(θ). An observation is one number, 0 or 1.
public struct BetaBernoulli: Conjugate {
  /// Ones and zeros that the prior is worth.
  public let a: Double
  public let b: Double

  public init(a: Double, b: Double) throws(ConjugateError) {
    try requirePositive(a, b, doing: "taking a Beta(\(a), \(b)) prior")
    (self.a, self.b) = (a, b)
  }

  public struct Statistics: ConjugateStatistics {
    /// Ones, zeros.
    public var flat: [Double] = [0, 0]

    public mutating func add(_ observation: [Double]) throws(ConjugateError) {
      guard observation == [0] || observation == [1] else {
        throw ConjugateError(
          .wrongObservation, doing: "observing \(observation)", remedy: "give one number for each observation, 0 or 1")
      }
      flat[observation[0] == 1 ? 0 : 1] += 1
    }
  }

  public var noStatistics: Statistics { Statistics() }

  public func posterior(_ statistics: Statistics) throws(ConjugateError) -> BetaBernoulli {
    try BetaBernoulli(a: a + statistics.flat[0], b: b + statistics.flat[1])
  }

  /// log B(a + ones, b + zeros) − log B(a, b).
  public func logEvidence(_ statistics: Statistics) -> Double {
    logBeta(a + statistics.flat[0], b + statistics.flat[1]) - logBeta(a, b)
  }

  public func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double {
    var one = noStatistics
    try one.add(observation)
    return log((one.flat[0] == 1 ? a : b) / (a + b))
  }

  /// The distribution over θ.
  public var beta: Beta { Beta(a: a, b: b) }
}
