import CKernels

/// Names a stream of random numbers: Philox4x32-10 (Salmon et al. 2011) under the key `seed`, with the counter
/// (element / 4, tensor, sample, step).
///
/// Element e of a stream is a pure function of the key and e. So noise does not depend on which lane, node or range
/// made it, and two places that must draw different numbers must name different streams. A stream has 2³⁴ elements.
/// The numbers of one key are the same bits whatever they are made into and on whatever processor: `uniform`, `normal`
/// and `bernoulli` of one key are functions of the same words, so a key is used for one of them.
public struct RandomKey: Sendable, Hashable {
  public var seed: UInt64
  /// Which of the tensors, or other purposes, that draw within a step.
  public var tensor: UInt32 = 0
  /// Which Monte Carlo sample, shard or example.
  public var sample: UInt32 = 0
  public var step: UInt32 = 0

  public init(seed: UInt64) { self.seed = seed }

  public func at(step: UInt32) -> RandomKey {
    var key = self
    key.step = step
    return key
  }

  public func at(sample: UInt32) -> RandomKey {
    var key = self
    key.sample = sample
    return key
  }

  public func at(tensor: UInt32) -> RandomKey {
    var key = self
    key.tensor = tensor
    return key
  }

  /// The number of elements of a stream.
  public static let streamLength: UInt64 = 1 << 34

  private static func check(_ first: UInt64, _ count: Int) {
    precondition(
      count >= 0 && first <= streamLength && UInt64(count) <= streamLength - first, "beyond the stream's end")
  }
}

// MARK: - Ranges of a stream

extension RandomKey {
  /// Elements first ..< first + count as 32-bit words.
  public func words(into y: UnsafeMutablePointer<UInt32>, count: Int, first: UInt64 = 0) {
    Self.check(first, count)
    elbo_philox_words(seed, tensor, sample, step, first, y, count)
  }

  /// Elements first ..< first + count, uniform in [0, 1) with 24 bits.
  public func uniform(into y: UnsafeMutablePointer<Float>, count: Int, first: UInt64 = 0) {
    Self.check(first, count)
    elbo_philox_uniform(seed, tensor, sample, step, first, y, count)
  }

  /// Elements first ..< first + count, standard normal.
  public func normal(into y: UnsafeMutablePointer<Float>, count: Int, first: UInt64 = 0) {
    Self.check(first, count)
    elbo_philox_normal(seed, tensor, sample, step, first, y, count)
  }

  /// Elements first ..< first + count, 1 with `probability` and else 0.
  public func bernoulli(
    _ probability: Float, into y: UnsafeMutablePointer<Float>, count: Int, first: UInt64 = 0
  ) {
    Self.check(first, count)
    elbo_philox_bernoulli(seed, tensor, sample, step, first, probability, y, count)
  }

  public func uniform(into y: UnsafeMutableBufferPointer<Float>, first: UInt64 = 0) {
    guard let start = y.baseAddress else { return }
    uniform(into: start, count: y.count, first: first)
  }

  public func normal(into y: UnsafeMutableBufferPointer<Float>, first: UInt64 = 0) {
    guard let start = y.baseAddress else { return }
    normal(into: start, count: y.count, first: first)
  }

  public func bernoulli(_ probability: Float, into y: UnsafeMutableBufferPointer<Float>, first: UInt64 = 0) {
    guard let start = y.baseAddress else { return }
    bernoulli(probability, into: start, count: y.count, first: first)
  }
}

// MARK: - A stream for each row

extension RandomKey {
  /// Row i of y (`rows.count` × `columns`) is elements 0 ..< columns of the stream whose `sample` is `rows[i]`,
  /// uniform in [0, 1); `sample` of this key plays no part.
  public func uniform(into y: UnsafeMutablePointer<Float>, rows: UnsafeBufferPointer<UInt32>, columns: Int) {
    Self.check(0, columns)
    elbo_philox_uniform_rows(seed, tensor, rows.baseAddress, step, rows.count, columns, y)
  }

  /// As `uniform(into:rows:columns:)`, standard normal.
  public func normal(into y: UnsafeMutablePointer<Float>, rows: UnsafeBufferPointer<UInt32>, columns: Int) {
    Self.check(0, columns)
    elbo_philox_normal_rows(seed, tensor, rows.baseAddress, step, rows.count, columns, y)
  }

  /// Dynamic binarisation: row i of y is 1 where the uniform of the stream whose `sample` is `rows[i]` is below
  /// pixel / 255 of row `rows[i]` of `images` (`columns` bytes each), else 0.
  public func binarise(
    _ images: UnsafePointer<UInt8>, into y: UnsafeMutablePointer<Float>, rows: UnsafeBufferPointer<UInt32>, columns: Int
  ) {
    Self.check(0, columns)
    elbo_philox_binarise_bytes(seed, tensor, step, images, rows.baseAddress, rows.count, columns, y)
  }
}

// MARK: - One number after the other

extension RandomKey {
  /// A permutation of 0 ..< count, each with the same probability: Fisher and Yates's shuffle over the stream's words.
  public func permutation(_ count: Int) -> [UInt32] {
    precondition(count >= 0 && count <= Int(UInt32.max), "more elements than 32-bit numbers")
    var stream = RandomStream(self)
    var result = Array(0..<UInt32(count))
    result.withUnsafeMutableBufferPointer { result in
      for i in stride(from: count - 1, to: 0, by: -1) { result.swapAt(i, Int(stream.next(below: UInt32(i + 1)))) }
    }
    return result
  }
}

/// Takes the words of a `RandomKey`'s stream one after the other, for sampling on the host (k-means++, splits).
public struct RandomStream: RandomNumberGenerator, Sendable {
  public let key: RandomKey
  /// The element that the next word is.
  public private(set) var position: UInt64
  private var buffer: [UInt32]
  private var used: Int

  private static let bufferLength = 256

  public init(_ key: RandomKey, first: UInt64 = 0) {
    self.key = key
    position = first
    buffer = []
    used = 0
  }

  /// The next word of the stream.
  public mutating func nextWord() -> UInt32 {
    if used == buffer.count {
      precondition(position < RandomKey.streamLength, "the stream is used up")
      let count = Int(min(UInt64(Self.bufferLength), RandomKey.streamLength - position))
      if buffer.count != count { buffer = [UInt32](repeating: 0, count: count) }
      buffer.withUnsafeMutableBufferPointer { key.words(into: $0.baseAddress!, count: count, first: position) }
      used = 0
    }
    defer {
      used += 1
      position += 1
    }
    return buffer[used]
  }

  /// Two words, the first in the low half.
  public mutating func next() -> UInt64 {
    let low = nextWord()
    return UInt64(nextWord()) << 32 | UInt64(low)
  }

  /// Uniform in 0 ..< bound, without bias (Lemire 2019, "Fast random integer generation in an interval").
  public mutating func next(below bound: UInt32) -> UInt32 {
    precondition(bound > 0, "there is nothing below 0")
    var product = nextWord().multipliedFullWidth(by: bound)
    if product.low < bound {
      // The lowest 2^32 mod bound values of the low half would be one too many for some results.
      let excess = (0 &- bound) % bound
      while product.low < excess { product = nextWord().multipliedFullWidth(by: bound) }
    }
    return product.high
  }

  /// Uniform in [0, 1) with 53 bits.
  public mutating func nextUniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
