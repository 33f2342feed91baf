import Datasets
import Synchronization
import Tensors
import Training

/// A learner that predicts by Monte Carlo: sample t of a prediction is a function of the parameters, the key, t and the
/// example, whoever computes it and beside which others.
public protocol Predicting: SetEvaluating {
  /// Numbers of one sample for one example: class probabilities, or means and then variances in the units of the data.
  var predictionWidth: Int { get }
  var isClassifier: Bool { get }
  /// Whether samples differ at all; a plain network has one.
  var isStochastic: Bool { get }
  /// How many samples an evaluation takes.
  var evaluationSamples: Int { get }
  /// The names of classes, or nothing.
  var classNames: [String] { get }
  /// Turns examples of an array into rows.
  func rows(of array: ExampleArray, _ examples: Range<Int>) -> Tensor
  /// Whether an array's examples are what the learner was trained on; `nil`, or what is wrong.
  func mismatch(_ array: ExampleArray) -> String?
  /// A copy of the learner's parameters to draw into, if samples need one.
  func makeSampleStorage() -> FlatBuffer?
  /// Draws what sample t computes with, its ranges spread over the lanes.
  func draw(_ sample: Int, into storage: FlatBuffer?, key: RandomKey, with crew: Crew) throws
  /// Sample t for some rows: [n, in] → [n, predictionWidth]. `examples` are their numbers, which key their noise.
  func predict(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor
}

/// All samples of some examples.
public struct PredictionSamples: Sendable {
  public let examples: Range<Int>
  public let count: Int
  public let width: Int
  /// Sample after sample of an example, example after example.
  public let values: [Float]

  /// The samples of an example, counted from the first of `examples`: `count` rows of `width`.
  public func ofExample(_ index: Int) -> [Double] {
    values[index * count * width..<(index + 1) * count * width].map { Double($0) }
  }
}

public enum Prediction {
  /// Examples that one lane computes at a time: a fixed number, so that products have the same shapes on any number of
  /// lanes.
  private static let blockLength = 100
  /// Numbers of samples held at a time: 256 MiB.
  private static let capacity = 64 << 20

  /// The key of predictions: apart from all steps of a training.
  public static func key(seed: UInt64) -> RandomKey { RandomKey(seed: seed).at(tensor: 0) }

  /// Computes samples 0 ..< count of every example, in pieces that fit into memory, in order.
  public static func run(
    _ learner: any Predicting, on array: ExampleArray, samples count: Int, key: RandomKey, with crew: Crew,
    _ body: (PredictionSamples) throws -> Void
  ) throws {
    let width = learner.predictionWidth
    let whole = max(Prediction.capacity / (count * width) / blockLength, 1) * blockLength
    let storage = learner.makeSampleStorage()
    for start in stride(from: 0, to: array.count, by: whole) {
      let piece = start..<min(start + whole, array.count)
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: piece.count * count * width)
      defer { values.deallocate() }
      let target = Target(start: values.baseAddress!)
      for sample in 0..<count {
        try learner.draw(sample, into: storage, key: key, with: crew)
        try crew.forEach((piece.count + blockLength - 1) / blockLength) { block, _ in
          let first = piece.lowerBound + block * blockLength
          let range = first..<min(first + blockLength, piece.upperBound)
          let x = learner.rows(of: array, range)
          let result = learner.predict(
            x, examples: range.map { UInt32($0) }, sample: sample, with: storage, key: key)
          for row in 0..<range.count {
            (target.start + ((range.lowerBound - piece.lowerBound + row) * count + sample) * width)
              .update(from: result.pointer + row * width, count: width)
          }
        }
      }
      array.releaseResident(piece)
      try body(PredictionSamples(examples: piece, count: count, width: width, values: Array(values)))
    }
  }

  /// Memory that lanes write in disjoint places.
  private struct Target: @unchecked Sendable {
    let start: UnsafeMutablePointer<Float>
  }
}
