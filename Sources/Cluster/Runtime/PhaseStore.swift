import Messages
import Tensors
import Training
import ZeroMQ

/// The numbers of one phase that an `ExchangeMachine` decides about.
package struct PhaseStore {
  let tree: ShardTree
  let pool: ContributionPool
  private var own: [Subtree: Sum] = [:]
  /// How many elements of a block are the sum of its children's.
  private var mergedCount: [Subtree: Int] = [:]
  private var sums: [Subtree: Sum] = [:]
  /// Sums that peers read where they lie: they are not written any more until the phase is over.
  private var lent: [ObjectIdentifier: Sum] = [:]
  private(set) var total: Sum?
  /// A partial sum in the message at hand: mostly it is added to another at once, and never stored.
  private var received: ReceivedSum?
  private var checksum = TotalChecksum()

  package init(shards: Int, pool: ContributionPool) {
    tree = ShardTree(count: shards)
    self.pool = pool
  }

  /// Elements of a shard's contribution are there: the first, or more of the same.
  package mutating func contribute(shard: Int, _ sum: Sum) {
    let leaf = shard..<shard + 1
    if own[leaf] == nil { own[leaf] = sum }
  }

  package mutating func merge(_ subtree: Subtree, _ elements: Intervals) {
    let (left, right) = tree.children(of: subtree)!
    var one = own.removeValue(forKey: left)!
    let other = own[right]!
    // In the left child's place if no other holder reads it, now or later: of a part, the rest may still go to a peer
    // by itself, which then reads it there.
    let isWhole = elements == Intervals(0..<pool.phase.count)
    let target = own[subtree] ?? (isWhole && isKnownUniquelyReferenced(&one) ? one : pool.take())
    target.add(one, other, on: elements)
    own[subtree] = target
    own[left] = one
    mergedCount[subtree, default: 0] += elements.count
    if mergedCount[subtree] == pool.phase.count {
      own[left] = nil
      own[right] = nil
    }
  }

  mutating func sum(_ subtree: Subtree, _ elements: Intervals, _ left: SumSource, _ right: SumSource) {
    let (leftTree, rightTree) = tree.children(of: subtree)!
    if let received, left != right, elements.ranges.count == 1, received.elements.isSuperset(of: elements),
      received.subtree == (left == .sums ? leftTree : rightTree),
      received.canBeAdded(as: pool.phase.precision(of: elements.ranges[0]))
    {
      let range = elements.ranges[0]
      let other = left == .own ? own[leftTree]! : own[rightTree]!
      let (mine, theirs) = (UnsafeRawBufferPointer(other.bytes(range)), received.bytes(range))
      let target = target(subtree)
      target.add(left == .own ? mine : theirs, left == .own ? theirs : mine, on: range)
      if range.lowerBound == 0 {
        let tally = received.chunk.tally!
        target.tally = left == .own ? other.tally + tally : tally + other.tally
      }
      self.received!.elements.subtract(elements)
      return
    }
    keepReceived()
    let one = left == .own ? own[leftTree]! : sums[leftTree]!
    let other = right == .own ? own[rightTree]! : sums[rightTree]!
    target(subtree).add(one, other, on: elements)
  }

  mutating func promote(_ elements: Intervals) {
    if total == nil, elements == Intervals(0..<pool.phase.count) {
      total = own[tree.root]
      return
    }
    for range in elements.ranges {
      target(tree.root).bytes(range).copyMemory(from: UnsafeRawBufferPointer(own[tree.root]!.bytes(range)))
      if range.lowerBound == 0 { target(tree.root).tally = own[tree.root]!.tally }
    }
  }

  /// Elements of the chunk that is being received; `keepReceived` follows before its payload is gone.
  mutating func store(
    _ subtree: Subtree, _ elements: Intervals, from chunk: Chunk, _ payload: UnsafeRawBufferPointer
  ) {
    keepReceived()
    received = ReceivedSum(subtree: subtree, elements: elements, chunk: chunk, payload: payload)
    guard subtree == tree.root else { return }
    if elements == Intervals(chunk.elements) { checksum.add(chunk.elements, chunk.checksum) }
    keepReceived()
  }

  /// Copies what is still needed of the chunk that is being received.
  mutating func keepReceived() {
    guard let received else { return }
    self.received = nil
    for range in received.elements.ranges {
      let target = target(received.subtree)
      received.copy(range, to: target.bytes(range))
      if range.lowerBound == 0 { target.tally = received.chunk.tally! }
    }
  }

  /// Where sums of a subtree stand; the root's are the total.
  private mutating func target(_ subtree: Subtree) -> Sum {
    if subtree == tree.root {
      if total == nil { total = pool.take() }
      return total!
    }
    if let sum = sums[subtree] { return sum }
    let sum = pool.take()
    sums[subtree] = sum
    return sum
  }

  package func partial(_ subtree: Subtree) -> Sum { own[subtree]! }

  /// Keeps this sum, whose place peers receive.
  package mutating func lend(_ sum: Sum) { lent[ObjectIdentifier(sum)] = sum }

  /// Elements of the total have this checksum, as they are written into messages.
  mutating func note(_ elements: Range<Int>, checksum: UInt32) { self.checksum.add(elements, checksum) }

  /// CRC-32C of the total as it is written into messages; mostly joined from those of its chunks.
  func totalChecksum() -> UInt32 {
    let (count, pool) = (pool.phase.count, pool)
    if let known = checksum.whole(count: count, stride: { pool.wire(of: $0).stride }) { return known }
    var checksum = TotalChecksum()
    for region in pool.phase.regions(of: 0..<count) {
      checksum.add(region, Checksum.crc32c(total!.payload(region).bytes))
    }
    return checksum.whole(count: count, stride: { pool.wire(of: $0).stride })!
  }

  /// The total is absorbed: only peers may still need it.
  mutating func keepTotal() {
    own = [:]
    mergedCount = [:]
    sums = [:]
    lent = [:]
  }

  mutating func discardSums() {
    sums = [:]
    total = nil
    received = nil
    checksum = TotalChecksum()
  }
}
