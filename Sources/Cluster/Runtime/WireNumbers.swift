import CMemory
import Messages
import Tensors
import Training
import ZeroMQ

extension Sum {
  /// These elements of one region as they are written into messages: where they lie, or halved. They do not change while a message
  /// holds them.
  func payload(_ elements: Range<Int>) -> SharedBytes {
    let bytes = UnsafeRawBufferPointer(bytes(elements))
    guard pool.wire(of: elements) == .bfloat16 else {
      return SharedBytes(bytes) { [self] in withExtendedLifetime(self) {} }
    }
    let halves = UnsafeMutablePointer<UInt16>.allocate(capacity: elements.count)
    BFloat16.encode(bytes.assumingMemoryBound(to: Float.self), into: halves)
    let address = UInt(bitPattern: halves)
    return SharedBytes(UnsafeRawBufferPointer(start: halves, count: 2 * elements.count)) {
      UnsafeMutablePointer<UInt16>(bitPattern: address)?.deallocate()
    }
  }
}

/// A partial sum or total in a message that is being received.
struct ReceivedSum {
  let subtree: Subtree
  /// Those that are new, and not used up yet.
  var elements: Intervals
  let chunk: Chunk
  let payload: UnsafeRawBufferPointer

  /// Whether the numbers, of this precision, can be added as they lie there.
  func canBeAdded(as precision: Tensors.Precision) -> Bool {
    chunk.precision != .bfloat16 && UInt(bitPattern: payload.baseAddress) % UInt(precision.stride) == 0
  }

  func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    let start = (range.lowerBound - chunk.elements.lowerBound) * chunk.precision.stride
    return UnsafeRawBufferPointer(rebasing: payload[start..<start + range.count * chunk.precision.stride])
  }

  /// Totals of more bytes are not in the caches any more when they are absorbed, so they need not go through them.
  private static let streamedCount = 8 << 20

  func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) {
    if chunk.precision == .bfloat16 {
      BFloat16.decode(bytes(range), into: target.assumingMemoryBound(to: Float.self).baseAddress!)
    } else if case .total = chunk.kind, chunk.vectorCount * chunk.precision.stride > ReceivedSum.streamedCount {
      let source = bytes(range)
      elbo_memory_stream(target.baseAddress!, source.baseAddress!, source.count)
    } else {
      target.copyMemory(from: bytes(range))
    }
  }
}

/// Checksums of stretches of a total, which joined make that of the whole: its bytes need not be read once more.
struct TotalChecksum {
  private var pieces: [Int: (end: Int, checksum: UInt32)] = [:]

  mutating func add(_ elements: Range<Int>, _ checksum: UInt32) {
    pieces[elements.lowerBound] = (elements.upperBound, checksum)
  }

  /// `nil` when stretches are missing.
  /// - Parameter stride: bytes that an element of a stretch has in messages.
  func whole(count: Int, stride: (Range<Int>) -> Int) -> UInt32? {
    guard var (end, checksum) = pieces[0] else { return nil }
    while end < count {
      guard let next = pieces[end] else { return nil }
      checksum = Checksum.joined(checksum, next.checksum, secondCount: (next.end - end) * stride(end..<next.end))
      end = next.end
    }
    return checksum
  }
}
