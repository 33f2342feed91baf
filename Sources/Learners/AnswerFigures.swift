import Figures
import Foundation
import Metrics

// Pictures of answers beside those that were given, of whatever learns answers.

/// Confidence against accuracy.
/// - Parameter rows: which examples, such as "test rows".
package func reliabilityFigure(_ reliability: Reliability, of rows: String) -> Figure {
  let bins = reliability.bins
  let edges = (0...bins.count).map { Double($0) / Double(bins.count) }
  let count = bins.reduce(0) { $0 + $1.count }
  let panels = [
    Panel(
      title: String(format: "ECE %.4f", reliability.expectedError), x: Axis("confidence", lower: 0, upper: 1),
      y: Axis("accuracy", lower: 0, upper: 1), legend: .topLeft,
      [
        .histogram(Histogram("accuracy", edges: edges, heights: bins.map { $0.count > 0 ? $0.accuracy : 0 })),
        .rule(Rule(.diagonal, label: "perfect")),
      ]),
    Panel(
      title: "\(count) \(rows)", x: Axis("confidence", lower: 0, upper: 1), y: Axis("share of the rows", lower: 0),
      [.histogram(Histogram(edges: edges, heights: bins.map { Double($0.count) / Double(max(count, 1)) }))]),
  ]
  return Figure("reliability", title: "Reliability of the predicted probabilities", .plot(Plot(panels)))
}

/// The share of each class's examples, in rows, that are given each class, in columns; nothing of more classes than can be
/// read.
/// - Parameters:
///   - table: how many, the classes that are true in rows.
///   - given: what gives the classes, such as "prediction".
package func confusionFigures(_ table: [[Int]], names: [String], given: String, title: String) -> [Figure] {
  guard table.count <= 32 else { return [] }
  let values = table.flatMap { row in
    let total = Double(max(row.reduce(0, +), 1))
    return row.map { Double($0) / total }
  }
  let panel = Panel(
    x: Axis(given, categories: names), y: Axis("truth", categories: names, isReversed: true),
    [
      .heatMap(
        HeatMap(
          "share", rows: table.count, columns: table.count, values: values, lower: 0, upper: 1, showsValues: true))
    ])
  return [Figure("confusion", title: title, .plot(Plot(panel)))]
}

/// Targets that were observed against their predictions, with a standard deviation of each.
/// - Parameters:
///   - target: its name.
///   - rows: which examples, such as "test rows".
package func predictionsPanel(
  target: String, rows: String, observed: [Double], predicted: [Double], deviations: [Double]
) -> Panel {
  // Both axes show the same numbers, so that what is perfect lies on the diagonal of the picture.
  let low = observed + zip(predicted, deviations).map { $0 - $1 }
  let high = observed + zip(predicted, deviations).map { $0 + $1 }
  let (least, most) = (low.filter(\.isFinite).min() ?? 0, high.filter(\.isFinite).max() ?? 1)
  let room = 0.04 * (most - least)
  func axis(_ label: String) -> Axis { Axis(label, lower: least - room, upper: most + room) }
  return Panel(
    x: axis("observed \(target)"), y: axis("predicted \(target), ± 1 σ"), legend: .topLeft,
    [
      .rule(Rule(.diagonal, label: "perfect")),
      .points(Points(rows, x: observed, y: predicted, errors: deviations)),
    ])
}
