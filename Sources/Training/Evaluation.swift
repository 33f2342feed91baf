import Metrics
import Synchronization
import Tensors

/// Means over held-out examples: a sum over examples again, in blocks of fixed size, so that it does not depend on
/// lanes either.
public enum Evaluation {
  /// Examples that one lane evaluates at a time: a fixed number, so that products have the same shapes on any number of lanes
  /// and nodes.
  public static let blockLength = 100
  /// The stream of random numbers that evaluations take.
  private static let tensor: UInt32 = 0xFFFF_FFFE

  /// - Parameters:
  ///   - learner: whose held-out examples are measured, with its parameters.
  ///   - part: what the examples are, in front of each name.
  ///   - seed: of the noise.
  ///   - crew: the lanes to compute on; their number changes nothing.
  /// - Returns: the metrics by name, such as `test/elbo`, as the learner reports them.
  public static func run(
    _ learner: any Learner, as part: String = "test", seed: UInt64, crew: Crew
  ) throws -> [String: Double] {
    guard learner.evaluationCount > 0 else { return [:] }
    if let evaluation = learner.offers.evaluation { return named(try evaluation(RandomKey(seed: seed), crew), part) }
    let blocks = blockCount(learner)
    let results = Mutex([Sums](repeating: Sums(learner.evaluationMetrics), count: blocks))
    try crew.forEach(blocks) { block, lane in
      let sums = try sums(ofBlock: block, learner, seed: seed, on: lane)
      results.withLock { $0[block] = sums }
    }
    return metrics(of: results.withLock { $0 }, learner, as: part)
  }

  /// What each held-out example scores.
  /// - Returns: nil where the learner's metrics are not made of numbers for each example.
  package static func scores(_ learner: any Learner, seed: UInt64, crew: Crew) throws -> HeldOutScores? {
    if let scores = learner.offers.scores { return try scores(RandomKey(seed: seed), crew) }
    guard learner.offers.evaluation == nil else { return nil }
    let count = learner.evaluationCount
    let results = Mutex([Sums](repeating: Sums(learner.evaluationMetrics), count: count))
    try crew.forEach(count) { example, lane in
      var sums = Sums(learner.evaluationMetrics)
      let key = RandomKey(seed: seed).at(tensor: tensor)
      try learner.evaluate(example..<example + 1, into: &sums, key: key, on: lane)
      results.withLock { $0[example] = sums }
    }
    let sums = results.withLock { $0 }
    let means = Sums.means(of: sums, examples: count)
    // What is made of several sums, or of some examples only, is no mean over the examples.
    let names = learner.report(means, examples: count).filter { means[$0.key] == $0.value }.keys
    let whole = names.filter { name in Sums.isOverAll(name, in: sums) }
    guard !whole.isEmpty else { return nil }
    return HeldOutScores(means: Dictionary(uniqueKeysWithValues: whole.map { name in (name, sums.map { $0[name] }) }))
  }

  static func blockCount(_ learner: any Learner) -> Int { (learner.evaluationCount + blockLength - 1) / blockLength }

  /// The sums over one block: a pure function of the parameters and the block.
  static func sums(ofBlock block: Int, _ learner: any Learner, seed: UInt64, on lane: Lane) throws -> Sums {
    var sums = Sums(learner.evaluationMetrics)
    let range = block * blockLength..<min((block + 1) * blockLength, learner.evaluationCount)
    try learner.evaluate(range, into: &sums, key: RandomKey(seed: seed).at(tensor: tensor), on: lane)
    return sums
  }

  /// What the learner makes of the sums over all blocks.
  static func metrics(of sums: [Sums], _ learner: any Learner, as part: String) -> [String: Double] {
    let count = learner.evaluationCount
    return named(learner.report(Sums.means(of: sums, examples: count), examples: count), part)
  }

  /// What the learner makes of the numbers of all examples.
  static func metrics(ofNumbers numbers: [Double], _ shared: SharedEvaluation, as part: String) -> [String: Double] {
    named(shared.metrics(numbers), part)
  }

  private static func named(_ metrics: [String: Double], _ part: String) -> [String: Double] {
    Dictionary(uniqueKeysWithValues: metrics.map { ("\(part)/\($0)", $1) })
  }
}
