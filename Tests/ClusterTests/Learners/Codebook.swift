import Models
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
    parameters = FlatBuffer("parameters", layout)
    encoder.initialize(parameters, seed: 3)
    RandomKey(seed: 4).normal(into: parameters.float32.baseAddress! + code.offset, count: code.shape.count)
    descent = GradientDescent(
      Optimizer(.adam()), learningRate: learningRate, schedule: Schedule(), clipping: .none, parameters: layout)
    self.during = during
  }

  var auxiliary: [FlatBuffer] { descent.moments + [averages] }

  func loss(_ batch: ShardBatch, metrics: inout Sums) throws -> Tensor {
    try during(batch.step.number)
    let z = encoder(.normal(RandomKey(seed: 5), rows: batch.indices, columns: 5), batch.pass())
    let (codes, nearest) = (batch.parameters[code], Tensor(uninitialized: z.shape))
    let (counts, sums) = (batch.statistics.doubles(count), batch.statistics.doubles(sum))
    for row in 0..<z.rows {
      let (z, width) = (z.pointer + row * Self.width, Self.width)
      let distances = (0..<Self.codes).map { k in
        (0..<width).reduce(Float(0)) { $0 + (z[$1] - codes.pointer[k * width + $1]).squared }
      }
      let k = distances.firstIndex(of: distances.min()!)!
      counts[k] += 1
      for j in 0..<width { sums[k * width + j] += Double(z[j]) }
      (nearest.pointer + row * width).update(from: codes.pointer + k * width, count: width)
    }
    let error = (z - nearest).squared().sum()
    metrics["error"] += Double(error.value)
    return error
  }

  func absorb(statistics: TotalStatistics, of step: Step) {
    for slot in [count, sum] {
      for (i, new) in statistics[slot].enumerated() {
        averages.doubles(slot)[i] = Self.decay * averages.doubles(slot)[i] + (1 - Self.decay) * new
      }
    }
    for i in 0..<code.shape.count where averages.doubles(count)[i / Self.width] > 1e-3 {
      parameters.float32[code.offset + i] = Float(averages.doubles(sum)[i] / averages.doubles(count)[i / Self.width])
    }
  }
}

extension Float {
  fileprivate var squared: Float { self * self }
}
