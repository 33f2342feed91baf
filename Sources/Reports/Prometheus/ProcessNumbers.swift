import Foundation

extension PrometheusText {
  /// Adds what Prometheus wants to know of every process.
  package mutating func addProcess() {
    for (name, kind, help, value) in ProcessNumbers.all { add("process_" + name, kind, help, [Sample(value)]) }
  }
}

private enum ProcessNumbers {
  static var all: [(name: String, kind: PrometheusText.Kind, help: String, value: Double)] {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    let time = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    var result: [(String, PrometheusText.Kind, String, Double)] = [
      ("cpu_seconds_total", .counter, "Processor time.", time(usage.ru_utime) + time(usage.ru_stime)),
      ("start_time_seconds", .gauge, "When the process began.", start),
    ]
    if let pages = words("/proc/self/statm").dropFirst().first.flatMap({ Double($0) }) {
      result.append(
        ("resident_memory_bytes", .gauge, "Resident memory.", pages * Double(sysconf(Int32(_SC_PAGESIZE)))))
    }
    if let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      result.append(("open_fds", .gauge, "Open descriptors.", Double(descriptors.count)))
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
