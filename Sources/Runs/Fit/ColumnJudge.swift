import Datasets
import Foundation

/// Decides which columns of a table a target is predicted from.
struct ColumnJudge {
  private let profile: TableProfile
  private let target: Int?
  private let sequence: Int?
  private let time: Int?
  private let task: FitTask
  private let kept: Set<Int>
  private let dropped: Set<Int>

  init(
    _ profile: TableProfile, target: Int?, sequence: Int?, time: Int?, task: FitTask, kept: Set<Int>, dropped: Set<Int>
  ) {
    (self.profile, self.target, self.sequence, self.time, self.task) = (profile, target, sequence, time, task)
    (self.kept, self.dropped) = (kept, dropped)
  }

  /// A column of numbers with a larger share of empty cells is left out: where something is predicted, since the mean would
  /// stand in nearly everywhere; else, since its rows would be left out.
  private var mostMissing: Double { task.hasTarget ? 0.9 : 0.2 }
  /// A category has so many rows on average.
  private static let rowsOfLevel = 4
  private static let mostLevels = 100
  /// Correlations with the target above this are a copy of it.
  private static let copyCorrelation = 0.99999
  private static let identifierNames = ["id", "identifier", "key", "uuid", "index", "rowid", "row_id", "rownames"]

  func use(of index: Int) -> FitReading.Use {
    if index == target { return .target }
    if index == sequence { return .sequence }
    if time != nil { return index == time ? .input : .dropped(reason: "forecasts are made from the time alone") }
    if dropped.contains(index) { return .dropped(reason: "--drop") }
    let column = profile.columns[index]
    if let impossible = impossible(column) { return .dropped(reason: impossible) }
    if !task.hasTarget, column.kind == .text { return .dropped(reason: "text, where densities are of numbers") }
    if kept.contains(index) { return .input }
    if isIdentifier(column) { return .identifier }
    if column.kind != .text, Double(column.missing) > mostMissing * Double(profile.rowCount) {
      return .dropped(reason: "\(column.missing) of \(profile.rowCount) cells are empty")
    }
    if column.kind == .text, column.distinct > min(Self.mostLevels, profile.rowCount / Self.rowsOfLevel) {
      return .dropped(reason: "too many levels: \(column.distinct)")
    }
    if isCopy(index) { return .dropped(reason: "a leak: a copy of the target") }
    return .input
  }

  /// Why a column cannot be an input, also if the user wants it.
  private func impossible(_ column: TableProfile.Column) -> String? {
    if column.missing == profile.rowCount { return "no value" }
    if column.distinct <= 1, column.missing == 0 || column.kind != .text { return "constant" }
    if column.infinities > 0, column.kind != .text { return "\(column.infinities) infinite values" }
    if !column.isNamedOnce { return "its name is there twice" }
    if column.kind == .text, column.distinct > TableProfile.mostLevels { return "too many levels" }
    return nil
  }

  private func isIdentifier(_ column: TableProfile.Column) -> Bool {
    let values = profile.rowCount - column.missing
    guard profile.rowCount >= FitReading.fewestRows, values == profile.rowCount else { return false }
    let isUnique =
      column.kind == .text
      ? Double(column.distinct) > 0.9 * Double(values) : column.isWhole && column.distinct == values
    if column.kind == .text { return isUnique }
    let name = column.name.lowercased()
    let isNamed = Self.identifierNames.contains(name) || name.hasSuffix("_id") || column.name.hasSuffix("Id")
    return column.kind == .numbers && (column.countsRows || isUnique && isNamed)
  }

  /// Whether a column says what the target is: of numbers a multiple of it, of classes another name for each.
  private func isCopy(_ index: Int) -> Bool {
    guard let target, profile.rowCount >= FitReading.fewestRows else { return false }
    if task == .numbers {
      guard profile.columns[index].kind != .text else { return false }
      let pairs = zip(profile.numbers(index), profile.numbers(target)).filter { !$0.0.isNaN && !$0.1.isNaN }
      return abs(Self.correlation(pairs)) > Self.copyCorrelation
    }
    guard profile.columns[index].distinct == profile.columns[target].distinct,
      let (codes, labels) = profile.levels(index).flatMap({ codes in profile.levels(target).map { (codes, $0) } })
    else { return false }
    var (there, back): ([Int32: Int32], [Int32: Int32]) = ([:], [:])
    for (code, label) in zip(codes, labels) where code >= 0 && label >= 0 {
      guard there[code, default: label] == label, back[label, default: code] == code else { return false }
      (there[code], back[label]) = (label, code)
    }
    return there.count > 1
  }

  private static func correlation(_ pairs: [(Double, Double)]) -> Double {
    let count = Double(max(pairs.count, 1))
    let means = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (x, y) in pairs {
      let (dx, dy) = (x - means.0, y - means.1)
      (xx, yy, xy) = (xx + dx * dx, yy + dy * dy, xy + dx * dy)
    }
    return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : 0
  }
}
