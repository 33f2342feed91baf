/// Makes examples of a table's columns, as the request says.
struct TableDataset {
  let table: Table
  let request: DataRequest
  let place: DataPlace
  var notes: [String] = []
  var inputs: [Int] = []
  var target: Int?
  /// Further columns of target values.
  private var moreTargets: [Int] = []
  var allTargets: [Int] { (target.map { [$0] } ?? []) + moreTargets }
  /// The column that says which sequence a row belongs to.
  private var sequence: Int?
  var targetIsClass = false
  var oneHot: Set<Int> = []
  /// The values that one-hot columns may have, where the request says them.
  var levels: [Int: Schema.Levels] = [:]

  static func make(_ table: Table, _ request: DataRequest, name: String) throws(DataError) -> Dataset {
    var maker = TableDataset(table: table, request: request, place: DataPlace(file: table.file))
    return try maker.dataset(name: name)
  }

  private init(table: Table, request: DataRequest, place: DataPlace) {
    self.table = table
    self.request = request
    self.place = place
  }

  private mutating func dataset(name: String) throws(DataError) -> Dataset {
    guard table.rowCount > 0 else {
      throw DataError(.empty, at: place, "holds no rows", advice: "name a table with rows, or check \(DataKey.header)")
    }
    try chooseColumns()
    try checkColumns()
    let coded = try table.coded(oneHot.sorted() + (targetIsClass ? [target!] : []))
    let sequences = try sequence.map { (column) throws(DataError) in
      try table.sequences(column, request)
    }
    let rows = try completeRows(coded)
    let inputArray = try inputArray(rows, coded)
    let (labels, targets) = try targets(rows, coded)
    var all = try ExampleSet(
      inputs: inputArray.values, labels: labels, targets: targets, sequences: sequences, place: place)
    if sequences == nil {
      all.identifiers = try table.identifiers(request, rows: rows, apartFrom: inputs + allTargets)
    }
    let (train, test) = try all.split(request, place: place)
    if request.targetKind == .detect, let hint = targets?.classesHint(name: table.columns[target!].name) {
      notes.append(hint)
    }
    for index in inputs where table.columns[index].countsRows && !oneHot.contains(index) {
      let name = table.columns[index].name
      notes.append("column '\(name)' only numbers the rows; \(DataKey.drop)=\(name) leaves it out".oneLine)
    }
    if table.layout.countsUp {
      notes.append("the first line counts up and is taken as a row; --set \(DataKey.header)=present takes it as names")
    }
    if table.layout.headerLine == nil, table.layout.counts == nil, request.header == .detect {
      notes.append("no line of column names; columns are named by their index")
    }
    var dataset = try Dataset(
      name: name, train: train, test: test, columns: inputArray.names, levels: inputArray.levels,
      substitutes: inputArray.substitutes,
      targetName: allTargets.isEmpty ? nil : allTargets.map { table.columns[$0].name }.joined(separator: ", "),
      notes: notes)
    dataset.readCount = sequences?.count ?? table.rowCount
    dataset.unseen = inputArray.unseen
    return dataset
  }

  // MARK: Which columns

  private mutating func chooseColumns() throws(DataError) {
    if let name = request.target {
      target = try index(of: name, .target)
      moreTargets = try request.moreTargets.map { (name) throws(DataError) in try index(of: name, .target) }
      guard Set(allTargets).count == allTargets.count else {
        throw bad("a column is named twice", "check \(DataKey.target)")
      }
    } else if table.layout.counts != nil {
      target = table.columns.count - 1
      notes.append("the last column is the class, by the first line's form (rows, columns, names of classes)")
    }
    sequence = try request.sequence.map { (name) throws(DataError) in try index(of: name, .sequence) }
    if let schema = request.schema, try chooseColumns(of: schema) { return }
    var dropped: Set<Int> = sequence.map { [$0] } ?? []
    if let column = try table.identifierColumn(request, apartFrom: []) { dropped.insert(column) }
    for name in request.drop { dropped.insert(try index(of: name, .drop)) }
    if let target = allTargets.first(where: dropped.contains) {
      throw bad(
        "the target column '\(table.columns[target].name)' is also dropped",
        "take it out of \(DataKey.drop) and \(DataKey.identifier)")
    }
    if request.columns.isEmpty {
      inputs = table.columns.indices.filter { !allTargets.contains($0) && !dropped.contains($0) }
      let blank = inputs.filter { isBlank($0) }
      if !blank.isEmpty {
        inputs.removeAll { blank.contains($0) }
        notes.append("left out without name and value: columns \(listed(blank.map { table.columns[$0].name }))")
      }
    } else {
      for name in request.columns { inputs.append(try index(of: name, .columns)) }
      guard Set(inputs).count == inputs.count else { throw bad("a column is named twice", "check \(DataKey.columns)") }
      if let target = allTargets.first(where: inputs.contains) {
        throw bad(
          "the target column '\(table.columns[target].name)' is also an input", "take it out of \(DataKey.columns)")
      }
      inputs.removeAll { dropped.contains($0) }
    }
    let named = Dictionary(grouping: inputs) { table.columns[$0].name }
    if let twice = inputs.first(where: { named[table.columns[$0].name]!.count > 1 }) {
      let name = table.columns[twice].name
      throw bad(
        "\(named[name]!.count) columns are named '\(name.shortened)'",
        "rename one, or leave it out by its index: \(DataKey.drop)=\(named[name]!.last!)")
    }
    guard !inputs.isEmpty else {
      throw bad("no input columns are left", "check \(DataKey.columns) and \(DataKey.drop)")
    }
    for name in request.oneHot {
      if name == "*" {
        oneHot.formUnion(inputs.filter { table.columns[$0].isText })
      } else {
        let index = try index(of: name, .oneHot)
        guard inputs.contains(index) else { throw bad("'\(name)' is no input column", "check \(DataKey.oneHot)") }
        oneHot.insert(index)
      }
    }
    if let target {
      let isText = table.columns[target].isText
      targetIsClass = request.targetKind == .classes || request.targetKind == .detect && isText
      if table.layout.counts != nil && request.target == nil { targetIsClass = request.targetKind != .values }
      guard moreTargets.isEmpty || !targetIsClass else {
        throw bad("several targets are numbers, not classes", "name one column of classes with \(DataKey.target)")
      }
    }
  }

  /// The columns that a schema names, in its order.
  /// - Returns: false when the schema is not that of a table whose columns all have distinct names.
  private mutating func chooseColumns(of schema: Schema) throws(DataError) -> Bool {
    let names = schema.sourceColumns
    guard !names.isEmpty, Set(names).count == names.count else { return false }
    for name in names {
      let column = try index(of: name, .columns)
      inputs.append(column)
      if let known = schema.levels.first(where: { $0.column == name }) {
        oneHot.insert(column)
        levels[column] = known
      }
    }
    if let target = allTargets.first(where: inputs.contains) {
      throw bad("the target column '\(table.columns[target].name)' is also an input", "name another \(DataKey.target)")
    }
    targetIsClass = target != nil && schema.classes != nil
    return true
  }

  /// A column without a name and without a value: what a delimiter at the end of every line leaves.
  private func isBlank(_ index: Int) -> Bool {
    table.columns[index].name == String(index) && table.columns[index].missing == table.rowCount
  }

  private func index(of name: String, _ key: DataKey) throws(DataError) -> Int {
    try table.layout.index(of: name, key, file: table.file)
  }

  func bad(_ problem: String, _ advice: String) -> DataError {
    DataError(.badRequest, at: place, problem, advice: advice)
  }

  // MARK: What is in them

  private func checkColumns() throws(DataError) {
    var numeric = inputs.filter { !oneHot.contains($0) }
    if !targetIsClass { numeric += allTargets }
    let textual = numeric.filter { table.columns[$0].isText }
    for index in textual { try table.checkNotation(ofTextual: index) }
    guard textual.isEmpty else { throw textError(textual) }
    let used = inputs + allTargets
    for index in used where table.columns[index].infinities > 0 && !table.columns[index].isText {
      var place = place
      place.line = table.columns[index].infinityLine
      place.column = table.columns[index].name
      throw DataError(
        .notFinite, at: place, "\(counted(table.columns[index].infinities, "infinite value"))",
        advice: "correct the table, or leave the column out with \(DataKey.drop)")
    }
    let incomplete = used.filter { table.columns[$0].missing > 0 }
    if request.missing == .error, !incomplete.isEmpty { throw missingError(incomplete) }
    let unknown = allTargets.filter { table.columns[$0].missing > 0 }
    if request.missing.keepsRows, !unknown.isEmpty { throw missingError(unknown) }
  }

  private func textError(_ indices: [Int]) -> DataError {
    let shown = indices.prefix(4).map { index in
      let column = table.columns[index]
      return "'\(column.name.shortened)' (\(column.texts) of \(counted(table.rowCount, "row")), "
        + "first '\(column.textSample)' in line \(column.textLine))"
    }
    let more = indices.count > 4 ? " and \(indices.count - 4) more" : ""
    // Columns that hold dates, per cent signs or numbers of another notation have a key of their own.
    let kinds = Dictionary(grouping: indices) { DecimalRule.advice(for: table.columns[$0].textSample, columns: "") }
    let hints = kinds.filter { $0.key != nil }.values.sorted { $0[0] < $1[0] }.map { columns in
      DecimalRule.advice(for: table.columns[columns[0]].textSample, columns: recipeList(columns))! + "; "
    }
    // The general advice is for the columns without a key of their own, or for all columns where each has one.
    let others = kinds[nil] ?? indices
    let names = recipeList(others)
    let advice =
      hints.joined() + (hints.isEmpty ? "" : others == indices ? "else " : "for \(names) ")
      + (others == [target]
        ? "set \(DataKey.targetKind)=classes, or correct the table"
        : "correct the table, or say \(DataKey.drop)=\(names), \(DataKey.oneHot)=\(names), or \(DataKey.columns)=… for the ones to use")
    var place = place
    if indices.count == 1 {
      place.line = table.columns[indices[0]].textLine
      place.column = table.columns[indices[0]].name
    }
    return DataError(
      .notNumeric, at: place, "text in \(counted(indices.count, "column")): \(shown.joined(separator: ", "))\(more)",
      advice: advice)
  }

  private func missingError(_ indices: [Int]) -> DataError {
    let names = recipeList(indices)
    let isTarget = allTargets.contains(where: indices.contains)
    // A column that is dropped is none that becomes columns of zeros and ones.
    let alternatives =
      indices.allSatisfy(oneHot.contains)
      ? ", or \(DataKey.missing)=keep to make them a value of their own"
      : isTarget || indices.contains(where: oneHot.contains) ? "" : ", or \(DataKey.drop)=\(names)"
    var place = place
    if indices.count == 1 {
      place.line = table.columns[indices[0]].missingLine
      place.column = table.columns[indices[0]].name
    }
    return DataError(
      .missingValues, at: place, "missing values: \(missingCounts(indices))",
      advice: "set \(DataKey.missing)=drop to leave out such rows" + alternatives)
  }

  /// Names of columns as the value of a recipe's key.
  private func recipeList(_ indices: [Int]) -> String {
    let names = indices.map { index in
      let name = table.columns[index].name
      let isPlain = name.allSatisfy { $0.isLetter || $0.isNumber || " _-.".contains($0) } && Double(name) == nil
      return isPlain ? name : "\"" + name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    return names.count == 1 ? names[0] : "[" + names.joined(separator: ",") + "]"
  }

  /// "'Ozone' 37 (first in line 6), 'Solar.R' 7 (first in line 6)"
  func missingCounts(_ indices: [Int]) -> String {
    let shown = indices.prefix(8).map { index in
      let column = table.columns[index]
      return "'\(column.name.shortened)' \(column.missing) (first in line \(column.missingLine))"
    }
    return shown.joined(separator: ", ") + (indices.count > 8 ? " and \(indices.count - 8) more columns" : "")
  }
}
