import Foundation
import Reports
import Runs
import Training

/// Sweeps as text.
enum SweepTexts {
  /// Of a recipe, by its own name or its file's.
  static func name(of recipe: String) -> String {
    URL(fileURLWithPath: recipe).deletingPathExtension().lastPathComponent
  }

  /// What is to be tried.
  static func points(of sweep: Sweep) -> String {
    let first = sweep.points.first?.trainings.first
    let rungs = (0..<sweep.rungCount).map { rung in
      "\(sweep.pointCount(at: rung))" + (first.map { " after \(sweep.steps(of: $0, at: rung)) steps" } ?? "")
    }
    var table = TextTable(
      [.init("point", .right)] + sweep.request.axes.map { .init($0.key, .right) } + [.init("run")])
    for (place, point) in sweep.points.enumerated() {
      table.append(["\(place)"] + point.values + [point.trainings.map(\.name).joined(separator: ", ")])
    }
    return "points by \(sweep.metric): \(rungs.joined(separator: ", "))\n" + table.text
  }

  /// A training that has come so far.
  static func line(_ training: Sweep.Training, _ result: SweepResult, of sweep: Sweep) -> String {
    let values = zip(sweep.request.axes, training.values).map { "\($0.key)=\($1)" }
    let seed = sweep.request.seeds > 1 ? " seed \(training.seed)" : ""
    let said = result.failure ?? "\(sweep.metric) \(RunTexts.number(result.metrics[sweep.metric]))"
    return "\(values.joined(separator: " "))\(seed), step \(result.trained): \(said)"
  }

  static func table(of outcome: SweepOutcome, folder: String) throws -> String {
    let sweep = outcome.sweep
    let best = try outcome.best()
    var table = TextTable(
      [.init("", .right)] + sweep.request.axes.map { .init($0.key, .right) } + [.init(sweep.metric, .right)]
        + (sweep.request.seeds > 1 ? [.init("standard error", .right)] : []) + [.init("steps", .right), .init("")])
    for (rank, standing) in outcome.ranking.enumerated() {
      table.append(
        ["\(rank + 1)"] + sweep.points[standing.point].values
          + [standing.failure == nil ? RunTexts.number(standing.value) : "–"]
          + (sweep.request.seeds > 1 ? [RunTexts.number(standing.error)] : [])
          + ["\(standing.results.map(\.trained).max() ?? 0)", standing.failure ?? ""])
    }
    var rows: [ResultsTable.Row] = [
      .init(
        "best",
        .text(zip(sweep.request.axes, sweep.points[best.point].values).map { "\($0.key)=\($1)" }.joined(separator: " "))
      ),
      .init("run", .text("\(folder)/points/\(sweep.points[best.point].trainings[0].name)")),
      .init("recipe", .text(folder + "/best.yaml")),
    ]
    if sweep.rungCount > 1 {
      rows.append(.init("steps", .text("\(outcome.steps) in place of \(outcome.wholeSteps)")))
    }
    return table.text + ResultsTable(rows).text
  }
}
