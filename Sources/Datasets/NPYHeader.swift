/// The head of a `.npy` file (numpy's `numpy/lib/format.py`, versions 1 to 3): a magic string, a version, a length and
/// a Python dictionary in text.
struct NPYHeader: Equatable {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// Longer headers are refused: the text of a plain array's header is below 1 KiB, even with 32 axes.
  static let maximumLength = 64 << 10
  /// numpy's own limit is 64 since version 2, 32 before.
  static let maximumAxes = 32

  /// The elements of an array: numbers, or texts of at most `length` characters with `unit` bytes each: 4, or 1.
  enum Element: Equatable {
    case number(ScalarType)
    case text(length: Int, unit: Int)
  }

  let element: Element
  let isLittleEndian: Bool
  let isColumnMajor: Bool
  let shape: [Int]
  /// Where the numbers begin.
  let dataOffset: Int

  /// Reads the header at the start of `file`.
  init(_ file: ByteRegion, place: DataPlace) throws(DataError) {
    func damaged(_ problem: String, at offset: Int? = nil) -> DataError {
      var place = place
      place.byteOffset = offset
      return DataError(.damaged, at: place, problem, advice: "write the file again with numpy.save")
    }
    let start = file.copy(from: 0, count: 12)
    guard start.starts(with: Self.magic) else { throw damaged("does not begin like an NPY file") }
    guard start.count >= 8 else { throw damaged("the NPY header ends too early") }
    let lengthSize: Int
    switch (start[6], start[7]) {
    case (1, 0): lengthSize = 2
    case (2, 0), (3, 0): lengthSize = 4
    default:
      throw DataError(
        .unsupported, at: place, "NPY version \(start[6]).\(start[7])",
        advice: "write the file again with numpy.save, which writes versions 1 to 3")
    }
    guard let length = start.littleEndian(at: 8, size: lengthSize) else {
      throw damaged("the NPY header ends too early")
    }
    guard length <= Self.maximumLength else { throw damaged("an NPY header of \(length) bytes") }
    let textOffset = 8 + lengthSize
    dataOffset = textOffset + Int(length)
    let text = file.copy(from: textOffset, count: Int(length))
    guard text.count == Int(length) else { throw damaged("the NPY header ends too early") }

    var literal = PythonLiteral(text)
    let fields: [String: PythonLiteral.Value]
    do {
      fields = try literal.dictionary()
    } catch {
      throw damaged("the NPY header is not a Python dictionary", at: textOffset + error.offset)
    }
    guard fields.count == 3, let kind = fields["descr"], case .boolean(let isColumnMajor)? = fields["fortran_order"],
      case .tuple(let extents)? = fields["shape"]
    else {
      throw damaged("the NPY header does not have exactly descr, fortran_order and shape")
    }
    guard extents.count <= Self.maximumAxes else {
      throw DataError(
        .unsupported, at: place, "an array with \(extents.count) axes", advice: "use at most \(Self.maximumAxes)")
    }
    self.isColumnMajor = isColumnMajor
    shape = extents
    guard case .string(let name) = kind else {
      throw DataError(
        .unsupported, at: place, "a structured array (several fields an element)",
        advice: "save one plain array of numbers a file, or several in an .npz")
    }
    (element, isLittleEndian) = try Self.element(named: name, place)
  }

  /// Interprets numpy's type string, for example `<f4`: byte order, kind, bytes.
  private static func element(named name: String, _ place: DataPlace) throws(DataError) -> (Element, Bool) {
    if name.dropFirst().first == "O" || name == "O" {
      throw DataError(
        .unsupported, at: place, "an array of Python objects (a pickle, which could run code when read)",
        advice: "save numbers instead, for example array.astype('float32')")
    }
    let isLittleEndian: Bool
    switch name.first {
    case "<": isLittleEndian = true
    case ">": isLittleEndian = false
    case "|" where scalars[String(name.dropFirst())]?.size == 1 || name.dropFirst().first == "S": isLittleEndian = true
    case "=": isLittleEndian = RawArray.machineIsLittleEndian
    default: throw unsupported(name, place)
    }
    if let scalar = scalars[String(name.dropFirst())] { return (.number(scalar), isLittleEndian) }
    guard let length = Int(name.dropFirst(2)), (1...65_536).contains(length), let letter = name.dropFirst().first,
      let unit = ["U": 4, "S": 1][letter]
    else { throw unsupported(name, place) }
    return (.text(length: length, unit: unit), isLittleEndian)
  }

  private static func unsupported(_ name: String, _ place: DataPlace) -> DataError {
    DataError(
      .unsupported, at: place, "element type '\(name.shortened)' is not read",
      advice: "save booleans, integers or floating-point numbers of 2, 4 or 8 bytes")
  }

  private static let scalars: [String: ScalarType] = [
    "b1": .bool, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64, "u1": .uint8, "u2": .uint16, "u4": .uint32,
    "u8": .uint64, "f2": .float16, "f4": .float32, "f8": .float64,
  ]

  /// The bytes that `numpy.save` writes before the numbers of a C-ordered array, byte for byte.
  static func encoded(scalar: ScalarType, shape: [Int]) -> [UInt8] {
    let order = scalar.size == 1 ? "|" : RawArray.machineIsLittleEndian ? "<" : ">"
    return encoded(type: order + scalars.first { $0.value == scalar }!.key, shape: shape)
  }

  /// The same of texts of so many characters.
  static func encoded(texts length: Int, shape: [Int]) -> [UInt8] { encoded(type: "<U\(length)", shape: shape) }

  private static func encoded(type: String, shape: [Int]) -> [UInt8] {
    let extents = shape.count == 1 ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(extents), }"
    // numpy leaves room for the first extent to grow to 21 digits in place.
    if let first = shape.first { text += String(repeating: " ", count: 21 - String(first).count) }
    // The numbers begin at a multiple of 64 bytes: 10 bytes stand before the text, a newline ends it.
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let length = UInt16(text.utf8.count)
    return magic + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)] + Array(text.utf8)
  }
}

/// Reads the small part of Python's syntax that NPY headers use: one dictionary from strings to strings, booleans and
/// tuples of integers. Anything else that balances, such as a list, is `.other`.
struct PythonLiteral {
  enum Value: Equatable {
    case string(String)
    case boolean(Bool)
    case tuple([Int])
    case other
  }

  struct Failure: Error {
    let offset: Int
  }

  private let text: [UInt8]
  private var position = 0

  init(_ text: [UInt8]) { self.text = text }

  /// The whole text as a dictionary; only white space may follow it.
  mutating func dictionary() throws(Failure) -> [String: Value] {
    var fields: [String: Value] = [:]
    try expect("{")
    while !take("}") {
      let key = try string()
      try expect(":")
      guard fields.updateValue(try value(), forKey: key) == nil else { throw failure }
      guard take(",") else {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard position == text.count else { throw failure }
    return fields
  }

  private var failure: Failure { Failure(offset: position) }

  private mutating func value() throws(Failure) -> Value {
    skipSpace()
    guard position < text.count else { throw failure }
    switch text[position] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "("): return .tuple(try tuple())
    case UInt8(ascii: "["):
      try skipList()
      return .other
    default:
      if takeWord("True") { return .boolean(true) }
      if takeWord("False") { return .boolean(false) }
      throw failure
    }
  }

  private mutating func tuple() throws(Failure) -> [Int] {
    var numbers: [Int] = []
    try expect("(")
    while !take(")") {
      numbers.append(try integer())
      guard take(",") else {
        try expect(")")
        break
      }
    }
    return numbers
  }

  private mutating func integer() throws(Failure) -> Int {
    skipSpace()
    var number = 0
    let start = position
    while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) {
      let (tens, tooBig) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = tens.addingReportingOverflow(Int(text[position] - UInt8(ascii: "0")))
      guard !tooBig, !overflow else { throw failure }
      number = sum
      position += 1
    }
    guard position > start else { throw failure }
    // Python 2 wrote long integers with a suffix.
    if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
    return number
  }

  private mutating func string() throws(Failure) -> String {
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: "'") || text[position] == UInt8(ascii: "\"") else {
      throw failure
    }
    let quote = text[position]
    let start = position + 1
    guard let end = text[start...].firstIndex(of: quote), !text[start..<end].contains(UInt8(ascii: "\\")) else {
      throw failure
    }
    position = end + 1
    return String(decoding: text[start..<end], as: UTF8.self)
  }

  /// Structured types are lists of tuples with strings; only their end is looked for.
  private mutating func skipList() throws(Failure) {
    var depth = 0
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 {
          position += 1
          return
        }
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        _ = try string()
        continue
      default: break
      }
      position += 1
    }
    throw failure
  }

  private mutating func skipSpace() {
    while position < text.count, text[position] == 0x20 || (0x09...0x0d).contains(text[position]) { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard position < text.count, text[position] == character.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Character) throws(Failure) {
    guard take(character) else { throw failure }
  }

  private mutating func takeWord(_ word: String) -> Bool {
    guard text[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }
}
