import Foundation
import Synchronization
import Tensors
import Testing
import Training

@Suite struct CrewTests {
  private struct Refusal: Error, Equatable { let item: Int }

  @Test(arguments: [1, 2, 3, 8])
  func everyItemIsDoneOnce(lanes: Int) throws {
    let crew = Crew(lanes: lanes)
    for count in [0, 1, 2, 7, 1000] {
      let done = Mutex([Int](repeating: 0, count: count))
      try crew.forEach(count) { item, _ in done.withLock { $0[item] += 1 } }
      #expect(done.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test func theErrorOfTheLowestItemIsThrownAndTheCrewGoesOn() throws {
    let crew = Crew(lanes: 3)
    for _ in 0..<100 {
      #expect(throws: Refusal(item: 3)) {
        try crew.forEach(20) { item, _ in if item >= 3 { throw Refusal(item: item) } }
      }
    }
    try crew.forEach(5) { _, _ in }
  }

  @Test func aLaneRunsOneItemAtATime() throws {
    let crew = Crew(lanes: 4)
    let busy = Mutex([Int](repeating: 0, count: 4))
    try crew.forEach(500) { _, lane in
      busy.withLock { $0[lane.index] += 1 }
      #expect(busy.withLock { $0[lane.index] } == 1)
      busy.withLock { $0[lane.index] -= 1 }
    }
  }

  @Test func crewsComeAndGo() throws {
    for _ in 0..<50 {
      let crew = Crew(lanes: 3)
      try crew.forEach(3) { _, _ in }
    }
  }

  /// PRIO_PROCESS, whose type is not the same everywhere.
  private static let threads: Int32 = 0

  /// Who may, as root, gets threads from the concurrency pool whose niceness is not the process's; a lane started by one
  /// has the process's all the same.
  @Test(.enabled(if: geteuid() == 0)) func aLaneIsAsNiceAsItsProcess() async {
    let (starter, lane) = await withCheckedContinuation { continuation in
      Thread {
        setpriority(Self.threads, 0, getpriority(Self.threads, id_t(getpid())) + 1)
        let found = Mutex<Int32?>(nil)
        let arrived = Atomic(0)
        try? Crew(lanes: 2).forEach(2) { _, lane in
          if lane.index == 1 { found.withLock { $0 = getpriority(Self.threads, 0) } }
          // Each lane has an item.
          arrived.add(1, ordering: .relaxed)
          while arrived.load(ordering: .relaxed) < 2 { sched_yield() }
        }
        continuation.resume(returning: (getpriority(Self.threads, 0), found.withLock { $0 }))
      }.start()
    }
    let process = getpriority(Self.threads, id_t(getpid()))
    #expect(starter == process + 1)
    #expect(lane == process)
  }
}

@Suite struct OrderTests {
  @Test func anEpochSeesEveryExampleOnce() {
    let order = Order(.shuffled(batch: 10), exampleCount: 103, seed: 5)
    var cursor = Order.Cursor(order, total: 22)
    for epoch in 0..<2 {
      var seen: [UInt32] = []
      for step in 0..<order.stepsPerEpoch {
        let step = cursor.step(epoch * order.stepsPerEpoch + step)
        #expect(step.epoch == epoch)
        for shard in 0..<4 { seen += step.examples.shard(shard, of: 4).indices }
      }
      #expect(seen.sorted() == (0..<103).map { UInt32($0) })
    }
  }

  @Test func aStepDoesNotDependOnWhereTheCursorBegan() {
    let order = Order(.shuffled(batch: 10), exampleCount: 103, seed: 5)
    var fromStart = Order.Cursor(order, total: 40)
    let steps = (0..<40).map { fromStart.step($0).examples.indices }
    for start in [1, 10, 11, 39] {
      var cursor = Order.Cursor(order, total: 40)
      #expect(cursor.step(start).examples.indices == steps[start])
    }
  }

  @Test func epochsAndSeedsHaveOrdersOfTheirOwn() {
    let order = Order(.shuffled(batch: 10), exampleCount: 50, seed: 1)
    #expect(order.permutation(epoch: 0) != order.permutation(epoch: 1))
    #expect(order.permutation(epoch: 0) != Order(.shuffled(batch: 10), exampleCount: 50, seed: 2).permutation(epoch: 0))
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7, 16])
  func shardsAreContiguousAndOfSizesThatDifferByOneAtMost(count: Int) {
    let examples = Examples.range(10..<33)
    let shards = (0..<count).map { examples.shard($0, of: count) }
    #expect(shards.flatMap(\.indices) == (10..<33).map { UInt32($0) })
    #expect(shards.map(\.count).max()! - shards.map(\.count).min()! <= 1)
  }
}

@Suite struct TreeSumTests {
  @Test(arguments: [0, 1, 2, 3, 4, 5, 8, 13])
  func theTreeIsTheOneThatIsWrittenDown(count: Int) {
    // Numbers whose sums round, so that another order gives other bits.
    let values = (0..<count).map { 1 / Double($0 + 3) }
    func sum(_ range: Range<Int>) -> Double {
      if range.count <= 1 { return range.isEmpty ? 0 : values[range.lowerBound] }
      var half = 1
      while half * 2 < range.count { half *= 2 }
      let middle = range.lowerBound + half
      return sum(range.lowerBound..<middle) + sum(middle..<range.upperBound)
    }
    #expect(TreeSum.of(values) == sum(0..<count))
  }
}
