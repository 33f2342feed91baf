import CKernels
import Messages
import Synchronization
import Tensors
import Training

/// Contributions of one phase that are not in use, to be written again: in the steady state nothing is allocated.
package final class ContributionPool: Sendable {
  package let phase: Phase
  /// What contributions and their sums are rounded to.
  let rounding: ExchangePrecision
  /// Whether other nodes of this machine may read them.
  private let isShared: Bool
  private let free = Mutex<[Contribution]>([])
  /// The memory of those that others may read. They live as long as the pool, so a name stays good.
  private let memories = Mutex<[ObjectIdentifier: SharedMemory]>([:])

  package init(_ phase: Phase, rounding: ExchangePrecision, isShared: Bool) {
    self.phase = phase
    self.rounding = rounding
    // What is written into messages in another way than it lies in memory has to be sent.
    self.isShared = isShared && (rounding == .float32 || phase.precision == .float64)
  }

  /// How elements of one region are written into messages. Each half of a statistic goes as the bits of a float32.
  package func wire(of region: Range<Int>) -> Messages.Precision {
    switch (phase.precision, phase.precision(of: region), rounding) {
    case (.float64, _, _): .float64
    case (.float32, .float32, .bfloat16): .bfloat16
    case (.float32, _, _): .float32
    }
  }

  /// Whether these are elements that a message may have: of one region, and in whole granules, so that no statistic is
  /// cut in two.
  package func canBeSent(_ elements: Range<Int>) -> Bool {
    elements.upperBound <= phase.count && RangeOwnership.isAligned(elements, of: phase.count)
      && phase.regions(of: elements).count == 1
  }

  package func take() -> Sum {
    let contribution = free.withLock { $0.popLast() } ?? make()
    return Sum(contribution, at: memories.withLock { $0[ObjectIdentifier(contribution)] }?.renew(), of: self)
  }

  private func make() -> Contribution {
    guard isShared, let memory = SharedMemory(count: phase.count * phase.precision.stride) else {
      return Contribution(phase)
    }
    let contribution = Contribution(phase, in: memory.numbers, keeping: memory)
    memories.withLock { $0[ObjectIdentifier(contribution)] = memory }
    return contribution
  }

  fileprivate func give(_ contribution: Contribution) { free.withLock { $0.append(contribution) } }
}

/// A contribution, or a sum of some. Any holder may read it, on any thread; a sole holder may write it. So a message
/// that is under way is never overwritten: it holds its sum until libzmq has sent it.
package final class Sum: @unchecked Sendable {
  package let contribution: Contribution
  let pool: ContributionPool
  /// Where other nodes of this machine can read it.
  package let place: Place?

  fileprivate init(_ contribution: Contribution, at place: Place?, of pool: ContributionPool) {
    self.contribution = contribution
    self.place = place
    self.pool = pool
  }

  deinit { pool.give(contribution) }

  var stride: Int { contribution.values.precision.stride }

  /// The bytes of these elements.
  func bytes(_ elements: Range<Int>) -> UnsafeMutableRawBufferPointer {
    let all = contribution.bytes
    return UnsafeMutableRawBufferPointer(
      rebasing: all[elements.lowerBound * stride..<elements.upperBound * stride])
  }

  var tally: Tally {
    get { Tally(examples: Double(contribution.examples), metrics: contribution.metrics.values) }
    set {
      contribution.examples = Int(newValue.examples)
      contribution.metrics.values = newValue.metrics
    }
  }

  /// `self = left + right` on these elements; with element 0 goes the tally. `self` may be `left`.
  func add(_ left: Sum, _ right: Sum, on elements: Intervals) {
    for range in elements.ranges {
      let (one, other) = (left.bytes(range), right.bytes(range))
      add(UnsafeRawBufferPointer(one), UnsafeRawBufferPointer(other), on: range)
      if range.lowerBound == 0 { tally = left.tally + right.tally }
    }
  }

  /// `self = left + right`, elements of this phase that are aligned as the numbers that they are.
  func add(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, on range: Range<Int>) {
    flushingDenormals {
      for region in pool.phase.regions(of: range) {
        let offset = (region.lowerBound - range.lowerBound) * stride
        let sources = [left.baseAddress! + offset, right.baseAddress! + offset]
        switch pool.phase.precision(of: region) {
        case .float32:
          let starts = sources.map { $0.assumingMemoryBound(to: Float.self) as UnsafePointer<Float>? }
          let target = bytes(region).assumingMemoryBound(to: Float.self)
          elbo_sum_tree(starts, 2, target.baseAddress!, target.count)
          if pool.rounding == .bfloat16 { BFloat16.round(target) }
        case .float64:
          let starts = sources.map { $0.assumingMemoryBound(to: Double.self) as UnsafePointer<Double>? }
          let target = bytes(region).assumingMemoryBound(to: Double.self)
          elbo_sum_tree_f64(starts, 2, target.baseAddress!, target.count)
        }
      }
    }
  }
}

extension Tally {
  static func + (left: Tally, right: Tally) -> Tally {
    Tally(examples: left.examples + right.examples, metrics: zip(left.metrics, right.metrics).map { $0 + $1 })
  }
}
