import Files
import Foundation
import Metrics
import Reports
import Runs

/// Runs side by side, as text.
struct ComparisonTexts {
  private let comparison: RunComparison
  /// Of the metrics that are shown.
  private let names: [String]
  private let scores: ScoreComparison?

  init(_ comparison: RunComparison, _ names: [String], _ scores: ScoreComparison?) {
    (self.comparison, self.names, self.scores) = (comparison, names, scores)
  }

  // MARK: For people

  var text: String {
    let runs = comparison.runs
    var table = TextTable([.init("")] + runs.map { .init($0.path, .right) })
    for row in rows(RunTexts.number, none: "–") { table.append(row) }
    let same = comparison.firstWithSameBits
    table.append(
      ["same bits as"] + runs.indices.map { place in same[place].flatMap { $0 == place ? nil : runs[$0].path } ?? "" })
    return table.text + comparison.groups.map(group).joined() + (scores.map(intervals) ?? "")
  }

  /// A label, and a cell for each run.
  private func rows(_ number: (Double?) -> String, none: String) -> [[String]] {
    let runs = comparison.runs
    var rows = [["status"] + runs.map(\.status)]
    for (key, values) in comparison.differences { rows.append([key] + values.map { $0 ?? none }) }
    for name in names { rows.append([name] + runs.map { number($0.metrics[name]) }) }
    rows.append(["seconds"] + runs.map { number($0.summary?.seconds) })
    if let scores { rows.append(["ms a prediction"] + scores.secondsPerExample.map { number(1000 * $0) }) }
    rows.append(["parameters_sha256"] + runs.map { String($0.summary?.parameters_sha256.prefix(12) ?? "") })
    return rows
  }

  private func group(_ group: RunComparison.Group) -> String {
    let paths = group.members.map { comparison.runs[$0].path }
    var table = TextTable([.init(""), .init("mean", .right), .init(""), .init("standard error", .right)])
    for name in names {
      guard let found = group.metrics[name] else { continue }
      table.append([name, RunTexts.number(found.mean), "±", RunTexts.number(found.error)])
    }
    return "\n\(paths.count) seeds: \(paths.joined(separator: ", "))\n" + table.text
  }

  private func intervals(_ scores: ScoreComparison) -> String {
    var table = TextTable([
      .init(""), .init("run"), .init("value", .right), .init("difference", .right), .init("from", .right),
      .init("to", .right), .init(""),
    ])
    for (metric, name) in scores.names.enumerated() {
      for (run, found) in scores.differences[metric].enumerated() {
        let others =
          run == 0
          ? ["", "", "", ""] : [found.difference, found.lower, found.upper].map { signed($0) } + [verdict(name, found)]
        table.append([run == 0 ? name : "", comparison.runs[run].path, RunTexts.number(found.value)] + others)
      }
    }
    let level = Int((100 * ScoreComparison.level).rounded())
    return "\n\(scores.examples) held-out examples; differences from \(comparison.runs[0].path), "
      + "\(level) % intervals of \(scores.resamples) paired resamples\n" + table.text
  }

  private func signed(_ value: Double) -> String { (value >= 0 ? "+" : "") + RunTexts.number(value) }

  private func verdict(_ name: String, _ found: ScoreComparison.Difference) -> String {
    guard found.isClear, let direction = MetricDirection(of: name) else { return "" }
    return direction.isBetter(found.difference, than: 0) ? "better" : "worse"
  }

  // MARK: For programs

  /// A line a run.
  var csv: String {
    var lines = comparison.runs.indices.map { [comparison.runs[$0].path] }
    var head = ["run"]
    for row in rows({ $0.map { "\($0)" } ?? "" }, none: "") {
      head.append(row[0])
      for run in lines.indices { lines[run].append(row[run + 1]) }
    }
    for (metric, name) in scores?.names.enumerated() ?? [].enumerated() {
      for (label, value) in [
        ("scored", \ScoreComparison.Difference.value), ("difference", \.difference), ("lower", \.lower),
        ("upper", \.upper),
      ] {
        head.append("\(name) \(label)")
        for run in lines.indices { lines[run].append("\(scores!.differences[metric][run][keyPath: value])") }
      }
    }
    return CSVText.lines([head] + lines)
  }

  var document: String {
    func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
    let same = comparison.firstWithSameBits
    let differences = comparison.differences.map { key, values in
      (key, list(values.map { $0.map(JSONText.string) ?? "null" }))
    }
    let groups = comparison.groups.map { group in
      let metrics = group.metrics.sorted { $0.key < $1.key }.map { name, found in
        (
          name,
          JSONText.object([("mean", JSONText.number(found.mean)), ("standard_error", JSONText.number(found.error))])
        )
      }
      return JSONText.object([
        ("runs", list(group.members.map { "\($0)" })), ("metrics", JSONText.object(metrics)),
      ])
    }
    var members = [
      ("runs", RunTexts.json(comparison.runs, metrics: names)), ("differences", JSONText.object(differences)),
      ("same_bits_as", list(same.map { $0.map { "\($0)" } ?? "null" })), ("groups", list(groups)),
    ]
    if let scores {
      let metrics = zip(scores.names, scores.differences).map { name, runs in
        (
          name,
          list(
            runs.map { found in
              JSONText.object([
                ("value", JSONText.number(found.value)), ("difference", JSONText.number(found.difference)),
                ("lower", JSONText.number(found.lower)), ("upper", JSONText.number(found.upper)),
              ])
            })
        )
      }
      members.append(
        (
          "intervals",
          JSONText.object([
            ("examples", "\(scores.examples)"), ("resamples", "\(scores.resamples)"),
            ("level", "\(ScoreComparison.level)"),
            ("seconds_per_prediction", list(scores.secondsPerExample.map(JSONText.number))),
            ("metrics", JSONText.object(metrics)),
          ])
        ))
    }
    return JSONText.object(members) + "\n"
  }
}
