/// What a table's field says.
enum FieldValue: Equatable {
  case number(Double)
  /// A number that is not finite: `inf`, or too large for float64.
  case infinite
  case missing
  case text

  /// Interprets a field without its surrounding white space.
  init(_ field: UnsafeBufferPointer<UInt8>, _ decimal: DecimalRule) {
    guard decimal != .point, let plain = decimal.plain(field) else {
      self.init(field)
      // What another rule takes for a number is none under this one: 3.14 with a decimal comma.
      if decimal == .comma, case .number = self, field.contains(UInt8(ascii: ".")) { self = .text }
      return
    }
    self = plain.withUnsafeBufferPointer { FieldValue($0) }
  }

  /// Interprets a field of a column of dates.
  init(date field: UnsafeBufferPointer<UInt8>) {
    if let days = DateParser.days(field) {
      self = .number(days)
    } else {
      self = Self.isMissing(field) ? .missing : .text
    }
  }

  /// Interprets a field of a column of percentages: a number, with or without a per cent sign. 12.5 % is 12.5.
  init(percentage field: UnsafeBufferPointer<UInt8>, _ decimal: DecimalRule) {
    guard field.last == UInt8(ascii: "%") else {
      self.init(field, decimal)
      return
    }
    let spaces: [[UInt8]] = [Array(" ".utf8), Array("\u{A0}".utf8), Array("\u{202F}".utf8)]
    let signed = field.dropLast()
    let space = spaces.first { signed.suffix($0.count).elementsEqual($0) }
    self.init(UnsafeBufferPointer(rebasing: signed.dropLast(space?.count ?? 0)), decimal)
    if self == .missing { self = .text }
  }

  /// Interprets a field that writes numbers with a decimal point.
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

    if isExact, exponent >= -27, exponent <= 27 {
      let magnitude = significand == 0 ? 0 : scaled(significand, byPowerOfTen: exponent)
      return isNegative ? -magnitude : magnitude
    }
    // The standard library's conversion rounds correctly too and does not depend on the locale.
    return Double(String(decoding: field, as: UTF8.self))
  }

  /// significand × 10^exponent, correctly rounded, for significand > 0 and |exponent| ≤ 27.
  ///
  /// 10ⁿ is 5ⁿ × 2ⁿ, and 5²⁷ still fits into 64 bits: one exact integer product or division gives the leading bits of
  /// the result, at least 63 of them, and whether anything follows them. With that as the last bit, the conversion to
  /// 53 bits rounds as the exact value would.
  private static func scaled(_ significand: UInt64, byPowerOfTen exponent: Int) -> Double {
    let five = powersOfFive[abs(exponent)]
    if exponent >= 0 {
      let product = significand.multipliedFullWidth(by: five)
      if product.high == 0 { return Double(product.low) * powerOfTwo(exponent) }
      let shift = product.high.leadingZeroBitCount
      let leading = product.high << shift | product.low >> (64 - shift)
      let isInexact = product.low << shift != 0
      return Double(leading | (isInexact ? 1 : 0)) * powerOfTwo(exponent + 64 - shift)
    }
    let shift = significand.leadingZeroBitCount
    let divisorShift = five.leadingZeroBitCount
    let dividend = significand << shift
    // Both now lie in [2⁶³, 2⁶⁴), so that the quotient of dividend × 2⁶³ lies in (2⁶², 2⁶⁴).
    let (quotient, remainder) = (five << divisorShift).dividingFullWidth((dividend >> 1, dividend << 63))
    return Double(quotient | (remainder == 0 ? 0 : 1)) * powerOfTwo(divisorShift - shift - 63 + exponent)
  }

  /// For exponents of normal numbers.
  private static func powerOfTwo(_ exponent: Int) -> Double {
    Double(bitPattern: UInt64(exponent + 1023) << 52)
  }

  private static let powersOfFive: [UInt64] = (0..<27).reduce(into: [1]) { powers, _ in powers.append(powers.last! * 5)
  }
}
