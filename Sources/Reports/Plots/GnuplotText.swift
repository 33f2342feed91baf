import Foundation

/// Words and numbers as gnuplot reads them.
enum GnuplotText {
  /// A string literal that gnuplot takes letter by letter: in single quotes neither backslashes nor backquotes nor
  /// macros mean anything, and a quote is written twice. Line breaks and other control characters become spaces.
  ///
  /// gnuplot's markup (`_`, `^`, `{}`, `@`, `&`, `~`) is a matter of drawing, not of the literal: it is switched off
  /// with `noenhanced` wherever one of these is drawn.
  static func literal(_ text: String) -> String {
    var quoted = "'"
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: quoted += " "
      default: quoted.unicodeScalars.append(scalar)
      }
      if scalar == "'" { quoted += "'" }
    }
    return quoted + "'"
  }

  /// A literal for a tick mark, where gnuplot would read `%` as the start of a number's format.
  static func tickLiteral(_ text: String) -> String {
    var doubled = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { doubled.append(contentsOf: scalar == "%" ? [scalar, scalar] : [scalar]) }
    return literal(String(doubled))
  }

  /// A finite number, exactly.
  static func number(_ value: Double) -> String {
    precondition(value.isFinite, "only finite numbers are drawn")
    return "\(value)"
  }

  /// A number that is read from the picture, with enough digits to distinguish it from others that differ by up to
  /// `span`: hundredths of 1, whole numbers of 100 and more. Spans far from 1 have a few significant digits: 1204,
  /// -3.1e-05.
  static func short(_ value: Double, among span: Double) -> String {
    guard value.isFinite else { return "–" }
    if value == value.rounded() && abs(value) < 1e6 { return "\(Int(value))" }
    guard (0.001...1e6).contains(span) else { return NumberText.significant(value, digits: 3) }
    return String(format: "%.\(max(2 - Int(log10(span).rounded(.down)), 0))f", value)
  }
}
