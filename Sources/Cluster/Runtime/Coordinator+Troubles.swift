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
        guard coordinator.journal.isOpen else { return }
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
    let all = [journal.trouble?.text, trouble].compactMap { $0 }
    return all.isEmpty ? nil : all.joined(separator: "; ")
  }

  /// Tries what waits for the log again.
  func carryOutHeld() {
    let waiting = journal.retry(now: .now)
    if !waiting.isEmpty { carryOut(waiting, replyTo: nil) }
  }
}
