import Cluster
import Foundation
import Messages
import Testing
import ZeroMQ

/// The end of a prediction by nodes, over real sockets.
@Suite(.timeLimit(.minutes(15))) struct PredictionEndTests {
  private static let parameters: [UInt8] = [1, 2, 3, 4]

  private func coordinator() throws -> PredictionCoordinator {
    let offer = PredictionOffer(
      prediction: 1, recipe: [1], parameters: Digest(of: Self.parameters), parametersCount: Self.parameters.count,
      inputs: Digest(of: [] as [UInt8]), inputKind: .float32, inputShape: [1], examples: 1, seed: 0, outputs: 1)
    return try PredictionCoordinator(
      PredictionCoordinator.Configuration(
        bind: try Endpoint("tcp://127.0.0.1:*"), security: .plainOnLoopback, build: "test", offer: offer),
      parameters: Self.parameters, inputs: { _ in [] }, inputsCount: 4, note: { _ in })
  }

  /// The thread that reads is busy while the coordinator of the prediction sends its end, and closes.
  @Test func aWorkerThatReadsLateHearsThatAllIsOver() async throws {
    let coordinator = try coordinator()
    let endpoint = try await coordinator.open()
    let (isAway, away) = AsyncStream.makeStream(of: Void.self)
    let closed = DispatchSemaphore(value: 0)
    let worker = try PredictionWorker(endpoint, security: .plainOnLoopback, build: "test", patience: .seconds(20)) {
      _ in
      PredictionWorker.Work(
        parametersCount: Self.parameters.count,
        fill: { _ in
          away.yield()
          // Half a second is how long it is away from one who waits for it.
          _ = closed.wait(timeout: .now() + 0.5)
          return true
        }, compute: { _, _, _ in [] })
    }
    async let ending = worker.run()
    for await _ in isAway { break }
    await coordinator.close(patience: .seconds(600))
    closed.signal()
    #expect(try await ending.reason == .completed)
  }
}
