/// What the cells of a column are, as the request says.
enum CellNotation: Sendable, Hashable {
  case number
  /// A date, which becomes a number of days.
  case date
  /// A number that may have a per cent sign.
  case percentage
}

/// How a table writes numbers.
public enum DecimalRule: String, Sendable, Hashable, CaseIterable {
  /// 1234.5: a decimal point, and nothing between the digits.
  case point
  /// 1234,5 or 1.234,5: a decimal comma; points, spaces and apostrophes may group the digits by three.
  case comma
  /// 1,234.5: a decimal point; commas group the digits by three.
  case grouped
}

extension DecimalRule {
  /// A number of this rule with a decimal point and without groups of digits; nil for what is none.
  func plain(_ field: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    let (mark, groups): (Unicode.Scalar, [Unicode.Scalar]) =
      self == .comma ? (",", [".", " ", "'", "\u{2019}", "\u{A0}", "\u{202F}"]) : (".", [","])
    var result: [UInt8] = []
    // Digits since the last separator of groups; nil before the first one.
    var group: Int?
    var (digits, isWhole) = (0, true)
    for scalar in String(decoding: field, as: UTF8.self).unicodeScalars {
      switch scalar {
      case "0"..."9":
        digits += 1
        if isWhole, let known = group { group = known + 1 }
        result.append(UInt8(scalar.value))
      case mark where isWhole:
        isWhole = false
        result.append(UInt8(ascii: "."))
      case _ where isWhole && groups.contains(scalar):
        guard group ?? 3 == 3, group != nil || (1...3).contains(digits) else { return nil }
        group = 0
      case "+", "-", "e", "E":
        if scalar == "e" || scalar == "E" { isWhole = false }
        result.append(UInt8(scalar.value))
      default: return nil
      }
    }
    return group ?? 3 == 3 && digits > 0 ? result : nil
  }

  /// What to do about a text that another notation takes for a number.
  /// - Parameter columns: those that hold such texts, as the value of a recipe's key.
  static func advice(for text: String, columns: String) -> String? {
    if text.wholeMatch(of: /[+-]?\d{1,3}(,\d{3})+/) != nil {
      return
        "if the comma is a decimal mark, set \(DataKey.decimal)=comma; if it groups digits, \(DataKey.decimal)=grouped"
    }
    if text.wholeMatch(of: /[+-]?(\d+|\d{1,3}([. '\u{A0}\u{202F}\u{2019}]\d{3})+),\d+([eE][+-]?\d+)?/) != nil {
      return "for a decimal comma set \(DataKey.decimal)=comma"
    }
    if text.wholeMatch(of: /[+-]?\d{1,3}(,\d{3})+\.\d+/) != nil {
      return "for commas that group digits set \(DataKey.decimal)=grouped"
    }
    if text.wholeMatch(of: /[+-]?\d[\d.,]*[ \u{A0}\u{202F}]?%/) != nil {
      return "for numbers with a per cent sign set \(DataKey.percent)=\(columns)"
    }
    if text.wholeMatch(of: /(\d{4}-\d{2}|\d{4}[-\/.]\d{1,2}[-\/.]\d{1,2}|\d{1,2}[-\/.]\d{1,2}[-\/.]\d{2,4})([T ].*)?/)
      != nil
    {
      let isISO = text.utf8.withContiguousStorageIfAvailable { DateParser.days($0) != nil } ?? false
      return (isISO ? "for dates as" : "write dates as 2024-02-29, and for")
        + " numbers of days set \(DataKey.dates)=\(columns)"
    }
    return nil
  }
}
