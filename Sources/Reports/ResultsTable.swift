import Files

/// What a command found out, for people as a table and for programs as JSON.
///
/// ```
/// test/elbo                -241.38 ± 0.05  nats
/// test/kl                   15.88          nats
/// examples/s             81234
/// run                    runs/vae-1
/// ```
public struct ResultsTable: Sendable, Hashable {
  public struct Row: Sendable, Hashable {
    public enum Value: Sendable, Hashable {
      /// - digits: after the point.
      case number(Double, digits: Int)
      case integer(Int)
      case text(String)
    }

    /// The metric's name, which is also the key in JSON.
    public let name: String
    public let value: Value
    /// A standard error, shown behind ± with as many digits as the value.
    public let error: Double?
    public let unit: String

    public init(_ name: String, _ value: Value, error: Double? = nil, unit: String = "") {
      self.name = name
      self.value = value
      self.error = error
      self.unit = unit
    }

    public init(_ name: String, _ value: Double, digits: Int = 2, error: Double? = nil, unit: String = "") {
      self.init(name, .number(value, digits: digits), error: error, unit: unit)
    }
  }

  public var rows: [Row]

  public init(_ rows: [Row] = []) {
    self.rows = rows
  }

  /// Names at the left, numbers with their points below each other, errors, units. Ends with a line end; empty when
  /// there are no rows.
  public var text: String {
    let numbers = rows.map { row -> (whole: String, fraction: String) in
      switch row.value {
      case .number(let value, let digits):
        let digits = NumberText.readable(value, digits: digits)
        let point = digits.firstIndex(of: ".") ?? digits.endIndex
        return (String(digits[..<point]), String(digits[point...]))
      case .integer(let value): return ("\(value)", "")
      case .text: return ("", "")
      }
    }
    let errors = rows.map { row -> String in
      guard let error = row.error, case .number(_, let digits) = row.value else { return "" }
      return " ± " + NumberText.fixed(error, digits: digits)
    }
    let nameWidth = rows.map(\.name.count).max() ?? 0
    let wholeWidth = numbers.map(\.whole.count).max() ?? 0
    let fractionWidth = numbers.map(\.fraction.count).max() ?? 0
    let errorWidth = errors.map(\.count).max() ?? 0

    var text = ""
    for (index, row) in rows.enumerated() {
      var line = TextTable.padded(row.name, to: nameWidth) + "  "
      if case .text(let words) = row.value {
        line += words
      } else {
        line += TextTable.padded(numbers[index].whole, to: wholeWidth, .right)
        line += TextTable.padded(numbers[index].fraction, to: fractionWidth)
        line += TextTable.padded(errors[index], to: errorWidth)
      }
      if !row.unit.isEmpty { line += "  " + row.unit }
      text += TextTable.withoutTrailingSpaces(line) + "\n"
    }
    return text
  }

  /// One object: each name with its number or text, a standard error behind it as `NAME_se`. Numbers that are not
  /// finite are null.
  public var json: String {
    JSONText.object(
      rows.flatMap { row -> [(key: String, value: String)] in
        let value =
          switch row.value {
          case .number(let value, _): JSONText.number(value)
          case .integer(let value): "\(value)"
          case .text(let words): JSONText.string(words)
          }
        return [(row.name, value)] + (row.error.map { [(row.name + "_se", JSONText.number($0))] } ?? [])
      })
  }
}
