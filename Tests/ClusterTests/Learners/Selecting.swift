import Metrics
import Tensors
import Training

/// A walk whose error on examples that are held out falls and rises with the step, and is measured by the parameters.
final class Selecting: Learner {
  /// After step n the error is this, but for a trace of the parameters: the training ends after step 9.
  static let errors = [9, 7, 8, 6, 5, 3, 4, 4, 4, 1, 1, 1] as [Double]
  /// The step in whose evaluation lanes meet `evaluating`.
  static let evaluation = 7
  /// What a hook hears as the number of the step while blocks of the evaluation of step 7 are measured.
  static let evaluating = 1000

  let parameters: FlatBuffer
  let phases: [Phase]
  let order = Order.Kind.sweep
  let exampleCount = 15
  let evaluationMetrics = ["squared_error"]
  let evaluationCount: Int
  private let during: StepHook

  /// - Parameter examples: how many are held out.
  init(examples: Int, during: @escaping StepHook) {
    var layout = Layout()
    layout.add("walk", [20])
    parameters = FlatBuffer("parameters", layout)
    phases = [Phase("walk", layout: layout, metrics: [])]
    (evaluationCount, self.during) = (examples, during)
  }

  /// Trained as recipes train what they select: measured after every step.
  static func selecting(during: @escaping StepHook) -> any Learner {
    let validation = HeldOutPart("validation", Selecting(examples: 950, during: during))!
    return EvaluatedLearner(
      Selecting(examples: 0, during: during), on: [validation], every: 1, seed: 0,
      selectingBy: SelectionRule(metric: "validation/squared_error", direction: .smaller, patience: 3))
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    try during(step.number)
    for index in 0..<20 {
      contribution.values.float32[index] =
        Float((index &* 31 &+ shard.index &* 977) % 1000) / 997 - parameters.float32[index] / 9
    }
    // Says how many steps were done.
    contribution.values.float32[19] = shard.index == 0 ? 1 : 0
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) -> Verdict {
    for (index, value) in total.float32(block: 0).prefix(20).enumerated() { parameters.float32[index] += value }
    return .goOn
  }

  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) throws {
    let step = Int(parameters.float32[19])
    if step == Selecting.evaluation { try during(Selecting.evaluating) }
    for example in examples {
      sums["squared_error"] += Selecting.errors[step - 1] + Double(parameters.float32[example % 19]) * 1e-6
    }
  }
}
