import Messages
import ZeroMQ

extension Node {
  func keep(_ report: Report) {
    if reports.isEmpty { reportedAt = .now }
    reports.append(report)
    send(.report(report))
  }

  /// Those that the coordinator has not said that it keeps.
  func sendReports(limit: Int = 1000) {
    reportedAt = .now
    for report in reports.prefix(limit) { send(.report(report)) }
  }
}
