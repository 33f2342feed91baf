import Synchronization
import Tensors

/// Means over held-out examples: a sum over examples again, in blocks of fixed size, so that it does not depend on
/// lanes either.
public enum Evaluation {
  /// Examples that one lane evaluates at a time.
  private static let blockLength = 100
  /// The stream of random numbers that evaluations take.
  private static let tensor: UInt32 = 0xFFFF_FFFE

  /// - Returns: `test/…`, and what the learner makes of it.
  public static func run(_ learner: any Learner, seed: UInt64, crew: Crew) throws -> [String: Double] {
    let count = learner.evaluationCount
    guard count > 0 else { return [:] }
    if let evaluation = learner.offers.evaluation {
      let metrics = try evaluation(RandomKey(seed: seed), crew)
      return Dictionary(uniqueKeysWithValues: metrics.map { ("test/" + $0, $1) })
    }
    let names = learner.evaluationMetrics
    let blocks = (count + blockLength - 1) / blockLength
    let results = Mutex([Sums](repeating: Sums(names), count: blocks))
    let key = RandomKey(seed: seed).at(tensor: tensor)
    try crew.forEach(blocks) { block, lane in
      var sums = Sums(names)
      let range = block * blockLength..<min((block + 1) * blockLength, count)
      try learner.evaluate(range, into: &sums, key: key, on: lane)
      results.withLock { [sums] in $0[block] = sums }
    }
    let means = Sums.means(of: results.withLock { $0 }, examples: count)
    return Dictionary(uniqueKeysWithValues: learner.report(means, examples: count).map { ("test/" + $0, $1) })
  }
}
