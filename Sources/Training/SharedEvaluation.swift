import Tensors

/// Metrics that are made of some numbers of each held-out example, such as the probabilities of its classes: so shards, and
/// with them lanes and nodes, share the examples, and what is made of all numbers is cheap.
public struct SharedEvaluation {
  /// How many numbers an example has.
  public var width: Int
  /// The numbers of some examples, one example's after the other's, the same whichever others are computed with them. The
  /// range begins at a multiple of `Evaluation.blockLength`, and ends at one or with all examples.
  public var numbers: (_ examples: Range<Int>, _ key: RandomKey, _ crew: Crew) throws -> [Double]
  /// The metrics of the numbers of all held-out examples, `test/` left out.
  public var metrics: (_ numbers: [Double]) -> [String: Double]

  public init(
    width: Int, numbers: @escaping (Range<Int>, RandomKey, Crew) throws -> [Double],
    metrics: @escaping ([Double]) -> [String: Double]
  ) {
    (self.width, self.numbers, self.metrics) = (width, numbers, metrics)
  }

  /// Each shard draws the parameters of every sample, which fewer examples do not repay.
  private static let fewestExamples = 2000
  /// More numbers cost more to exchange than to compute.
  private static let mostNumbers = 1 << 21

  /// Whether it pays to share so many examples: a function of the data, since it is part of a step's layout.
  func isWorthwhile(_ count: Int) -> Bool {
    count >= SharedEvaluation.fewestExamples && count * width <= SharedEvaluation.mostNumbers
  }
}
