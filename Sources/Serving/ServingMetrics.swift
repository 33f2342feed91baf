import Reports
import Synchronization
import Training

/// What is counted while models are served, in Prometheus's text format 0.0.4.
final class ServingMetrics: Sendable {
  private struct Histogram {
    let bounds: [Double]
    var counts: [Int]
    var sum = 0.0

    init(_ bounds: [Double]) { (self.bounds, counts) = (bounds, Array(repeating: 0, count: bounds.count + 1)) }

    mutating func add(_ value: Double) {
      counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
      sum += value
    }

    func samples(_ labels: [(name: String, value: String)] = []) -> [PrometheusText.Sample] {
      var (total, result) = (0, [PrometheusText.Sample]())
      for (index, count) in counts.enumerated() {
        total += count
        let bound = PrometheusText.number(index < bounds.count ? bounds[index] : .infinity)
        result.append(.init(Double(total), labels + [("le", bound)], suffix: "_bucket"))
      }
      return result + [.init(sum, labels, suffix: "_sum"), .init(Double(total), labels, suffix: "_count")]
    }
  }

  private struct State {
    /// By status.
    var responses: [Int: Int] = [:]
    /// By model and status.
    var inferences: [String: [Int: Int]] = [:]
    var seconds: [String: Histogram] = [:]
    var rows: [String: Int] = [:]
    var reloads: [String: [String: Int]] = [:]
    var batches = Histogram([1, 2, 4, 8, 16, 32, 64, 128])
  }

  private let state = Mutex(State())
  private static let latencies = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
  ]

  func count(response status: Int) { state.withLock { $0.responses[status, default: 0] += 1 } }

  func count(batch requests: Int) { state.withLock { $0.batches.add(Double(requests)) } }

  func count(reloadOf model: String, result: String) {
    state.withLock { $0.reloads[model, default: [:]][result, default: 0] += 1 }
  }

  func count(inferenceBy model: String, status: Int, rows: Int, duration: Duration) {
    state.withLock { state in
      state.inferences[model, default: [:]][status, default: 0] += 1
      state.rows[model, default: 0] += rows
      state.seconds[model, default: Histogram(Self.latencies)].add(duration / .seconds(1))
    }
  }

  /// The text of `/metrics`.
  /// - Parameter models: names and versions.
  func text(models: [(name: String, version: String)], waiting: Int) -> String {
    let state = state.withLock { $0 }
    var text = PrometheusText()
    text.add(
      "elbo_build_info", .gauge, "Versions of what computes.",
      [.init(1, [("version", Version.elbo), ("kernels", Version.kernels), ("onednn", Version.oneDNN)])])
    text.add(
      "elbo_model_info", .gauge, "The version of each model that is served.",
      models.map { .init(1, [("model", $0.name), ("version", $0.version)]) })
    text.add(
      "elbo_http_responses_total", .counter, "Answers by status.",
      state.responses.sorted { $0.key < $1.key }.map { .init($0.value, [("code", "\($0.key)")]) })
    text.add(
      "elbo_inferences_total", .counter, "Inference requests by model and status.",
      state.inferences.sorted { $0.key < $1.key }.flatMap { model, counts in
        counts.sorted { $0.key < $1.key }.map { .init($0.value, [("model", model), ("code", "\($0.key)")]) }
      })
    text.add(
      "elbo_inference_rows_total", .counter, "Rows of inference requests.",
      state.rows.sorted { $0.key < $1.key }.map { .init($0.value, [("model", $0.key)]) })
    text.add(
      "elbo_inference_seconds", .histogram, "From a whole inference request to its answer.",
      state.seconds.sorted { $0.key < $1.key }.flatMap { $0.value.samples([("model", $0.key)]) })
    text.add("elbo_batch_requests", .histogram, "Requests that were computed together.", state.batches.samples())
    text.add("elbo_waiting_requests", .gauge, "Requests that wait to be computed.", [.init(waiting)])
    text.add(
      "elbo_model_reloads_total", .counter, "Models whose files have changed, by what became of them.",
      state.reloads.sorted { $0.key < $1.key }.flatMap { model, counts in
        counts.sorted { $0.key < $1.key }.map { .init($0.value, [("model", model), ("result", $0.key)]) }
      })
    text.addProcess()
    return text.text
  }
}
