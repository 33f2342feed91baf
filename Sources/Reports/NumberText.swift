import Foundation

/// Numbers as people read them.
package enum NumberText {
  /// So many digits after the point.
  static func fixed(_ value: Double, digits: Int) -> String {
    // The sign of a NaN says nothing.
    value.isNaN ? "nan" : String(format: "%.\(digits)f", value)
  }

  /// So many digits after the point, or three significant ones if that would show fewer of them.
  static func readable(_ value: Double, digits: Int) -> String {
    let isSmall = digits >= 2 && value != 0 && abs(value) < 10 * pow(0.1, Double(digits))
    return isSmall ? significant(value, digits: 3) : fixed(value, digits: digits)
  }

  /// So many significant digits, in exponent form where that is shorter.
  static func significant(_ value: Double, digits: Int) -> String {
    String(format: "%.\(digits)g", value)
  }

  /// So many significant digits, without an exponent from 1 to below a million: 14850, 1.485e+06.
  package static func written(_ value: Double, digits: Int) -> String {
    let text = significant(value, digits: digits)
    guard (1..<1e6).contains(abs(value)), text.contains("e"), let rounded = Double(text) else { return text }
    return fixed(rounded, digits: 0)
  }

  /// Three significant digits with k, M, G for thousands: 950, 1.20k, 81.3k, 2.05M.
  static func compact(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    var (rest, unit) = (value, "")
    for next in ["k", "M", "G", "T"] where abs(rest) >= 999.5 { (rest, unit) = (rest / 1000, next) }
    let digits = abs(rest) >= 99.95 ? 0 : abs(rest) >= 9.995 ? 1 : 2
    return fixed(rest, digits: unit.isEmpty && rest == rest.rounded() ? 0 : digits) + unit
  }

  /// How long something takes: 4 s, 1:05, 2:03:09.
  static func duration(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
    let whole = Int(seconds.rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if hours > 0 { return "\(hours):\(twoDigits(minutes)):\(twoDigits(rest))" }
    return minutes > 0 ? "\(minutes):\(twoDigits(rest))" : "\(rest) s"
  }
}
