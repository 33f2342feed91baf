import Datasets
import Files
import Recipes

/// A table as it is learned from: what is predicted, from which columns, and why others are left out.
package struct FitReading: Sendable {
  package struct Column: Sendable, Equatable {
    package let name: String
    /// What it holds, in words.
    package let contents: String
    package let use: Use
  }

  package enum Use: Sendable, Equatable {
    case target, input, identifier
    case dropped(reason: String)
  }

  package let task: FitTask
  package let target: String
  package let columns: [Column]
  /// How many rows the table has.
  package let rowCount: Int
  /// The rows that have a value in every column that is used, and a class that is not too rare.
  package let rows: [Int]
  /// What to know of the rows, one line each.
  package let notes: [String]
  /// Keys of the `data` section of a recipe, each `data.KEY=VALUE`.
  package let settings: [String]
  /// Columns of numbers that the inputs become.
  package let width: Int
  /// How many classes there are; of numbers 1.
  package let outputs: Int
  let profile: TableProfile
  /// What tells the classes of the rows apart; empty where numbers are predicted.
  let classes: [Int32]

  /// Fewer rows are not divided into parts.
  package static let fewestRows = 20
  /// A class of fewer rows may be missing in a part.
  private static let fewestOfClass = 8
  /// More columns of numbers are not learned from.
  private static let mostColumns = 20_000

  /// - Throws: `RecipeError` or `DataError` where there is nothing to learn, in one line that says what to do.
  package init(_ asked: FitRequest) throws {
    try asked.check()
    var request = DataRequest(source: asked.data)
    request.format = .table
    let profile = try TableProfile(request)
    guard profile.rowCount > 0 else { throw FitReading.mistake(asked, "holds no rows", "name a table with rows") }
    let target = try FitReading.target(asked, profile)
    let task = try FitReading.task(asked, profile, target)
    let kept = try Set(asked.keep.map { try profile.index(of: $0, .columns) })
    let dropped = try Set(asked.drop.map { try profile.index(of: $0, .drop) })
    if let both = kept.intersection(dropped).min() {
      throw RecipeError("--keep and --drop both name \(profile.columns[both].name): leave one out")
    }
    guard !kept.contains(target), !dropped.contains(target) else {
      throw RecipeError("\(profile.columns[target].name) is the target: leave it out of --keep and --drop")
    }
    let judge = ColumnJudge(profile, target: target, task: task, kept: kept, dropped: dropped)
    let uses = profile.columns.indices.map { judge.use(of: $0) }
    let inputs = uses.indices.filter { uses[$0] == .input }
    guard !inputs.isEmpty else {
      throw FitReading.mistake(
        asked, "no column is left to predict \(profile.columns[target].name) from",
        "look at the columns with --dry-run, and keep some with --keep")
    }
    (self.profile, self.task, rowCount) = (profile, task, profile.rowCount)
    self.target = profile.columns[target].name
    columns = profile.columns.indices.map {
      Column(name: profile.columns[$0].name, contents: FitReading.contents(profile.columns[$0]), use: uses[$0])
    }
    let texts = inputs.filter { profile.columns[$0].kind == .text }
    let numeric = inputs.filter { profile.columns[$0].kind != .text }
    width = numeric.count + texts.reduce(0) { $0 + profile.columns[$1].distinct }
    guard width <= FitReading.mostColumns else {
      throw FitReading.mistake(
        asked, "the inputs become \(width) columns of numbers",
        "leave some out with --drop: at most \(FitReading.mostColumns) are learned from")
    }
    // A missing text is a category of its own, unless rows with missing numbers are left out anyway.
    let keepsMissing =
      numeric.allSatisfy { profile.columns[$0].missing == 0 } && texts.contains { profile.columns[$0].missing > 0 }
    let complete = try FitReading.complete(
      profile, [target] + (keepsMissing ? [] : inputs.filter { profile.columns[$0].missing > 0 }))
    let labels = task == .classes ? profile.levels(target)! : []
    let counts = Dictionary(grouping: complete.filter { _ in task == .classes }) { labels[$0] }.mapValues(\.count)
    let rare = Set(counts.filter { $0.value < FitReading.fewestOfClass }.keys)
    rows = complete.filter { task == .numbers || !rare.contains(labels[$0]) }
    classes = labels
    outputs = task == .classes ? counts.count - rare.count : 1
    notes = FitReading.notes(profile.rowCount, complete: complete.count, rows: rows.count, rare: rare.count)
    settings = FitReading.settings(
      profile, target: target, task, uses, texts: texts, missing: keepsMissing ? .keep : .drop)
    try checkRows(asked)
  }

  /// Where there are too few rows to say anything.
  private func checkRows(_ asked: FitRequest) throws(RecipeError) {
    let left = rows.count < rowCount ? " that can be used" : ""
    guard rows.count >= FitReading.fewestRows else {
      throw FitReading.mistake(
        asked, "\(rows.count) rows\(left)",
        "give at least \(FitReading.fewestRows)"
          + (left.isEmpty ? "" : ", or leave out columns with empty cells by --drop: \(notes.joined(separator: "; "))"))
    }
    guard task == .numbers || outputs > 1 else {
      throw FitReading.mistake(
        asked, "\(target) has one class of at least \(FitReading.fewestOfClass) rows",
        "give rows of two classes or more")
    }
    if task == .numbers {
      let numbers = profile.numbers(profile.columns.firstIndex { $0.name == target }!)
      guard Set(rows.map { numbers[$0] }).count > 1 else {
        throw FitReading.mistake(asked, "\(target) has the same value in all rows", "name another target")
      }
    }
  }

  static func mistake(_ asked: FitRequest, _ problem: String, _ advice: String) -> RecipeError {
    RecipeError("\(asked.data): \(problem); \(advice)")
  }

  // MARK: The target

  private static func target(_ asked: FitRequest, _ profile: TableProfile) throws -> Int {
    if let name = asked.target {
      do {
        return try profile.index(of: name, .target)
      } catch {
        throw RecipeError("\(asked.data): --target names no column: \(error.problem); \(error.advice)")
      }
    }
    if profile.classNames != nil { return profile.columns.count - 1 }
    let names = profile.columns.suffix(8).map(\.name).joined(separator: ", ")
    throw RecipeError("say with --target which column is predicted; the last ones of \(asked.data) are \(names)")
  }

  private static func task(_ asked: FitRequest, _ profile: TableProfile, _ target: Int) throws(RecipeError) -> FitTask {
    let column = profile.columns[target]
    guard column.missing < profile.rowCount else {
      throw mistake(asked, "\(column.name) has no value in any row", "name another target")
    }
    guard column.infinities == 0 else {
      throw mistake(asked, "\(column.name) has infinite values", "correct the table")
    }
    let canBeClasses = column.kind == .text || column.kind == .numbers && column.isWhole
    let task = asked.task ?? likely(profile, target)
    if task == .classes {
      guard canBeClasses else {
        throw mistake(asked, "\(column.name) holds fractions, which are no classes", "leave out --task classes")
      }
      guard column.distinct <= TableProfile.mostLevels else {
        throw mistake(
          asked, "\(column.name) has more than \(TableProfile.mostLevels) different values, which are no classes",
          "name another target")
      }
    } else if column.kind == .text {
      throw mistake(asked, "\(column.name) holds texts such as '\(column.sample)'", "leave out --task numbers")
    }
    return task
  }

  /// Texts, two whole numbers, and numbers that count classes from 0 or 1 are classes.
  private static func likely(_ profile: TableProfile, _ target: Int) -> FitTask {
    let column = profile.columns[target]
    guard column.kind != .text else { return .classes }
    guard column.kind == .numbers, column.isWhole, column.distinct <= 20 else { return .numbers }
    let values = Set(profile.numbers(target).filter { !$0.isNaN })
    let counts = [0.0, 1].contains { first in values == Set((0..<values.count).map { first + Double($0) }) }
    return values.count == 2 || counts ? .classes : .numbers
  }

  // MARK: Rows and settings

  /// The rows that have a value in all of some columns.
  private static func complete(_ profile: TableProfile, _ needed: [Int]) throws -> [Int] {
    var isComplete = [Bool](repeating: true, count: profile.rowCount)
    for index in needed {
      guard profile.columns[index].kind == .text, let codes = profile.levels(index) else {
        for (row, number) in profile.numbers(index).enumerated() where number.isNaN { isComplete[row] = false }
        continue
      }
      for (row, code) in codes.enumerated() where code < 0 { isComplete[row] = false }
    }
    return isComplete.indices.filter { isComplete[$0] }
  }

  private static func notes(_ count: Int, complete: Int, rows: Int, rare: Int) -> [String] {
    var notes: [String] = []
    if complete < count { notes.append("\(count - complete) rows are left out, since a cell is empty") }
    if rare > 0 {
      notes.append(
        "\(complete - rows) rows are left out, whose \(rare) classes have fewer than \(fewestOfClass) rows each")
    }
    return notes
  }

  private static func settings(
    _ profile: TableProfile, target: Int, _ task: FitTask, _ uses: [Use], texts: [Int], missing: MissingRule
  ) -> [String] {
    func list(_ indices: [Int]) -> String {
      "[" + indices.map { JSONText.string(name($0)) }.joined(separator: ", ") + "]"
    }
    /// Of columns with the same name the index tells them apart.
    func name(_ index: Int) -> String {
      profile.columns[index].isNamedOnce ? profile.columns[index].name : "\(index)"
    }
    let request = profile.request
    let identifier = uses.firstIndex(of: .identifier)
    let left = uses.indices.filter {
      if case .dropped = uses[$0] { true } else { uses[$0] == .identifier && $0 != identifier }
    }
    func known(_ names: [String]) -> [Int] {
      profile.columns.indices.filter { names.contains(profile.columns[$0].name) }
    }
    let settings: [(DataKey, String?)] = [
      (.format, "table"), (.header, profile.hasNames ? "present" : "absent"),
      (.decimal, request.decimal == .point ? nil : request.decimal.rawValue),
      (.target, JSONText.string(name(target))), (.targetKind, task == .classes ? "classes" : "values"),
      (.identifier, identifier.map { JSONText.string(name($0)) }), (.drop, left.isEmpty ? nil : list(left)),
      (.oneHot, texts.isEmpty ? nil : list(texts)), (.unseen, texts.isEmpty ? nil : "zeros"),
      (.dates, request.dates.isEmpty ? nil : list(known(request.dates))),
      (.percent, request.percent.isEmpty ? nil : list(known(request.percent))), (.missing, missing.rawValue),
    ]
    return settings.compactMap { key, value in value.map { "\(key)=\($0)" } }
  }

  private static func contents(_ column: TableProfile.Column) -> String {
    let most = TableProfile.mostLevels
    let count = column.distinct > most && column.kind == .text ? "more than \(most)" : "\(column.distinct)"
    return "\(column.kind.rawValue), \(count) different" + (column.missing > 0 ? ", \(column.missing) empty" : "")
  }
}
