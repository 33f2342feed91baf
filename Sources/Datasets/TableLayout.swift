import Files

/// What a table's first lines say about all of it.
struct TableLayout: Sendable, Equatable {
  let delimiter: Delimiter
  let decimal: DecimalRule
  /// Where the rows begin.
  let rows: TableScanner.Start
  /// One name a column; a column without a name has its index for one.
  let names: [String]
  /// Whether the first line is a row that counts up, such as 0, 1, 2 or 1990, 1991, 1992, as no other does: it may be
  /// one of names.
  let countsUp: Bool
  /// The line of the names, where there is one.
  let headerLine: Int?
  /// Set where the first line has scikit-learn's form: number of rows, number of input columns, names of the classes
  /// of the last column.
  let counts: Counts?

  struct Counts: Sendable, Equatable {
    let rows: Int
    let classNames: [String]
  }

  /// How many records are looked at before the header is decided; fewer of very wide ones.
  private static let sampleSize = 1000
  private static let sampleCells = 1 << 17

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ request: DataRequest, file: String) throws(DataError) {
    let start = Self.start(bytes, skip: request.skip)
    delimiter = Self.delimiter(bytes, start, request.delimiter, file)
    decimal = request.decimal
    var scanner = TableScanner(bytes, delimiter, decimal, from: start, file: file)
    var fields: [TableScanner.Field] = []
    guard try scanner.next(&fields) else {
      throw DataError(.empty, at: DataPlace(file: file), "holds no rows", advice: "name a table with rows")
    }
    let first = fields.map { scanner.text(of: $0) }
    let firstValues = fields.map { scanner.value(of: $0) }
    let firstLine = scanner.line
    let afterFirst = scanner.rest

    var samples: [[(FieldValue, String)]] = []
    let sampleSize = min(Self.sampleSize, 1 + Self.sampleCells / first.count)
    while samples.count < sampleSize, try scanner.next(&fields) {
      samples.append(fields.map { (scanner.value(of: $0), scanner.text(of: $0)) })
    }
    let counts = request.header == .detect ? Self.counts(first, firstValues, columns: samples.first?.count) : nil
    let hasNames =
      switch request.header {
      case .present: true
      case .absent: false
      case .detect: counts == nil && Self.isHeader(first, firstValues, samples)
      }
    self.counts = counts
    let columnCount = counts == nil ? first.count : samples[0].count
    names = (0..<columnCount).map { hasNames && !first[$0].isEmpty ? first[$0] : String($0) }
    headerLine = hasNames ? firstLine : nil
    countsUp =
      !hasNames && request.header == .detect && Self.countUp(firstValues)
      && !samples.contains { row in
        Self.countUp(row.map { $0.0 })
      }
    rows = hasNames || counts != nil ? afterFirst : start
  }

  /// A column by name or, where no column has that name, by index.
  func index(of name: String, _ key: DataKey, file: String) throws(DataError) -> Int {
    func bad(_ problem: String, _ advice: String) -> DataError {
      DataError(.badRequest, at: DataPlace(file: file), problem, advice: advice)
    }
    let matches = names.indices.filter { names[$0] == name }
    if let match = matches.first {
      guard matches.count == 1 else {
        throw bad("\(matches.count) columns are named '\(name.shortened)'", "give \(key) the column's index, from 0")
      }
      return match
    }
    if let number = Int(name) {
      let index = number < 0 ? names.count + number : number
      if names.indices.contains(index) { return index }
    }
    let hint = nearest(to: name, among: names).map { "the nearest is '\($0.shortened)'; " } ?? ""
    throw bad("\(key): no column '\(name.shortened)'", hint + "the table has \(listed(names))")
  }

  /// How each column writes its numbers. A table to predict from need not have all columns of the training data.
  func notations(_ request: DataRequest, file: String) throws(DataError) -> [CellNotation] {
    var result = [CellNotation](repeating: .number, count: names.count)
    for (key, columns, notation) in [
      (DataKey.dates, request.dates, CellNotation.date), (.percent, request.percent, .percentage),
    ] {
      for name in columns where request.schema == nil || names.contains(name) || Int(name) != nil {
        let column = try index(of: name, key, file: file)
        guard result[column] == .number else {
          throw DataError(
            .badRequest, at: DataPlace(file: file, column: names[column]),
            "the column is named in \(DataKey.dates) and in \(DataKey.percent)", advice: "take it out of one of them")
        }
        result[column] = notation
      }
    }
    return result
  }

  /// Passes over a byte order mark, `skip` lines, and the lines after them that begin with `#`.
  private static func start(_ bytes: UnsafeBufferPointer<UInt8>, skip: Int) -> TableScanner.Start {
    var offset = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    var line = 1
    while offset < bytes.count, line <= skip || bytes[offset] == UInt8(ascii: "#") {
      while offset < bytes.count, bytes[offset] != UInt8(ascii: "\n"), bytes[offset] != UInt8(ascii: "\r") {
        offset += 1
      }
      if offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\r"), bytes[offset + 1] == UInt8(ascii: "\n") {
        offset += 1
      }
      offset = min(offset + 1, bytes.count)
      line += 1
    }
    return TableScanner.Start(offset: offset, line: line)
  }

  private static func delimiter(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: TableScanner.Start, _ rule: DelimiterRule, _ file: String
  ) -> Delimiter {
    let comma = Delimiter.byte(UInt8(ascii: ","))
    let tab = Delimiter.byte(UInt8(ascii: "\t"))
    let candidates: [Delimiter] = [tab, .byte(UInt8(ascii: ";")), comma, .whitespace]
    switch rule {
    case .comma: return comma
    case .semicolon: return .byte(UInt8(ascii: ";"))
    case .tab: return tab
    case .whitespace: return .whitespace
    case .detect: break
    }
    var mostOnFirstLine = (delimiter: comma, fields: 1)
    for candidate in candidates {
      let counts = fieldCounts(bytes, start, candidate, file)
      // The first line may be of a different kind; if it is not, the reader complains with its number.
      let decisive = counts.count > 1 ? counts.dropFirst() : counts[...]
      // White space also stands within fields: it only counts where no comma or semicolon cuts the first line.
      let isOpen = candidate != .whitespace || mostOnFirstLine.fields == 1 || mostOnFirstLine.delimiter == tab
      if isOpen, let count = decisive.first, count > 1, decisive.allSatisfy({ $0 == count }) { return candidate }
      if let count = counts.first, candidate != .whitespace, count > mostOnFirstLine.fields {
        mostOnFirstLine = (candidate, count)
      }
    }
    return mostOnFirstLine.delimiter
  }

  /// How many fields the first lines have with a delimiter; none where they cannot be read with it.
  private static func fieldCounts(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: TableScanner.Start, _ delimiter: Delimiter, _ file: String
  ) -> [Int] {
    var scanner = TableScanner(bytes, delimiter, .point, from: start, file: file)
    var fields: [TableScanner.Field] = []
    var counts: [Int] = []
    while counts.count < 50, (try? scanner.next(&fields)) == true { counts.append(fields.count) }
    return counts
  }

  private static func isHeader(
    _ first: [String], _ firstValues: [FieldValue], _ samples: [[(value: FieldValue, text: String)]]
  ) -> Bool {
    guard firstValues.allSatisfy({ $0 == .text || $0 == .missing }), firstValues.contains(.text) else { return false }
    let rows = samples.filter { $0.count == first.count }
    let hasNumericColumn = first.indices.contains { column in
      let values = rows.lazy.map { $0[column].value }
      return values.contains { $0 != .missing && $0 != .text } && values.count { $0 == .text } * 2 < rows.count
    }
    if hasNumericColumn { return true }
    // All text: a line that repeats itself, or that is repeated in its column, is a row and not a line of names.
    let isRow =
      Set(first).count < first.count
      || first.indices.contains { column in rows.contains { $0[column].text == first[column] } }
    return !isRow
  }

  private static func countUp(_ values: [FieldValue]) -> Bool {
    let numbers = values.compactMap { if case .number(let number) = $0 { number } else { nil } }
    return numbers.count == values.count && numbers.count >= 3
      && zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 }
  }

  private static func counts(_ first: [String], _ values: [FieldValue], columns: Int?) -> Counts? {
    guard first.count >= 3, let rows = Int(first[0]), let inputs = Int(first[1]), inputs + 1 == columns, rows > 0,
      values[2...].allSatisfy({ $0 == .text })
    else { return nil }
    return Counts(rows: rows, classNames: Array(first[2...]))
  }
}
