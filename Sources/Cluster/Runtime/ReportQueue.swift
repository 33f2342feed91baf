import Messages

/// Reports of members, in the order of their steps: of a node that is quicker than others, or has joined late, one may come
/// before those of earlier steps. Every member sends each of them, and the first one is believed. It has no clock.
package struct ReportQueue: Sendable {
  /// How many reports may wait, of steps that no heartbeat shows to be done.
  package static let limit = 10_000
  /// A report that later ones have waited for so long is taken to be lost.
  private static let patience = Duration.seconds(5)

  private let periods: [UInt64]
  private let steps: UInt64
  /// Reports up to this step were passed on.
  package private(set) var recorded: UInt64 = 0
  private var pending: [UInt64: (report: Report, since: Timestamp)] = [:]

  /// - Parameters:
  ///   - periods: nodes report after the steps that one of these divides, and after the last one.
  ///   - steps: of the job.
  package init(periods: [Int], steps: Int) {
    self.periods = periods.map { UInt64($0) }
    self.steps = UInt64(steps)
  }

  /// Reports up to this step are kept: those of an earlier start too.
  package mutating func keep(upTo step: UInt64) { recorded = max(recorded, step) }

  /// Takes the report of a member.
  /// - Parameter furthest: the last step that a heartbeat shows to be done.
  /// - Returns: the reports that are to be passed on now.
  package mutating func take(_ report: Report, furthest: UInt64, now: Timestamp) -> [Report] {
    guard report.step > recorded, report.step <= steps, pending[report.step] == nil,
      report.step <= furthest || pending.count < ReportQueue.limit
    else { return [] }
    pending[report.step] = (report, now)
    return due(furthest: furthest, now: now)
  }

  /// Takes out the reports that are to be passed on now.
  package mutating func due(furthest: UInt64, now: Timestamp) -> [Report] {
    passOn { queue, step in
      let isOverdue =
        queue.pending.count >= ReportQueue.limit || now - queue.pending[step]!.since > ReportQueue.patience
      return isOverdue && step <= furthest
    }
  }

  /// Takes out all reports that have come, although one before them is missing.
  package mutating func all() -> [Report] { passOn { _, _ in true } }

  /// Takes out the reports whose turn it is. Nodes send a report again every two seconds until it is recorded, so reports of
  /// a time without a coordinator still arrive. A report of a step that no heartbeat shows to be done does not make earlier
  /// ones count as lost.
  /// - Parameter isGivenUp: whether what is missing before a step is not waited for any longer.
  private mutating func passOn(_ isGivenUp: (_ queue: ReportQueue, _ step: UInt64) -> Bool) -> [Report] {
    var reports: [Report] = []
    while let step = pending.keys.min() {
      let isNext = periods.allSatisfy { step <= (recorded / $0 + 1) * $0 }
      guard isNext || isGivenUp(self, step) else { break }
      let report = pending.removeValue(forKey: step)!.report
      guard step > recorded else { continue }
      recorded = step
      reports.append(report)
    }
    return reports
  }
}
