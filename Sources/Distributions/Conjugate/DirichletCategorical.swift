import Foundation
import LinearAlgebra

/// π ~ Dirichlet(α), x | π ~ Categorical(π). An observation is one number, a category 0 … K − 1.
public struct DirichletCategorical: Conjugate {
  /// α: the observations of each category that the prior is worth.
  public let concentration: [Double]

  public init(concentration: [Double]) throws(ConjugateError) {
    try requireConcentration(concentration)
    self.concentration = concentration
  }

  public struct Statistics: ConjugateStatistics {
    /// How often each category came.
    public var flat: [Double]

    public mutating func add(_ observation: [Double]) throws(ConjugateError) {
      guard observation.count == 1, isCount(observation[0]), observation[0] < Double(flat.count) else {
        throw ConjugateError(
          .wrongObservation, doing: "observing \(observation)",
          remedy: "give one number for each observation, a category from 0 to \(flat.count - 1)")
      }
      flat[Int(observation[0])] += 1
    }
  }

  public var noStatistics: Statistics { Statistics(flat: Array(repeating: 0, count: concentration.count)) }

  public func posterior(_ statistics: Statistics) throws(ConjugateError) -> DirichletCategorical {
    try DirichletCategorical(concentration: concentration.adding(statistics.flat))
  }

  /// log B(α + counts) − log B(α).
  public func logEvidence(_ statistics: Statistics) -> Double {
    logDirichletRatio(concentration, counts: statistics.flat)
  }

  public func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double {
    var one = noStatistics
    try one.add(observation)
    return log(dot(one.flat, concentration) / concentration.reduce(0, +))
  }

  /// The distribution over π.
  public var dirichlet: Dirichlet { Dirichlet(concentration: concentration) }
}

/// π ~ Dirichlet(α), counts | π ~ Multinomial(n, π). An observation is K counts; n is their sum.
public struct DirichletMultinomial: Conjugate {
  /// α: the counts of each category that the prior is worth.
  public let concentration: [Double]

  public init(concentration: [Double]) throws(ConjugateError) {
    try requireConcentration(concentration)
    self.concentration = concentration
  }

  public struct Statistics: ConjugateStatistics {
    /// Counts of each category, then Σ log n!/Πₖ nₖ!.
    public var flat: [Double]

    public mutating func add(_ observation: [Double]) throws(ConjugateError) {
      guard observation.count == flat.count - 1, observation.allSatisfy(isCount) else {
        throw ConjugateError(
          .wrongObservation, doing: "observing \(observation)",
          remedy: "give \(flat.count - 1) counts for each observation, whole numbers that are not negative")
      }
      // The multinomial coefficient as a product of binomial ones.
      var total = 0.0
      for (k, count) in observation.enumerated() {
        flat[k] += count
        total += count
        flat[flat.count - 1] += logBinomial(total, count)
      }
    }
  }

  public var noStatistics: Statistics { Statistics(flat: Array(repeating: 0, count: concentration.count + 1)) }

  public func posterior(_ statistics: Statistics) throws(ConjugateError) -> DirichletMultinomial {
    try DirichletMultinomial(concentration: concentration.adding(Array(statistics.flat.dropLast())))
  }

  public func logEvidence(_ statistics: Statistics) -> Double {
    statistics.flat.last! + logDirichletRatio(concentration, counts: Array(statistics.flat.dropLast()))
  }

  /// The Dirichlet-multinomial probability of K counts.
  public func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double {
    var one = noStatistics
    try one.add(observation)
    return logEvidence(one)
  }

  /// The distribution over π.
  public var dirichlet: Dirichlet { Dirichlet(concentration: concentration) }
}

private func requireConcentration(_ concentration: [Double]) throws(ConjugateError) {
  guard concentration.count >= 1, concentration.allSatisfy({ $0 > 0 && $0.isFinite }) else {
    throw ConjugateError(
      .wrongParameter, doing: "taking a Dirichlet prior of \(concentration.count) categories",
      remedy: "give a concentration above zero for each category")
  }
}

/// log B(α + n) − log B(α), as a chain of beta functions B(Σ_{j<k}, k), which do not cancel for large counts.
private func logDirichletRatio(_ concentration: [Double], counts: [Double]) -> Double {
  var (sum, prior, posterior) = (0.0, 0.0, 0.0)
  for (k, (a, n)) in zip(concentration, counts).enumerated() {
    if k > 0 { sum += logBeta(posterior, a + n) - logBeta(prior, a) }
    prior += a
    posterior += a + n
  }
  return sum
}
