import Messages
import ZeroMQ

/// A disk that takes no more, or a folder that may not be written to: the training goes on, and the status says so.
extension Coordinator {
  /// What the owner cannot write, in one line, for the status; `nil`: nothing. From any thread.
  public nonisolated func tell(_ trouble: String?) {
    context.executor.run { [self] in assumeIsolated { $0.trouble = trouble } }
  }

  /// Yields `Event.awake` after some time, in place of an earlier one. From any thread.
  public nonisolated func wake(after duration: Duration) {
    context.executor.run { [self] in
      assumeIsolated { coordinator in
        if let waking = coordinator.waking { coordinator.context.executor.cancelTimer(waking) }
        guard coordinator.log != nil else { return }
        coordinator.waking = coordinator.context.executor.setTimer(at: .now + duration) { [weak coordinator] in
          coordinator?.assumeIsolated {
            $0.waking = nil
            $0.continuation.yield(.awake)
          }
        }
      }
    }
  }

  /// What cannot be written, for the status.
  var troubles: String? {
    let all = [logTrouble?.text, trouble].compactMap { $0 }
    return all.isEmpty ? nil : all.joined(separator: "; ")
  }

  // MARK: The log

  /// False: it cannot be written.
  func write(_ record: LogRecord) -> Bool {
    do {
      try log?.append([record])
      if logTrouble != nil { continuation.yield(.note("the coordinator's log is written again")) }
      logTrouble = nil
      return true
    } catch {
      // The end of the job need not be known to the next coordinator: its nodes are gone.
      if case .jobEnded = record { return true }
      let text = "\(error); until it is written, no node joins and no node is replaced"
      if logTrouble == nil { continuation.yield(.note("warning: \(text)")) }
      let wait = min(max((logTrouble?.wait ?? .zero) * 2, .seconds(1)), .seconds(10))
      logTrouble = (text, .now + wait, wait)
      return false
    }
  }

  func hold(_ directives: ArraySlice<Membership.Directive>) {
    held += directives.filter { if case .reply = $0 { false } else { true } }
  }

  /// While something waits for the log, what is decided later waits behind it. Nodes repeat what they were not answered,
  /// but for heartbeats: those are answered, or nodes would take the coordinator for gone.
  func withoutHeld(_ directives: [Membership.Directive]) -> [Membership.Directive] {
    guard !held.isEmpty else { return directives }
    if directives.contains(where: { if case .ended = $0 { true } else { false } }) {
      held = []
      return directives
    }
    hold(directives[...])
    return directives.filter { directive in
      switch directive {
      case .reply(.heartbeatReply), .reply(.stop), .reply(.refused), .reply(.dismissed): true
      default: false
      }
    }
  }

  func carryOutHeld() {
    guard !held.isEmpty, let logTrouble, Timestamp.now >= logTrouble.retryAt else { return }
    let waiting = held
    held = []
    carryOut(waiting, replyTo: nil)
  }
}
