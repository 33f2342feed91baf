/// JSON written by hand where the order of keys matters, which `JSONEncoder` does not keep.
package enum JSONText {
  /// A number; null for what JSON has no number for (NaN, infinities). Whole numbers have no point.
  package static func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    // Up to 2⁵³ every whole number is exact.
    return value == value.rounded() && abs(value) < 9_007_199_254_740_992 ? "\(Int(value))" : "\(value)"
  }

  /// A string with its quotes.
  package static func string(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// An object of members whose values are JSON already.
  package static func object(_ members: [(key: String, value: String)]) -> String {
    "{" + members.map { "\(string($0.key)):\($0.value)" }.joined(separator: ",") + "}"
  }
}
