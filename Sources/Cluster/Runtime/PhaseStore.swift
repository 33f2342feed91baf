import CKernels
import Messages
import Synchronization
import Tensors
import Training
import ZeroMQ

/// Contributions of one phase that nobody uses, to be written again: in the steady state nothing is allocated.
final class ContributionPool: Sendable {
  let phase: Phase
  /// What contributions and their sums are rounded to.
  let rounding: ExchangePrecision
  private let free = Mutex<[Contribution]>([])

  init(_ phase: Phase, rounding: ExchangePrecision) {
    self.phase = phase
    self.rounding = rounding
  }

  /// How numbers of this phase are written into messages.
  var wire: Messages.Precision {
    switch (phase.precision, rounding) {
    case (.float64, _): .float64
    case (.float32, .float32): .float32
    case (.float32, .bfloat16): .bfloat16
    }
  }

  func take() -> Sum {
    Sum(free.withLock { $0.popLast() } ?? Contribution(phase), of: self)
  }

  fileprivate func give(_ contribution: Contribution) { free.withLock { $0.append(contribution) } }
}

/// A contribution, or a sum of some. Whoever holds it may read it, on any thread; who holds it alone may write it.
/// So a message that is under way is never overwritten: it holds its sum until libzmq has sent it.
final class Sum: @unchecked Sendable {
  let contribution: Contribution
  let pool: ContributionPool

  fileprivate init(_ contribution: Contribution, of pool: ContributionPool) {
    self.contribution = contribution
    self.pool = pool
  }

  deinit { pool.give(contribution) }

  var stride: Int { contribution.values.precision.stride }

  /// The bytes of these elements.
  func bytes(_ elements: Range<Int>) -> UnsafeMutableRawBufferPointer {
    let all = contribution.values.bytes
    return UnsafeMutableRawBufferPointer(
      rebasing: all[elements.lowerBound * stride..<elements.upperBound * stride])
  }

  var tally: Tally {
    get { Tally(examples: Double(contribution.examples), metrics: contribution.metrics) }
    set {
      contribution.examples = Int(newValue.examples)
      contribution.metrics = newValue.metrics
    }
  }

  /// `self = left + right` on these elements; with element 0 goes the tally. `self` may be `left`.
  func add(_ left: Sum, _ right: Sum, on elements: RangeSet<Int>) {
    for range in elements.ranges {
      let (one, other) = (left.bytes(range), right.bytes(range))
      add(UnsafeRawBufferPointer(one), UnsafeRawBufferPointer(other), on: range)
      if range.lowerBound == 0 { tally = left.tally + right.tally }
    }
  }

  /// `self = left + right`, numbers of this phase's precision that are aligned as such.
  func add(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, on range: Range<Int>) {
    let target = bytes(range)
    flushingDenormals {
      switch contribution.values.precision {
      case .float32:
        let starts = [left, right].map { $0.assumingMemoryBound(to: Float.self).baseAddress }
        elbo_sum_tree(starts, 2, target.assumingMemoryBound(to: Float.self).baseAddress!, range.count)
        if pool.rounding == .bfloat16 { BFloat16.round(target.assumingMemoryBound(to: Float.self)) }
      case .float64:
        let starts = [left, right].map { $0.assumingMemoryBound(to: Double.self).baseAddress }
        elbo_sum_tree_f64(starts, 2, target.assumingMemoryBound(to: Double.self).baseAddress!, range.count)
      }
    }
  }
}

extension Tally {
  fileprivate static func + (left: Tally, right: Tally) -> Tally {
    Tally(examples: left.examples + right.examples, metrics: zip(left.metrics, right.metrics).map { $0 + $1 })
  }
}

/// The numbers of one phase that an `ExchangeMachine` decides about.
struct PhaseStore {
  let tree: ShardTree
  let pool: ContributionPool
  private var own: [Subtree: Sum] = [:]
  private var sums: [Subtree: Sum] = [:]
  private(set) var total: Sum?
  /// A partial sum in the message at hand: mostly it is added to another at once, and never stored.
  private var received: ReceivedSum?
  private var checksum = TotalChecksum()

  init(shards: Int, pool: ContributionPool) {
    tree = ShardTree(count: shards)
    self.pool = pool
  }

  mutating func contribute(shard: Int, _ sum: Sum) { own[shard..<shard + 1] = sum }

  mutating func merge(_ subtree: Subtree, _ elements: RangeSet<Int>) {
    let (left, right) = tree.children(of: subtree)!
    // Contributions come whole, so their sums are whole too.
    precondition(elements == RangeSet(0..<pool.phase.layout.count), "a part of a contribution")
    var one = own.removeValue(forKey: left)!
    let other = own.removeValue(forKey: right)!
    let target = isKnownUniquelyReferenced(&one) ? one : pool.take()
    target.add(one, other, on: elements)
    own[subtree] = target
  }

  mutating func sum(_ subtree: Subtree, _ elements: RangeSet<Int>, _ left: SumSource, _ right: SumSource) {
    let (leftTree, rightTree) = tree.children(of: subtree)!
    if let received, left != right, elements.ranges.count == 1, received.elements.isSuperset(of: elements),
      received.subtree == (left == .sums ? leftTree : rightTree), received.canBeAdded
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

  mutating func promote(_ elements: RangeSet<Int>) {
    if total == nil, elements == RangeSet(0..<pool.phase.layout.count) {
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
    _ subtree: Subtree, _ elements: RangeSet<Int>, from chunk: Chunk, _ payload: UnsafeRawBufferPointer
  ) {
    keepReceived()
    received = ReceivedSum(subtree: subtree, elements: elements, chunk: chunk, payload: payload)
    guard subtree == tree.root else { return }
    if elements == RangeSet(chunk.elements) { checksum.add(chunk.elements, chunk.checksum) }
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

  func partial(_ subtree: Subtree) -> Sum { own[subtree]! }

  /// Elements of the total have this checksum, as they are written into messages.
  mutating func note(_ elements: Range<Int>, checksum: UInt32) { self.checksum.add(elements, checksum) }

  /// CRC-32C of the total as it is written into messages; mostly joined from those of its chunks.
  func totalChecksum() -> UInt32 {
    let (count, stride) = (pool.phase.layout.count, pool.wire.stride)
    if let known = checksum.whole(count: count, stride: stride) { return known }
    return Checksum.crc32c(total!.payload(0..<count).bytes)
  }

  /// The total is absorbed: only peers may still need it.
  mutating func keepTotal() {
    own = [:]
    sums = [:]
  }

  mutating func discardSums() {
    sums = [:]
    total = nil
    received = nil
    checksum = TotalChecksum()
  }
}
