import Foundation
import Messages
import ZeroMQ

/// Asks a training's coordinator to have its nodes compute for a prediction, again and again, so that those who join
/// late hear of it too.
public actor HelpRequest {
  private let context: ZeroMQContext
  public nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  private let endpoint: Endpoint
  private let security: ClusterSecurity
  private let assist: Assist
  private let status: @Sendable () async -> PredictionStatus
  private let members: @Sendable ([Member]) -> Void
  private var client: ControlClient?
  private var timer: TimerID?
  private var whenAnswered: CheckedContinuation<Result<Int, any Error>, Never>?
  private var deadline = Timestamp.now

  /// - Parameters:
  ///   - status: says how far the prediction is; the coordinator repeats it in its status.
  ///   - members: hears who takes part, each time somebody answers; on the request's thread.
  public init(
    _ endpoint: Endpoint, security: ClusterSecurity, assist: Assist,
    status: @escaping @Sendable () async -> PredictionStatus, members: @escaping @Sendable ([Member]) -> Void
  ) throws {
    self.endpoint = endpoint
    self.security = security
    self.assist = assist
    self.status = status
    self.members = members
    context = try ZeroMQContext(name: "help")
  }

  /// Returns how many nodes were asked, once the coordinator has answered; goes on asking until `close`.
  public func begin(patience: Duration) async throws -> Int {
    client = try ControlClient(context, to: endpoint, security: security) { [weak self] message in
      self?.assumeIsolated { $0.receive(message) }
    }
    deadline = .now + patience
    tick()
    return try await withCheckedContinuation { whenAnswered = $0 }.get()
  }

  private func tick() {
    if whenAnswered != nil, .now > deadline {
      answer(
        .failure(
          ClusterError(
            .unreachable, "no coordinator with nodes answers at \(endpoint)",
            advice: "check that it runs, or predict with --nodes")))
    }
    Task { [weak self, status] in await self?.ask(status()) }
    timer = context.executor.setTimer(at: .now + .milliseconds(whenAnswered == nil ? 2000 : 200)) { [weak self] in
      self?.assumeIsolated { $0.tick() }
    }
  }

  private func ask(_ status: PredictionStatus) {
    var assist = assist
    assist.status = status
    client?.send(
      ControlMessage(job: nil, sender: nil, incarnation: nil, epoch: Epoch(rawValue: 0), body: .assist(assist)))
  }

  private func receive(_ message: ControlMessage) {
    switch message.body {
    case .view(let view):
      members(view.members)
      answer(.success(view.members.count))
    case .stop(let stop):
      answer(
        .failure(
          ClusterError(
            .refused, "the training at \(endpoint) is over: \(stop.explanation)", advice: "predict with --nodes")))
    case .refused(let refused): answer(.failure(ClusterError(.refused, "\(endpoint) refuses: \(refused.explanation)")))
    default: break
    }
  }

  private func answer(_ result: Result<Int, any Error>) {
    whenAnswered?.resume(returning: result)
    whenAnswered = nil
  }

  public nonisolated func close() async {
    await shut()
    await context.closeAside()
  }

  private func shut() {
    if let timer { context.executor.cancelTimer(timer) }
    timer = nil
    client?.close()
    client = nil
  }
}
