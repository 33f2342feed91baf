import Datasets
import Files
import Recipes

/// Tables.
extension FitReading {
  /// - Throws: `RecipeError` or `DataError` where there is nothing to learn.
  init(table asked: FitRequest) throws {
    var request = DataRequest(source: asked.data)
    request.format = .table
    let profile = try TableProfile(request)
    guard profile.rowCount > 0 else { throw FitReading.mistake(asked, "holds no rows", "name a table with rows") }
    let isSupervised = asked.task?.hasTarget ?? true
    let target = isSupervised ? try FitReading.target(asked, profile) : nil
    let task = try target.map { try FitReading.task(asked, profile, $0) } ?? asked.task!
    let sequence = try asked.sequence.map { try profile.index(of: $0, .sequence) }
    let time = try asked.time.map { try FitReading.time(asked, profile, $0) }
    let kept = try Set(asked.keep.map { try profile.index(of: $0, .columns) })
    let dropped = try Set(asked.drop.map { try profile.index(of: $0, .drop) })
    if let both = kept.intersection(dropped).min() {
      throw RecipeError("--keep and --drop both name \(profile.columns[both].name): leave one out")
    }
    for (special, role) in [(target, "target"), (sequence, "sequence"), (time, "time")] {
      guard let special, kept.contains(special) || dropped.contains(special) else { continue }
      throw RecipeError("\(profile.columns[special].name) is the \(role): leave it out of --keep and --drop")
    }
    guard time == nil || time != target else {
      throw FitReading.mistake(asked, "--time and --target name the same column", "name two")
    }
    let judge = ColumnJudge(
      profile, target: target, sequence: sequence, time: time, task: task, kept: kept, dropped: dropped)
    let uses = profile.columns.indices.map { judge.use(of: $0) }
    let inputs = uses.indices.filter { uses[$0] == .input }
    guard !inputs.isEmpty else {
      throw FitReading.mistake(
        asked, "no column is left to \(target.map { "predict \(profile.columns[$0].name)" } ?? "learn") from",
        "look at the columns with --dry-run, and keep some with --keep")
    }
    let texts = inputs.filter { profile.columns[$0].kind == .text }
    let numeric = inputs.filter { profile.columns[$0].kind != .text }
    let gaps = inputs.filter { profile.columns[$0].missing > 0 }
    // Where something is predicted, a mean or a level of its own stands in for an empty cell. Densities are of rows that are
    // whole; an element of a sequence is never left out. A forecast without a time is none.
    let missing: MissingRule =
      task == .states ? .keep : gaps.isEmpty || task == .groups || task == .series ? .drop : .mean
    let width =
      numeric.count + texts.reduce(0) { $0 + profile.columns[$1].distinct } + (missing == .mean ? gaps.count : 0)
    guard width <= FitReading.mostColumns else {
      throw FitReading.mistake(
        asked, "the inputs become \(width) columns of numbers",
        "leave some out with --drop: at most \(FitReading.mostColumns) are learned from")
    }
    let complete = try FitReading.complete(profile, (target.map { [$0] } ?? []) + (missing == .drop ? gaps : []))
    let groups = try FitReading.groups(asked, profile, task == .classes ? target : sequence)
    let common = FitReading.common(complete, groups, task)
    if task.isOfNumbers {
      let numbers = profile.numbers(target!)
      guard common.rows.isEmpty || Set(common.rows.map { numbers[$0] }).count > 1 else {
        throw FitReading.mistake(
          asked, "\(profile.columns[target!].name) has the same value in all rows", "name another target")
      }
    }
    self.init(
      task: task, target: target.map { profile.columns[$0].name },
      columns: profile.columns.indices.map {
        Column(name: profile.columns[$0].name, contents: FitReading.contents(profile.columns[$0]), use: uses[$0])
      }, rowCount: profile.rowCount, rows: common.rows,
      notes: FitReading.notes(profile.rowCount, complete: complete.count, rows: common.rows.count, rare: common.rare)
        + (missing == .mean ? FitReading.gapNotes(profile, gaps) : [])
        + (task == .numbers ? FitReading.orderNotes(profile, inputs) : []),
      settings: FitReading.settings(
        profile, target: target, sequence: sequence, task, uses, texts: texts, missing: missing),
      width: width, outputs: common.classes,
      series: try time.map { try FitReading.series(asked, profile, $0, target!, common.rows) },
      content: .table(profile),
      groups: groups)
  }

  private static func gapNotes(_ profile: TableProfile, _ gaps: [Int]) -> [String] {
    let names = gaps.prefix(4).map { profile.columns[$0].name }.joined(separator: ", ") + (gaps.count > 4 ? ", …" : "")
    return ["empty cells of \(names) become the mean of their column and a mark, or a level of their own"]
  }

  // MARK: Series

  /// Dates that grow from row to row may be a series, whose last rows are to be predicted from its first ones.
  private static func orderNotes(_ profile: TableProfile, _ inputs: [Int]) -> [String] {
    let found = inputs.first { profile.columns[$0].kind == .dates && isAscending(profile.numbers($0)) }
    return found.map {
      [
        "\(profile.columns[$0].name) grows from row to row; give --time \(profile.columns[$0].name) to forecast what follows"
      ]
    } ?? []
  }

  private static func isAscending(_ times: [Double]) -> Bool { zip(times, times.dropFirst()).allSatisfy { $0 <= $1 } }

  private static func time(_ asked: FitRequest, _ profile: TableProfile, _ name: String) throws -> Int {
    let index = try profile.index(of: name, .columns)
    let column = profile.columns[index]
    guard column.kind != .text, column.infinities == 0 else {
      throw mistake(
        asked, "\(column.name) holds \(column.kind == .text ? "texts such as '\(column.sample)'" : "infinite values")",
        "name with --time a column of numbers, or of dates such as 2026-11-30")
    }
    return index
  }

  private static func series(
    _ asked: FitRequest, _ profile: TableProfile, _ time: Int, _ target: Int, _ rows: [Int]
  ) throws -> FitSeries {
    let (all, values) = (profile.numbers(time), profile.numbers(target))
    let times = rows.map { all[$0] }
    guard isAscending(times) else {
      throw mistake(asked, "\(profile.columns[time].name) goes back from one row to the next", "sort the rows by it")
    }
    guard let first = times.first, let last = times.last, last > first else {
      throw mistake(asked, "all rows are of the same \(profile.columns[time].name)", "name another column with --time")
    }
    return FitSeries(times: times, values: rows.map { values[$0] })
  }

  /// A code for each distinct cell of a column.
  private static func groups(_ asked: FitRequest, _ profile: TableProfile, _ column: Int?) throws -> [Int32] {
    guard let column else { return [] }
    guard let levels = profile.levels(column) else {
      throw mistake(
        asked, "\(profile.columns[column].name) has more than \(TableProfile.mostLevels) different texts",
        "number the sequences")
    }
    return levels
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

  private static func settings(
    _ profile: TableProfile, target: Int?, sequence: Int?, _ task: FitTask, _ uses: [Use], texts: [Int],
    missing: MissingRule
  ) -> [String] {
    func list(_ indices: [Int]) -> String {
      "[" + indices.map { JSONText.string(name($0)) }.joined(separator: ", ") + "]"
    }
    /// The index distinguishes columns with the same name.
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
      (.target, target.map { JSONText.string(name($0)) }),
      (.targetKind, target.map { _ in task == .classes ? "classes" : "values" }),
      (.sequence, sequence.map { JSONText.string(name($0)) }),
      (.identifier, identifier.map { JSONText.string(name($0)) }), (.drop, left.isEmpty ? nil : list(left)),
      (.oneHot, texts.isEmpty ? nil : list(texts)), (.unseen, texts.isEmpty ? nil : "zeros"),
      (.split, task == .series ? "position" : nil), (.dates, request.dates.isEmpty ? nil : list(known(request.dates))),
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
