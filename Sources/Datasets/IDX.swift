/// Reads the format of the MNIST files (yann.lecun.com/exdb/mnist): two zero bytes, a type, the number of axes, each
/// axis's extent in 32 bits, then the numbers; everything big-endian. Gzipped or not.
package enum IDX {
  /// Whether the bytes begin like an IDX file (after decompression, where they are gzipped).
  package static func isIDX(_ prefix: [UInt8]) -> Bool {
    prefix.count >= 4 && prefix[0] == 0 && prefix[1] == 0 && scalars[prefix[2]] != nil && prefix[3] > 0
  }

  package static func read(_ path: String) throws(DataError) -> RawArray {
    try parse(DataFile.read(path), place: DataPlace(file: path))
  }

  package static func parse(_ file: ByteRegion, place: DataPlace) throws(DataError) -> RawArray {
    guard Inflater.isGzip(file) else {
      let header = try Header(file.copy(from: 0, count: Header.maximumSize), place)
      let found = file.count - header.size
      guard found == header.dataSize else {
        throw header.contradiction(found < header.dataSize ? "only \(found) bytes follow" : "\(found) bytes follow")
      }
      return header.array(file[header.size..<file.count])
    }
    return try file.withUnsafeBytes { (input) throws(DataError) in
      var inflater = try Inflater(input, .gzip, place: place)
      // The extents' number is known after the first four bytes.
      var start = try inflater.read(upTo: 4)
      if start.count == 4 { start += try inflater.read(upTo: 4 * Int(start[3])) }
      let header = try Header(start, place)
      // Before memory is taken for it: no deflate stream of this length can expand to what the header says.
      guard header.dataSize / Inflater.maximumRatio <= file.count else {
        throw header.contradiction("\(file.count) compressed bytes cannot hold them")
      }
      let storage = try ByteStorage.allocate(byteCount: header.dataSize, for: place) { (output) throws(DataError) in
        let found = try inflater.read(into: output)
        guard found == header.dataSize else { throw header.contradiction("only \(found) bytes follow") }
      }
      try inflater.expectEnd()
      return header.array(ByteRegion(storage))
    }
  }

  private static let scalars: [UInt8: ScalarType] = [
    0x08: .uint8, 0x09: .int8, 0x0b: .int16, 0x0c: .int32, 0x0d: .float32, 0x0e: .float64,
  ]

  private struct Header {
    static let maximumAxes = 8
    static let maximumSize = 4 + 4 * maximumAxes

    let scalar: ScalarType
    let shape: [Int]
    let dataSize: Int
    let place: DataPlace
    var size: Int { 4 + 4 * shape.count }

    init(_ bytes: [UInt8], _ place: DataPlace) throws(DataError) {
      self.place = place
      guard bytes.count >= 4 else {
        throw DataError(
          .damaged, at: place, "\(counted(bytes.count, "byte")) are too few for an IDX file",
          advice: "fetch or write the file again")
      }
      guard bytes[0] == 0, bytes[1] == 0, let scalar = IDX.scalars[bytes[2]] else {
        throw DataError(
          .unsupported, at: place, "does not begin like an IDX file", advice: "check that this is an IDX file")
      }
      self.scalar = scalar
      let axes = Int(bytes[3])
      guard (1...Self.maximumAxes).contains(axes) else {
        throw DataError(
          .unsupported, at: place, "an IDX header with \(counted(axes, "axis", "axes"))",
          advice: "use one to \(Self.maximumAxes) axes")
      }
      var shape: [Int] = []
      for axis in 0..<axes {
        guard let extent = bytes.bigEndian(at: 4 + 4 * axis, size: 4) else {
          throw DataError(
            .damaged, at: place, "the IDX header ends too early", advice: "fetch or write the file again")
        }
        shape.append(Int(extent))
      }
      guard let dataSize = byteCount(shape: shape, elementSize: scalar.size) else {
        throw DataError(
          .damaged, at: place, "the IDX header says \(shape) numbers, more than can be counted",
          advice: "fetch or write the file again")
      }
      self.shape = shape
      self.dataSize = dataSize
    }

    func array(_ data: ByteRegion) -> RawArray {
      RawArray(
        scalar: scalar, isByteSwapped: RawArray.machineIsLittleEndian && scalar.size > 1, isColumnMajor: false,
        shape: shape, bytes: data, place: place)
    }

    func contradiction(_ found: String) -> DataError {
      DataError(
        .damaged, at: place, "the header says \(dataSize) bytes (shape \(shape), \(scalar.rawValue)), but \(found)",
        advice: "fetch or write the file again")
    }
  }
}

extension Inflater {
  /// At most `count` bytes as an array, fewer at the end.
  mutating func read(upTo count: Int) throws(DataError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(DataError) in
      try read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    return Array(bytes.prefix(got))
  }
}
