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
    let widths = columns.indices.map { column in lines.map { $0[column].terminalWidth }.max() ?? 0 }
    return lines.map { line in
      let cells = columns.indices.map { Self.padded(line[$0], to: widths[$0], columns[$0].alignment) }
      return Self.withoutTrailingSpaces(cells.joined(separator: "  ")) + "\n"
    }.joined()
  }

  static func padded(_ text: String, to width: Int, _ alignment: Alignment = .left) -> String {
    let spaces = String(repeating: " ", count: max(width - text.terminalWidth, 0))
    return alignment == .left ? text + spaces : spaces + text
  }

  static func withoutTrailingSpaces(_ line: String) -> String {
    String(line[..<(line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex)])
  }
}

extension String {
  /// How many cells of a terminal it takes: two for each letter of Chinese, Japanese and Korean (Unicode's Annex 11).
  public var terminalWidth: Int {
    reduce(0) { width, letter in
      let first = letter.unicodeScalars.first!.value
      return width + (String.wideScalars.contains { $0.contains(first) } ? 2 : 1)
    }
  }

  private static let wideScalars: [ClosedRange<UInt32>] = [
    0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97c, 0xac00...0xd7a3,
    0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff,
    0x20000...0x3fffd,
  ]
}
