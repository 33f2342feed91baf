import CKernels
import Messages
import Synchronization
import Tensors
import Training

/// Contributions of one phase that nobody uses, to be written again: in the steady state nothing is allocated.
final class ContributionPool: Sendable {
  let phase: Phase
  private let free = Mutex<[Contribution]>([])

  init(_ phase: Phase) { self.phase = phase }

  func take() -> Sum {
    Sum(free.withLock { $0.popLast() } ?? Contribution(phase), of: self)
  }

  fileprivate func give(_ contribution: Contribution) { free.withLock { $0.append(contribution) } }
}

/// A contribution, or a sum of some. Whoever holds it may read it, on any thread; who holds it alone may write it.
/// So a message that is under way is never overwritten: it holds its sum until libzmq has sent it.
final class Sum: @unchecked Sendable {
  let contribution: Contribution
  private let pool: ContributionPool

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
      flushingDenormals {
        switch contribution.values.precision {
        case .float32:
          let starts: [UnsafePointer<Float>?] = [left, right].map {
            UnsafePointer($0.contribution.values.float32.baseAddress!) + range.lowerBound
          }
          elbo_sum_tree(starts, 2, contribution.values.float32.baseAddress! + range.lowerBound, range.count)
        case .float64:
          let starts: [UnsafePointer<Double>?] = [left, right].map {
            UnsafePointer($0.contribution.values.float64.baseAddress!) + range.lowerBound
          }
          elbo_sum_tree_f64(starts, 2, contribution.values.float64.baseAddress! + range.lowerBound, range.count)
        }
      }
      if range.lowerBound == 0 {
        let (one, other) = (left.tally, right.tally)
        tally = Tally(
          examples: one.examples + other.examples, metrics: zip(one.metrics, other.metrics).map { $0 + $1 })
      }
    }
  }
}

/// The numbers of one phase that an `ExchangeMachine` decides about.
struct PhaseStore {
  let tree: ShardTree
  let pool: ContributionPool
  private var own: [Subtree: Sum] = [:]
  private var sums: [Subtree: Sum] = [:]
  private(set) var total: Sum?

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

  /// Elements of a received chunk.
  mutating func store(
    _ subtree: Subtree, _ elements: RangeSet<Int>, from chunk: Chunk, _ payload: UnsafeRawBufferPointer
  ) {
    let target = target(subtree)
    for range in elements.ranges {
      let start = (range.lowerBound - chunk.elements.lowerBound) * target.stride
      target.bytes(range).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: payload[start..<start + range.count * target.stride]))
      if range.lowerBound == 0 { target.tally = chunk.tally! }
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

  /// The total is absorbed: only peers may still need it.
  mutating func keepTotal() {
    own = [:]
    sums = [:]
  }

  mutating func discardSums() {
    sums = [:]
    total = nil
  }
}
