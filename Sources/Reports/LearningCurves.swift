import Figures
import Files
import Foundation

/// The curves of what was reported in a training, read from its metrics.jsonl: one panel for each metric, training,
/// validation and test in the same one.
public enum LearningCurves {
  /// - Parameter selectedStep: the step whose parameters are the result; a line marks it.
  /// - Returns: nil when fewer than two reports were made.
  public static func figure(from path: String, selectedStep: Int? = nil) throws(FileError) -> Figure? {
    var series: [String: [(epoch: Double, value: Double)]] = [:]
    var selectedEpoch: Double?
    let lines = String(decoding: try InputFile.read(path), as: UTF8.self).split(separator: "\n")
    guard lines.count > 1 else { return nil }
    for line in lines {
      guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
        let epoch = object["epoch"] as? Double
      else { continue }
      if let selectedStep, object["step"] as? Int == selectedStep { selectedEpoch = epoch }
      for (name, value) in object where name.contains("/") {
        if let value = value as? Double { series[name, default: []].append((epoch, value)) }
      }
    }
    let names = Set(series.keys.map { String($0.drop { $0 != "/" }.dropFirst()) }).sorted()
    guard !names.isEmpty else { return nil }
    let panels = names.map { name in
      // A part has one color in all panels.
      var marks = [("train", 0), ("validation", 2), ("test", 1)].compactMap { part, color -> Mark? in
        guard let points = series["\(part)/\(name)"] else { return nil }
        return .line(Line(part, x: points.map(\.epoch), y: points.map(\.value), color: .palette(color)))
      }
      if let selectedEpoch { marks.append(.rule(Rule(.vertical(selectedEpoch), label: "selected"))) }
      return Panel(title: name, x: Axis("epoch"), y: Axis(name), marks)
    }
    return Figure("curves", title: "Learning curves", .plot(Plot(panels)))
  }
}
