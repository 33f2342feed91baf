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

  /// On any thread.
  nonisolated func offer(step: Int, _ state: LearnerState) {
    // The digest is made here, on the thread that computes.
    let offer = state.offer(step: step)
    context.executor.run { [weak self] in
      self?.assumeIsolated {
        $0.saved = (step, state)
        // What led here is to be known before: this may be the end.
        $0.sendReports(limit: .max)
        $0.send(.stateOffer(offer))
      }
    }
  }
}
