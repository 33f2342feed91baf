import Foundation
import Synchronization
import Tensors
import Training

/// A learner whose number is that of the steps it has done, and whose held-out examples are measured by it: their mean
/// error after step n is `errors[n - 1]`.
final class Measured: Learner {
  let parameters: FlatBuffer
  let phases: [Phase]
  let order = Order.Kind.sweep
  let exampleCount = 64
  let evaluationMetrics = ["squared_error", "some"]
  let evaluationCount: Int
  private let errors: [Double]
  /// Whether the metrics are made at once and not of sums.
  private let isWhole: Bool
  /// Whether they are made of two numbers of each example, which shards share. How many examples each call asks for.
  private let isShared: Bool
  let asked = Mutex([Int]())

  init(errors: [Double], examples: Int = 730, isWhole: Bool = false, isShared: Bool = false) {
    (self.errors, evaluationCount, self.isWhole, self.isShared) = (errors, examples, isWhole, isShared)
    var layout = Layout()
    layout.add("position", [3])
    parameters = FlatBuffer("parameters", layout)
    phases = [Phase("drift", layout: layout, metrics: [])]
  }

  var position: Int { Int(parameters.float32[0]) }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) {
    contribution.values.float32.update(repeating: 0)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) -> Verdict {
    for index in 0..<3 { parameters.float32[index] += 1 }
    return .goOn
  }

  private func error(_ example: Int) -> Double {
    // Their mean is not exact, so the order of the sums shows.
    errors[position - 1] + (Double(example) - Double(evaluationCount - 1) / 2) / 3e5
  }

  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {
    for example in examples {
      sums["squared_error"] += error(example)
      if example % 7 == 3 { sums.add(error(example) / 3, to: "some", over: 1) }
    }
  }

  var offers: Offers {
    var offers = Offers()
    if isShared {
      func metrics(_ numbers: [Double]) -> [String: Double] {
        ["squared_error": zip(numbers.indices, numbers).reduce(0) { $1.0 % 2 == 0 ? $0 + $1.1 : $0 - $1.1 / 7 }]
      }
      func numbers(_ examples: Range<Int>) -> [Double] {
        precondition(examples.lowerBound % Evaluation.blockLength == 0)
        return examples.flatMap { [error($0), error($0) / 3] }
      }
      offers.evaluation = { [self] _, _ in metrics(numbers(0..<evaluationCount)) }
      offers.sharedEvaluation = SharedEvaluation(width: 2) { [self] examples, _, crew in
        asked.withLock { $0.append(examples.count) }
        precondition(crew.lanes == 1)
        return numbers(examples)
      } metrics: {
        metrics($0)
      }
      return offers
    }
    guard isWhole else { return offers }
    offers.evaluation = { [self] _, _ in ["squared_error": errors[position - 1]] }
    return offers
  }
}
