import Files

/// Metrics in Prometheus's text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats).
///
/// ```swift
/// var text = PrometheusText()
/// text.add("elbo_steps_total", .counter, "Steps that are done.", [.init(120)])
/// ```
package struct PrometheusText {
  /// The Content-Type of the text.
  package static let type = "text/plain; version=0.0.4; charset=utf-8"

  package enum Kind: String { case counter, gauge, histogram }

  /// A value of a metric. Its labels, whose values may be anything, distinguish it from others of the same name.
  package struct Sample {
    let suffix: String
    let labels: [(name: String, value: String)]
    let value: Double

    /// - Parameter suffix: of a part of a histogram, such as `_sum`.
    package init(_ value: Double, _ labels: [(name: String, value: String)] = [], suffix: String = "") {
      (self.suffix, self.labels, self.value) = (suffix, labels, value)
    }

    package init(_ value: Int, _ labels: [(name: String, value: String)] = []) { self.init(Double(value), labels) }
  }

  /// The whole text; its last line has an end, as all have.
  package private(set) var text = ""

  package init() {}

  /// Adds a metric with all its samples. One without samples is left out.
  package mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in samples {
      let labels = sample.labels.map { "\($0.name)=\"\(PrometheusText.escaped($0.value))\"" }.joined(separator: ",")
      text += name + sample.suffix + (labels.isEmpty ? "" : "{\(labels)}")
      text += " \(PrometheusText.number(sample.value))\n"
    }
  }

  /// A label's value: a backslash, a quote and the end of a line are written as two letters.
  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, letter in
      switch letter {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n", "\r\n": result += "\\n"
      default: result.append(letter)
      }
    }
  }

  package static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    return value.isFinite ? JSONText.number(value) : value > 0 ? "+Inf" : "-Inf"
  }
}
