/// Writes a numpy archive of named arrays, uncompressed, piece by piece, so that an array need never be whole in
/// memory. The same arrays always give the same bytes. The file appears when `finish` succeeds; a writer that is
/// dropped before leaves nothing behind.
///
///     var writer = try NPZWriter("prediction.npz")
///     try writer.begin("mean", Float.self, shape: [10_000, 10])
///     try writer.append(piece)                                    // until the shape is full
///     try writer.add("samples", [Int64(200)], shape: [])
///     try writer.finish()
public struct NPZWriter: ~Copyable {
  private struct Entry {
    let name: [UInt8]
    let offset: Int
    let size: Int
    var checksum: UInt32
  }

  private let file: DataOutput
  private let place: DataPlace
  private var entries: [Entry] = []
  private var isOpen = false
  /// Of the open array, unless it is one of texts.
  private var openScalar: ScalarType?
  /// Bytes that the open array still lacks.
  private var missing = 0

  public init(_ path: String) throws(DataError) {
    file = try DataOutput(path)
    place = DataPlace(file: path)
  }

  /// A whole array at once.
  public mutating func add<T: ArrayElement>(_ key: String, _ values: [T], shape: [Int]) throws(DataError) {
    try begin(key, T.self, shape: shape)
    try append(values)
  }

  /// Begins an array in C order; the one before must be full. `key` must be new, and `shape` countable.
  public mutating func begin<T: ArrayElement>(_ key: String, _ type: T.Type, shape: [Int]) throws(DataError) {
    guard let data = byteCount(shape: shape, elementSize: T.scalarType.size) else {
      preconditionFailure("an impossible shape \(shape)")
    }
    try begin(key, NPYHeader.encoded(scalar: T.scalarType, shape: shape), data)
    openScalar = T.scalarType
  }

  /// Texts as numpy keeps them, all of one length; a longer one than 1000 characters is cut off.
  public mutating func add(_ key: String, _ texts: [String]) throws(DataError) {
    let codes = texts.map { $0.unicodeScalars.prefix(1000).map(\.value) }
    let length = max(1, codes.lazy.map(\.count).max() ?? 1)
    try begin(key, NPYHeader.encoded(texts: length, shape: [texts.count]), 4 * length * texts.count)
    for code in codes {
      try append(bytes: (code + [UInt32](repeating: 0, count: length - code.count)).map(\.littleEndian))
    }
  }

  private mutating func begin(_ key: String, _ header: [UInt8], _ data: Int) throws(DataError) {
    try endEntry()
    let name = Array("\(key).npy".utf8)
    precondition(!entries.contains { $0.name == name } && name.count < 1 << 16, "key used twice or too long")
    let entry = Entry(name: name, offset: file.position, size: header.count + data, checksum: 0)
    entries.append(entry)
    try file.write(localHeader(entry))
    isOpen = true
    missing = entry.size
    try append(bytes: header)
  }

  /// The next elements of the array begun last.
  public mutating func append<T: ArrayElement>(_ values: [T]) throws(DataError) {
    precondition(T.scalarType == openScalar, "not the type the array was begun with")
    try append(bytes: values)
  }

  /// The next elements of the array begun last.
  public mutating func append<T: ArrayElement>(_ values: UnsafeBufferPointer<T>) throws(DataError) {
    precondition(T.scalarType == openScalar, "not the type the array was begun with")
    try append(UnsafeRawBufferPointer(values))
  }

  public consuming func finish() throws(DataError) {
    try endEntry()
    let directoryOffset = file.position
    for entry in entries { try file.write(directoryEntry(entry)) }
    try file.write(endRecords(directoryOffset: directoryOffset))
    try file.commit()
  }

  private mutating func append<T: BitwiseCopyable>(bytes values: [T]) throws(DataError) {
    try values.withUnsafeBufferPointer { (buffer) throws(DataError) in try append(UnsafeRawBufferPointer(buffer)) }
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) throws(DataError) {
    precondition(bytes.count <= missing, "more elements than the shape has")
    try file.write(bytes)
    missing -= bytes.count
    let last = entries.count - 1
    entries[last].checksum = crc32(of: bytes, continuing: entries[last].checksum)
  }

  /// The checksum stands before the data and is known only after it.
  private mutating func endEntry() throws(DataError) {
    precondition(missing == 0, "fewer elements than the shape has")
    guard isOpen, let entry = entries.last else { return }
    try file.overwrite(littleEndian(UInt64(entry.checksum), 4), at: entry.offset + 14)
    (openScalar, isOpen) = (nil, false)
  }

  // The records of APPNOTE 4.3.7, 4.3.12, 4.3.14–16. Sizes and offsets stand in 64-bit extra fields only where they
  // need to, as numpy's own reader and every other accept both. Times are fixed, so that equal arrays give equal files.

  private static let limit = 0xffff_ffff
  /// 1 January 1980, 0:00, in the format of MS-DOS: the earliest there is.
  private static let date: UInt64 = 1 << 5 | 1

  private func localHeader(_ entry: Entry) -> [UInt8] {
    let isWide = entry.size >= Self.limit
    let size = UInt64(isWide ? Self.limit : entry.size)
    let extra = isWide ? littleEndian(1, 2) + littleEndian(16, 2) + twice(littleEndian(UInt64(entry.size), 8)) : []
    var bytes: [UInt8] = littleEndian(0x0403_4b50, 4) + littleEndian(isWide ? 45 : 20, 2)
    // UTF-8 names; stored.
    bytes += littleEndian(1 << 11, 2) + littleEndian(0, 2) + littleEndian(0, 2) + littleEndian(Self.date, 2)
    bytes += littleEndian(UInt64(entry.checksum), 4) + twice(littleEndian(size, 4))
    bytes += littleEndian(UInt64(entry.name.count), 2) + littleEndian(UInt64(extra.count), 2)
    return bytes + entry.name + extra
  }

  private func directoryEntry(_ entry: Entry) -> [UInt8] {
    let sizeIsWide = entry.size >= Self.limit
    let offsetIsWide = entry.offset >= Self.limit
    var wide: [UInt8] = sizeIsWide ? twice(littleEndian(UInt64(entry.size), 8)) : []
    if offsetIsWide { wide += littleEndian(UInt64(entry.offset), 8) }
    let extra = wide.isEmpty ? [] : littleEndian(1, 2) + littleEndian(UInt64(wide.count), 2) + wide
    let version: UInt64 = wide.isEmpty ? 20 : 45
    var bytes: [UInt8] = littleEndian(0x0201_4b50, 4) + twice(littleEndian(version, 2))
    bytes += littleEndian(1 << 11, 2) + littleEndian(0, 2) + littleEndian(0, 2) + littleEndian(Self.date, 2)
    bytes += littleEndian(UInt64(entry.checksum), 4)
    bytes += twice(littleEndian(UInt64(sizeIsWide ? Self.limit : entry.size), 4))
    bytes += littleEndian(UInt64(entry.name.count), 2) + littleEndian(UInt64(extra.count), 2)
    // No comment, first disk, no attributes.
    bytes += [UInt8](repeating: 0, count: 10)
    bytes += littleEndian(UInt64(offsetIsWide ? Self.limit : entry.offset), 4)
    return bytes + entry.name + extra
  }

  private func endRecords(directoryOffset: Int) -> [UInt8] {
    let size = file.position - directoryOffset
    let isWide = directoryOffset >= Self.limit || size >= Self.limit || entries.count >= 0xffff
    let count = UInt64(entries.count)
    var bytes: [UInt8] = []
    if isWide {
      bytes += littleEndian(0x0606_4b50, 4) + littleEndian(44, 8) + twice(littleEndian(45, 2)) + littleEndian(0, 8)
      bytes += twice(littleEndian(count, 8)) + littleEndian(UInt64(size), 8) + littleEndian(UInt64(directoryOffset), 8)
      bytes += littleEndian(0x0706_4b50, 4) + littleEndian(0, 4) + littleEndian(UInt64(file.position), 8)
      bytes += littleEndian(1, 4)
    }
    bytes += littleEndian(0x0605_4b50, 4) + littleEndian(0, 4) + twice(littleEndian(isWide ? 0xffff : count, 2))
    bytes += littleEndian(UInt64(isWide ? Self.limit : size), 4)
    bytes += littleEndian(UInt64(isWide ? Self.limit : directoryOffset), 4)
    return bytes + littleEndian(0, 2)
  }
}

private func littleEndian(_ value: UInt64, _ size: Int) -> [UInt8] {
  (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
}

private func twice(_ bytes: [UInt8]) -> [UInt8] { bytes + bytes }
