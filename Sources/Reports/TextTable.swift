/// Columns of words that stand below each other, for listings on standard output.
public struct TextTable: Sendable, Hashable {
  public enum Alignment: Sendable, Hashable { case left, right }

  public struct Column: Sendable, Hashable {
    public let title: String
    public let alignment: Alignment

    public init(_ title: String, _ alignment: Alignment = .left) {
      self.title = title
      self.alignment = alignment
    }
  }

  public let columns: [Column]
  public private(set) var rows: [[String]] = []

  public init(_ columns: [Column]) {
    self.columns = columns
  }

  /// Adds a row with a cell for each column.
  public mutating func append(_ row: [String]) {
    precondition(row.count == columns.count, "one cell for each column")
    rows.append(row)
  }

  /// The titles, unless all are empty, and the rows; two spaces between columns, no spaces at ends of lines.
  public var text: String {
    let titles = columns.map(\.title)
    let lines = (titles.allSatisfy(\.isEmpty) ? [] : [titles]) + rows
    let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let cells = columns.indices.map { Self.padded(line[$0], to: widths[$0], columns[$0].alignment) }
      return Self.withoutTrailingSpaces(cells.joined(separator: "  ")) + "\n"
    }.joined()
  }

  static func padded(_ text: String, to width: Int, _ alignment: Alignment = .left) -> String {
    let spaces = String(repeating: " ", count: max(width - text.count, 0))
    return alignment == .left ? text + spaces : spaces + text
  }

  static func withoutTrailingSpaces(_ line: String) -> String {
    String(line[..<(line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex)])
  }
}
