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
    await server?.everyoneHangsUp(within: patience)
  }

  /// Who is connecting again at the end, as after its network has failed, is to hear of it too.
  private func everyoneIsTold(within patience: Duration) async {
    guard !farewell.isDone else { return }
    let timer = context.executor.setTimer(at: .now + patience) { [weak self] in
      self?.assumeIsolated { $0.farewell.stopWaiting() }
    }
    await withCheckedContinuation { farewell.wait($0) }
    context.executor.cancelTimer(timer)
  }
}
