import Datasets
import Foundation
import Learners
import Models
import Recipes
import Tensors
import Training

/// A learner of a built-in recipe with some keys overridden, on given data.
func learner(_ model: String, _ data: Dataset, _ overrides: [String], seed: UInt64 = 0) throws -> any Learner {
  let type = try Models.named(model)
  let recipe = try Recipe(yaml: String(decoding: type.recipe, as: UTF8.self), source: model)
  for override in overrides { try recipe.set(override) }
  return try type.learner(recipe, data: data, seed: seed)
}

/// Rows of Gaussian numbers.
func gaussianData(count: Int, width: Int, test: Int = 0) throws -> Dataset {
  func rows(_ count: Int, sample: UInt32) throws -> ExampleSet {
    let values = [Float](unsafeUninitializedCapacity: count * width) { buffer, initialized in
      RandomKey(seed: 77).at(sample: sample).normal(into: buffer.baseAddress!, count: count * width)
      initialized = count * width
    }
    return try ExampleSet(inputs: ExampleArray(values, shape: [width]))
  }
  return try Dataset(name: "gaussian", train: rows(count, sample: 0), test: test > 0 ? rows(test, sample: 1) : nil)
}

/// Rows of two Gaussian numbers, with a target that is a curve of them or the class that it falls in.
func supervisedData(count: Int, classes: Int? = nil, test: Int = 0) throws -> Dataset {
  func rows(_ count: Int, sample: UInt32) throws -> ExampleSet {
    let values = [Float](unsafeUninitializedCapacity: count * 3) { buffer, initialized in
      RandomKey(seed: 79).at(sample: sample).normal(into: buffer.baseAddress!, count: count * 3)
      initialized = count * 3
    }
    let inputs = (0..<count).flatMap { [values[3 * $0], values[3 * $0 + 1]] }
    let targets = (0..<count).map { row in
      Double(sin(values[3 * row])) + 0.5 * Double(values[3 * row + 1]) + 0.3 * Double(values[3 * row + 2])
    }
    let array = ExampleArray(inputs, shape: [2])
    guard let classes else { return try ExampleSet(inputs: array, targets: ExampleArray(targets, shape: [1])) }
    let indices = targets.map { UInt32(min(max(Int(($0 + 1) * Double(classes) / 2), 0), classes - 1)) }
    return try ExampleSet(inputs: array, labels: ClassLabels(indices: indices, count: classes))
  }
  return try Dataset(name: "supervised", train: rows(count, sample: 0), test: test > 0 ? rows(test, sample: 1) : nil)
}

/// Random images of bytes.
func imageData(count: Int, width: Int) throws -> Dataset {
  var stream = RandomStream(RandomKey(seed: 78))
  let bytes = (0..<count * width).map { _ in UInt8(stream.next(below: 256)) }
  return try Dataset(name: "images", train: ExampleSet(inputs: ExampleArray(bytes, shape: [width])))
}

/// A text in which a token follows from the two before it, cut into a training part and a test part.
func textData(count: Int = 500, test: Int = 120, period: Int = 7) throws -> Dataset {
  func part(_ range: Range<Int>) throws -> ExampleSet {
    try ExampleSet(inputs: ExampleArray(range.map { UInt8($0 * $0 % period) }, shape: [1]))
  }
  return try Dataset(
    name: "text", train: part(0..<count), test: part(count..<count + test),
    vocabulary: (0..<period).map { String(UnicodeScalar(UInt8(97 + $0))) })
}

/// Sequences of different lengths, of two counts whose level changes now and then. Three of them: with more shards, some
/// are empty.
func sequenceData() throws -> Dataset {
  var stream = RandomStream(RandomKey(seed: 80))
  let lengths = [31, 1, 70]
  let bytes = (0..<102).flatMap { row in
    (0..<2).map { _ in UInt8(stream.next(below: 6)) + (row / 9 % 2 == 0 ? 0 : 9) }
  }
  return try Dataset(
    name: "sequences",
    train: ExampleSet(inputs: ExampleArray(bytes, shape: [2]), sequences: Sequences(lengths: lengths)))
}

/// One step's total of one of a learner's phases, nothing absorbed.
func total(
  _ learner: any Learner, step: Int, shards: Int, crew: Crew, seed: UInt64 = 0, phase: Int = 0
) throws -> Total {
  var cursor = Order.Cursor(Order(learner.order, exampleCount: learner.exampleCount, seed: seed), total: 1_000_000)
  let step = cursor.step(step)
  try learner.prepare(phase: phase, of: step, with: crew)
  return try LocalExchange(learner, shards: shards).sum(of: phase, in: step, crew: crew)
}

/// All float32 numbers of a total.
func numbers(_ total: Total) -> [Float] {
  (0..<total.blockCount).flatMap { Array(total.float32(block: $0)) }
}

/// Hears nothing.
struct DeafObserver: TrainingObserver {
  func step(_ report: TrainingReport) {}
  func report(_ report: TrainingReport) {}
  func checkpoint(_ moment: Trainer.Moment) {}
}

extension ExampleArray {
  /// All numbers of an array of float32.
  var numbers: [Float] { withUnsafeBufferPointer(as: Float.self) { Array($0) } }
}
