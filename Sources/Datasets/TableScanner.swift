/// How a table's lines are cut into fields.
enum Delimiter: Sendable, Equatable {
  case byte(UInt8)
  /// Runs of spaces and tabs.
  case whitespace
}

/// Cuts a table into records and fields without copying: RFC 4180 with any delimiter, lines ending in LF, CR LF or CR,
/// white space around fields ignored, empty lines passed over. A quote only opens at the start of a field; elsewhere
/// it is an ordinary character.
struct TableScanner {
  struct Field {
    let range: Range<Int>
    /// Whether the field contains doubled quotes, which stand for one.
    let hasEscapes: Bool
  }

  /// A table of more columns is more likely cut at the wrong character.
  static let maximumFields = 1 << 16

  let bytes: UnsafeBufferPointer<UInt8>
  let delimiter: Delimiter
  let decimal: DecimalRule
  let file: String
  private var position: Int
  private var nextLine: Int
  /// The line, from 1, where the record read last begins.
  private(set) var line = 0

  init(
    _ bytes: UnsafeBufferPointer<UInt8>, _ delimiter: Delimiter, _ decimal: DecimalRule, from start: Start, file: String
  ) {
    self.bytes = bytes
    self.decimal = decimal
    self.delimiter = delimiter
    self.file = file
    position = start.offset
    nextLine = start.line
  }

  /// Where the record after the one read last begins.
  var rest: Start { Start(offset: position, line: nextLine) }

  /// Where the first record may begin.
  struct Start: Sendable, Equatable {
    let offset: Int
    let line: Int
  }

  /// Reads the next record's fields, at least one; false at the end of the table.
  mutating func next(_ fields: inout [Field]) throws(DataError) -> Bool {
    fields.removeAll(keepingCapacity: true)
    while true {
      while position < bytes.count, isBlank(bytes[position]) { position += 1 }
      guard position < bytes.count else { return false }
      guard isLineEnd(bytes[position]) else { break }
      passLineEnd()
    }
    line = nextLine
    while true {
      fields.append(try field())
      guard fields.count <= Self.maximumFields else {
        throw error(
          .unsupported, "more than \(Self.maximumFields) fields in a line",
          advice: "check \(DataKey.delimiter); wide arrays belong into an .npy file")
      }
      guard position < bytes.count else { return true }
      if isLineEnd(bytes[position]) {
        passLineEnd()
        return true
      }
      if case .byte = delimiter { position += 1 }
    }
  }

  /// Reads one field and stops at the delimiter, line end or end of the table behind it. With white space as delimiter
  /// it stops at the next field.
  private mutating func field() throws(DataError) -> Field {
    skipBlanks()
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") { return try quotedField() }
    let start = position
    var end = start
    switch delimiter {
    case .byte(let delimiter):
      while position < bytes.count {
        let byte = bytes[position]
        if byte == delimiter || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { break }
        position += 1
        if byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\t") { end = position }
      }
    case .whitespace:
      while position < bytes.count, !isBlank(bytes[position]), !isLineEnd(bytes[position]) { position += 1 }
      end = position
      skipBlanks()
    }
    return Field(range: start..<end, hasEscapes: false)
  }

  private mutating func quotedField() throws(DataError) -> Field {
    let openingLine = nextLine
    position += 1
    let start = position
    var hasEscapes = false
    while true {
      guard position < bytes.count else {
        line = openingLine
        throw error(.damaged, "a quoted field is not closed", advice: "add the missing quote (a quote is written \"\")")
      }
      if bytes[position] == UInt8(ascii: "\"") {
        guard position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "\"") else { break }
        hasEscapes = true
        position += 2
      } else if isLineEnd(bytes[position]) {
        passLineEnd()
      } else {
        position += 1
      }
    }
    let end = position
    position += 1
    let blanksStart = position
    skipBlanks()
    let isAtEnd = position == bytes.count || isLineEnd(bytes[position])
    let isSeparated =
      switch delimiter {
      case .byte(let delimiter): position < bytes.count && bytes[position] == delimiter
      case .whitespace: position > blanksStart
      }
    guard isAtEnd || isSeparated else {
      line = nextLine
      throw error(
        .damaged, "text follows a closing quote", advice: "write a quote within a quoted field as \"\"")
    }
    return Field(range: start..<end, hasEscapes: hasEscapes)
  }

  /// The bytes of a field, with doubled quotes still doubled.
  func bytes(of field: Field) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: bytes[field.range])
  }

  /// What a field says.
  func value(of field: Field) -> FieldValue { FieldValue(bytes(of: field), decimal) }

  func value(of field: Field, _ notation: CellNotation) -> FieldValue {
    switch notation {
    case .number: value(of: field)
    case .date: FieldValue(date: bytes(of: field))
    case .percentage: FieldValue(percentage: bytes(of: field), decimal)
    }
  }

  func text(of field: Field) -> String {
    let raw = bytes(of: field)
    guard field.hasEscapes else { return String(decoding: raw, as: UTF8.self) }
    var unescaped: [UInt8] = []
    var isFirstOfPair = false
    for byte in raw {
      isFirstOfPair = byte == UInt8(ascii: "\"") && !isFirstOfPair
      if !isFirstOfPair { unescaped.append(byte) }
    }
    return String(decoding: unescaped, as: UTF8.self)
  }

  private func error(_ code: DataError.Code, _ problem: String, advice: String) -> DataError {
    DataError(code, at: DataPlace(file: file, line: line), problem, advice: advice)
  }

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

  /// White space that is not the delimiter.
  private func isBlank(_ byte: UInt8) -> Bool {
    (byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")) && delimiter != .byte(byte)
  }

  private mutating func skipBlanks() {
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
  }

  private mutating func passLineEnd() {
    let isPair =
      bytes[position] == UInt8(ascii: "\r") && position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "\n")
    position += isPair ? 2 : 1
    nextLine += 1
  }
}
