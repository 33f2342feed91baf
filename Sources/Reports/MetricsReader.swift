import Files
import Foundation

/// Reads metrics.jsonl.
public enum MetricsReader {
  /// The lines of a file, those left out that are none of these: the last one may be cut off. What is null is NaN.
  public static func records(of path: String) throws(FileError) -> [MetricsRecord] {
    try InputFile.read(path).split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
        let step = object["step"] as? Int, let epoch = object["epoch"] as? Double
      else { return nil }
      var metrics: [String: Double] = [:]
      for (name, value) in object where name.contains("/") { metrics[name] = value as? Double ?? .nan }
      return MetricsRecord(
        step: step, epoch: epoch, seconds: object["seconds"] as? Double ?? .nan,
        examplesPerSecond: object["examples_per_second"] as? Double ?? .nan, metrics: metrics)
    }
  }
}
