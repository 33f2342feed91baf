import Files

/// Reads JSON (RFC 8259) in memory, value after value, as the caller asks for them: a long list of numbers takes the memory
/// of its numbers alone, where a decoder keeps a tree.
struct JSONReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) { (self.bytes, position) = (bytes, bytes.startIndex) }

  /// The first byte of the next value; nil at the end.
  var next: UInt8? {
    mutating get {
      while position < bytes.endIndex, isBlank(bytes[position]) { position += 1 }
      return position < bytes.endIndex ? bytes[position] : nil
    }
  }

  private var damage: Refusal { Refusal(400, "The body is no JSON, by its byte \(position - bytes.startIndex).") }

  private mutating func take(_ character: Unicode.Scalar) throws(Refusal) {
    guard takes(character) else { throw damage }
  }

  private mutating func takes(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func takes(word: StaticString) throws(Refusal) -> Bool {
    let letters = word.withUTF8Buffer { Array($0) }
    guard next == letters[0] else { return false }
    guard bytes[position...].starts(with: letters) else { throw damage }
    position += letters.count
    return true
  }

  private static func other(_ what: String) -> Refusal { Refusal(400, "\(what) is of another type.") }

  // MARK: Values

  /// Reads an object whose keys are all known, none of them twice; `member` reads the value of each.
  mutating func object(
    _ what: String, keys: [String], _ member: (inout JSONReader, String) throws(Refusal) -> Void
  ) throws(Refusal) {
    guard takes("{") else { throw JSONReader.other(what) }
    var seen: Set<String> = []
    guard !takes("}") else { return }
    repeat {
      guard next == UInt8(ascii: "\"") else { throw damage }
      let key = try string("A key")
      guard keys.contains(key) else {
        let name = String(key.prefix(40))
        let hint = nearest(to: name, among: keys).map { "; the nearest is \($0)" } ?? ""
        throw Refusal(400, "\(what) has a key \(name), which is not known\(hint).")
      }
      guard seen.insert(key).inserted else { throw Refusal(400, "\(what) has the key \(key) twice.") }
      try take(":")
      try member(&self, key)
    } while takes(",")
    try take("}")
  }

  /// Reads a list; `element` reads each of its values.
  mutating func list(
    _ what: String, _ element: (inout JSONReader) throws(Refusal) -> Void
  ) throws(Refusal) {
    guard takes("[") else { throw JSONReader.other(what) }
    guard !takes("]") else { return }
    repeat { try element(&self) } while takes(",")
    try take("]")
  }

  mutating func isNull() throws(Refusal) -> Bool { try takes(word: "null") }

  mutating func truth(_ what: String) throws(Refusal) -> Bool {
    if try takes(word: "true") { return true }
    guard try takes(word: "false") else { throw JSONReader.other(what) }
    return false
  }

  /// The number that is nearest to what is written.
  mutating func number(_ what: String) throws(Refusal) -> Double {
    guard let first = next, first == UInt8(ascii: "-") || isDigit(first) else { throw JSONReader.other(what) }
    let start = position
    if first == UInt8(ascii: "-") { position += 1 }
    let whole = try digits()
    guard whole.count == 1 || bytes[whole.lowerBound] != UInt8(ascii: "0") else { throw damage }
    var isWhole = true
    if skips(UInt8(ascii: ".")) {
      _ = try digits()
      isWhole = false
    }
    if skips(UInt8(ascii: "e")) || skips(UInt8(ascii: "E")) {
      if !skips(UInt8(ascii: "+")) { _ = skips(UInt8(ascii: "-")) }
      _ = try digits()
      isWhole = false
    }
    // Short whole numbers, such as those of pixels, are exact; −0 is not 0.
    if isWhole, whole.count <= 15, start == whole.lowerBound {
      return Double(bytes[whole].reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) })
    }
    guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite else {
      throw Refusal(400, "\(what) has a number beyond all doubles.")
    }
    return value
  }

  /// Passes over digits, at least one.
  private mutating func digits() throws(Refusal) -> Range<Int> {
    let start = position
    while position < bytes.endIndex, isDigit(bytes[position]) { position += 1 }
    guard position > start else { throw damage }
    return start..<position
  }

  private mutating func skips(_ letter: UInt8) -> Bool {
    guard position < bytes.endIndex, bytes[position] == letter else { return false }
    position += 1
    return true
  }

  /// A whole number within bounds.
  mutating func integer(_ what: String, in bounds: ClosedRange<Int>) throws(Refusal) -> Int {
    let start = position
    let value = try number(what)
    let text = String(decoding: bytes[start..<position], as: UTF8.self).filter { !$0.isWhitespace }
    guard let whole = Int(text) ?? Int(exactly: value), bounds.contains(whole) else {
      throw Refusal(
        400,
        "\(what) is \(text.prefix(40)): it must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound).")
    }
    return whole
  }

  mutating func string(_ what: String) throws(Refusal) -> String {
    guard takes("\"") else { throw JSONReader.other(what) }
    let start = position
    while position < bytes.endIndex, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
      guard bytes[position] >= 0x20 else { throw damage }
      position += 1
    }
    guard position < bytes.endIndex else { throw damage }
    var text = Array(bytes[start..<position])
    while bytes[position] != UInt8(ascii: "\"") {
      if bytes[position] == UInt8(ascii: "\\") {
        position += 1
        text += Array(String(try escaped()).utf8)
      } else {
        guard bytes[position] >= 0x20 else { throw damage }
        text.append(bytes[position])
        position += 1
      }
      guard position < bytes.endIndex else { throw damage }
    }
    position += 1
    guard let result = String(validating: text, as: UTF8.self) else { throw Refusal(400, "The body is not all UTF-8.") }
    return result
  }

  /// What follows a backslash.
  private mutating func escaped() throws(Refusal) -> Unicode.Scalar {
    guard position < bytes.endIndex else { throw damage }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw damage
    }
    let high = try hexadecimals()
    guard (0xD800..<0xDC00).contains(high) else {
      guard let scalar = Unicode.Scalar(high) else { throw damage }
      return scalar
    }
    // Beyond the first plane a character is written as two halves.
    guard bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else { throw damage }
    position += 2
    let low = try hexadecimals()
    guard (0xDC00..<0xE000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw damage }
    return scalar
  }

  private mutating func hexadecimals() throws(Refusal) -> UInt32 {
    let digits = bytes[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw damage }
    position += 4
    return value
  }

  /// Nothing may follow.
  mutating func end() throws(Refusal) { guard next == nil else { throw damage } }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
  private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
