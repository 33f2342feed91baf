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
    /// Whether the coordinator has it, or a newer one.
    var isKept = false

    /// So long the coordinator may be silent; it gives a fetch up then.
    static let patience = Duration.seconds(5)
  }

  /// A checkpoint is due, or somebody has asked for the state. On the trainer's thread.
  ///
  /// One that the coordinator is still fetching stays until it has it: where checkpoints are due faster than they
  /// travel, none would ever arrive.
  nonisolated func offer(step: Int, _ state: LearnerState, isAsked: Bool) {
    // The digest is made here, on the thread that computes.
    _ = state.digest
    context.executor.run { [weak self] in
      self?.assumeIsolated {
        if !isAsked, let saved = $0.saved, !saved.isKept, .now - saved.movedAt < Saved.patience { return }
        $0.saved = Saved(step: step, state: state, isLast: $0.leaveAt != nil)
        // What led here is to be known before: this may be the end.
        $0.sendReports(limit: .max)
        $0.sendOffer()
      }
    }
  }

  func sendOffer() {
    guard let saved, !saved.isKept else { return }
    self.saved!.movedAt = .now
    send(.stateOffer(saved.state.offer(step: saved.step)))
  }

  func answer(_ request: StateRequest) {
    guard let saved, let part = saved.state.part(request) else { return }
    self.saved!.movedAt = .now
    send(.statePart(part))
    // The coordinator has asked for all of it, and is to say that it has it.
    if saved.isLast, request.bytes.upperBound == saved.state.bytes.count { beatSoon() }
  }

  /// What the coordinator has need not be said again, and a node that has handed its state over may leave.
  func settle(_ reply: HeartbeatReply) {
    reports.removeAll { $0.step <= reply.recorded }
    guard let saved else { return }
    if reply.saved >= saved.step {
      self.saved!.isKept = true
      if saved.isLast { finishLeaving() }
    } else if .now - saved.movedAt > Saved.patience {
      sendOffer()
    }
  }

  /// To a coordinator that was started again: it has not heard what was said to the one before.
  func repeatReports() {
    sendReports()
    sendOffer()
  }
}
