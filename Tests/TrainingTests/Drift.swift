import Tensors
import Training

/// A learner whose numbers say how many steps it has done.
final class Drift: Learner {
  let parameters: FlatBuffer
  let auxiliary: [FlatBuffer]
  let phases: [Phase]
  let order = Order.Kind.sweep
  let exampleCount = 4
  let evaluationMetrics: [String] = []
  let evaluationCount = 0

  init(at step: Int = 0) {
    var layout = Layout()
    layout.add("position", [3])
    parameters = FlatBuffer("parameters", layout)
    auxiliary = [FlatBuffer("moments", layout)]
    phases = [Phase("drift", layout: layout, metrics: [])]
    for index in 0..<3 {
      parameters.float32[index] = Float(step)
      auxiliary[0].float32[index] = Float(10 * step)
    }
  }

  var position: Float { parameters.float32[0] }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) {}

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) -> Verdict {
    for index in 0..<3 { parameters.float32[index] += 1 }
    return .goOn
  }

  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {}
}
