import Foundation
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

    func lines(_ name: String, _ labels: String) -> [String] {
      var (total, result) = (0, [String]())
      for (index, count) in counts.enumerated() {
        total += count
        let bound = index < bounds.count ? "\(bounds[index])" : "+Inf"
        result.append("\(name)_bucket{\(labels)\(labels.isEmpty ? "" : ",")le=\"\(bound)\"} \(total)")
      }
      let braces = labels.isEmpty ? "" : "{\(labels)}"
      return result + ["\(name)_sum\(braces) \(sum)", "\(name)_count\(braces) \(total)"]
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
    var lines: [String] = []
    func family(_ name: String, _ type: String, _ help: String, _ samples: [String]) {
      guard !samples.isEmpty else { return }
      lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"] + samples
    }
    family(
      "elbo_build_info", "gauge", "Versions of what computes.",
      ["elbo_build_info{version=\"\(Version.elbo)\",kernels=\"\(Version.kernels)\",onednn=\"\(Version.oneDNN)\"} 1"])
    family(
      "elbo_model_info", "gauge", "The version of each model that is served.",
      models.map { "elbo_model_info{model=\"\($0.name)\",version=\"\($0.version)\"} 1" })
    family(
      "elbo_http_responses_total", "counter", "Answers by status.",
      state.responses.sorted { $0.key < $1.key }.map { "elbo_http_responses_total{code=\"\($0.key)\"} \($0.value)" })
    family(
      "elbo_inferences_total", "counter", "Inference requests by model and status.",
      state.inferences.sorted { $0.key < $1.key }.flatMap { model, counts in
        counts.sorted { $0.key < $1.key }.map {
          "elbo_inferences_total{model=\"\(model)\",code=\"\($0.key)\"} \($0.value)"
        }
      })
    family(
      "elbo_inference_rows_total", "counter", "Rows of inference requests.",
      state.rows.sorted { $0.key < $1.key }.map { "elbo_inference_rows_total{model=\"\($0.key)\"} \($0.value)" })
    family(
      "elbo_inference_seconds", "histogram", "From a whole inference request to its answer.",
      state.seconds.sorted { $0.key < $1.key }.flatMap {
        $0.value.lines("elbo_inference_seconds", "model=\"\($0.key)\"")
      })
    family(
      "elbo_batch_requests", "histogram", "Requests that were computed together.",
      state.batches.lines("elbo_batch_requests", ""))
    family("elbo_waiting_requests", "gauge", "Requests that wait to be computed.", ["elbo_waiting_requests \(waiting)"])
    family(
      "elbo_model_reloads_total", "counter", "Models whose files have changed, by what became of them.",
      state.reloads.sorted { $0.key < $1.key }.flatMap { model, counts in
        counts.sorted { $0.key < $1.key }.map {
          "elbo_model_reloads_total{model=\"\(model)\",result=\"\($0.key)\"} \($0.value)"
        }
      })
    for (name, type, help, value) in ProcessNumbers.all {
      family("process_" + name, type, help, ["process_\(name) \(value)"])
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// What Prometheus wants to know of every process.
private enum ProcessNumbers {
  static var all: [(name: String, type: String, help: String, value: Double)] {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    let time = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    var result: [(String, String, String, Double)] = [
      ("cpu_seconds_total", "counter", "Processor time.", time(usage.ru_utime) + time(usage.ru_stime)),
      ("start_time_seconds", "gauge", "When the process began.", start),
    ]
    if let pages = words("/proc/self/statm").dropFirst().first.flatMap({ Double($0) }) {
      result.append(
        ("resident_memory_bytes", "gauge", "Resident memory.", pages * Double(sysconf(Int32(_SC_PAGESIZE)))))
    }
    if let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      result.append(("open_fds", "gauge", "Open descriptors.", Double(descriptors.count)))
    }
    return result
  }

  /// Since 1970; by now, where the system does not say how long ago it was.
  private static let start: Double = {
    let now = Date().timeIntervalSince1970
    // After the name in brackets, which may hold spaces: the 20th word is the beginning, in ticks since the machine's.
    let text = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 19, let ticks = Double(fields[19]),
      let up = words("/proc/uptime").first.flatMap({ Double($0) })
    else { return now }
    return now - up + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }()

  private static func words(_ path: String) -> [Substring] {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: " ")
  }
}
