import Foundation
import LinearAlgebra

/// θ ~ Beta(a, b), k | θ ~ Binomial(n, θ). An observation is two counts: successes k and trials n.
public struct BetaBinomial: Conjugate {
  /// Successes and failures that the prior is worth.
  public let a: Double
  public let b: Double

  public init(a: Double, b: Double) throws(ConjugateError) {
    try requirePositive(a, b, doing: "taking a Beta(\(a), \(b)) prior")
    (self.a, self.b) = (a, b)
  }

  public struct Statistics: ConjugateStatistics {
    /// Successes, failures, Σ log C(n, k).
    public var flat: [Double] = [0, 0, 0]

    public mutating func add(_ observation: [Double]) throws(ConjugateError) {
      guard observation.count == 2, observation.allSatisfy(isCount), observation[0] <= observation[1] else {
        throw ConjugateError(
          .wrongObservation, doing: "observing \(observation)",
          remedy: "give successes and trials, whole numbers with successes ≤ trials")
      }
      let (k, n) = (observation[0], observation[1])
      flat[0] += k
      flat[1] += n - k
      flat[2] += logBinomial(n, k)
    }
  }

  public var noStatistics: Statistics { Statistics() }

  public func posterior(_ statistics: Statistics) throws(ConjugateError) -> BetaBinomial {
    try BetaBinomial(a: a + statistics.flat[0], b: b + statistics.flat[1])
  }

  public func logEvidence(_ statistics: Statistics) -> Double {
    statistics.flat[2] + logBeta(a + statistics.flat[0], b + statistics.flat[1]) - logBeta(a, b)
  }

  /// The beta-binomial probability of k successes in n trials.
  public func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double {
    var one = noStatistics
    try one.add(observation)
    return logEvidence(one)
  }

  /// The distribution over θ.
  public var beta: Beta { Beta(a: a, b: b) }
}

/// log C(n, k), by the beta function, which does not cancel for large n.
func logBinomial(_ n: Double, _ k: Double) -> Double {
  k == 0 || k == n ? 0 : -log(n + 1) - logBeta(k + 1, n - k + 1)
}
