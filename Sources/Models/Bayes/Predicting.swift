import Datasets
import Synchronization
import Tensors
import Training

/// All samples of some examples.
public struct PredictionSamples: Sendable {
  public let examples: Range<Int>
  public let count: Int
  public let width: Int
  /// Sample after sample of an example, example after example.
  public let values: [Float]

  public init(examples: Range<Int>, count: Int, width: Int, values: [Float]) {
    precondition(values.count == examples.count * count * width)
    (self.examples, self.count, self.width, self.values) = (examples, count, width, values)
  }

  /// The samples of an example, counted from the first of `examples`: `count` rows of `width`.
  public func ofExample(_ index: Int) -> [Double] {
    values[index * count * width..<(index + 1) * count * width].map { Double($0) }
  }
}

public enum Prediction {
  /// Examples that one lane computes at a time: a fixed number, so that products have the same shapes on any number of
  /// lanes and nodes.
  public static let blockLength = 100
  /// Numbers of samples held at a time: 256 MiB.
  private static let capacity = 64 << 20

  /// The key of predictions: apart from all steps of a training.
  public static func key(seed: UInt64) -> RandomKey { RandomKey(seed: seed).at(tensor: 0) }

  /// Computes samples 0 ..< count of every example, in pieces that fit into memory, in order.
  public static func run(
    _ learner: any Predicting, on array: ExampleArray, samples count: Int, key: RandomKey, with crew: Crew,
    _ body: (PredictionSamples) throws -> Void
  ) throws {
    let storage = learner.makeSampleStorage()
    for piece in pieces(of: array.count, samples: count, width: learner.predictionWidth) {
      let values = try samples(
        0..<count, of: piece, rows: array, from: 0, learner, storage: storage, key: key, with: crew)
      array.releaseResident(piece)
      try body(PredictionSamples(examples: piece, count: count, width: learner.predictionWidth, values: values))
    }
  }

  /// Ranges of examples whose samples fit into memory; each begins at a multiple of `blockLength`.
  public static func pieces(of examples: Int, samples count: Int, width: Int) -> [Range<Int>] {
    let whole = max(capacity / (count * width) / blockLength, 1) * blockLength
    return stride(from: 0, to: examples, by: whole).map { $0..<min($0 + whole, examples) }
  }

  /// Some samples of some examples: sample after sample of an example, example after example.
  ///
  /// `examples` begin at a multiple of `blockLength`, and end at one or with all examples; `rows` are the examples from
  /// number `first` on; `storage` is the learner's `makeSampleStorage()`.
  public static func samples(
    _ samples: Range<Int>, of examples: Range<Int>, rows: ExampleArray, from first: Int, _ learner: any Predicting,
    storage: FlatBuffer?, key: RandomKey, with crew: Crew
  ) throws -> [Float] {
    precondition(examples.lowerBound % blockLength == 0 && first <= examples.lowerBound)
    let width = learner.predictionWidth
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: examples.count * samples.count * width)
    defer { values.deallocate() }
    let target = Target(start: values.baseAddress!)
    for (index, sample) in samples.enumerated() {
      try learner.draw(sample, into: storage, key: key, with: crew)
      try crew.forEach((examples.count + blockLength - 1) / blockLength) { block, _ in
        let start = examples.lowerBound + block * blockLength
        let range = start..<min(start + blockLength, examples.upperBound)
        let x = learner.rows(of: rows, range.lowerBound - first..<range.upperBound - first)
        let result = learner.predict(x, examples: range.map { UInt32($0) }, sample: sample, with: storage, key: key)
        for row in 0..<range.count {
          (target.start + ((range.lowerBound - examples.lowerBound + row) * samples.count + index) * width)
            .update(from: result.pointer + row * width, count: width)
        }
      }
    }
    return Array(values)
  }

  /// Memory that lanes write in disjoint places.
  private struct Target: @unchecked Sendable {
    let start: UnsafeMutablePointer<Float>
  }
}
