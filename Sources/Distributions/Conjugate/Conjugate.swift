/// A prior with its likelihood, where the posterior is of the prior's own family: prior and posterior are values of one
/// type, and what the data says is a handful of sums.
public protocol Conjugate: Hashable, Sendable {
  associatedtype Statistics: ConjugateStatistics

  /// Nothing observed yet.
  var noStatistics: Statistics { get }

  /// The posterior given what the statistics saw. Updating twice is updating once with the sum, to rounding.
  func posterior(_ statistics: Statistics) throws(ConjugateError) -> Self

  /// log of the probability (or density) of the observations, parameters integrated out: what models are compared by.
  func logEvidence(_ statistics: Statistics) throws(ConjugateError) -> Double

  /// log of the probability (or density) of the next observation.
  func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double
}

extension Conjugate {
  /// The statistics of observations, each a row of numbers.
  public func statistics(of observations: some Sequence<[Double]>) throws(ConjugateError) -> Statistics {
    var statistics = noStatistics
    for observation in observations { try statistics.add(observation) }
    return statistics
  }
}

/// Sufficient statistics: flat doubles, which add. Statistics of parts of a data set, from any number of machines, give
/// those of the whole.
public protocol ConjugateStatistics: Hashable, Sendable {
  var flat: [Double] { get set }

  /// Adds one observation.
  /// - Throws: `.wrongObservation` when the likelihood gives it no probability; nothing is added then.
  mutating func add(_ observation: [Double]) throws(ConjugateError)
}

extension ConjugateStatistics {
  /// Those of both parts of a data set.
  public static func + (a: Self, b: Self) -> Self {
    precondition(a.flat.count == b.flat.count, "statistics of one model")
    var sum = a
    for i in sum.flat.indices { sum.flat[i] += b.flat[i] }
    return sum
  }
}

func requirePositive(_ values: Double..., doing: String) throws(ConjugateError) {
  guard values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
    throw ConjugateError(.wrongParameter, doing: doing, remedy: "give finite values above zero")
  }
}

/// Whether a number is a count that a double holds exactly.
func isCount(_ value: Double) -> Bool { value >= 0 && value <= 0x1p53 && value == value.rounded() }
