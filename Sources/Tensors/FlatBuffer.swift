import CKernels

/// A named, shaped place in a flat buffer.
public struct Slot: Hashable, Sendable {
  public let name: String
  public let shape: Shape
  /// Index of the slot's first number in the buffer; a multiple of 16, so that slots start on a cache line.
  public let offset: Int

  public var range: Range<Int> { offset..<offset + shape.count }
}

/// Which numbers lie where in a flat buffer: the order of the slots is the order of the file and of the hash.
public struct Layout: Hashable, Sendable {
  public private(set) var slots: [Slot] = []
  /// The length of a buffer of this layout, the gaps between slots counted in.
  public private(set) var count = 0

  public init() {}

  /// Adds a slot at the end. Names are unique: `encoder.0.weight`.
  @discardableResult
  public mutating func add(_ name: String, _ shape: Shape) -> Slot {
    precondition(self[name] == nil, "two slots are named \(name)")
    let slot = Slot(name: name, shape: shape, offset: count)
    slots.append(slot)
    count += (shape.count + 15) / 16 * 16
    return slot
  }

  /// Adds all slots of another layout, in order, their names behind a prefix.
  /// - Returns: the offset of the first: the other layout's offsets count from there.
  @discardableResult
  public mutating func add(_ other: Layout, prefix: String = "") -> Int {
    let start = count
    for slot in other.slots { add(prefix + slot.name, slot.shape) }
    return start
  }

  public subscript(name: String) -> Slot? { slots.first { $0.name == name } }

  /// How many numbers the slots hold, without the gaps.
  public var parameterCount: Int { slots.reduce(0) { $0 + $1.shape.count } }
}

/// What the numbers of a flat buffer are.
public enum Precision: String, Sendable, Hashable, Codable {
  case float32, float64

  public var stride: Int { self == .float32 ? 4 : 8 }
}

/// Parameters, gradients, moments, sufficient statistics: numbers in one aligned piece of memory, with a layout.
/// Optimiser, exchange, checkpoint and wire see flat ranges; layers see views.
///
/// It is shared by lanes without a lock. What keeps that safe is the order of a step: while lanes contribute, shared
/// buffers are only read, and each lane writes to the contribution of its own shard; while the total is absorbed,
/// each range is written by one lane. `Crew.forEach` is the barrier between the two.
public final class FlatBuffer: @unchecked Sendable {
  public let name: String
  public let layout: Layout
  public let precision: Precision
  public let bytes: UnsafeMutableRawBufferPointer
  /// Whose memory this is; nil when it is the buffer's own.
  private let keeper: AnyObject?

  /// A buffer of zeros.
  public init(_ name: String, _ layout: Layout, precision: Precision = .float32) {
    self.name = name
    self.layout = layout
    self.precision = precision
    let length = layout.count * precision.stride
    let pointer = allocateAligned(count: length, of: UInt8.self)
    pointer.initialize(repeating: 0, count: length)
    bytes = UnsafeMutableRawBufferPointer(start: pointer, count: length)
    keeper = nil
  }

  /// A buffer of zeros in memory of somebody else.
  /// - Parameters:
  ///   - memory: as many zeros as the layout's numbers have bytes, aligned to a cache line.
  ///   - keeper: whose memory it is; kept as long as the buffer.
  public init(
    _ name: String, _ layout: Layout, precision: Precision, in memory: UnsafeMutableRawPointer,
    keeping keeper: AnyObject
  ) {
    precondition(UInt(bitPattern: memory) % 64 == 0, "slots start on cache lines")
    self.name = name
    self.layout = layout
    self.precision = precision
    bytes = UnsafeMutableRawBufferPointer(start: memory, count: layout.count * precision.stride)
    self.keeper = keeper
  }

  /// Part of another buffer's numbers, under a layout of its own: what is written to one is seen in the other.
  /// - Parameter offset: index in `whole` of this layout's first number; a multiple of 16, so that slots keep to
  ///   cache lines.
  public init(_ name: String, _ layout: Layout, of whole: FlatBuffer, from offset: Int) {
    precondition(offset >= 0 && offset % 16 == 0 && offset + layout.count <= whole.layout.count)
    self.name = name
    self.layout = layout
    precision = whole.precision
    let stride = whole.precision.stride
    bytes = UnsafeMutableRawBufferPointer(
      rebasing: whole.bytes[offset * stride..<(offset + layout.count) * stride])
    keeper = whole
  }

  deinit {
    if keeper == nil { freeAligned(bytes.baseAddress!) }
  }

  public var float32: UnsafeMutableBufferPointer<Float> {
    precondition(precision == .float32)
    return bytes.assumingMemoryBound(to: Float.self)
  }

  public var float64: UnsafeMutableBufferPointer<Double> {
    precondition(precision == .float64)
    return bytes.assumingMemoryBound(to: Double.self)
  }

  /// A slot's numbers as a tensor that shares this buffer's memory.
  public func tensor(_ slot: Slot) -> Tensor {
    Tensor(viewing: float32.baseAddress! + slot.offset, slot.shape, keeping: self)
  }

  /// A slot's numbers in double precision.
  public func doubles(_ slot: Slot) -> UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(rebasing: float64[slot.range])
  }

  /// The bytes of a slot's numbers: native (little-endian) float32 or float64.
  public func bytes(of slot: Slot) -> UnsafeMutableRawBufferPointer {
    let range = slot.range
    return UnsafeMutableRawBufferPointer(
      rebasing: bytes[range.lowerBound * precision.stride..<range.upperBound * precision.stride])
  }

  public func copy(from other: FlatBuffer) {
    precondition(layout == other.layout && precision == other.precision)
    bytes.copyMemory(from: UnsafeRawBufferPointer(other.bytes))
  }

  /// Whether all numbers are finite.
  public var isFinite: Bool {
    switch precision {
    case .float32: elbo_all_finite(float32.baseAddress, float32.count) != 0
    case .float64: float64.allSatisfy(\.isFinite)
    }
  }
}
