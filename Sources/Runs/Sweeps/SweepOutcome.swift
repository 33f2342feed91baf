import Files
import Foundation
import Metrics
import Reports
import Training

/// How a point stands among those that it was compared with.
package struct SweepStanding: Sendable {
  /// The point's place in the sweep.
  package let point: Int
  /// Which comparison this was.
  package let rung: Int
  /// A result for each seed.
  package let results: [SweepResult]
  /// The mean over the seeds of the metric; NaN where a training failed, or the metric is not a number.
  package let value: Double
  /// The standard error of the mean; nil: there is one seed.
  package let error: Double?

  init(_ point: Int, rung: Int, _ results: [SweepResult], metric: String) {
    (self.point, self.rung, self.results) = (point, rung, results)
    let values = results.map { $0.metrics[metric] ?? .nan }
    value = values.reduce(0, +) / Double(values.count)
    error = values.count > 1 ? standardError(values) : nil
  }

  /// Why a training failed, in one line.
  package var failure: String? {
    results.lazy.compactMap(\.failure).first ?? (value.isNaN ? "the metric is not a number" : nil)
  }
}

extension Sweep {
  /// Points at a comparison, the best first; of equal ones the first.
  package func standings(of points: [Int], at rung: Int, _ journal: SweepJournal) -> [SweepStanding] {
    points.map { point in
      let results = self.points[point].trainings.map { journal[$0.name, steps(of: $0, at: rung)]! }
      return SweepStanding(point, rung: rung, results, metric: metric)
    }.sorted { a, b in
      guard a.value.isNaN == b.value.isNaN else { return b.value.isNaN }
      guard a.value != b.value, !a.value.isNaN else { return a.point < b.point }
      return direction.isBetter(a.value, than: b.value)
    }
  }
}

/// What a sweep has found. It is a function of the sweep alone: not of who computed it, or how long that took.
package struct SweepOutcome: Sendable {
  package let sweep: Sweep
  /// The comparisons, each with the best first.
  package let rungs: [[SweepStanding]]

  package init(_ sweep: Sweep, _ rungs: [[SweepStanding]]) { (self.sweep, self.rungs) = (sweep, rungs) }

  /// All points, each at its last comparison, the best first.
  package var ranking: [SweepStanding] {
    var seen: Set<Int> = []
    return rungs.reversed().flatMap { $0 }.filter { seen.insert($0.point).inserted }
  }

  /// - Throws: `TrainingError` when every point failed.
  package func best() throws(TrainingError) -> SweepStanding {
    let first = ranking[0]
    guard let failure = first.failure else { return first }
    throw TrainingError(
      .diverged, "every point failed, the first of them: \(failure)", advice: "try other values, or look at one alone")
  }

  /// How many steps were trained in all.
  package var steps: Int { ranking.flatMap(\.results).reduce(0) { $0 + $1.trained } }

  /// How many steps all points would have taken.
  package var wholeSteps: Int { sweep.points.flatMap(\.trainings).reduce(0) { $0 + $1.steps } }

  /// Writes `sweep.json`, `sweep.csv` and the recipe of the best point.
  package func write(to folder: String) throws {
    try AtomicFile.write(folder + "/sweep.json", json + "\n")
    try AtomicFile.write(folder + "/sweep.csv", csv)
    let best = try best()
    try AtomicFile.write(folder + "/best.yaml", sweep.recipe(of: sweep.points[best.point].trainings[0]))
  }

  package var json: String {
    func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
    let keys = sweep.request.axes.map(\.key)
    let rows = ranking.map { standing in
      let point = sweep.points[standing.point]
      let history = rungs.compactMap { rung in rung.first { $0.point == standing.point } }.map { standing in
        JSONText.object([
          ("steps", list(standing.results.map { "\($0.steps)" })), ("value", JSONText.number(standing.value)),
        ])
      }
      let runs = zip(point.trainings, standing.results).map { training, result in
        var members = [
          ("run", JSONText.string("points/" + training.name)), ("seed", "\(training.seed)"),
          ("steps", "\(result.trained)"),
        ]
        if let hash = result.parameters_sha256 { members.append(("parameters_sha256", JSONText.string(hash))) }
        if let failure = result.failure { members.append(("failure", JSONText.string(failure))) }
        members += result.metrics.sorted { $0.key < $1.key }.map { ($0.key, JSONText.number($0.value)) }
        return JSONText.object(members)
      }
      return JSONText.object([
        ("point", "\(standing.point)"),
        ("values", JSONText.object(zip(keys, point.values).map { ($0, JSONText.string($1)) })),
        ("value", JSONText.number(standing.value)),
        ("standard_error", standing.error.map(JSONText.number) ?? "null"),
        ("comparisons", list(history)), ("runs", list(runs)),
      ])
    }
    return JSONText.object([
      ("metric", JSONText.string(sweep.metric)), ("better", JSONText.string(sweep.direction.rawValue)),
      ("over", list(sweep.request.axes.map { JSONText.string($0.text) })), ("steps", "\(steps)"),
      ("whole_steps", "\(wholeSteps)"), ("points", "[\n " + rows.joined(separator: ",\n ") + "]"),
    ])
  }

  private var csv: String {
    let head =
      ["rank", "point"] + sweep.request.axes.map(\.key) + [sweep.metric, "standard_error", "steps", "failure"]
    let rows = ranking.enumerated().map { rank, standing in
      ["\(rank + 1)", "\(standing.point)"] + sweep.points[standing.point].values
        + [standing.value.isNaN ? "" : "\(standing.value)", standing.error.map { "\($0)" } ?? ""]
        + ["\(standing.results.map(\.trained).max() ?? 0)", standing.failure ?? ""]
    }
    return CSVText.lines([head] + rows)
  }
}
