import Learners
import Networks
import Optimizers
import Tensors
import Training

/// h' = tanh(W x + b + U h + c) (Elman 1990).
struct ElmanCell: RecurrentCore {
  private var input: Dense
  private var recurrent: Dense

  init(name: String, in inputs: Int, width: Int, layout: inout Layout) {
    input = Dense(name: "\(name).input", in: inputs, out: width, layout: &layout)
    recurrent = Dense(name: "\(name).recurrent", in: width, out: width, layout: &layout)
  }

  var stateWidth: Int { recurrent.outputs }

  mutating func takeStreams(_ next: inout NoiseStreams) {
    input.takeStreams(&next)
    recurrent.takeStreams(&next)
  }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    input.initialize(parameters, seed: seed)
    recurrent.initialize(parameters, seed: seed)
  }

  func callAsFunction(_ x: Tensor, _ state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor) {
    let next = (input(x, pass) + recurrent(state, pass)).tanh()
    return (next, next)
  }
}

/// Two cells that foretell the next number of each of some streams. They see a stream in windows of a fixed length, one
/// in each step; what they know of the windows before is carried on.
final class StreamNetwork: TestLearner {
  static let (streams, windows, length) = (5, 4, 3)
  let parameters: FlatBuffer
  let descent: GradientDescent
  let statistics: Layout
  let metrics = ["error"]
  let order = Order.Kind.streams(count: streams, steps: windows)
  let exampleCount = streams
  let core: RecurrentStack
  let carry: Carry
  private let readout: Dense
  private let during: StepHook

  init(learningRate: Double = 0.02, during: @escaping StepHook) {
    var (layout, sums) = (Layout(), Layout())
    core = RecurrentStack([
      ElmanCell(name: "0", in: 1, width: 7, layout: &layout), ElmanCell(name: "1", in: 7, width: 4, layout: &layout),
    ])
    readout = Dense(name: "readout", in: 4, out: 1, layout: &layout)
    carry = Carry(streams: Self.streams, width: core.stateWidth, statistics: &sums)
    statistics = sums
    parameters = FlatBuffer("parameters", layout)
    core.initialize(parameters, seed: 6)
    readout.initialize(parameters, seed: 6)
    descent = GradientDescent(
      Optimizer(.adam()), learningRate: learningRate, schedule: Schedule(), clipping: .norm(1), parameters: layout)
    self.during = during
  }

  var auxiliary: [FlatBuffer] { descent.moments + [carry.rows] }

  /// Number `time` of each stream, [n, 1].
  static func numbers(of streams: [UInt32], at time: Int) -> Tensor {
    let key = RandomKey(seed: 8).at(step: UInt32(time / 2))
    return .normal(key, rows: streams, columns: 1)
  }

  func loss(_ batch: ShardBatch, metrics: inout Sums) throws -> Tensor {
    try during(batch.step.number)
    let (first, pass) = (batch.step.positionInEpoch * Self.length, batch.pass())
    let window = (0...Self.length).map { Self.numbers(of: batch.indices, at: first + $0) }
    let state = carry.state(of: batch, initially: core.initialState(batch.indices.count, pass))
    let (outputs, last) = core.unrolled(
      over: window.dropLast().joinedRows, steps: window.count - 1, from: state
    ) { _ in pass }
    carry.hand(on: last, of: batch)
    let error = (readout(outputs, pass) - window.dropFirst().joinedRows).squared().sum()
    metrics["error"] += Double(error.value)
    return error
  }

  func absorb(statistics: TotalStatistics, of step: Step) { carry.absorb(statistics) }
}
