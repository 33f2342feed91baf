import Datasets
import Files
import Recipes

/// Data as it is learned from: what is predicted, from which columns, and why others are left out.
package struct FitReading: Sendable {
  package struct Column: Sendable, Equatable {
    package let name: String
    /// What it holds, in words.
    package let contents: String
    package let use: Use
  }

  package enum Use: Sendable, Equatable {
    case target, input, identifier, sequence
    case dropped(reason: String)
  }

  /// What the parts of the data are taken from.
  enum Content: Sendable {
    case table(TableProfile)
    /// Data with a test part of so many examples, or none, whose examples are listed.
    case examples(source: String, tests: Int, fingerprint: String)
  }

  package let task: FitTask
  /// Nil: nothing is predicted.
  package let target: String?
  package let columns: [Column]
  /// How many rows or examples the data has, its own test part left aside.
  package let rowCount: Int
  /// The rows that have a value in every column that is used, and a class that is not too rare.
  package let rows: [Int]
  /// What to know of the rows, one line each.
  package let notes: [String]
  /// Keys of the `data` section of a recipe, each `data.KEY=VALUE`.
  package let settings: [String]
  /// How many numbers an example has, those that texts become included.
  package let width: Int
  /// How many classes there are; of numbers 1.
  package let outputs: Int
  /// Of pictures: height, width, channels.
  let shape: [Int]
  /// Nil: the rows have no order.
  let series: FitSeries?
  let content: Content
  /// The codes of the rows' classes, or of their sequences; empty where there are none.
  let groups: [Int32]

  /// Fewer rows are not divided into parts.
  package static let fewestRows = 20
  /// A class of fewer rows may be missing in a part.
  static let fewestOfClass = 8
  /// Fewer sequences are not divided into parts.
  static let fewestSequences = 10
  /// More columns of numbers are not learned from.
  static let mostColumns = 20_000
  /// From so many rows on one part validates as well as three.
  private static let many = 5000

  /// How long a season of a series lasts, in the units of its time; nil: there is none.
  package var seasonLength: Double? { series?.period }

  /// With how many seeds each point trains: each cuts off another part of the data to validate on, and the mean decides.
  /// The last rows of a series alone say how good its forecasts are.
  package var seeds: Int { rows.count < FitReading.many && series == nil ? FitPlan.seeds : 1 }

  /// - Throws: `RecipeError` or `DataError` where there is nothing to learn, in one line that says what to do.
  package init(_ asked: FitRequest) throws {
    try asked.check()
    self = try DataSource.isTable(asked.data) ? FitReading(table: asked) : FitReading(examples: asked)
    try checkRows(asked)
  }

  init(
    task: FitTask, target: String?, columns: [Column], rowCount: Int, rows: [Int], notes: [String], settings: [String],
    width: Int, outputs: Int, shape: [Int] = [], series: FitSeries? = nil, content: Content, groups: [Int32]
  ) {
    (self.task, self.target, self.columns, self.rowCount, self.rows) = (task, target, columns, rowCount, rows)
    (self.notes, self.settings, self.width, self.outputs) = (notes, settings, width, outputs)
    (self.shape, self.series, self.content, self.groups) = (shape, series, content, groups)
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
    guard !task.isOfClasses || Set(rows.map { groups[$0] }).count > 1 else {
      throw FitReading.mistake(
        asked, "\(target ?? "the data") has one class of at least \(FitReading.fewestOfClass) rows",
        "give rows of two classes or more")
    }
    guard task != .states || Set(groups).count >= FitReading.fewestSequences else {
      throw FitReading.mistake(
        asked, "\(Set(groups).count) sequences", "give at least \(FitReading.fewestSequences)")
    }
  }

  /// The rows whose class is not too rare, and how many classes are; of numbers all rows.
  static func common(_ rows: [Int], _ classes: [Int32], _ task: FitTask) -> (rows: [Int], rare: Int, classes: Int) {
    guard task.isOfClasses else { return (rows, 0, 1) }
    let counts = Dictionary(grouping: rows) { classes[$0] }.mapValues(\.count)
    let rare = Set(counts.filter { $0.value < fewestOfClass }.keys)
    return (rows.filter { !rare.contains(classes[$0]) }, rare.count, counts.count - rare.count)
  }

  static func notes(_ count: Int, complete: Int, rows: Int, rare: Int) -> [String] {
    var notes: [String] = []
    if complete < count { notes.append("\(count - complete) rows are left out, since a cell is empty") }
    if rare > 0 {
      notes.append(
        "\(complete - rows) rows are left out, whose \(rare) classes have fewer than \(fewestOfClass) rows each")
    }
    return notes
  }

  static func mistake(_ asked: FitRequest, _ problem: String, _ advice: String) -> RecipeError {
    RecipeError("\(asked.data): \(problem); \(advice)")
  }
}
