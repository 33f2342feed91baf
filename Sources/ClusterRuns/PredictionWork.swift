import BayesianNetworks
import Cluster
import Datasets
import Foundation
import Messages
import Recipes
import Reports
import Runs
import Synchronization
import Tensors
import Training
import ZeroMQ

/// A node's part in a prediction.
package enum PredictionWork {
  /// Makes what the offer's recipe asks for, by what the training data is like. Where the offer does not say that, the
  /// data must be on this machine too.
  package static func prepare(_ offer: PredictionOffer, data: String?, lanes: Int) throws -> PredictionWorker.Work {
    guard let yaml = String(validating: offer.recipe, as: UTF8.self) else {
      throw ClusterError(.refused, "the prediction's recipe is not text")
    }
    let recipe = try Recipe(yaml: yaml, source: "the prediction's recipe")
    if let data { recipe.set("data.source", text: data) }
    let known = try offer.schema.isEmpty ? nil : Schema(json: offer.schema, path: "the prediction's schema")
    guard let learner = try TrainingJob(recipe, data: known.map { Dataset(schema: $0) }).learner.offers.prediction,
      learner.predictionWidth == offer.outputs
    else {
      throw ClusterError(.refused, "the prediction's recipe is of a model that does not predict what was announced")
    }
    let crew = Crew(lanes: lanes)
    let storage = learner.makeSampleStorage()
    let key = Prediction.key(seed: offer.seed)
    return PredictionWorker.Work(
      parametersCount: PredictionParameters.count(of: learner),
      fill: { PredictionParameters.fill(learner, with: $0) },
      compute: { bytes, examples, samples in
        let rows = ExampleArray(bytes, offer)
        if let mismatch = learner.mismatch(rows) { throw ClusterError(.refused, "the inputs do not fit: \(mismatch)") }
        guard examples.lowerBound % Prediction.blockLength == 0 else {
          throw ClusterError(.refused, "a lease begins within a block of examples")
        }
        // In the message's order: sample after sample, as they are computed.
        var result: [Float] = []
        result.reserveCapacity(samples.count * examples.count * offer.outputs)
        for sample in samples {
          result += try Prediction.samples(
            sample..<sample + 1, of: examples, rows: rows, from: examples.lowerBound, learner, storage: storage,
            key: key, with: crew)
        }
        return result
      })
  }
}

/// What a node that trains computes for predictions, beside the training.
package final class PredictionHelpers: Sendable {
  private struct State {
    var known: Set<UInt64> = []
    var workers: [UInt64: PredictionWorker] = [:]
    var tasks: [Task<Void, Never>] = []
    var isOver = false
  }

  private let state = Mutex(State())
  private let security: ClusterSecurity
  private let build: String
  private let name: String
  private let data: String?
  private let note: @Sendable (String) -> Void

  package init(
    security: ClusterSecurity, build: String, name: String, data: String?, note: @escaping @Sendable (String) -> Void
  ) {
    (self.security, self.build, self.name, self.data, self.note) = (security, build, name, data, note)
  }

  /// Takes part in a prediction; asked again, does nothing.
  package func begin(_ assist: Assist) {
    guard state.withLock({ !$0.isOver && $0.known.count < 10_000 && $0.known.insert(assist.prediction).inserted })
    else {
      return
    }
    do {
      guard let security = security.toward(assist.publicKey) else {
        throw ClusterError(.refused, "it has no key, and this node speaks encrypted only")
      }
      let data = data
      let worker = try PredictionWorker(
        Endpoint(assist.endpoint), security: security, build: build, name: name, patience: .seconds(30),
        // The other processors are the training's.
        prepare: { try PredictionWork.prepare($0, data: data, lanes: 1) })
      note("computes for the prediction at \(assist.endpoint)")
      let task = Task { [self] in
        do { _ = try await worker.run() } catch { note("the prediction at \(assist.endpoint): \(error)") }
        state.withLock { $0.workers[assist.prediction] = nil }
      }
      state.withLock {
        $0.workers[assist.prediction] = worker
        $0.tasks.append(task)
      }
    } catch {
      note("the prediction at \(assist.endpoint): \(error)")
    }
  }

  /// Takes part in nothing new, and returns when what is under way is over, or has been left.
  package func end(leaving: Bool) async {
    let (workers, tasks) = state.withLock { state in
      state.isOver = true
      return (Array(state.workers.values), state.tasks)
    }
    if leaving { for worker in workers { worker.leave() } }
    for task in tasks { await task.value }
  }
}
