import Learners
import Networks
import Optimizers
import Tensors
import Training

/// Vector quantization with a codebook that follows averages: van den Oord, Vinyals and Kavukcuoglu 2017, appendix A.1.
/// The encoder learns by the commitment loss; no gradient reaches the codes.
final class Codebook: TestLearner {
  static let (codes, width, decay) = (4, 3, 0.8)
  let parameters: FlatBuffer
  let descent: GradientDescent
  let statistics: Layout
  let metrics = ["error"]
  let order = Order.Kind.shuffled(batch: 10)
  let exampleCount = 36
  private let encoder: Dense
  private let (code, count, sum): (Slot, Slot, Slot)
  /// The averages of the statistics.
  private let averages: FlatBuffer
  private let during: StepHook

  init(learningRate: Double = 0.05, during: @escaping StepHook) {
    var (layout, sums) = (Layout(), Layout())
    encoder = Dense(name: "encoder", in: 5, out: Self.width, layout: &layout)
    code = layout.add("codes", [Self.codes, Self.width])
    (count, sum) = (sums.add("count", [Self.codes]), sums.add("sum", [Self.codes, Self.width]))
    (statistics, averages) = (sums, FlatBuffer("averages", sums, precision: .float64))
    (parameters, self.during) = (FlatBuffer("parameters", layout), during)
    encoder.initialize(parameters, seed: 3)
    RandomKey(seed: 4).normal(into: parameters.float32.baseAddress! + code.offset, count: code.shape.count)
    descent = GradientDescent(
      Optimizer(.adam()), learningRate: learningRate, schedule: Schedule(), clipping: .none, parameters: layout)
  }

  var auxiliary: [FlatBuffer] { descent.moments + [averages] }

  func loss(_ batch: ShardBatch, metrics: inout Sums) throws -> Tensor {
    try during(batch.step.number)
    let z = encoder(.normal(RandomKey(seed: 5), rows: batch.indices, columns: 5), batch.pass())
    let codes = batch.parameters[code].detached
    let distances = (z.detached.product(withTransposed: codes) * -2).addingRow(codes.squared().sumOfRows())
    let nearest = (0..<z.rows).map { row in
      (0..<Self.codes).min { distances.buffer[row * Self.codes + $0] < distances.buffer[row * Self.codes + $1] }!
    }
    for (row, k) in nearest.enumerated() {
      batch.statistics.doubles(count)[k] += 1
      for j in 0..<Self.width {
        batch.statistics.doubles(sum)[k * Self.width + j] += Double(z.buffer[row * Self.width + j])
      }
    }
    let targets = nearest.flatMap { codes.buffer[$0 * Self.width..<($0 + 1) * Self.width] }
    let error = (z - Tensor(targets, z.shape)).squared().sum()
    metrics["error"] += Double(error.value)
    return error
  }

  func absorb(statistics: TotalStatistics, of step: Step) {
    for slot in [count, sum] {
      let average = averages.doubles(slot)
      for (i, new) in statistics[slot].enumerated() { average[i] = Self.decay * average[i] + (1 - Self.decay) * new }
    }
    let (counts, sums) = (averages.doubles(count), averages.doubles(sum))
    for i in sums.indices where counts[i / Self.width] > 1e-3 {
      parameters.float32[code.offset + i] = Float(sums[i] / counts[i / Self.width])
    }
  }
}
