/// What the columns of a table hold, before it is decided which of them are inputs.
package struct TableProfile: Sendable {
  package enum Kind: String, Sendable { case numbers, text, dates, percentages }

  package struct Column: Sendable {
    package let name: String
    /// Whether no other column has the name.
    package let isNamedOnce: Bool
    package let kind: Kind
    /// How many cells have no value.
    package let missing: Int
    /// How many values are not finite.
    package let infinities: Int
    /// How many distinct values there are; of texts at most `TableProfile.mostLevels` + 1 are counted.
    package let distinct: Int
    /// Whether all numbers are whole.
    package let isWhole: Bool
    /// Whether the column only numbers the rows.
    package let countsRows: Bool
    /// The first text.
    package let sample: String
  }

  /// How the table is read: with what was found out of its notation.
  package let request: DataRequest
  package let columns: [Column]
  package let rowCount: Int
  /// Whether the first line names the columns.
  package let hasNames: Bool
  /// The names of the last column's classes, where the first line has them.
  package let classNames: [String]?
  private let table: Table
  /// Indices of texts in the order of their first occurrence, −1 where there is none, by column; columns of too many
  /// texts are not there.
  private let codes: [Int: [Int32]]

  /// The most distinct texts of a column that get codes of their own.
  package static let mostLevels = 1000

  /// - Parameter request: what to read, and what its user says of its notation.
  /// - Throws: `DataError` where it is no table.
  package init(_ request: DataRequest) throws(DataError) {
    let (table, request) = try TableProfile.read(request)
    (self.table, self.request, rowCount) = (table, request, table.rowCount)
    hasNames = table.layout.headerLine != nil
    classNames = table.layout.counts?.classNames
    let textual = table.columns.indices.filter { table.columns[$0].isText }
    let codes = try TableProfile.codes(table, textual)
    self.codes = codes
    let namesakes = Dictionary(table.columns.map { ($0.name, 1) }, uniquingKeysWith: +)
    columns = table.columns.indices.map { index in
      let column = table.columns[index]
      let numbers = column.isText ? [] : Set(TableProfile.numbers(table, index).lazy.filter { !$0.isNaN })
      let kind: Kind =
        switch table.notations[index] {
        case _ where column.isText: .text
        case .number: .numbers
        case .date: .dates
        case .percentage: .percentages
        }
      return Column(
        name: column.name, isNamedOnce: namesakes[column.name] == 1, kind: kind, missing: column.missing,
        infinities: column.infinities,
        distinct: column.isText
          ? codes[index].map { Int($0.max() ?? -1) + 1 } ?? TableProfile.mostLevels + 1 : numbers.count,
        isWhole: numbers.allSatisfy { $0 == $0.rounded() }, countsRows: column.countsRows, sample: column.textSample)
    }
  }

  /// The numbers of a column; NaN where there is none.
  package func numbers(_ index: Int) -> [Double] { TableProfile.numbers(table, index) }

  private static func numbers(_ table: Table, _ index: Int) -> [Double] {
    (0..<table.rowCount).map { table.values[$0 * table.columns.count + index] }
  }

  /// A code for each distinct value of a column; −1 where there is no value. Nil: it holds too many texts.
  package func levels(_ index: Int) -> [Int32]? {
    guard columns[index].kind != .text else { return codes[index] }
    var known: [Double: Int32] = [:]
    return numbers(index).map { number in
      guard !number.isNaN else { return -1 }
      let next = Int32(known.count)
      if let code = known[number] { return code }
      known[number] = next
      return next
    }
  }

  /// The index of a column by its name or, where none has that name, its number.
  package func index(of name: String, _ key: DataKey) throws(DataError) -> Int {
    try table.layout.index(of: name, key, file: table.file)
  }

  /// Rows as CSV, all columns as they stand, with the names of the classes in place of their numbers.
  package func text(ofRows rows: [Int]) throws(DataError) -> String {
    func line(_ cells: [String]) -> String {
      cells.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + "\n"
    }
    var (text, next) = (hasNames ? line(columns.map(\.name)) : "", rows[...])
    try table.forEachRow { (row, value, cell) throws(DataError) in
      guard row == next.first else { return }
      next.removeFirst()
      var cells = columns.indices.map(cell)
      if let classNames, case .number(let number) = value(columns.count - 1), let index = Int(exactly: number),
        classNames.indices.contains(index)
      {
        cells[columns.count - 1] = classNames[index]
      }
      text += line(cells)
    }
    return text
  }

  // MARK: Notation

  /// Reads the table, and again where texts are numbers in another notation.
  private static func read(_ asked: DataRequest) throws(DataError) -> (Table, DataRequest) {
    var (request, table) = (asked, try DataSource.table(asked))
    guard table.rowCount > 0 else { return (table, request) }
    let isCSV = SourceName(asked.source).form == .any
    if asked.decimal == .point, isCSV, table.columns.contains(where: mayBeNumbers) {
      for decimal in [DecimalRule.comma, .grouped] {
        var other = request
        other.decimal = decimal
        if let found = try? DataSource.table(other), texts(found) < texts(table) { (table, request) = (found, other) }
      }
    }
    let textual = table.columns.indices.filter { table.columns[$0].isText && isUnique($0, table) }
    var (dates, percentages) = (Set(textual), Set(textual))
    guard !textual.isEmpty else { return (table, request) }
    try table.forEachRow { (row, value, text) throws(DataError) in
      for index in dates.union(percentages) where value(index) != .missing {
        var cell = Array(text(index).utf8)
        cell.withUnsafeMutableBufferPointer { cell in
          if case .text = FieldValue(date: UnsafeBufferPointer(cell)) { dates.remove(index) }
          if case .text = FieldValue(percentage: UnsafeBufferPointer(cell), request.decimal) {
            percentages.remove(index)
          }
        }
      }
    }
    guard !dates.isEmpty || !percentages.isEmpty else { return (table, request) }
    request.dates += dates.sorted().map { table.columns[$0].name }
    request.percent += percentages.subtracting(dates).sorted().map { table.columns[$0].name }
    return (try DataSource.table(request), request)
  }

  private static func isUnique(_ index: Int, _ table: Table) -> Bool {
    table.columns.count { $0.name == table.columns[index].name } == 1
  }

  /// Whether the first text of a column is a number in another notation.
  private static func mayBeNumbers(_ column: Table.Column) -> Bool {
    column.isText
      && Array(column.textSample.utf8).withUnsafeBufferPointer { text in
        DecimalRule.comma.plain(text) != nil || DecimalRule.grouped.plain(text) != nil
      }
  }

  private static func texts(_ table: Table) -> Int { table.columns.reduce(0) { $0 + $1.texts } }

  private static func codes(_ table: Table, _ textual: [Int]) throws(DataError) -> [Int: [Int32]] {
    var codes = [Int: [Int32]](uniqueKeysWithValues: textual.map { ($0, []) })
    var known = [Int: [String: Int32]](uniqueKeysWithValues: textual.map { ($0, [:]) })
    guard !textual.isEmpty else { return codes }
    try table.forEachRow { (row, value, text) throws(DataError) in
      for index in textual where known[index] != nil {
        guard value(index) != .missing else {
          codes[index]!.append(-1)
          continue
        }
        let text = text(index)
        let code = known[index]![text] ?? Int32(known[index]!.count)
        guard code <= mostLevels - 1 else {
          (known[index], codes[index]) = (nil, nil)
          continue
        }
        known[index]![text] = code
        codes[index]!.append(code)
      }
    }
    return codes
  }
}
