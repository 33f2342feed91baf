import Messages
import ZeroMQ

extension Coordinator {
  /// Closes everything. When the job is over, those who were told so hang up first.
  /// - Parameter patience: the most that is waited for that.
  public nonisolated func close(patience: Duration = .seconds(1)) async {
    await part(patience)
    await shut()
    await context.closeAside()
  }

  private func part(_ patience: Duration) async {
    if membership.stop != nil { await monitor?.everyoneHangsUp(within: patience, in: context) }
  }
}

extension ConnectionMonitor {
  /// Waits until all peers have hung up, who were told that it is over: libzmq drops what a socket with ZMQ_IMMEDIATE,
  /// as theirs have, has not read when the other side hangs up. On the context's thread.
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
