import Cluster
import Messages
import Tensors
import Testing
import Training

/// The numbers of a phase, where peers of this machine read them.
@Suite struct PhaseStoreTests {
  private static let count = 64

  private func pool() -> ContributionPool {
    var layout = Layout()
    layout.add("numbers", [Self.count])
    return ContributionPool(Phase("phase", layout: layout, metrics: []), rounding: .float32, isShared: true)
  }

  private func contribute(_ shard: Int, to store: inout PhaseStore, from pool: ContributionPool) {
    let sum = pool.take()
    sum.contribution.values.float32.update(repeating: Float(shard))
    store.contribute(shard: shard, sum)
  }

  private func numbers(_ sum: Sum) -> [Float] { Array(sum.contribution.values.float32) }

  /// Shards 2 and 3 were this node's and are added as far as they are there. Then a view comes that has shard 3
  /// computed elsewhere, so a peer receives the place of shard 2, and reads it after the rest of shard 3 was added
  /// here.
  @Test func whatAPeerWasToldOfStaysWhenTheRestIsAdded() {
    let pool = pool()
    var store = PhaseStore(shards: 4, pool: pool)
    for shard in 2...3 { contribute(shard, to: &store, from: pool) }
    store.merge(2..<4, Intervals(32..<64))
    let told = store.partial(2..<3)
    store.lend(told)
    store.merge(2..<4, Intervals(0..<32))
    #expect(numbers(told)[0..<32].allSatisfy { $0 == 2 })
    #expect(numbers(store.partial(2..<4)).allSatisfy { $0 == 5 })
  }

  /// The usual case costs no memory: all at once, and no peer reads it.
  @Test func aWholeSumTakesTheLeftChildsPlace() {
    let pool = pool()
    var store = PhaseStore(shards: 4, pool: pool)
    for shard in 0...1 { contribute(shard, to: &store, from: pool) }
    let place = store.partial(0..<1).contribution
    store.merge(0..<2, Intervals(0..<Self.count))
    #expect(store.partial(0..<2).contribution === place)
    #expect(numbers(store.partial(0..<2)).allSatisfy { $0 == 1 })
  }
}
