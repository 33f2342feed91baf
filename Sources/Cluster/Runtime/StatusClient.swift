import Foundation
import Messages
import ZeroMQ

/// Asks a coordinator how things are.
public actor StatusClient {
  private let context: ZeroMQContext
  public nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  private let endpoint: Endpoint
  private let security: ClusterSecurity
  private var client: ControlClient?
  private var waiting: CheckedContinuation<StatusReply?, Never>?
  private var timer: TimerID?
  private var askAgain: TimerID?

  public init(_ endpoint: Endpoint, security: ClusterSecurity) throws {
    self.endpoint = endpoint
    self.security = security
    context = try ZeroMQContext(name: "status")
  }

  /// The coordinator's answer; `nil` when none comes in time. One question at a time.
  public func ask(patience: Duration) async throws -> StatusReply? {
    if client == nil {
      client = try ControlClient(context, to: endpoint, security: security) { [weak self] message in
        guard case .statusReply(let reply) = message.body else { return }
        self?.assumeIsolated { $0.answer(reply) }
      }
    }
    timer = context.executor.setTimer(at: .now + patience) { [weak self] in
      self?.assumeIsolated {
        $0.timer = nil
        $0.answer(nil)
      }
    }
    request()
    return await withCheckedContinuation { waiting = $0 }
  }

  /// Until the connection stands, a question is not sent.
  private func request() {
    client?.send(
      ControlMessage(job: nil, sender: nil, incarnation: nil, epoch: Epoch(rawValue: 0), body: .statusRequest))
    askAgain = context.executor.setTimer(at: .now + .milliseconds(50)) { [weak self] in
      self?.assumeIsolated {
        $0.askAgain = nil
        if $0.waiting != nil { $0.request() }
      }
    }
  }

  private func answer(_ reply: StatusReply?) {
    for timer in [timer, askAgain] { if let timer { context.executor.cancelTimer(timer) } }
    timer = nil
    askAgain = nil
    waiting?.resume(returning: reply)
    waiting = nil
  }

  public nonisolated func close() async {
    await shut()
    await context.closeAside()
  }

  private func shut() {
    answer(nil)
    client?.close()
    client = nil
  }
}
