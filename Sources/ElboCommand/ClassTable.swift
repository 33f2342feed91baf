import Foundation
import Metrics
import Reports

/// The scores of each class, for people: a row each, with the number of its examples that are given each class.
struct ClassTable {
  /// Of more classes a table is not readable.
  private static let mostClasses = 20
  private static let longestName = 12

  let text: String

  /// - Parameter part: what comes before the names of the metrics, such as `test/`.
  init(_ names: [String], _ metrics: [String: Double], part: String) {
    guard names.count <= Self.mostClasses else {
      text = "\(names.count) classes: --json and summary.json say of each what is said here of fewer\n"
      return
    }
    let short = names.map { $0.count <= Self.longestName ? $0 : $0.prefix(Self.longestName - 1) + "…" }
    let scores = ClassMetric.allCases
    var table = TextTable(
      [.init("class")] + scores.map { .init($0.rawValue.lowercased(), .right) } + [.init("")]
        + short.map { .init($0, .right) })
    for (truth, name) in zip(names, short) {
      let cells = scores.map { score in
        metrics[part + score.name(of: truth)].map { score == .support ? "\(Int($0))" : String(format: "%.4f", $0) }
          ?? ""
      }
      let given = names.map { "\(Int(metrics[part + ClassMetric.confusion(truth, given: $0)] ?? 0))" }
      table.append([name] + cells + ["given"] + given)
    }
    text = table.text
  }
}
