import Cluster
import Messages
import Tensors
import Testing
import Training

/// Statistics behind a gradient, as nodes cut, add and send them.
@Suite("Statistics in an exchange") struct StatisticsExchangeTests {
  /// - Parameter slots: counts of numbers in each slot.
  private static func layout(_ slots: [Int]) -> Layout {
    var layout = Layout()
    for (index, count) in slots.enumerated() { layout.add("\(index)", [count]) }
    return layout
  }

  private static func pool(_ numbers: [Int], _ statistics: [Int], rounding: ExchangePrecision) -> ContributionPool {
    let phase = Phase("phase", layout: layout(numbers), statistics: layout(statistics), metrics: [])
    return ContributionPool(phase, rounding: rounding, isShared: true)
  }

  static let sizes: [(numbers: [Int], statistics: [Int])] = [
    ([1], [1]), ([17], [3]), ([5, 31, 2], [7, 1]), ([1000, 3], [1, 33]), ([16], [16]), ([257], [999]), ([9, 9], []),
    ([], [5]),
  ]

  /// For any owners, and any length of messages: no message cuts a statistic in two, or has parts of both regions.
  @Test(arguments: sizes.indices) func noStatisticIsCut(_ index: Int) {
    let pool = Self.pool(Self.sizes[index].numbers, Self.sizes[index].statistics, rounding: .bfloat16)
    let phase = pool.phase
    #expect(phase.layout.count % 16 == 0)
    for count in Array(1...40) + [100, 1000] {
      let members = (1...UInt32(count)).map { NodeNumber(rawValue: $0)! }
      let ownership = RangeOwnership(members: members, count: phase.count)
      for limit in [16, 48, 1 << 16] {
        var sent = Intervals()
        for (_, part) in ownership.parts(of: Intervals(0..<phase.count)) {
          for piece in part.pieces(limit: limit) {
            for region in phase.regions(of: piece) {
              #expect(pool.canBeSent(region))
              #expect(region.lowerBound % 2 == 0 && region.upperBound % 2 == 0)
              #expect((pool.wire(of: region) == .bfloat16) == (region.upperBound <= phase.layout.count))
              sent.formUnion(Intervals(region))
            }
          }
        }
        #expect(sent == Intervals(0..<phase.count))
      }
    }
  }

  /// Of a peer whose ranges are others, no number is believed.
  @Test func whatCutsAStatisticIsNotBelieved() {
    let pool = Self.pool([40], [20], rounding: .float32)
    let (boundary, count) = (48, 112)
    #expect(pool.phase.layout.count == boundary && pool.phase.count == count)
    for elements in [0..<boundary, boundary..<count, 16..<32, 64..<80] { #expect(pool.canBeSent(elements)) }
    for elements in [
      0..<count, 32..<64, boundary..<boundary + 1, boundary + 1..<count, 49..<51, 0..<47, count..<count + 16,
      96..<count + 16,
    ] { #expect(!pool.canBeSent(elements)) }
  }

  @Test(arguments: ExchangePrecision.allCases) func areWrittenAsTheyAre(_ rounding: ExchangePrecision) {
    let pool = Self.pool([40], [20], rounding: rounding)
    #expect(pool.wire(of: 0..<48) == (rounding == .bfloat16 ? .bfloat16 : .float32))
    #expect(pool.wire(of: 48..<112) == .float32)
    // A sum whose numbers are halved on the way is not read where it lies.
    #expect((pool.take().place == nil) == (rounding == .bfloat16))
  }

  private static func fill(_ contribution: Contribution, shard: Int) {
    for index in contribution.values.float32.indices {
      contribution.values.float32[index] = 1 / Float(shard + index + 3)
    }
    for index in contribution.statistics.float64.indices {
      contribution.statistics.float64[index] = 1 / Double(shard + index + 7)
    }
  }

  /// Added in pieces, as ranges of many owners are, they are what one process adds.
  @Test(arguments: ExchangePrecision.allCases, [16, 32, 48, 1 << 16])
  func equalThoseOfOneProcess(_ rounding: ExchangePrecision, _ piece: Int) {
    let pool = Self.pool([40, 70], [20, 1], rounding: rounding)
    var store = PhaseStore(shards: 5, pool: pool)
    let contributions = (0..<5).map { shard in
      let (sum, contribution) = (pool.take(), Contribution(pool.phase))
      for contribution in [sum.contribution, contribution] {
        Self.fill(contribution, shard: shard)
        contribution.round(to: rounding)
      }
      store.contribute(shard: shard, sum)
      return contribution
    }
    for block in [0..<2, 2..<4, 0..<4, 0..<5] {
      for part in Intervals(0..<pool.phase.count).pieces(limit: piece).reversed() {
        store.merge(block, Intervals(part))
      }
    }
    let (sum, total) = (store.partial(0..<5).contribution, Total(of: contributions[...], precision: rounding))
    #expect(Array(sum.values.float32).map(\.bitPattern) == Array(total.float32(block: 0)).map(\.bitPattern))
    for slot in pool.phase.statistics.slots {
      #expect(
        Array(sum.statistics.doubles(slot)).map(\.bitPattern) == Array(total.statistics()[slot]).map(\.bitPattern))
    }
  }
}
