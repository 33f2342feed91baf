import Figures
import Files
import Metrics

/// The curves of what was reported in a training, read from its metrics.jsonl: one panel for each metric, training,
/// validation and test in the same one.
public enum LearningCurves {
  /// - Parameters:
  ///   - selectedStep: the step whose parameters are the result; a line marks it.
  ///   - end: metrics of the finished model, for parts that have no curve.
  /// - Returns: nil when fewer than two reports were made.
  public static func figure(from path: String, selectedStep: Int? = nil, end: [String: Double] = [:]) throws(FileError)
    -> Figure?
  {
    var series: [String: [(epoch: Double, value: Double)]] = [:]
    let records = try MetricsReader.records(of: path)
    guard records.count > 1 else { return nil }
    let selectedEpoch = selectedStep.flatMap { step in records.last { $0.step == step }?.epoch }
    for record in records {
      for (name, value) in record.metrics where !value.isNaN { series[name, default: []].append((record.epoch, value)) }
    }
    // What never changes has no curve, unless nothing else has one.
    let moving = series.filter { _, points in points.contains { $0.value != points[0].value } }
    let shown = moving.isEmpty ? series : moving
    let names = Set(shown.keys.map { String($0.drop { $0 != "/" }.dropFirst()) }).sorted()
    guard !names.isEmpty else { return nil }
    let lastEpoch = records.last!.epoch
    let panels = names.map { name in
      let unit = MetricUnit.of(name) == "%" ? 100.0 : 1
      // A part has one color in all panels.
      var marks = [("train", 0), ("validation", 2), ("test", 1)].compactMap { part, color -> Mark? in
        if let points = series["\(part)/\(name)"] {
          return .line(Line(part, x: points.map(\.epoch), y: points.map { unit * $0.value }, color: .palette(color)))
        }
        return end["\(part)/\(name)"].map { value in
          .points(
            Points(
              "\(part), at the end", x: [lastEpoch], y: [unit * value], coloring: .single(.palette(color)), size: 1.5))
        }
      }
      if let selectedEpoch { marks.append(.rule(Rule(.vertical(selectedEpoch), label: "selected"))) }
      return Panel(title: name, x: Axis("epoch"), y: Axis(MetricUnit.label(name)), marks)
    }
    return Figure("curves", title: "Learning curves", .plot(Plot(panels)))
  }
}
