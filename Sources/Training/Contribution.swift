import CKernels
import Tensors

/// A part of a step with a contribution of its own: discriminator and generator, E and M.
public struct Phase: Sendable {
  public let name: String
  /// What the flat numbers of a contribution are.
  public let layout: Layout
  public let precision: Precision
  /// What lies behind the flat numbers, always in float64: sums that a rule of their own absorbs, such as counts.
  public let statistics: Layout
  /// The names of the sums that a contribution carries beside its numbers, such as `elbo`; reported as means over
  /// examples.
  public let metrics: [String]
  /// The phase comes once in so many steps: 16 for a regularization that is computed now and then. The first phase
  /// belongs to every step.
  public let period: Int
  /// The first step that has the phase; below the period.
  public let offset: Int
  /// How many items the phase has of its own for its shards to share; nil: the shards share the examples of the step.
  public let items: Int?

  public init(
    _ name: String, layout: Layout, precision: Precision = .float32, statistics: Layout = Layout(),
    metrics: [String], period: Int = 1, offset: Int = 0, items: Int? = nil
  ) {
    precondition(0..<period ~= offset, "the first step that has a phase is one of its first period")
    precondition(
      statistics.slots.isEmpty || precision == .float32, "a phase of float64 numbers has its statistics among them")
    self.name = name
    self.layout = layout
    self.precision = precision
    self.statistics = statistics
    self.metrics = metrics
    self.period = period
    self.offset = offset
    self.items = items
  }

  /// Whether a step has this phase.
  public func belongs(to step: Int) -> Bool { step % period == offset }

  /// One of `count` shards of this phase in a step.
  package func shard(_ index: Int, of count: Int, in step: Step) -> Shard {
    let examples = items.map { .range(0..<$0) } ?? step.examples
    return Shard(index: index, count: count, examples: examples.shard(index, of: count))
  }
}

/// What one shard yields: flat numbers (a gradient, or sufficient statistics), statistics beside a gradient, a count of
/// examples and sums of metrics. Contributions add.
///
/// One lane writes it, from nothing: a learner sets every number of `values`, and adds to what begins as zeros.
public final class Contribution: @unchecked Sendable {
  public let values: FlatBuffer
  /// The phase's `statistics` in float64. They begin as zeros.
  public let statistics: FlatBuffer
  /// The memory of `values` and behind it that of `statistics`: what an exchange adds and sends.
  package let bytes: UnsafeMutableRawBufferPointer
  /// Sums over the shard's examples, under the phase's names.
  public var metrics: Sums
  /// How many examples the sums are over: the shard's, unless a learner that uses fewer of them says so.
  public var examples = 0

  /// Hears, on the lane that writes, which numbers are final while others are still to come; a learner that knows
  /// may say so.
  ///
  /// Ranges of `values` that begin and end at multiples of 16 elements.
  package var finished: ((Range<Int>) -> Void)?

  package convenience init(_ phase: Phase) {
    var layout = Layout()
    layout.add("elements", [phase.count])
    let whole = FlatBuffer(phase.name, layout, precision: phase.precision)
    self.init(phase, in: whole.bytes.baseAddress!, keeping: whole)
  }

  /// A contribution in memory of somebody else, as `FlatBuffer` takes it: as much as the phase's elements need.
  package init(_ phase: Phase, in memory: UnsafeMutableRawPointer, keeping keeper: AnyObject) {
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: phase.count * phase.precision.stride)
    values = FlatBuffer(phase.name, phase.layout, precision: phase.precision, in: memory, keeping: keeper)
    statistics = FlatBuffer(
      "statistics", phase.statistics, precision: .float64, in: memory + values.bytes.count, keeping: keeper)
    metrics = Sums(phase.metrics)
  }
}

/// The sum of all shards' contributions, added in a fixed binary tree over the index of the shard.
///
/// The numbers are added block by block when a block is asked for, so that what absorbs them finds them in the cache.
/// A block is asked for by one lane at a time. Blocks lie one behind the other, but for those asked for as `writable`.
public final class Total: @unchecked Sendable {
  /// Numbers in a block, 64 KiB of float32: a few arrays of it fit in a second-level cache.
  public static let blockLength = 16384

  public let examples: Int
  /// Sums over all examples, under the phase's names.
  public let metrics: Sums
  private let parts: [FlatBuffer]
  private let statisticParts: [FlatBuffer]
  private var statisticsAreAdded: Bool
  private let precision: ExchangePrecision
  /// Whether the sum is others' to keep as it is: what is to be written is copied.
  private let isLent: Bool
  private let isAdded: UnsafeMutableBufferPointer<Bool>
  /// Blocks of a lent sum that somebody may write.
  private let copies: UnsafeMutableBufferPointer<UnsafeMutableBufferPointer<Float>?>

  /// Of all shards, in their order; the sum takes the first one's place.
  package convenience init(of contributions: ArraySlice<Contribution>, precision: ExchangePrecision = .float32) {
    let names = contributions.first?.metrics.names ?? []
    let sums = names.indices.map { index in TreeSum.of(contributions.map { $0.metrics.values[index] }) }
    self.init(
      contributions.map(\.values), statistics: contributions.map(\.statistics),
      examples: contributions.reduce(0) { $0 + $1.examples }, metrics: Sums(names, sums), precision: precision,
      isLent: false)
  }

  /// What others have added up, and still need as it is.
  package convenience init(lent whole: Contribution) {
    self.init(
      [whole.values], statistics: [whole.statistics], examples: whole.examples, metrics: whole.metrics,
      precision: .float32, isLent: true)
  }

  private init(
    _ parts: [FlatBuffer], statistics: [FlatBuffer], examples: Int, metrics: Sums, precision: ExchangePrecision,
    isLent: Bool
  ) {
    self.parts = parts
    statisticParts = statistics
    statisticsAreAdded = statistics.count == 1 || statistics[0].layout.count == 0
    self.examples = examples
    self.metrics = metrics
    self.precision = precision
    self.isLent = isLent
    length = parts[0].layout.count
    blockCount = (length + Total.blockLength - 1) / Total.blockLength
    isAdded = .allocate(capacity: blockCount)
    isAdded.initialize(repeating: parts.count == 1)
    copies = .allocate(capacity: blockCount)
    copies.initialize(repeating: nil)
  }

  deinit {
    isAdded.deallocate()
    for copy in copies { copy?.deallocate() }
    copies.deallocate()
  }

  private let length: Int
  public let blockCount: Int
  private var sum: FlatBuffer { parts[0] }

  /// The range of the flat buffer that a block covers.
  public func range(ofBlock block: Int) -> Range<Int> {
    block * Total.blockLength..<min((block + 1) * Total.blockLength, length)
  }

  /// The summed float32 numbers of a block.
  public func float32(block: Int) -> UnsafeBufferPointer<Float> {
    if let copy = copies[block] { return UnsafeBufferPointer(copy) }
    let range = range(ofBlock: block)
    if !isAdded[block], precision == .bfloat16 {
      RoundedSum(parts: parts).add(range)
      isAdded[block] = true
    }
    if !isAdded[block] {
      withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: parts.count) { starts in
        for index in parts.indices {
          starts.initializeElement(at: index, to: parts[index].float32.baseAddress! + range.lowerBound)
        }
        elbo_sum_tree(starts.baseAddress, parts.count, sum.float32.baseAddress! + range.lowerBound, range.count)
      }
      isAdded[block] = true
    }
    return UnsafeBufferPointer(rebasing: sum.float32[range])
  }

  /// The summed float32 numbers of a block, for who absorbs them to write there; from now on they are what was written.
  public func writable(block: Int) -> UnsafeMutableBufferPointer<Float> {
    if let copy = copies[block] { return copy }
    let numbers = float32(block: block)
    guard isLent else { return UnsafeMutableBufferPointer(mutating: numbers) }
    let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: numbers.count)
    _ = copy.initialize(from: numbers)
    copies[block] = copy
    return copy
  }

  /// All summed float64 numbers. For sufficient statistics, which are few.
  public func float64() -> UnsafeBufferPointer<Double> {
    if !isAdded.allSatisfy({ $0 }) {
      let starts = parts.map { UnsafePointer($0.float64.baseAddress!) as UnsafePointer<Double>? }
      flushingDenormals { elbo_sum_tree_f64(starts, starts.count, sum.float64.baseAddress!, length) }
      for block in isAdded.indices { isAdded[block] = true }
    }
    return UnsafeBufferPointer(sum.float64)
  }

  /// The summed statistics: of float64, whatever the gradient's precision. Asked for by one lane at a time.
  public func statistics() -> TotalStatistics {
    if !statisticsAreAdded {
      let starts = statisticParts.map { UnsafePointer($0.float64.baseAddress!) as UnsafePointer<Double>? }
      let sum = statisticParts[0].float64
      flushingDenormals { elbo_sum_tree_f64(starts, starts.count, sum.baseAddress!, sum.count) }
      statisticsAreAdded = true
    }
    return TotalStatistics(statisticParts[0])
  }
}

/// Adds as lanes add, whatever thread it is on: the same bits everywhere.
package func flushingDenormals(_ body: () -> Void) {
  let mode = elbo_floating_point_mode()
  elbo_flush_denormals()
  body()
  elbo_set_floating_point_mode(mode)
}

/// Sums in the fixed binary tree over an index: `((0 + 1) + (2 + 3)) + 4`.
public enum TreeSum {
  public static func of(_ values: [Double]) -> Double {
    var sum = 0.0
    values.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let starts = (0..<buffer.count).map { base + $0 as UnsafePointer<Double>? }
      elbo_sum_tree_f64(starts, starts.count, &sum, 1)
    }
    return sum
  }
}
