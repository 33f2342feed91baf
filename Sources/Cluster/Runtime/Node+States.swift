import Messages
import ZeroMQ

extension Node {
  /// A state that the coordinator may fetch.
  struct Saved {
    let step: Int
    let state: LearnerState
    /// Whether it was made for the node to leave.
    let isLast: Bool
    /// When it was offered, or last asked for.
    var movedAt = Timestamp.now
    /// Whether the coordinator has asked for all of it, or has a newer one.
    var isSent = false

    /// So long the coordinator may be silent; it gives a fetch up then.
    static let patience = Duration.seconds(5)

    var isUnderWay: Bool { !isSent && .now - movedAt < Saved.patience }
  }

  /// A checkpoint is due, or somebody has asked for the state. On the trainer's thread.
  ///
  /// While one is under way the newest checkpoint waits for its turn, and older ones give way to it: where checkpoints
  /// are due faster than they travel, none would ever arrive.
  nonisolated func offer(step: Int, _ state: LearnerState, isAsked: Bool) {
    // The digest is made here, on the thread that computes.
    _ = state.digest
    context.executor.run { [weak self] in
      self?.assumeIsolated {
        $0.waiting = Saved(step: step, state: state, isLast: $0.leaveAt != nil)
        if isAsked || $0.saved?.isUnderWay != true { $0.offerWaiting() }
      }
    }
  }

  private func offerWaiting() {
    guard let next = waiting.take() else { return }
    saved = next
    // What led here is to be known before: this may be the end.
    sendReports(limit: .max)
    sendOffer()
  }

  private func sendOffer() {
    guard let saved, !saved.isSent else { return }
    self.saved!.movedAt = .now
    send(.stateOffer(saved.state.offer(step: saved.step)))
  }

  func answer(_ request: StateRequest) {
    guard let saved, let part = saved.state.part(request) else { return }
    self.saved!.movedAt = .now
    send(.statePart(part))
    guard request.bytes.upperBound == saved.state.bytes.count else { return }
    // The coordinator is to say that all of it has come.
    if saved.isLast { return beatSoon() }
    self.saved!.isSent = true
    offerWaiting()
  }

  /// What the coordinator has need not be said again, and a node that has handed its state over may leave.
  func settle(_ reply: HeartbeatReply) {
    reports.removeAll { $0.step <= reply.recorded }
    guard let saved else { return }
    if reply.saved >= saved.step {
      self.saved!.isSent = true
      if saved.isLast { finishLeaving() } else { offerWaiting() }
    } else if .now - saved.movedAt > Saved.patience {
      sendOffer()
    }
  }

  /// To a coordinator that was started again: it has not heard what was said to the one before.
  func sayAgain() {
    sendReports()
    sendOffer()
  }
}
