import Messages
import ZeroMQ

extension Coordinator {
  /// Closes everything. When the job is over, the nodes that were notified of that disconnect first.
  /// - Parameter patience: the most that is waited for that.
  public nonisolated func close(patience: Duration = .seconds(1)) async {
    await part(patience)
    await shut()
    await context.closeAside()
  }

  private func part(_ patience: Duration) async {
    guard membership.stop != nil else { return }
    await everyoneIsTold(within: .seconds(5))
    await monitor?.everyoneHangsUp(within: patience, in: context)
  }

  /// Who is connecting again at the end, as after its network has failed, is to hear of it too.
  private func everyoneIsTold(within patience: Duration) async {
    guard !untold.isEmpty else { return }
    let timer = context.executor.setTimer(at: .now + patience) { [weak self] in
      self?.assumeIsolated { $0.stopWaitingForUntold() }
    }
    await withCheckedContinuation { whenAllAreTold = $0 }
    context.executor.cancelTimer(timer)
  }

  private func stopWaitingForUntold() {
    whenAllAreTold?.resume()
    whenAllAreTold = nil
  }

  /// A node has been answered after the end.
  func told(_ node: NodeNumber) {
    untold.remove(node)
    if untold.isEmpty { stopWaitingForUntold() }
  }
}

extension ConnectionMonitor {
  /// Waits until all peers that were notified of the end have disconnected: libzmq drops what a socket with
  /// ZMQ_IMMEDIATE, as theirs have, has not read when the other side disconnects. On the context's thread.
  func everyoneHangsUp(
    within patience: Duration, in context: ZeroMQContext, isolation: isolated (any Actor)? = #isolation
  ) async {
    guard counts.isAnybodyHere else { return }
    var timer: TimerID?
    await withCheckedContinuation(isolation: isolation) { continuation in
      var waiting: CheckedContinuation<Void, Never>? = continuation
      let end = {
        waiting?.resume()
        waiting = nil
      }
      timer = context.executor.setTimer(at: .now + patience, end)
      onChange { [unowned self] in if !counts.isAnybodyHere { end() } }
    }
    if let timer { context.executor.cancelTimer(timer) }
  }
}
