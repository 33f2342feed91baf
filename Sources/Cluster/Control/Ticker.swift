import ZeroMQ

/// Calls something ten times a second on a context's thread.
package final class Ticker {
  package static let interval = Duration.milliseconds(100)

  private let context: ZeroMQContext
  private var body: (() -> Void)?
  private var timer: TimerID?

  package init(_ context: ZeroMQContext) { self.context = context }

  /// Calls `body` now, and from then on. On the context's thread, like everything here.
  package func start(_ body: @escaping () -> Void) {
    self.body = body
    tick()
  }

  /// Calls it now, and an interval later again; does nothing before `start` and after `stop`.
  package func tick() {
    guard let body else { return }
    cancel()
    timer = context.executor.setTimer(at: .now + Ticker.interval) { [weak self] in
      self?.timer = nil
      self?.tick()
    }
    body()
  }

  package func stop() {
    body = nil
    cancel()
  }

  private func cancel() {
    if let timer { context.executor.cancelTimer(timer) }
    timer = nil
  }
}
