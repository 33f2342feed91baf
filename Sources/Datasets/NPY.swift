/// numpy's file format for one array.
public enum NPY {
  /// The examples of a `.npy` file, along its first axis. A large file is mapped, not loaded, where its numbers are
  /// bytes, float32 or float64 in this machine's order; everything else is converted as `ExampleArray` holds it.
  ///
  /// NaN and infinities are passed on. Throws for whatever is not a sound array of numbers with at least one example.
  public static func examples(_ path: String) throws(DataError) -> ExampleArray {
    try read(path).examples()
  }

  /// As `examples`, and throws `.notFinite` for an infinity or, unless allowed, a NaN: the file is read once to see.
  public static func finiteExamples(_ path: String, allowingNaN: Bool) throws(DataError) -> ExampleArray {
    try read(path).finiteExamples(allowingNaN: allowingNaN)
  }

  /// One class number an example: integers from 0 on, of any number type, of shape [N] or [N, 1].
  public static func labels(_ path: String) throws(DataError) -> [UInt32] {
    try read(path).labels()
  }

  /// Writes an array in C order; the file appears whole or not at all.
  ///
  /// - Parameters:
  ///   - values: as many as the product of `shape`.
  ///   - shape: of the whole array; `[]` is a single number.
  public static func write<T: ArrayElement>(_ values: [T], shape: [Int], to path: String) throws(DataError) {
    precondition(values.count == shape.reduce(1, *), "values do not fill the shape")
    let file = try DataOutput(path)
    try file.write(NPYHeader.encoded(scalar: T.scalarType, shape: shape))
    try file.write(values)
    try file.commit()
  }

  package static func isNPY(_ prefix: [UInt8]) -> Bool {
    prefix.starts(with: NPYHeader.magic)
  }

  package static func read(_ path: String, mapsFrom: Int = DataFile.mapsFrom) throws(DataError) -> RawArray {
    try parse(DataFile.read(path, mapsFrom: mapsFrom), place: DataPlace(file: path))
  }

  package static func parse(_ file: ByteRegion, place: DataPlace) throws(DataError) -> RawArray {
    let header = try NPYHeader(file, place: place)
    guard case .number(let scalar) = header.element else {
      throw DataError(
        .unsupported, at: place, "an array of texts",
        advice: "save numbers; texts are read as the classes of an .npz file"
      )
    }
    try checkSize(header, scalar.size, scalar.rawValue, file, place)
    return RawArray(
      scalar: scalar, isByteSwapped: header.isLittleEndian != RawArray.machineIsLittleEndian,
      isColumnMajor: header.isColumnMajor, shape: header.shape, bytes: file[header.dataOffset..<file.count],
      place: place)
  }

  private static func checkSize(
    _ header: NPYHeader, _ elementSize: Int, _ noun: String, _ file: ByteRegion, _ place: DataPlace
  ) throws(DataError) {
    let found = file.count - header.dataOffset
    guard byteCount(shape: header.shape, elementSize: elementSize) == found else {
      throw DataError(
        .damaged, at: place, "the header says shape \(header.shape) of \(noun), but \(found) bytes follow",
        advice: "write the file again with numpy.save")
    }
  }

  /// The elements of an array of texts of shape [N] or [N, 1]; nil where the array holds numbers.
  package static func texts(_ file: ByteRegion, place: DataPlace) throws(DataError) -> [String]? {
    let header = try NPYHeader(file, place: place)
    guard case .text(let length, let unit) = header.element else { return nil }
    let size = length * unit
    try checkSize(header, size, "texts of \(size) bytes", file, place)
    guard let count = header.shape.first, header.shape.dropFirst().allSatisfy({ $0 == 1 }) else {
      throw DataError(
        .mismatched, at: place, "labels of shape \(header.shape)", advice: "store one class an example, shape [N]")
    }
    return file[header.dataOffset..<file.count].withUnsafeBytes { bytes in
      (0..<count).map { index in
        let element = UnsafeRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size])
        guard unit == 4 else { return String(decoding: element.prefix { $0 != 0 }, as: UTF8.self) }
        var text = String.UnicodeScalarView()
        for place in 0..<length {
          let bits = element.loadUnaligned(fromByteOffset: 4 * place, as: UInt32.self)
          let code = header.isLittleEndian ? UInt32(littleEndian: bits) : UInt32(bigEndian: bits)
          guard code != 0 else { break }
          text.append(Unicode.Scalar(code) ?? "\u{FFFD}")
        }
        return String(text)
      }
    }
  }
}
