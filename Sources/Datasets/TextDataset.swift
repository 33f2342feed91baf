/// Makes examples of a text: one character (Unicode scalar) an example, as its index in the vocabulary, which holds
/// the characters that occur, in order of their code points. The last share of the text is the test set, as later
/// text must not be learnt from what surrounds it.
enum TextDataset {
  static func make(_ file: ByteRegion, _ request: DataRequest, name: String, path: String) throws(DataError) -> Dataset
  {
    let place = DataPlace(file: path)
    try request.refuseColumns(at: place)
    guard request.tokens == .characters, request.schema?.vocabulary == nil else {
      return try ofTokens(file, request, name: name, place: place)
    }
    // As long as the largest code point needs it: there are 1.1 million, most texts use a few hundred.
    var isPresent = [Bool](repeating: false, count: 0x80)
    var count = 0
    try forEachScalar(file, place) { scalar in
      if scalar >= isPresent.count {
        isPresent.append(contentsOf: repeatElement(false, count: Int(scalar) + 1 - isPresent.count))
      }
      isPresent[Int(scalar)] = true
      count += 1
    }
    guard count > 0 else { throw DataError(.empty, at: place, "holds no text", advice: "name a file with text") }
    let alphabet = isPresent.indices.filter { isPresent[$0] }
    var indices = [UInt32](repeating: 0, count: isPresent.count)
    for (index, scalar) in alphabet.enumerated() { indices[scalar] = UInt32(index) }

    // Every index of a vocabulary beyond 256 is exact in float32 too.
    let kind = alphabet.count <= 256 ? ElementKind.uint8 : .float32
    let storage = try ByteStorage.allocate(byteCount: count * kind.size, for: place) { (raw) throws(DataError) in
      var position = 0
      try forEachScalar(file, place) { scalar in
        if kind == .uint8 {
          raw[position] = UInt8(indices[Int(scalar)])
        } else {
          raw.storeBytes(of: Float(indices[Int(scalar)]), toByteOffset: position * 4, as: Float.self)
        }
        position += 1
      }
    }
    let inputs = ExampleArray(kind: kind, count: count, shape: [1], bytes: ByteRegion(storage))
    var request = request
    request.split = .position
    let (train, test) = try ExampleSet(inputs: inputs, place: place).split(request, place: place)
    let vocabulary = alphabet.map { String(Unicode.Scalar(UInt32($0))!) }
    return try Dataset(name: name, train: train, test: test, vocabulary: vocabulary)
  }

  /// A text of words, or one whose vocabulary is known.
  private static func ofTokens(
    _ file: ByteRegion, _ request: DataRequest, name: String, place: DataPlace
  ) throws(DataError) -> Dataset {
    var (list, request) = (TokenList(), request)
    list.append(try string(file, place)[...], as: request.tokens)
    request.split = .position
    let all = try ExampleSet(inputs: list.inputs(place: place), place: place)
    return try list.dataset(all.split(request, place: place), request.tokens, request, name: name, place: place)
  }

  /// The text of a file.
  /// - Throws: `.unsupported` where it is not UTF-8.
  static func string(_ file: ByteRegion, _ place: DataPlace) throws(DataError) -> String {
    try forEachScalar(file, place) { _ in }
    return file.withUnsafeBytes { bytes in
      String(decoding: bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...], as: UTF8.self)
    }
  }

  /// Decodes UTF-8 strictly; a byte order mark at the start is passed over.
  private static func forEachScalar(
    _ file: ByteRegion, _ place: DataPlace, _ body: (UInt32) -> Void
  ) throws(DataError) {
    try file.withUnsafeBytes { (bytes) throws(DataError) in
      var position = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
      while position < bytes.count {
        guard let (scalar, length) = scalar(bytes, position) else {
          var place = place
          place.byteOffset = position
          throw DataError(.unsupported, at: place, "is not UTF-8 text", advice: "convert it: iconv -t UTF-8 FILE > NEW")
        }
        body(scalar)
        position += length
      }
    }
  }

  /// Where bytes are no UTF-8 any more; nil where all are.
  static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var position = 0
    while position < bytes.count {
      // Eight letters of ASCII at a time.
      if position + 8 <= bytes.count,
        bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        position += 8
        continue
      }
      guard let (_, length) = scalar(bytes, position) else { return position }
      position += length
    }
    return nil
  }

  /// The scalar that begins at `position` and its length in bytes; nil for what the Unicode standard (table 3-7) does
  /// not allow.
  private static func scalar(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> (UInt32, Int)? {
    let lead = bytes[position]
    if lead < 0x80 { return (UInt32(lead), 1) }
    let (length, minimum): (Int, UInt32)
    switch lead {
    case 0xc2...0xdf: (length, minimum) = (2, 0x80)
    case 0xe0...0xef: (length, minimum) = (3, 0x800)
    case 0xf0...0xf4: (length, minimum) = (4, 0x1_0000)
    default: return nil
    }
    guard position + length <= bytes.count else { return nil }
    var value = UInt32(lead) & (0x7f >> UInt32(length))
    for next in bytes[position + 1..<position + length] {
      guard next & 0xc0 == 0x80 else { return nil }
      value = value << 6 | UInt32(next & 0x3f)
    }
    guard value >= minimum, Unicode.Scalar(value) != nil else { return nil }
    return (value, length)
  }
}
