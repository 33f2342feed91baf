/// A model that is improved by sums over observations.
///
/// One iteration: every shard of the data accumulates its sufficient statistics, flat doubles that add; the total
/// updates the parameters. Accumulating reads each row once and holds nothing per row; the update is a pure function
/// of the total. So the statistics may come from any number of machines, as long as they are added in one order.
public protocol StatisticsModel: Sendable {
  associatedtype Parameters: Sendable
  /// Working memory of one thread, reused from call to call so that accumulating allocates nothing.
  associatedtype Scratch

  /// Length of the statistics.
  var statisticsCount: Int { get }

  func makeScratch() -> Scratch

  /// Adds the statistics of some observations, taken with `parameters`, to `statistics`.
  /// - Throws: `.notFinite` or `.wrongShape` for data that the model cannot read.
  func accumulate(
    _ observations: Observations, parameters: Parameters, into statistics: UnsafeMutablePointer<Double>,
    scratch: Scratch) throws(ExactError)

  /// The next parameters, and the value of the objective, as a rule at `parameters`, where the statistics were taken.
  func update(_ parameters: Parameters, statistics: [Double]) throws(ExactError) -> Improvement<Parameters>
}

public struct Improvement<Parameters: Sendable>: Sendable {
  public let parameters: Parameters
  /// A log-likelihood or a lower bound in nats, or minus a cost. Larger is better.
  public let objective: Double
  /// What the objective is that of.
  public let judged: Judged
  /// The last step was too long and has been shortened, or this pass was one of several of an evaluation: `objective`
  /// is not that of a point which was accepted.
  public let isRetry: Bool
  /// More passes would change nothing.
  public let isFinal: Bool

  public enum Judged: Sendable {
    /// The parameters before the update, with which the statistics were taken.
    case before
    /// The updated parameters: an estimate, or an approximation around the point before, made of the same sums.
    case after
  }

  public init(
    parameters: Parameters, objective: Double, of judged: Judged = .before, isRetry: Bool = false,
    isFinal: Bool = false
  ) {
    self.parameters = parameters
    self.objective = objective
    self.judged = judged
    self.isRetry = isRetry
    self.isFinal = isFinal
  }
}

/// When to stop.
public struct Stopping: Hashable, Sendable {
  public var iterations: Int
  /// Stops when the objective per observation rises by less; 0 stops at the first iteration that brings nothing.
  public var tolerance: Double

  public init(iterations: Int = 100, tolerance: Double = 1e-3) {
    self.iterations = iterations
    self.tolerance = tolerance
  }
}

/// Where an iteration ended.
public struct Fit<Parameters: Sendable>: Sendable {
  public let parameters: Parameters
  /// The objective of each iteration, retries left out.
  public let objectives: [Double]
  public let converged: Bool
}

extension StatisticsModel {
  /// The statistics of all observations, cut into `shards` equal ranges (the first ones a row longer), whose
  /// contributions are added as the exchange adds them: in a binary tree over the index of the shard.
  public func statistics(
    of observations: Observations, parameters: Parameters, shards: Int = 1, scratch: Scratch? = nil
  ) throws(ExactError) -> [Double] {
    precondition(shards > 0, "data has at least one shard")
    let scratch = scratch ?? makeScratch()
    var contributions: [[Double]] = []
    for shard in 0..<shards {
      let range = shardRange(shard, of: shards, count: observations.count)
      var contribution = [Double](repeating: 0, count: statisticsCount)
      let result: Result<Void, ExactError> = contribution.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return .success(()) }
        do throws(ExactError) {
          try accumulate(observations.rows(range), parameters: parameters, into: base, scratch: scratch)
          return .success(())
        } catch {
          return .failure(
            ExactError(
              error.code, row: error.row.map { $0 + range.lowerBound }, doing: error.doing, remedy: error.remedy))
        }
      }
      try result.get()
      contributions.append(contribution)
    }
    return addedInTree(contributions)
  }

  /// Iterates in this thread: the reference of what a training over many shards and nodes computes.
  public func fit(
    _ observations: Observations, from start: Parameters, stopping: Stopping = Stopping(), shards: Int = 1
  ) throws(ExactError) -> Fit<Parameters> {
    let scratch = makeScratch()
    var parameters = start
    var objectives: [Double] = []
    for _ in 0..<stopping.iterations {
      let total = try statistics(of: observations, parameters: parameters, shards: shards, scratch: scratch)
      let step = try update(parameters, statistics: total)
      parameters = step.parameters
      guard !step.isRetry else { continue }
      objectives.append(step.objective)
      guard !step.isFinal else { return Fit(parameters: parameters, objectives: objectives, converged: true) }
      if objectives.count > 1 {
        let rise = step.objective - objectives[objectives.count - 2]
        if rise <= stopping.tolerance * Double(max(observations.count, 1)) {
          return Fit(parameters: parameters, objectives: objectives, converged: true)
        }
      }
    }
    return Fit(parameters: parameters, objectives: objectives, converged: false)
  }
}

/// Rows of shard `shard` of `shards`: equal parts, the first ones a row longer.
public func shardRange(_ shard: Int, of shards: Int, count: Int) -> Range<Int> {
  let (each, more) = count.quotientAndRemainder(dividingBy: shards)
  let first = shard * each + min(shard, more)
  return first..<(first + each + (shard < more ? 1 : 0))
}

/// ((0 + 1) + (2 + 3)) + …: the sum over the fixed binary tree.
package func addedInTree(_ contributions: [[Double]]) -> [Double] {
  var parts = contributions
  var distance = 1
  while distance < parts.count {
    for left in stride(from: 0, to: parts.count - distance, by: 2 * distance) {
      for i in parts[left].indices { parts[left][i] += parts[left + distance][i] }
    }
    distance *= 2
  }
  return parts.first ?? []
}
