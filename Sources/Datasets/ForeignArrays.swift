import CArrayFiles

/// A file of named arrays.
protocol ArrayArchive {
  var place: DataPlace { get }
  /// The arrays' names, in the archive's order.
  var keys: [String] { get }
  /// Of the keys those of arrays of numbers, which can be inputs.
  var readableKeys: [String] { get }
  func array(_ key: String) throws(DataError) -> RawArray
  /// The elements of an array of texts; nil where it holds numbers.
  func texts(_ key: String) throws(DataError) -> [String]?
}

extension NPZ: ArrayArchive {
  var readableKeys: [String] { keys }
}

/// The arrays of an HDF5 or a MATLAB file, which C libraries read in a process of their own; see `CArrayFiles`. What
/// they say is checked against the file before memory is taken for it.
struct ForeignArrays: ArrayArchive {
  enum Format {
    case hdf5
    /// Version 7.3, which is HDF5 inside, and versions 5 to 7.
    case matlabHDF5, matlab

    init?(_ prefix: [UInt8]) {
      let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
      let isHDF5 = [0, 512, 1024, 2048].contains { prefix.dropFirst($0).starts(with: signature) }
      if prefix.starts(with: Array("MATLAB 7.3 MAT-file".utf8)), isHDF5 {
        self = .matlabHDF5
      } else if isHDF5 {
        self = .hdf5
      } else if prefix.starts(with: Array("MATLAB 5.0 MAT-file".utf8)) {
        self = .matlab
      } else {
        return nil
      }
    }

    fileprivate var name: String { self == .hdf5 ? "HDF5" : "MATLAB" }

    fileprivate var code: carrays_format {
      switch self {
      case .hdf5: CARRAYS_HDF5
      case .matlabHDF5: CARRAYS_MATLAB_HDF5
      case .matlab: CARRAYS_MATLAB
      }
    }
  }

  private struct Entry {
    let name: String
    /// Nil: it is not read.
    let scalar: ScalarType?
    let shape: [Int]
    /// Bytes in the file, where they are known.
    let stored: Int?
    let reason: String
  }

  let place: DataPlace
  private let file: ByteRegion
  private let format: Format
  private let entries: [Entry]

  var keys: [String] { entries.map(\.name) }
  var readableKeys: [String] { entries.filter { $0.scalar != nil }.map(\.name) }

  init(_ file: ByteRegion, _ format: Format, place: DataPlace) throws(DataError) {
    (self.file, self.format, self.place) = (file, format, place)
    if format == .matlab, !Self.isWhole(file) {
      throw DataError(.damaged, at: place, "ends too early (truncated)", advice: "fetch or write the file again")
    }
    var report: UnsafeMutablePointer<carrays_report>?
    let status = file.withUnsafeBytes { bytes in
      carrays_list(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, format.code, &report)
    }
    defer { carrays_free(report, MemoryLayout<carrays_report>.size) }
    guard status == CARRAYS_OK, let report else { throw Self.failure(status, format, place) }
    guard report.pointee.is_cut == 0 else {
      throw DataError(
        .unsupported, at: place, "holds more than \(CARRAYS_MOST_ARRAYS) arrays",
        advice: "write those to be used into a file of their own")
    }
    let count = min(Int(report.pointee.count), CARRAYS_MOST_ARRAYS)
    let list = UnsafeRawPointer(report).advanced(by: MemoryLayout<carrays_report>.offset(of: \.arrays)!)
    entries = (0..<count).map { index in
      Self.entry(list.advanced(by: index * MemoryLayout<carrays_array>.stride), format)
    }
    guard Set(keys).count == keys.count else {
      throw DataError(.damaged, at: place, "two arrays have one name", advice: "write the file again")
    }
  }

  /// Whether the variables of a file of version 5 to 7 end where the file ends. Each variable states its size (MAT-File
  /// Format, "Data Elements"); the library passes over one that does not end there.
  private static func isWhole(_ file: ByteRegion) -> Bool {
    let isLittleEndian = file.copy(from: 126, count: 2) == Array("IM".utf8)
    var position = 128
    while position < file.count {
      let tag = file.copy(from: position, count: 8)
      let fields = [0, 4].map { isLittleEndian ? tag.littleEndian(at: $0, size: 4) : tag.bigEndian(at: $0, size: 4) }
      // A matrix, or a compressed one.
      guard let type = fields[0], let size = fields[1], type == 14 || type == 15 else { return false }
      position += 8 + Int(size)
    }
    return position == file.count
  }

  private static func entry(_ memory: UnsafeRawPointer, _ format: Format) -> Entry {
    let array = memory.loadUnaligned(as: carrays_array.self)
    func text(_ offset: Int, _ length: Int) -> String {
      let bytes = UnsafeRawBufferPointer(start: memory + offset, count: length)
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    let name = text(MemoryLayout<carrays_array>.offset(of: \.name)!, CARRAYS_LONGEST_NAME)
    let reason = text(MemoryLayout<carrays_array>.offset(of: \.reason)!, 95)
    let all = withUnsafeBytes(of: array.shape) { Array($0.bindMemory(to: UInt64.self)) }
    let extents = all.prefix(Int(min(array.axes, UInt32(CARRAYS_MOST_AXES)))).map { Int(exactly: $0) }
    let shape = format == .matlabHDF5 ? extents.reversed() : extents
    let isSound = !extents.contains(nil) && array.axes <= UInt32(CARRAYS_MOST_AXES)
    return Entry(
      name: name, scalar: isSound ? scalar(array.type) : nil, shape: shape.compactMap { $0 },
      stored: format == .matlab ? nil : Int(exactly: array.stored) ?? Int.max,
      reason: reason.isEmpty ? "is damaged" : reason)
  }

  private static func scalar(_ type: UInt32) -> ScalarType? {
    switch carrays_type(type) {
    case CARRAYS_BOOL: .bool
    case CARRAYS_INT8: .int8
    case CARRAYS_INT16: .int16
    case CARRAYS_INT32: .int32
    case CARRAYS_INT64: .int64
    case CARRAYS_UINT8: .uint8
    case CARRAYS_UINT16: .uint16
    case CARRAYS_UINT32: .uint32
    case CARRAYS_UINT64: .uint64
    case CARRAYS_FLOAT32: .float32
    case CARRAYS_FLOAT64: .float64
    default: nil
    }
  }

  /// Texts are not read.
  func texts(_ key: String) throws(DataError) -> [String]? { nil }

  func array(_ key: String) throws(DataError) -> RawArray {
    var place = place
    place.member = key
    guard let entry = entries.first(where: { $0.name == key }) else {
      throw DataError(.notFound, at: place, "no such array", advice: "the file holds \(listed(keys))")
    }
    guard let scalar = entry.scalar else {
      throw DataError(
        .unsupported, at: place, entry.reason, advice: "write it as plain numbers, compressed with gzip or not at all")
    }
    let size = try checkedSize(entry, scalar, place)
    // A vector of MATLAB is a matrix of one row or one column.
    let isRow = format != .hdf5 && entry.shape.count == 2 && entry.shape[0] == 1 && entry.shape[1] > 1
    return RawArray(
      scalar: scalar, isByteSwapped: false, isColumnMajor: format != .hdf5,
      shape: isRow ? [entry.shape[1]] : entry.shape, bytes: try bytes(entry, scalar, size, place), place: place)
  }

  /// What the array takes in memory, if the file and the machine can have it.
  private func checkedSize(_ entry: Entry, _ scalar: ScalarType, _ place: DataPlace) throws(DataError) -> Int {
    // Compressed numbers of MATLAB may also be of a narrower type.
    let mostPerByte = format == .matlab ? 8 * Inflater.maximumRatio : Inflater.maximumRatio
    guard let size = byteCount(shape: entry.shape, elementSize: scalar.size),
      size / mostPerByte <= entry.stored ?? file.count, entry.stored ?? 0 <= file.count
    else {
      throw DataError(
        .damaged, at: place, "the file says shape \(entry.shape), and has \(file.count) bytes",
        advice: "fetch or write the file again")
    }
    guard size <= MachineMemory.bytes else {
      throw DataError(
        .tooLarge, at: place, "takes \(size) bytes, and the machine has \(MachineMemory.bytes)",
        advice: "use a machine with more memory, or an uncompressed .npy file, which is mapped instead of loaded")
    }
    return size
  }

  private func bytes(
    _ entry: Entry, _ scalar: ScalarType, _ size: Int, _ place: DataPlace
  ) throws(DataError) -> ByteRegion {
    guard size > 0 else {
      return ByteRegion(try ByteStorage.allocate(byteCount: 0, for: place) { (_) throws(DataError) in })
    }
    var target: UnsafeMutableRawPointer?
    let status = file.withUnsafeBytes { bytes in
      carrays_read(
        bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, format.code, entry.name, Self.type(scalar), size,
        &target)
    }
    guard status == CARRAYS_OK, let target else { throw Self.failure(status, format, place) }
    return ByteRegion(
      ByteStorage(adopting: UnsafeRawBufferPointer(start: target, count: size)) {
        carrays_free(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
      })
  }

  private static func type(_ scalar: ScalarType) -> carrays_type {
    switch scalar {
    case .bool: CARRAYS_BOOL
    case .int8: CARRAYS_INT8
    case .int16: CARRAYS_INT16
    case .int32: CARRAYS_INT32
    case .int64: CARRAYS_INT64
    case .uint8: CARRAYS_UINT8
    case .uint16: CARRAYS_UINT16
    case .uint32: CARRAYS_UINT32
    case .uint64: CARRAYS_UINT64
    case .float32: CARRAYS_FLOAT32
    case .float64: CARRAYS_FLOAT64
    case .float16: CARRAYS_UNREADABLE
    }
  }

  private static func failure(_ status: carrays_status, _ format: Format, _ place: DataPlace) -> DataError {
    let advice = "fetch or write the file again"
    switch status {
    case CARRAYS_NO_MEMORY:
      return DataError(.tooLarge, at: place, "no memory to read it", advice: "free some memory")
    case CARRAYS_TOO_LONG:
      return DataError(
        .damaged, at: place, "the \(format.name) library does not come to an end with it", advice: advice)
    case CARRAYS_CRASHED:
      return DataError(.damaged, at: place, "the \(format.name) library fails over it", advice: advice)
    default:
      return DataError(.damaged, at: place, "is damaged: the \(format.name) library does not read it", advice: advice)
    }
  }
}
