import Glibc

/// A block of bytes that does not change any more: on the heap, or a file mapped into memory.
///
/// `@unchecked Sendable`: the bytes are written only by `allocate`'s closure, before anyone else holds the object.
package final class ByteStorage: @unchecked Sendable {
  /// Enough for every vector instruction set and for a cache line.
  static let alignment = 64

  private let bytes: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void
  /// Whether the bytes are a file's pages, which the system brings in and drops as it sees fit.
  package let isMapped: Bool

  /// Takes over `bytes`; `release` gives them back.
  package init(
    adopting bytes: UnsafeRawBufferPointer, isMapped: Bool = false,
    release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.bytes = bytes
    self.isMapped = isMapped
    self.release = release
  }

  deinit { release(bytes) }

  package var count: Int { bytes.count }

  package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }

  /// Heap bytes, aligned and filled by `fill`; freed again if `fill` throws.
  package static func allocate(
    byteCount: Int, for place: DataPlace, fill: (UnsafeMutableRawBufferPointer) throws(DataError) -> Void
  ) throws(DataError) -> ByteStorage {
    let padding = (alignment - byteCount % alignment) % alignment
    guard byteCount <= Int.max - alignment,
      let base = aligned_alloc(alignment, max(byteCount + padding, alignment))
    else {
      throw DataError(
        .tooLarge, at: place, "no memory for \(byteCount) bytes",
        advice: "use a machine with more memory, or an uncompressed .npy file, which is mapped instead of loaded",
        systemError: ENOMEM)
    }
    let buffer = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    do {
      try fill(buffer)
    } catch {
      free(base)
      throw error
    }
    return ByteStorage(adopting: UnsafeRawBufferPointer(buffer)) {
      free(UnsafeMutableRawPointer(mutating: $0.baseAddress))
    }
  }

  /// Lets the system drop the mapped pages that lie wholly within `range`; they come back from the file when touched.
  func releaseResident(_ range: Range<Int>) {
    guard isMapped, let base = bytes.baseAddress else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound == bytes.count ? bytes.count : range.upperBound / page * page
    guard first < end else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
  }
}

/// A stretch of a `ByteStorage`.
package struct ByteRegion: Sendable {
  let storage: ByteStorage
  let range: Range<Int>

  package init(_ storage: ByteStorage) {
    self.storage = storage
    self.range = 0..<storage.count
  }

  private init(_ storage: ByteStorage, _ range: Range<Int>) {
    self.storage = storage
    self.range = range
  }

  package var count: Int { range.count }

  /// The region's bytes `range`, which must lie within it.
  package subscript(range: Range<Int>) -> ByteRegion {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    let start = self.range.lowerBound
    return ByteRegion(storage, start + range.lowerBound..<start + range.upperBound)
  }

  package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try storage.withUnsafeBytes { (all) throws(E) -> R in
      try body(UnsafeRawBufferPointer(rebasing: all[range]))
    }
  }

  /// A copy of at most `count` bytes from `offset` on: headers are parsed in arrays, whose bounds are always checked.
  package func copy(from offset: Int, count: Int) -> [UInt8] {
    guard offset >= 0, offset < self.count, count > 0 else { return [] }
    return self[offset..<offset + min(count, self.count - offset)].withUnsafeBytes { Array($0) }
  }
}

extension Array where Element == UInt8 {
  /// The little-endian number of `size` bytes at `offset`; nil beyond the end.
  func littleEndian(at offset: Int, size: Int) -> UInt64? {
    guard offset >= 0, size <= count, offset <= count - size else { return nil }
    return self[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The big-endian number of `size` bytes at `offset`; nil beyond the end.
  func bigEndian(at offset: Int, size: Int) -> UInt64? {
    guard offset >= 0, size <= count, offset <= count - size else { return nil }
    return self[offset..<offset + size].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
