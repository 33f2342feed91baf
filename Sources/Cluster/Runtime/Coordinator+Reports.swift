import Messages

extension Coordinator {
  /// Those that wait for one before them, and no more.
  private static let mostPending = 10_000

  /// A member has reported: each of them does, and the first one is believed.
  func take(_ report: Report, now: Timestamp) {
    guard report.step > recorded, report.step <= UInt64(configuration.steps), pendingReports[report.step] == nil,
      report.step <= furthest.step || pendingReports.count < Coordinator.mostPending
    else { return }
    pendingReports[report.step] = (report, now)
    passReports()
  }

  /// Passes reports on in the order of their steps. Nodes send a report again every two seconds until it is recorded, so
  /// reports of a time without a coordinator still arrive. A report that later ones have waited for five seconds is taken
  /// to be lost. A report of a step that no heartbeat shows to be done does not make earlier ones count as lost.
  /// - Parameter all: although one before them is missing.
  func passReports(all: Bool = false) {
    let periods = configuration.reportPeriods.map { UInt64($0) }
    while let step = pendingReports.keys.min() {
      let isNext = periods.allSatisfy { step <= (recorded / $0 + 1) * $0 }
      let isOverdue =
        pendingReports.count >= Coordinator.mostPending || Timestamp.now - pendingReports[step]!.since > .seconds(5)
      guard all || isNext || (isOverdue && step <= furthest.step) else { return }
      let report = pendingReports.removeValue(forKey: step)!.report
      guard step > recorded else { continue }
      recorded = step
      continuation.yield(.report(report))
    }
  }
}
