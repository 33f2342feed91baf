/// The rows, inputs and targets that a table's columns become.
extension TableDataset {
  /// The rows that are used: under `.drop` those that have a value in every used column.
  mutating func completeRows(_ coded: [Int: CodedColumn]) throws(DataError) -> [Int] {
    let used = inputs + allTargets
    let incomplete = used.filter { table.columns[$0].missing > 0 }
    guard !incomplete.isEmpty else { return Array(0..<table.rowCount) }
    guard request.missing == .drop else {
      let means = "the means of their columns stand in for missing values"
      notes.append(
        "\(request.missing == .mean ? means : "missing values are kept"): \(missingCounts(incomplete))".oneLine)
      return Array(0..<table.rowCount)
    }
    let rows = (0..<table.rowCount).filter { row in
      incomplete.allSatisfy { index in
        if let codes = coded[index]?.codes { return codes[row] != CodedColumn.missing }
        return !table.values[row * table.columns.count + index].isNaN
      }
    }
    guard !rows.isEmpty else {
      throw DataError(
        .empty, at: place, "no row has a value in every column: \(missingCounts(incomplete))",
        advice: "leave out the emptiest columns with \(DataKey.drop)")
    }
    let lost = table.rowCount - rows.count
    notes.append("left out \(counted(lost, "row")) with missing values: \(missingCounts(incomplete))".oneLine)
    return rows
  }

  /// What a one-hot column's cells become: the column's own values, or those that the request says.
  private func levels(of index: Int, _ column: CodedColumn) throws(DataError) -> (Schema.Levels, codes: [UInt32]) {
    let name = table.columns[index].name
    let hasMissing = request.missing.keepsRows && table.columns[index].missing > 0
    guard let known = levels[index] else {
      return (Schema.Levels(column: name, values: column.names, hasMissing: hasMissing), column.codes)
    }
    /// What becomes of a value that the training data does not have.
    func unseen(_ code: UInt32, _ what: String) throws(DataError) -> UInt32 {
      if request.unseen == .zeros { return CodedColumn.unseen }
      let row = column.codes.firstIndex(of: code)!
      throw DataError(
        .mismatched, at: DataPlace(file: table.file, line: table.line(ofRow: row), column: name),
        "\(what), which the training data does not have: it has \(listed(known.values))",
        advice: "leave such rows out, train with them, or make them zeros: --unseen zeros")
    }
    let places = Dictionary(known.values.enumerated().map { ($1, UInt32($0)) }) { first, _ in first }
    let order = try column.names.enumerated().map { (code, value) throws(DataError) in
      if let place = places[value] { return place }
      return try unseen(UInt32(code), "the value '\(value.shortened)'")
    }
    let missing =
      known.hasMissing || !hasMissing ? CodedColumn.missing : try unseen(CodedColumn.missing, "a missing value")
    return (known, column.codes.map { $0 == CodedColumn.missing ? missing : order[Int($0)] })
  }

  /// Which values of a column the training data does not have, in one line; nil: none of the rows has one.
  /// - Parameter codes: what `levels` made of the column's own.
  private func unseenValues(
    _ index: Int, _ rows: [Int], _ column: CodedColumn, codes: [UInt32]
  ) -> String? {
    let places = rows.filter { codes[$0] == CodedColumn.unseen }
    guard !places.isEmpty else { return nil }
    var values: [String] = []
    for code in Set(places.map { column.codes[$0] }).sorted().prefix(4) {
      values.append(code == CodedColumn.missing ? "an empty cell" : column.names[Int(code)].shortened)
    }
    if values.count > 3 { values[3] = "…" }
    let (rows, count) = places.count == 1 ? ("1 row has", "it counts") : ("\(places.count) rows have", "they count")
    return
      "column \(table.columns[index].name.shortened): \(rows) a value that training never saw (\(values.joined(separator: ", "))): \(count) as none of its values"
      .oneLine
  }

  /// Inputs in float64, one-hot columns in place of the column they come from, a mark behind a column with means, and the
  /// names of what results.
  func inputArray(
    _ rows: [Int], _ coded: [Int: CodedColumn]
  ) throws(DataError) -> InputArray {
    struct Source {
      let column: Int
      let firstOutput: Int
      var codes: [UInt32]?
      var missingCode: Int?
      var substitute: Schema.Substitute?
    }
    var names: [String] = []
    var sources: [Source] = []
    var used: [Schema.Levels] = []
    var substitutes: [Schema.Substitute] = []
    var unseen: [String] = []
    for index in inputs {
      let name = table.columns[index].name
      let start = names.count
      guard oneHot.contains(index), let column = coded[index] else {
        let substitute = try substitute(for: index, rows)
        names += substitute?.columns ?? [name]
        if let substitute { substitutes.append(substitute) }
        sources.append(Source(column: index, firstOutput: start, substitute: substitute))
        continue
      }
      let (levels, codes) = try levels(of: index, column)
      names += levels.columns
      used.append(levels)
      if let line = unseenValues(index, rows, column, codes: codes) { unseen.append(line) }
      sources.append(
        Source(
          column: index, firstOutput: start, codes: codes, missingCode: levels.hasMissing ? levels.values.count : nil))
    }
    let width = names.count
    guard let size = byteCount(shape: [rows.count, width], elementSize: 8), width > 0 else {
      throw DataError(.tooLarge, at: place, "\(width) columns are too many", advice: "use fewer one-hot columns")
    }
    let storage = try ByteStorage.allocate(byteCount: size, for: place) { (raw) throws(DataError) in
      let output = raw.assumingMemoryBound(to: Double.self)
      output.initialize(repeating: 0)
      table.values.withUnsafeBufferPointer { values in
        for (position, row) in rows.enumerated() {
          for source in sources {
            let start = position * width + source.firstOutput
            guard let codes = source.codes else {
              let value = values[row * table.columns.count + source.column]
              output[start] = value
              if let substitute = source.substitute, value.isNaN {
                output[start] = substitute.mean
                if substitute.isMarked { output[start + 1] = 1 }
              }
              continue
            }
            guard codes[row] != CodedColumn.unseen else { continue }
            let code = codes[row] == CodedColumn.missing ? source.missingCode! : Int(codes[row])
            output[start + code] = 1
          }
        }
      }
    }
    return InputArray(
      values: ExampleArray(kind: .float64, count: rows.count, shape: [width], bytes: ByteRegion(storage)), names: names,
      levels: used, substitutes: substitutes, unseen: unseen)
  }

  struct InputArray {
    let values: ExampleArray
    let names: [String]
    let levels: [Schema.Levels]
    let substitutes: [Schema.Substitute]
    let unseen: [String]
  }

  /// The mean of a column of numbers, or what the request says; nil where nothing stands in for empty cells.
  private func substitute(for index: Int, _ rows: [Int]) throws(DataError) -> Schema.Substitute? {
    guard request.missing == .mean else { return nil }
    let column = table.columns[index]
    if let schema = request.schema {
      return schema.substitutes?.first { $0.column == column.name }
    }
    let numbers = rows.map { table.values[$0 * table.columns.count + index] }.filter { !$0.isNaN }
    guard !numbers.isEmpty else {
      throw bad("'\(column.name.shortened)' has no number in any row", "leave it out with \(DataKey.drop)")
    }
    return Schema.Substitute(
      column: column.name, mean: numbers.reduce(0) { $0 + $1 / Double(numbers.count) }, isMarked: column.missing > 0)
  }

  func targets(
    _ rows: [Int], _ coded: [Int: CodedColumn]
  ) throws(DataError) -> (ClassLabels?, ExampleArray?) {
    guard let target else { return (nil, nil) }
    let width = table.columns.count
    guard targetIsClass, let column = coded[target] else {
      let values = rows.flatMap { row in allTargets.map { table.values[row * width + $0] } }
      return (nil, ExampleArray(values, shape: [allTargets.count]))
    }
    var place = place
    place.column = table.columns[target].name
    if let counts = table.layout.counts, request.target == nil {
      // The classes are numbered in the file and named in its first line.
      let labels = try rows.map { (row) throws(DataError) in
        let value = table.values[row * width + target]
        guard let index = UInt32(exactly: value), index < counts.classNames.count else {
          throw DataError(
            .badLabel, at: place, "class \(value) of \(counts.classNames.count) named in the first line",
            advice: "number the classes from 0, or set \(DataKey.header) to present or absent")
        }
        return index
      }
      return (ClassLabels(indices: labels, count: counts.classNames.count, names: counts.classNames), nil)
    }
    if !table.columns[target].isText, let fraction = column.names.first(where: { Int64($0) == nil }) {
      throw DataError(
        .badLabel, at: place, "class \(fraction) is not a whole number", advice: "set \(DataKey.targetKind)=values")
    }
    return (ClassLabels(indices: rows.map { column.codes[$0] }, count: column.names.count, names: column.names), nil)
  }
}
