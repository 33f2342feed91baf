import Learners
import Networks
import Optimizers
import Tensors
import Testing
import Training

/// A learner without examples that are held out.
protocol TestLearner: GradientLearner {}

extension TestLearner {
  var evaluationMetrics: [String] { [] }
  var evaluationCount: Int { 0 }
  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {}
}

/// A learner of a kind.
struct Subject: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let make: @Sendable (@escaping StepHook) -> any Learner

  static let all = [
    Subject(testDescription: "a codebook") { Codebook(during: $0) },
    Subject(testDescription: "a network on streams") { StreamNetwork(during: $0) },
  ]

  func cluster(nodes: Int, shards: Int) -> LocalCluster {
    var cluster = LocalCluster(nodes: nodes, shards: shards)
    (cluster.learner, cluster.steps) = ({ [make] in make($1) }, 11)
    return cluster
  }

  /// In the middle of the second epoch of each of them.
  static let middle = 6
}

/// Streams whose next rows are known, whatever the parameters are, and a count of more than a float32 holds.
final class Known: TestLearner {
  static let rows: [[Float]] = [
    [-0.0, 0.1], [.greatestFiniteMagnitude, .leastNormalMagnitude], [-1 / 3, 1], [.pi, -0.0], [16_777_216, 0],
  ]
  static let first = 1 << 24
  let parameters: FlatBuffer
  let descent: GradientDescent
  let statistics: Layout
  let metrics: [String] = []
  let order = Order.Kind.streams(count: rows.count, steps: 3)
  let exampleCount = rows.count
  let carry: Carry
  private(set) var counted = 0.0
  private let count: Slot

  init() {
    var (layout, sums) = (Layout(), Layout())
    layout.add("weight", [3])
    count = sums.add("count", .scalar)
    carry = Carry(streams: Self.rows.count, width: 2, statistics: &sums)
    (statistics, parameters) = (sums, FlatBuffer("parameters", layout))
    descent = GradientDescent(
      Optimizer(.sgd), learningRate: 0, schedule: Schedule(), clipping: .none, parameters: layout)
  }

  var auxiliary: [FlatBuffer] { [carry.rows] }

  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let streams = batch.indices.map { Int($0) }
    batch.statistics.doubles(count)[0] += Double(streams.reduce(0) { $0 + ($1 == 0 ? Self.first : 1) })
    carry.hand(on: Tensor(streams.flatMap { Self.rows[$0] }, [streams.count, 2]), of: batch)
    return batch.parameters[parameters.layout.slots[0]].sum() * 0.3
  }

  func absorb(statistics: TotalStatistics, of step: Step) {
    counted = statistics[count][0]
    carry.absorb(statistics)
  }
}

extension Known: @unchecked Sendable {}
