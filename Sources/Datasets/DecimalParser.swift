/// What a table's field says.
enum FieldValue: Equatable {
  case number(Double)
  /// A number that is not finite: `inf`, or too large for float64.
  case infinite
  case missing
  case text

  /// Interprets a field without its surrounding white space.
  init(_ field: UnsafeBufferPointer<UInt8>) {
    if let number = DecimalParser.parse(field) {
      self = number.isFinite ? .number(number) : .infinite
    } else if Self.isMissing(field) {
      self = .missing
    } else if Self.isInfinity(field) {
      self = .infinite
    } else {
      self = .text
    }
  }

  private static func isMissing(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
    switch field.count {
    case 0: true
    case 1: field[0] == UInt8(ascii: "?")
    case 2: field.isText("na")
    case 3: field.isText("nan") || field.isText("n/a")
    case 4: field.isText("null") || field.isText("-nan") || field.isText("+nan")
    default: false
    }
  }

  private static func isInfinity(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = field.first else { return false }
    let unsigned =
      first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
      ? UnsafeBufferPointer(rebasing: field.dropFirst()) : field
    return unsigned.isText("inf") || unsigned.isText("infinity")
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether the bytes are `lowercase`, an ASCII text, in any mixture of cases.
  fileprivate func isText(_ lowercase: StaticString) -> Bool {
    guard count == lowercase.utf8CodeUnitCount else { return false }
    return indices.allSatisfy { i in
      let letter = self[i]
      let isUpper = letter >= UInt8(ascii: "A") && letter <= UInt8(ascii: "Z")
      return (isUpper ? letter | 0x20 : letter) == lowercase.utf8Start[i]
    }
  }
}

/// Decimal numbers, `[+-] digits [. digits] [e [+-] digits]`, correctly rounded. Nothing else: no hexadecimal, no
/// `nan`, no digit groups.
enum DecimalParser {
  /// The number, infinite if it is too large; nil if the field is not wholly a number.
  static func parse(_ field: UnsafeBufferPointer<UInt8>) -> Double? {
    var position = 0
    let end = field.count
    guard end > 0 else { return nil }
    let isNegative = field[0] == UInt8(ascii: "-")
    if isNegative || field[0] == UInt8(ascii: "+") { position = 1 }

    // Up to 19 significant digits fit into 64 bits.
    var significand: UInt64 = 0
    var significantDigits = 0
    var digits = 0
    var exponent = 0
    var isExact = true
    func isDigit(_ i: Int) -> Bool { i < end && field[i] &- 48 < 10 }
    func accumulate(_ digit: UInt8) {
      if significantDigits < 19 {
        significand = significand &* 10 &+ UInt64(digit)
        if significand > 0 { significantDigits += 1 }
      } else {
        isExact = false
      }
    }
    while isDigit(position) {
      accumulate(field[position] &- 48)
      digits += 1
      position += 1
    }
    if position < end, field[position] == UInt8(ascii: ".") {
      position += 1
      while isDigit(position) {
        accumulate(field[position] &- 48)
        digits += 1
        exponent -= 1
        position += 1
      }
    }
    guard digits > 0 else { return nil }
    if position < end, field[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      var isDown = false
      if position < end, field[position] == UInt8(ascii: "-") || field[position] == UInt8(ascii: "+") {
        isDown = field[position] == UInt8(ascii: "-")
        position += 1
      }
      guard isDigit(position) else { return nil }
      var written = 0
      while isDigit(position) {
        // Beyond this every number is 0 or infinite; the text is then read in full below.
        if written < 100_000 { written = written * 10 + Int(field[position] &- 48) }
        position += 1
      }
      exponent += isDown ? -written : written
    }
    guard position == end else { return nil }

    // Clinger (1990): a significand below 2⁵³ and a power of ten up to 10²² are exact in float64, so that one
    // multiplication or division rounds correctly.
    if isExact, significand < 1 << 53, exponent >= -22, exponent <= 22 {
      let magnitude = Double(significand)
      let value = exponent < 0 ? magnitude / powersOfTen[-exponent] : magnitude * powersOfTen[exponent]
      return isNegative ? -value : value
    }
    // The standard library's conversion rounds correctly too and does not depend on the locale.
    return Double(String(decoding: field, as: UTF8.self))
  }

  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]
}
