import BayesianNetworks
import Cluster
import Datasets
import Files
import Foundation
import Messages
import Recipes
import Runs
import Tensors
import Training
import ZeroMQ

/// A prediction whose samples nodes compute: what they come to is, byte for byte, what one process computes.
package struct PredictionSession: Sendable {
  package let coordinator: PredictionCoordinator
  private let prediction: UInt64
  private let learner: any Predicting
  private let array: ExampleArray

  package init(
    _ run: Run, _ learner: any Predicting, _ array: ExampleArray, seed: UInt64, bind: Endpoint,
    security: ClusterSecurity, note: @escaping @Sendable (String) -> Void
  ) throws {
    (self.learner, self.array) = (learner, array)
    prediction = UInt64.random(in: 1...UInt64.max)
    let parameters = PredictionParameters.bytes(of: learner)
    // Nodes without the training data need it; of one that is too large for a message they need the data.
    let schema = try run.checkpoint.schema?.json ?? []
    let offer = PredictionOffer(
      prediction: prediction, recipe: Array(run.job.resolvedRecipe.utf8), parameters: Digest(of: parameters),
      parametersCount: parameters.count, inputs: array.digest, inputKind: array.kind.offered, inputShape: array.shape,
      examples: array.count, seed: seed, outputs: learner.predictionWidth,
      schema: schema.count <= Limits.recipe ? schema : [])
    coordinator = try PredictionCoordinator(
      PredictionCoordinator.Configuration(
        bind: bind, security: security, build: try ClusterIdentity.build(), offer: offer),
      parameters: parameters, inputs: { range in array.withUnsafeBytes { Array($0[range]) } },
      inputsCount: array.byteCount, note: note)
  }

  /// What nodes of a training are asked with.
  package func assist(at endpoint: Endpoint, _ security: ClusterSecurity) -> Assist {
    Assist(prediction: prediction, endpoint: endpoint.description, publicKey: security.ownKey)
  }

  /// The table of so many samples of every example, or of those that have come.
  package func table(samples: Int, with crew: Crew) async throws -> (
    table: PredictionTable, missing: [Predictions.Missing]
  ) {
    let count = learner.sampleCount(samples)
    var table = PredictionTable(isClassifier: learner.isClassifier, examples: array.count, samples: count)
    var missing: [Predictions.Missing] = []
    for piece in Prediction.pieces(of: array.count, samples: count, width: learner.predictionWidth) {
      let leased = try await coordinator.samples(of: piece, count: count, block: Prediction.blockLength)
      array.releaseResident(piece)
      for part in leased.parts { try table.add(part, with: crew) }
      missing += leased.missing.map { Predictions.Missing(samples: $0.samples, examples: $0.examples) }
    }
    return (table, missing)
  }
}

extension LeasedSamples {
  /// Ranges of examples for which the same samples have come, with these samples in the order of their indices.
  fileprivate var parts: [PredictionSamples] {
    if missing.isEmpty { return [PredictionSamples(examples: examples, count: count, width: width, values: values)] }
    let bounds = Set(
      [examples.lowerBound, examples.upperBound] + missing.flatMap { [$0.examples.lowerBound, $0.examples.upperBound] }
    )
    .sorted()
    return zip(bounds, bounds.dropFirst()).map { lower, upper in
      let lost = Intervals(missing.filter { $0.examples.contains(lower) }.map(\.samples))
      let kept = (0..<count).filter { !lost.contains($0) }
      var values: [Float] = []
      for example in lower..<upper {
        for sample in kept {
          let start = ((example - examples.lowerBound) * count + sample) * width
          values += self.values[start..<start + width]
        }
      }
      return PredictionSamples(examples: lower..<upper, count: kept.count, width: width, values: values)
    }
  }
}

extension ExampleArray {
  /// SHA-256 of all bytes, in pieces, so that a mapped file does not stay resident.
  fileprivate var digest: Digest {
    var hash = SHA256()
    let stride = byteCount / count
    let length = max((16 << 20) / stride, 1)
    for start in Swift.stride(from: 0, to: count, by: length) {
      let piece = start..<min(start + length, count)
      withUnsafeBytes {
        hash.update(UnsafeRawBufferPointer(rebasing: $0[piece.lowerBound * stride..<piece.upperBound * stride]))
      }
      releaseResident(piece)
    }
    return Digest(bytes: hash.digest())!
  }

  /// Rows that were sent.
  package init(_ bytes: [UInt8], _ offer: PredictionOffer) {
    switch offer.inputKind {
    case .uint8: self.init(bytes, shape: offer.inputShape)
    case .float32: self.init(numbers(of: bytes, as: Float.self), shape: offer.inputShape)
    case .float64: self.init(numbers(of: bytes, as: Double.self), shape: offer.inputShape)
    }
  }
}

private func numbers<T: BitwiseCopyable>(of bytes: [UInt8], as type: T.Type) -> [T] {
  bytes.withUnsafeBytes { source in
    [T](unsafeUninitializedCapacity: source.count / MemoryLayout<T>.stride) { target, count in
      count = source.count / MemoryLayout<T>.stride
      UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
    }
  }
}

extension ElementKind {
  fileprivate var offered: PredictionOffer.InputKind {
    switch self {
    case .uint8: .uint8
    case .float32: .float32
    case .float64: .float64
    }
  }
}
