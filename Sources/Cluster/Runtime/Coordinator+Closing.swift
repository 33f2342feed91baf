import Messages
import ZeroMQ

extension Coordinator {
  /// Closes everything. When the job is over, those who were told so hang up first, for which they have a second: libzmq
  /// drops what a socket with ZMQ_IMMEDIATE, as theirs have, has not read when the other side hangs up.
  public nonisolated func close() async {
    await part()
    await shut()
    await context.closeAside()
  }

  private func part() async {
    guard membership.stop != nil, let monitor, monitor.counts.isAnybodyHere else { return }
    let timer = context.executor.setTimer(at: .now + .seconds(1)) { [weak self] in
      self?.assumeIsolated { $0.endParting() }
    }
    monitor.onChange { [weak self] in
      self?.assumeIsolated { if $0.monitor?.counts.isAnybodyHere == false { $0.endParting() } }
    }
    await withCheckedContinuation { parting = $0 }
    context.executor.cancelTimer(timer)
  }

  private func endParting() {
    parting?.resume()
    parting = nil
  }
}
