import Tensors

/// Which examples of a set: a stretch of them, or a list.
public enum Examples: Sendable {
  case range(Range<Int>)
  case list(ArraySlice<UInt32>)

  public var count: Int {
    switch self {
    case .range(let range): range.count
    case .list(let list): list.count
    }
  }

  /// The examples from one position to another within these.
  public subscript(_ positions: Range<Int>) -> Examples {
    switch self {
    case .range(let range): .range(range.lowerBound + positions.lowerBound..<range.lowerBound + positions.upperBound)
    case .list(let list): .list(list[list.startIndex + positions.lowerBound..<list.startIndex + positions.upperBound])
    }
  }

  /// The examples' numbers in the set.
  public var indices: [UInt32] {
    switch self {
    case .range(let range): range.map { UInt32($0) }
    case .list(let list): Array(list)
    }
  }

  /// The part of these that belongs to one of `count` shards: contiguous, and of sizes that differ by one at most.
  public func shard(_ index: Int, of count: Int) -> Examples {
    let (size, rest) = self.count.quotientAndRemainder(dividingBy: count)
    let start = index * size + min(index, rest)
    return self[start..<start + size + (index < rest ? 1 : 0)]
  }
}

/// One of V fixed, logical slices of a step's examples. V belongs to the recipe, never to the cluster.
public struct Shard: Sendable {
  public let index: Int
  public let count: Int
  public let examples: Examples

  package init(index: Int, count: Int, examples: Examples) {
    self.index = index
    self.count = count
    self.examples = examples
  }
}

/// One round of the training loop.
public struct Step: Sendable {
  /// Counted from 0.
  public let number: Int
  /// Of how many; what schedules are relative to.
  public let total: Int
  /// Counted from 0.
  public let epoch: Int
  public let stepsPerEpoch: Int
  public let examples: Examples
  /// Noise of this step: derive from it by sample and tensor.
  public let key: RandomKey

  /// Which step of its epoch it is, counted from 0: of streams, which of their windows it sees.
  public var positionInEpoch: Int { number % stepsPerEpoch }
  /// How many epochs have passed before it.
  public var epochsPassed: Double { Double(number) / Double(stepsPerEpoch) }
}

/// The order in which a training sees its examples: a function of (seed, epoch) alone.
public struct Order: Sendable {
  public enum Kind: Sendable, Equatable {
    /// A new random order each epoch, `batch` examples a step; the last step of an epoch may have fewer.
    case shuffled(batch: Int)
    /// Every step sees all examples.
    case sweep
    /// Every step sees a window of each of `count` streams; step t of the `steps` of an epoch sees their windows t. The
    /// examples are the streams, so a shard never cuts one.
    case streams(count: Int, steps: Int)
  }

  public let kind: Kind
  public let exampleCount: Int
  public let seed: UInt64

  public init(_ kind: Kind, exampleCount: Int, seed: UInt64) {
    if case .streams(let count, let steps) = kind {
      precondition(count == exampleCount && steps > 0, "the examples of an order of streams are the streams")
    }
    self.kind = kind
    self.exampleCount = exampleCount
    self.seed = seed
  }

  public var stepsPerEpoch: Int {
    switch kind {
    case .shuffled(let batch): (exampleCount + batch - 1) / batch
    case .sweep: 1
    case .streams(_, let steps): steps
    }
  }

  /// Examples that a step sees, a short last one of an epoch left out of account.
  public var examplesPerStep: Int {
    switch kind {
    case .shuffled(let batch): batch
    case .sweep: exampleCount
    case .streams(let count, _): count
    }
  }

  /// The stream of random numbers that orders take; learners number theirs from 0.
  private static let permutationTensor: UInt32 = 0xFFFF_FFFF

  /// The order of an epoch's examples.
  public func permutation(epoch: Int) -> [UInt32] {
    RandomKey(seed: seed).at(tensor: Order.permutationTensor).at(step: UInt32(epoch)).permutation(exampleCount)
  }

  /// Makes steps one after the other, and keeps the permutation of the epoch that it is in.
  public struct Cursor {
    private let order: Order
    private let total: Int
    private var epoch = -1
    private var permutation: [UInt32] = []

    public init(_ order: Order, total: Int) {
      self.order = order
      self.total = total
    }

    public mutating func step(_ number: Int) -> Step {
      let perEpoch = order.stepsPerEpoch
      let (newEpoch, position) = number.quotientAndRemainder(dividingBy: perEpoch)
      let examples: Examples
      switch order.kind {
      case .sweep:
        examples = .range(0..<order.exampleCount)
      case .streams(let count, _):
        examples = .range(0..<count)
      case .shuffled(let batch):
        if newEpoch != epoch { permutation = order.permutation(epoch: newEpoch) }
        examples = .list(permutation[position * batch..<min((position + 1) * batch, order.exampleCount)])
      }
      epoch = newEpoch
      return Step(
        number: number, total: total, epoch: newEpoch, stepsPerEpoch: perEpoch, examples: examples,
        key: RandomKey(seed: order.seed).at(step: UInt32(truncatingIfNeeded: number)))
    }
  }
}
