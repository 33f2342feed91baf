import Figures
import Files
import Foundation

/// The curves of what was reported in a training, read from its metrics.jsonl: one panel for each metric, training and
/// test in the same one.
public enum LearningCurves {
  /// - Returns: nil when fewer than two reports were made.
  public static func figure(from path: String) throws(FileError) -> Figure? {
    var series: [String: [(epoch: Double, value: Double)]] = [:]
    let lines = String(decoding: try InputFile.read(path), as: UTF8.self).split(separator: "\n")
    guard lines.count > 1 else { return nil }
    for line in lines {
      guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
        let epoch = object["epoch"] as? Double
      else { continue }
      for (name, value) in object where name.contains("/") {
        if let value = value as? Double { series[name, default: []].append((epoch, value)) }
      }
    }
    let names = Set(series.keys.map { String($0.drop { $0 != "/" }.dropFirst()) }).sorted()
    guard !names.isEmpty else { return nil }
    let panels = names.map { name in
      let marks = ["train", "test"].compactMap { part -> Mark? in
        guard let points = series["\(part)/\(name)"] else { return nil }
        return .line(Line(part, x: points.map(\.epoch), y: points.map(\.value)))
      }
      return Panel(title: name, x: Axis("epoch"), y: Axis(name), marks)
    }
    return Figure("curves", title: "Learning curves", .plot(Plot(panels)))
  }
}
