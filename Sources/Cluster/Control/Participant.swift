import Foundation
import Messages
import ZeroMQ

/// What each process does that takes part in something which another one coordinates: it connects, acts ten times a
/// second, notices when the other is silent, and ends once.
///
/// Used on the context's thread.
package final class Participant<Ending: Sendable> {
  private let context: ZeroMQContext
  private let ticker: Ticker
  private var client: ControlClient?
  private var whenOver: CheckedContinuation<Result<Ending, any Error>, Never>?

  /// What the end was.
  package private(set) var result: Result<Ending, any Error>?
  /// Of the coordinator.
  package var clock = SilenceClock(at: .now)
  /// Of what it is asked.
  package var asking = Repetition()

  package init(_ context: ZeroMQContext) {
    self.context = context
    ticker = Ticker(context)
  }

  /// Connects, and takes part until `end`; also when that was called before.
  /// - Parameters:
  ///   - receive: takes what the coordinator says.
  ///   - tick: is called ten times a second, and with `tick`.
  /// - Returns: what `end` was given, or why there is no connection.
  package func run(
    to endpoint: Endpoint, security: ClusterSecurity, receive: @escaping (ControlMessage) -> Void,
    tick: @escaping () -> Void, isolation: isolated (any Actor)? = #isolation
  ) async -> Result<Ending, any Error> {
    do {
      client = try ControlClient(context, to: endpoint, security: security) { [weak self] message in
        if let self, result == nil { receive(message) }
      }
    } catch {
      return .failure(error)
    }
    if let result { return result }
    clock.heard()
    ticker.start { [weak self] in
      self?.clock.tick(.now)
      tick()
    }
    if let result { return result }
    return await withCheckedContinuation(isolation: isolation) { whenOver = $0 }
  }

  /// Calls `tick` now, and a tenth of a second later again; not after the end.
  package func tick() { ticker.tick() }

  /// Sends a message to the coordinator, without waiting.
  /// - Returns: false when it was not sent. The caller repeats what matters.
  @discardableResult
  package func send(
    _ body: ControlBody, job: JobID? = nil, from node: NodeNumber? = nil, _ incarnation: Incarnation? = nil
  ) -> Bool {
    client?.send(
      ControlMessage(job: job, sender: node, incarnation: incarnation, epoch: Epoch(rawValue: 0), body: body)) ?? false
  }

  /// Ends it. Nothing is received from now on, but what is left may be said until `close`.
  /// - Returns: false when it has ended before.
  package func end(_ result: Result<Ending, any Error>) -> Bool {
    guard self.result == nil else { return false }
    self.result = result
    ticker.stop()
    whenOver?.resume(returning: result)
    whenOver = nil
    return true
  }

  /// Disconnects; closed again, does nothing.
  package func close() {
    ticker.stop()
    client?.close()
  }
}

extension ZeroMQContext {
  /// Does what takes long on a thread of its own; what it came to is handed over on the context's thread.
  func runAside<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value, then: @escaping @Sendable (Result<Value, any Error>) -> Void
  ) {
    Thread { [executor] in
      let result = Result { try work() }
      executor.run { then(result) }
    }.start()
  }
}
