import Files
import Foundation
import Synchronization

extension StandardError {
  /// The format of messages.
  public enum Format: String, CaseIterable, Sendable {
    /// Lines for people.
    case text
    /// A JSON object a line: `ts` (RFC 3339), `level` (`info`, `warning` or `error`), and `event`: a `message` with its
    /// `text`, or `progress` with its numbers.
    case json
  }

  private static let chosen = Atomic(false)

  /// The format of this process. Set once, before the first message.
  public static var format: Format {
    get { chosen.load(ordering: .relaxed) ? .json : .text }
    set { chosen.store(newValue == .json, ordering: .relaxed) }
  }

  /// Lines of text as JSON objects.
  static func messages(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { line in
      let level = line.hasPrefix("warning: ") ? "warning" : line.hasPrefix("elbo: ") ? "error" : "info"
      let words = level == "info" ? line : line.drop { $0 != " " }.dropFirst()
      return object(level: level, event: "message", [("text", JSONText.string(String(words)))])
    }.joined()
  }

  /// A line that says how far a training is.
  static func progress(_ progress: TrainingProgress, examplesPerSecond: Double?, secondsLeft: Double?) -> String {
    var members = [("step", "\(progress.step)")]
    if let steps = progress.totalSteps { members.append(("steps", "\(steps)")) }
    if let epoch = progress.epoch { members.append(("epoch", "\(epoch)")) }
    if let epochs = progress.totalEpochs { members.append(("epochs", "\(epochs)")) }
    if let rate = examplesPerSecond { members.append(("examples_per_second", JSONText.number(rate))) }
    if let left = secondsLeft { members.append(("seconds_left", JSONText.number(left))) }
    let metrics = progress.metrics.map { ($0.name, JSONText.number($0.value)) }
    return object(level: "info", event: "progress", members + [("metrics", JSONText.object(metrics))])
  }

  private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  private static func object(level: String, event: String, _ members: [(String, String)]) -> String {
    let head = [
      ("ts", JSONText.string(Date().formatted(timeStyle))), ("level", JSONText.string(level)),
      ("event", JSONText.string(event)),
    ]
    return JSONText.object(head + members) + "\n"
  }
}
