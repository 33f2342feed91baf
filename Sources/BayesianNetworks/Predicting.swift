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
  public static let blockLength = Evaluation.blockLength
  /// Numbers of samples held at a time: 256 MiB.
  private static let capacity = 64 << 20

  /// The key of predictions: apart from all steps of a training.
  public static func key(seed: UInt64) -> RandomKey { RandomKey(seed: seed).at(tensor: 0) }

  /// Computes samples 0 ..< count of every example, in pieces that fit into memory, in order.
  public static func run(
    _ learner: any Predicting, on array: ExampleArray, samples count: Int, key: RandomKey, with crew: Crew,
    _ body: (PredictionSamples) throws -> Void
  ) throws {
    try run(learner, on: 0..<array.count, of: array, samples: count, key: key, with: crew, body)
  }

  /// The same of some examples, which begin at a multiple of `blockLength` and end at one, or with all examples.
  static func run(
    _ learner: any Predicting, on examples: Range<Int>, of array: ExampleArray, samples count: Int, key: RandomKey,
    with crew: Crew, _ body: (PredictionSamples) throws -> Void
  ) throws {
    let storage = learner.makeSampleStorage()
    for piece in pieces(of: examples, samples: count, width: learner.predictionWidth) {
      let values = try samples(
        0..<count, of: piece, rows: array, from: 0, learner, storage: storage, key: key, with: crew)
      array.releaseResident(piece)
      try body(PredictionSamples(examples: piece, count: count, width: learner.predictionWidth, values: values))
    }
  }

  /// Ranges of examples whose samples fit into memory; each begins at a multiple of `blockLength`.
  public static func pieces(of examples: Int, samples count: Int, width: Int) -> [Range<Int>] {
    pieces(of: 0..<examples, samples: count, width: width)
  }

  static func pieces(of examples: Range<Int>, samples count: Int, width: Int) -> [Range<Int>] {
    let whole = max(capacity / (count * width) / blockLength, 1) * blockLength
    return stride(from: examples.lowerBound, to: examples.upperBound, by: whole).map {
      $0..<min($0 + whole, examples.upperBound)
    }
  }

  /// Some samples of some examples: sample after sample of an example, example after example.
  ///
  /// `examples` begin at a multiple of `blockLength`, and end at one or with all examples; `rows` are the examples from
  /// number `first` on; `storage` is the learner's `makeSampleStorage()`.
  public static func samples(
    _ samples: Range<Int>, of examples: Range<Int>, rows: ExampleArray, from first: Int, _ learner: any Predicting,
    storage: FlatBuffer?, key: RandomKey, with crew: Crew
  ) throws -> [Float] {
    try self.samples(
      samples, of: examples, rows: rows, from: first, learner, storage: storage, key: key, with: crew,
      width: learner.predictionWidth
    ) { learner.predict($0, examples: $1, sample: $2, with: storage, key: key) }
  }

  /// The same of other numbers than a prediction's, `width` of each example.
  static func samples(
    _ samples: Range<Int>, of examples: Range<Int>, rows: ExampleArray, from first: Int, _ learner: any Predicting,
    storage: FlatBuffer?, key: RandomKey, with crew: Crew, width: Int,
    _ body: @escaping @Sendable (_ x: Tensor, _ examples: [UInt32], _ sample: Int) -> Tensor
  ) throws -> [Float] {
    precondition(examples.lowerBound % blockLength == 0 && first <= examples.lowerBound)
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: examples.count * samples.count * width)
    defer { values.deallocate() }
    let target = Target(start: values.baseAddress!)
    for (index, sample) in samples.enumerated() {
      try learner.draw(sample, into: storage, key: key, with: crew)
      try crew.forEach((examples.count + blockLength - 1) / blockLength) { block, _ in
        let start = examples.lowerBound + block * blockLength
        let range = start..<min(start + blockLength, examples.upperBound)
        let x = learner.rows(of: rows, range.lowerBound - first..<range.upperBound - first)
        let result = body(x, range.map { UInt32($0) }, sample)
        target.take(result, firstRow: range.lowerBound - examples.lowerBound, sample: index, of: samples.count)
      }
    }
    return Array(values)
  }

  /// Samples 0 ..< count of several arrays of examples, each as if it were alone, bit for bit: what they share are the
  /// draws of the parameters.
  public static func samples(
    _ count: Int, of arrays: [ExampleArray], _ learner: any Predicting, draws: SampleDraws, key: RandomKey,
    with crew: Crew
  ) throws -> [PredictionSamples] {
    let width = learner.predictionWidth
    let values = arrays.map { UnsafeMutableBufferPointer<Float>.allocate(capacity: $0.count * count * width) }
    defer { for buffer in values { buffer.deallocate() } }
    let targets = values.map { Target(start: $0.baseAddress!) }
    let blocks = arrays.indices.flatMap { array in
      stride(from: 0, to: arrays[array].count, by: blockLength).map { start in
        (array: array, rows: start..<min(start + blockLength, arrays[array].count))
      }
    }
    try draws.forEach(count, key: key, with: crew) { samples, storages in
      // A lane takes some samples of all blocks, one after the other: a sample's parameters are then read from memory once.
      // Where there are too few samples for that, it takes blocks.
      let takesSamples = samples.count >= crew.lanes
      let (groups, parts) = takesSamples ? ([blocks], crew.lanes) : (blocks.map { [$0] }, 1)
      try crew.forEach(groups.count * parts) { item, _ in
        let (group, part) = (groups[item / parts], item % parts)
        let rows = group.map { learner.rows(of: arrays[$0.array], $0.rows) }
        let numbers = group.map { $0.rows.map { UInt32($0) } }
        for index in samples.count * part / parts..<samples.count * (part + 1) / parts {
          let sample = samples.lowerBound + index
          for (place, block) in group.enumerated() {
            let result = learner.predict(
              rows[place], examples: numbers[place], sample: sample, with: storages[index], key: key)
            targets[block.array].take(result, firstRow: block.rows.lowerBound, sample: sample, of: count)
          }
        }
      }
    }
    return zip(arrays, values).map { array, values in
      PredictionSamples(examples: 0..<array.count, count: count, width: width, values: Array(values))
    }
  }

  /// Memory that lanes write in disjoint places.
  private struct Target: @unchecked Sendable {
    let start: UnsafeMutablePointer<Float>

    /// Takes a sample of a block's rows: a row of `result` for each.
    func take(_ result: Tensor, firstRow: Int, sample: Int, of samples: Int) {
      let width = result.columns
      for row in 0..<result.rows {
        (start + ((firstRow + row) * samples + sample) * width).update(from: result.pointer + row * width, count: width)
      }
    }
  }
}
