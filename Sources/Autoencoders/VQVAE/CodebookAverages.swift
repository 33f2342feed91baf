import Learners
import Networks
import Recipes
import Tensors
import Training

/// The codes as means of the vectors that they were the nearest of: N ← γ N + (1 − γ) n, m ← γ m + (1 − γ) Σ z, e = m / N
/// (van den Oord, Vinyals and Kavukcuoglu 2017, appendix A.1), with n and Σ z over all positions of a step. They are
/// statistics: shards add them up, and each step absorbs the total once.
///
/// N starts at 1 and m at the codes, so that a code stays until it is used. Where N falls below a threshold, a vector of
/// the step takes the code's place, with N at twice the threshold. Which vectors stand ready is a function of the step
/// alone: the shard that has one's example hands it in, all others leave zeros.
struct CodebookAverages: Sendable {
  /// Vectors that stand ready at a step.
  private static let candidates = 16

  let statistics: Layout
  let averages: FlatBuffer
  let count: Slot
  private let (sum, candidate): (Slot, Slot)
  private let (averageCount, averageSum): (Slot, Slot)
  private let quantizer: VectorQuantizer
  private let decay: Double
  private let threshold: Double

  /// Reads `decay` and `revive_below`.
  init(_ section: RecipeSection, _ quantizer: VectorQuantizer) throws {
    decay = try section.number("decay", default: 0.99, in: 0...0.999_999)
    threshold = try section.number("revive_below", default: 1, in: 0...1e9)
    self.quantizer = quantizer
    var (layout, own) = (Layout(), Layout())
    count = layout.add("count", [quantizer.count])
    sum = layout.add("sum", [quantizer.count, quantizer.width])
    candidate = layout.add("candidates", [CodebookAverages.candidates, quantizer.width])
    statistics = layout
    averageCount = own.add("count", [quantizer.count])
    averageSum = own.add("sum", [quantizer.count, quantizer.width])
    averages = FlatBuffer("codebook", own, precision: .float64)
  }

  func start(from parameters: FlatBuffer) {
    let (counts, sums) = (averages.doubles(averageCount), averages.doubles(averageSum))
    for index in counts.indices { counts[index] = 1 }
    for index in sums.indices { sums[index] = Double(parameters.float32[quantizer.codes.offset + index]) }
  }

  /// Adds a shard's vectors.
  /// - Parameters:
  ///   - z: a row a position, `positions` an example.
  ///   - indices: the nearest code of each row.
  func observe(_ z: Tensor, _ indices: [Int], of batch: ShardBatch, positions: Int) {
    let width = quantizer.width
    let (counts, sums) = (batch.statistics.doubles(count), batch.statistics.doubles(sum))
    for (row, index) in indices.enumerated() {
      counts[index] += 1
      for column in 0..<width { sums[index * width + column] += Double(z.pointer[row * width + column]) }
    }
    let ready = batch.statistics.doubles(candidate)
    let uniform = Tensor.uniform(
      batch.key(NoiseStream.latent), rows: (0..<UInt32(CodebookAverages.candidates)).map { $0 }, columns: 2)
    let all = batch.step.examples.indices
    for place in 0..<CodebookAverages.candidates {
      func pick(_ column: Int, below bound: Int) -> Int {
        min(Int(uniform.pointer[2 * place + column] * Float(bound)), bound - 1)
      }
      guard let example = batch.indices.firstIndex(of: all[pick(0, below: all.count)]) else { continue }
      let row = example * positions + pick(1, below: positions)
      for column in 0..<width { ready[place * width + column] = Double(z.pointer[row * width + column]) }
    }
  }

  func absorb(_ statistics: TotalStatistics, into parameters: FlatBuffer) {
    let width = quantizer.width
    let (counts, sums) = (averages.doubles(averageCount), averages.doubles(averageSum))
    for (index, new) in statistics[count].enumerated() { counts[index] = decay * counts[index] + (1 - decay) * new }
    for (index, new) in statistics[sum].enumerated() { sums[index] = decay * sums[index] + (1 - decay) * new }
    let ready = statistics[candidate]
    var used = 0
    for index in counts.indices where counts[index] < threshold && used < CodebookAverages.candidates {
      counts[index] = 2 * threshold
      for column in 0..<width { sums[index * width + column] = 2 * threshold * ready[used * width + column] }
      used += 1
    }
    let codes = parameters.float32.baseAddress! + quantizer.codes.offset
    for index in sums.indices where counts[index / width] > 0 {
      codes[index] = Float(sums[index] / counts[index / width])
    }
  }
}
