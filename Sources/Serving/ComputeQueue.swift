import Datasets
import Foundation
import Runs
import Training

/// Computes predictions on a thread of its own and its lanes, batch after batch.
///
/// Requests queue while a batch is computed. The next batch is the first of them, with all others that ask the same model
/// for the same samples. No request is delayed to fill a batch, and under load each draw of the parameters is read once for
/// many requests. A request's numbers do not depend on its batch, see `Predictor.predict`.
final class ComputeQueue: Sendable {
  private struct Job: Sendable {
    let version: ServedVersion
    let examples: ExampleSet
    let samples: Int
    let seed: UInt64
    let continuation: CheckedContinuation<Predictions, any Error>

    func goes(with other: Job) -> Bool {
      version === other.version && samples == other.samples && seed == other.seed
    }

    /// Numbers of all its samples.
    var numbers: Int { samples * version.predictor.count(of: examples.inputs) }
  }

  /// What the thread and those who ask share; `lock` guards it.
  private final class Shared: @unchecked Sendable {
    let lock = NSCondition()
    var jobs: [Job] = []
    var isStopping = false
  }

  private let shared = Shared()
  private let capacity: Int
  private let metrics: ServingMetrics

  /// A batch takes no more, unless one request does: others do not wait long.
  private static let batchNumbers = 1 << 20

  /// - Parameter capacity: how many requests may wait.
  init(lanes: Int, capacity: Int, metrics: ServingMetrics) {
    (self.capacity, self.metrics) = (capacity, metrics)
    let thread = Thread { [shared, metrics] in
      let crew = Crew(lanes: lanes)
      while let batch = ComputeQueue.next(shared) {
        metrics.count(batch: batch.count)
        let answers = batch[0].version.predictor.predict(
          batch.map(\.examples), samples: batch[0].samples, seed: batch[0].seed, with: crew)
        for (job, answer) in zip(batch, answers) { job.continuation.resume(with: answer) }
      }
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Predicts.
  /// - Throws: `Refusal` when too many wait, or what the prediction throws.
  func predict(
    _ version: ServedVersion, _ examples: ExampleSet, samples: Int, seed: UInt64
  ) async throws -> Predictions {
    try await withCheckedThrowingContinuation { continuation in
      let job = Job(version: version, examples: examples, samples: samples, seed: seed, continuation: continuation)
      let isTaken = shared.lock.withLock {
        guard shared.jobs.count < capacity, !shared.isStopping else { return false }
        shared.jobs.append(job)
        shared.lock.signal()
        return true
      }
      if !isTaken { continuation.resume(throwing: Refusal(429, "Too many requests are waiting; try again later.")) }
    }
  }

  /// How many requests wait.
  var waiting: Int { shared.lock.withLock { shared.jobs.count } }

  /// Ends the thread once nothing waits.
  func stop() {
    shared.lock.withLock {
      shared.isStopping = true
      shared.lock.signal()
    }
  }

  /// The next batch: the request that waits longest, and those that go with it. Nil: the end.
  private static func next(_ shared: Shared) -> [Job]? {
    shared.lock.withLock {
      while shared.jobs.isEmpty {
        guard !shared.isStopping else { return nil }
        shared.lock.wait()
      }
      var (batch, rest, numbers) = ([Job](), [Job](), 0)
      for job in shared.jobs {
        guard batch.isEmpty || job.goes(with: batch[0]) && numbers + job.numbers <= batchNumbers else {
          rest.append(job)
          continue
        }
        numbers += job.numbers
        batch.append(job)
      }
      shared.jobs = rest
      return batch
    }
  }
}
