/// A table of text, read: numbers as numbers, and for every column what else stands in it. Errors are left to those
/// who know which columns are used.
struct Table: Sendable {
  /// What a column holds besides numbers; lines are those of the first such cell.
  struct Column: Sendable {
    let name: String
    var missing = 0
    var missingLine = 0
    var texts = 0
    var textLine = 0
    var textSample = ""
    var infinities = 0
    var infinityLine = 0
    /// Whether the column only numbers the rows, from 0 or 1.
    var countsRows = true

    var isText: Bool { texts > 0 }
  }

  let layout: TableLayout
  let columns: [Column]
  let rowCount: Int
  /// Row-major, `rowCount × columns.count`; NaN where there is no finite number.
  let values: [Double]
  /// How each column writes its numbers.
  let notations: [CellNotation]
  let file: String
  private let bytes: ByteRegion

  init(_ bytes: ByteRegion, _ request: DataRequest, file: String) throws(DataError) {
    self.bytes = bytes
    self.file = file
    (layout, notations, columns, values) = try bytes.withUnsafeBytes { (raw) throws(DataError) in
      let bytes = raw.bindMemory(to: UInt8.self)
      try Self.checkIsText(bytes, file)
      let layout = try TableLayout(bytes, request, file: file)
      let notations = try layout.notations(request, file: file)
      let (columns, values) = try Self.read(bytes, layout, notations, file)
      return (layout, notations, columns, values)
    }
    rowCount = values.count / columns.count
    if let counts = layout.counts, counts.rows != rowCount {
      throw DataError(
        .damaged, at: DataPlace(file: file, line: 1),
        "the first line says \(counts.rows) rows, but \(counted(rowCount, "row")) follow",
        advice: "fetch the file again, or set \(DataKey.header) to present or absent")
    }
  }

  /// The line in the file of a row that has been read.
  func line(ofRow row: Int) -> Int? {
    bytes.withUnsafeBytes { raw in
      var scanner = TableScanner(
        raw.bindMemory(to: UInt8.self), layout.delimiter, layout.decimal, from: layout.rows, file: file)
      var fields: [TableScanner.Field] = []
      for _ in 0...row { guard (try? scanner.next(&fields)) == true else { return nil } }
      return scanner.line
    }
  }

  /// The cells of a column as they stand.
  func texts(ofColumn index: Int) throws(DataError) -> [String] {
    try bytes.withUnsafeBytes { (raw) throws(DataError) in
      var scanner = TableScanner(
        raw.bindMemory(to: UInt8.self), layout.delimiter, layout.decimal, from: layout.rows, file: file)
      var (fields, cells): ([TableScanner.Field], [String]) = ([], [])
      while try scanner.next(&fields) { cells.append(scanner.text(of: fields[index])) }
      return cells
    }
  }

  /// Shows the cells of each row, in their order: what one means, and how it stands.
  func forEachRow(
    _ body: (_ row: Int, _ value: (Int) -> FieldValue, _ text: (Int) -> String) throws(DataError) -> Void
  ) throws(DataError) {
    try bytes.withUnsafeBytes { (raw) throws(DataError) in
      var scanner = TableScanner(
        raw.bindMemory(to: UInt8.self), layout.delimiter, layout.decimal, from: layout.rows, file: file)
      var (fields, row): ([TableScanner.Field], Int) = ([], 0)
      while try scanner.next(&fields) {
        let (record, cells) = (scanner, fields)
        try body(row, { record.value(of: cells[$0], notations[$0]) }, { record.text(of: cells[$0]) })
        row += 1
      }
    }
  }

  private static func checkIsText(_ bytes: UnsafeBufferPointer<UInt8>, _ file: String) throws(DataError) {
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
      throw DataError(
        .unsupported, at: DataPlace(file: file), "is UTF-16 text",
        advice: "convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW")
    }
    if let offset = bytes.firstIndex(of: 0) {
      throw DataError(
        .unsupported, at: DataPlace(file: file, byteOffset: offset), "is not text (a zero byte)",
        advice: "name a text table, or say \(DataKey.format)")
    }
    if let offset = TextDataset.firstInvalid(UnsafeRawBufferPointer(bytes)) {
      let line = 1 + bytes[..<offset].count { $0 == UInt8(ascii: "\n") }
      throw .notUTF8(at: DataPlace(file: file, line: line))
    }
  }

  private static func read(
    _ bytes: UnsafeBufferPointer<UInt8>, _ layout: TableLayout, _ notations: [CellNotation], _ file: String
  ) throws(DataError) -> ([Column], [Double]) {
    var columns = layout.names.map { Column(name: $0) }
    var values: [Double] = []
    var scanner = TableScanner(bytes, layout.delimiter, layout.decimal, from: layout.rows, file: file)
    var fields: [TableScanner.Field] = []
    var row = 0
    while try scanner.next(&fields) {
      guard fields.count == columns.count else {
        throw Self.raggedRow(fields.count, scanner.line, layout, file)
      }
      for (index, field) in fields.enumerated() {
        let value = scanner.value(of: field, notations[index])
        if case .number(let number) = value {
          values.append(number)
          if columns[index].countsRows, number != Double(row), number != Double(row + 1) {
            columns[index].countsRows = false
          }
        } else {
          values.append(.nan)
          columns[index].note(value, line: scanner.line) { scanner.text(of: field) }
        }
      }
      row += 1
      // By the length of the first rows: growing by doubling would take up to three times the memory.
      if row == 1000 {
        let bytesPerRow = max(1, (scanner.rest.offset - layout.rows.offset) / row)
        values.reserveCapacity(min(bytes.count / bytesPerRow * 11 / 10, bytes.count) * columns.count)
      }
    }
    for index in columns.indices where columns[index].countsRows {
      let first = values.indices.contains(index) ? values[index] : .nan
      let last = values.isEmpty ? .nan : values[values.count - columns.count + index]
      columns[index].countsRows = row > 2 && last - first == Double(row - 1)
    }
    return (columns, values)
  }

  /// Throws where a column that was said to hold dates or percentages holds something else.
  func checkNotation(ofTextual index: Int) throws(DataError) {
    let column = columns[index]
    let (what, advice, key): (String, String, DataKey)
    switch notations[index] {
    case .number: return
    case .date: (what, advice, key) = ("is no date", "write dates as 2024-02-29 or 2024-02-29T10:30:00Z", .dates)
    case .percentage: (what, advice, key) = ("is no percentage", "correct the table", .percent)
    }
    throw DataError(
      .notNumeric, at: DataPlace(file: file, line: column.textLine, column: column.name),
      "'\(column.textSample)' \(what)", advice: "\(advice), or take the column out of \(key)")
  }

  private static func raggedRow(_ count: Int, _ line: Int, _ layout: TableLayout, _ file: String) -> DataError {
    let expected = layout.headerLine == nil ? "the first row" : "the header"
    let advice =
      layout.headerLine == nil
      ? "check \(DataKey.delimiter)"
      : "check \(DataKey.delimiter), or pass over the header: \(DataKey.skip)=1, \(DataKey.header)=absent"
    return DataError(
      .damaged, at: DataPlace(file: file, line: line),
      "\(counted(count, "field")), but \(expected) has \(layout.names.count)", advice: advice)
  }
}

extension Table.Column {
  fileprivate mutating func note(_ value: FieldValue, line: Int, text: () -> String) {
    countsRows = false
    switch value {
    case .number: break
    case .missing:
      if missing == 0 { missingLine = line }
      missing += 1
    case .infinite:
      if infinities == 0 { infinityLine = line }
      infinities += 1
    case .text:
      if texts == 0 {
        textLine = line
        textSample = text().shortened
      }
      texts += 1
    }
  }
}

/// A column's cells as indices into its distinct values.
struct CodedColumn: Sendable {
  /// Stands for a value that has no category.
  static let unseen = UInt32.max - 1
  /// Stands for a cell without a value.
  static let missing = UInt32.max
  /// More distinct values than this are no categories.
  static let maximumCategories = 1 << 14

  var codes: [UInt32]
  /// Numbers in order of size; text in order of its bytes.
  let names: [String]
}

extension Table {
  /// The cells of columns as categories: a column of numbers by value, any other by text.
  func coded(_ indices: [Int]) throws(DataError) -> [Int: CodedColumn] {
    var result: [Int: CodedColumn] = [:]
    let textual = indices.filter { columns[$0].isText }
    for index in indices where !columns[index].isText { result[index] = try codedNumbers(index) }
    guard !textual.isEmpty else { return result }

    var firstSeen = [Int: [String: UInt32]](uniqueKeysWithValues: textual.map { ($0, [:]) })
    var codes = [Int: [UInt32]](uniqueKeysWithValues: textual.map { ($0, []) })
    try bytes.withUnsafeBytes { (raw) throws(DataError) in
      var scanner = TableScanner(
        raw.bindMemory(to: UInt8.self), layout.delimiter, layout.decimal, from: layout.rows, file: file)
      var fields: [TableScanner.Field] = []
      while try scanner.next(&fields) {
        for index in textual {
          if scanner.value(of: fields[index], notations[index]) == .missing {
            codes[index]!.append(CodedColumn.missing)
            continue
          }
          let text = scanner.text(of: fields[index])
          let next = UInt32(firstSeen[index]!.count)
          let code = firstSeen[index]![text] ?? next
          if code == next {
            firstSeen[index]![text] = next
            try checkCount(Int(next) + 1, index)
          }
          codes[index]!.append(code)
        }
      }
    }
    for index in textual {
      let names = firstSeen[index]!.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      var order = [UInt32](repeating: 0, count: names.count)
      for (position, name) in names.enumerated() { order[Int(firstSeen[index]![name]!)] = UInt32(position) }
      result[index] = CodedColumn(
        codes: codes[index]!.map { $0 == CodedColumn.missing ? $0 : order[Int($0)] }, names: names)
    }
    return result
  }

  private func codedNumbers(_ index: Int) throws(DataError) -> CodedColumn {
    let cells = (0..<rowCount).map { values[$0 * columns.count + index] }
    let distinct = Set(cells.lazy.filter { !$0.isNaN }).sorted()
    try checkCount(distinct.count, index)
    let order = [Double: UInt32](uniqueKeysWithValues: distinct.enumerated().map { ($1, UInt32($0)) })
    return CodedColumn(
      codes: cells.map { order[$0] ?? CodedColumn.missing },
      names: distinct.map { Int64(exactly: $0).map(String.init) ?? String($0) })
  }

  private func checkCount(_ count: Int, _ index: Int) throws(DataError) {
    guard count > CodedColumn.maximumCategories else { return }
    throw DataError(
      .unsupported, at: DataPlace(file: file, column: columns[index].name),
      "more than \(CodedColumn.maximumCategories) distinct values are no categories",
      advice: "leave the column out with \(DataKey.drop), or use its values as numbers")
  }
}
