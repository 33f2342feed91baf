import Foundation
import Messages

/// A status as people and programs read it.
package enum StatusText {
  package enum Health { case healthy, degraded }

  package static func health(_ reply: StatusReply) -> Health {
    switch reply.job.state {
    case .finished: .healthy
    case .running where !reply.job.explanation.isEmpty: .degraded
    case .running: reply.nodes.allSatisfy { $0.state == .member || $0.state == .left } ? .healthy : .degraded
    default: .degraded
    }
  }

  package static func table(_ reply: StatusReply) -> String {
    let job = reply.job
    var lines = [
      "\(job.recipe)  \(job.state)  step \(job.position.step) of \(job.steps)"
        + (job.objective.isFinite ? "  objective \(number(job.objective, 4))" : "")
        + (job.examplesPerSecond > 0 ? "  \(number(job.examplesPerSecond, 0)) examples/s" : "")
        + (job.secondsLeft.isFinite ? "  \(duration(job.secondsLeft)) left" : ""),
      "\(job.view)  \(job.viewChanges) views  \(job.coordinatorRestarts) coordinator restarts  "
        + "\(job.refusedMessages) refused messages  V \(job.shards)  job \(hexadecimal(job.job.rawValue))",
    ]
    if !job.explanation.isEmpty { lines.append(job.explanation) }
    let header = ["node", "name", "state", "stage", "step", "shards", "step time", "seen", "in", "out", "waits for"]
    let rows = reply.nodes.map { node -> [String] in
      let waits =
        node.waits.isEmpty || node.secondsWaiting < 0.5
        ? ""
        : Set(node.waits.map { "\($0.node)'s \($0.cause)" }).sorted().joined(separator: ", ")
          + " for \(number(node.secondsWaiting, 1)) s"
      return [
        "\(node.node.rawValue)", node.name, "\(node.state)", "\(node.stage)", "\(node.position.step)",
        node.shards.isEmpty ? "-" : "\(node.shards.lowerBound)..<\(node.shards.upperBound)",
        node.stepMicroseconds > 0 ? "\(number(Double(node.stepMicroseconds) / 1000, 1)) ms" : "-",
        "\(number(node.secondsSinceSeen, 1)) s", bytes(node.bytesReceived), bytes(node.bytesSent), waits,
      ]
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max()! }
    for row in [header] + rows {
      var line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      lines.append(line)
    }
    lines += reply.help.map { line($0.status) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// How far a prediction is, and who is at what.
  private static func line(_ help: PredictionStatus) -> String {
    let rows =
      help.piece.map { "rows \($0.lowerBound)–\($0.upperBound - 1) of \(help.examples)" } ?? "\(help.examples) rows"
    let out = help.out.map {
      "\($0.node) at samples \($0.samples.lowerBound)–\($0.samples.upperBound - 1) for \(number($0.seconds, 1)) s"
    }
    return (["prediction: \(help.samples) samples of \(rows), \(help.leasesDone) of \(help.leases) leases done"] + out)
      .joined(separator: "; ")
  }

  /// A contract with scripts: keys stay, new ones may be added.
  package static func json(_ reply: StatusReply) throws -> String {
    let job = reply.job
    var object: [String: Any] = [
      "recipe": job.recipe, "state": "\(job.state)", "job": hexadecimal(job.job.rawValue),
      "step": job.position.step, "phase": job.position.phase, "steps": job.steps, "shards": job.shards,
      "objective": finite(job.objective), "examples_per_second": finite(job.examplesPerSecond),
      "seconds_running": finite(job.secondsRunning), "seconds_left": finite(job.secondsLeft),
      "view": job.view.rawValue, "view_changes": job.viewChanges, "coordinator_restarts": job.coordinatorRestarts,
      "refused_messages": job.refusedMessages, "explanation": job.explanation, "build": job.build,
      "healthy": health(reply) == .healthy,
    ]
    object["nodes"] = reply.nodes.map { node -> [String: Any] in
      [
        "node": node.node.rawValue, "name": node.name, "state": "\(node.state)", "stage": "\(node.stage)",
        "view": node.view.rawValue, "step": node.position.step, "phase": node.position.phase,
        "shards": [node.shards.lowerBound, node.shards.upperBound], "shards_done": node.shardsDone,
        "lanes": node.lanes, "seconds_since_seen": node.secondsSinceSeen,
        "step_seconds": Double(node.stepMicroseconds) / 1e6, "bytes_in": node.bytesReceived,
        "bytes_out": node.bytesSent, "seconds_waiting": node.secondsWaiting, "restarts": node.restarts,
        "address": node.address,
        "waits": node.waits.map { ["node": $0.node.rawValue, "for": "\($0.cause)"] as [String: Any] },
      ]
    }
    object["predictions"] = reply.help.map { help -> [String: Any] in
      let status = help.status
      return [
        "prediction": hexadecimal(help.prediction), "samples": status.samples, "rows": status.examples,
        "piece": status.piece.map { [$0.lowerBound, $0.upperBound] } ?? [], "leases": status.leases,
        "leases_done": status.leasesDone,
        "out": status.out.map {
          [
            "node": $0.node, "samples": [$0.samples.lowerBound, $0.samples.upperBound],
            "rows": [$0.examples.lowerBound, $0.examples.upperBound], "seconds": finite($0.seconds),
          ] as [String: Any]
        },
      ]
    }
    let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  private static func finite(_ number: Double) -> Any { number.isFinite ? number : NSNull() }

  private static func hexadecimal(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }

  private static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 1e9).rounded())
    return whole >= 3600
      ? "\(whole / 3600) h \(whole % 3600 / 60) min" : whole >= 60 ? "\(whole / 60) min \(whole % 60) s" : "\(whole) s"
  }

  private static func bytes(_ count: UInt64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = Double(count)
    var unit = 0
    while value >= 1000, unit + 1 < units.count {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(number(value, 1)) \(units[unit])"
  }
}
