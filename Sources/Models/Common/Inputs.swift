import CKernels
import Datasets
import Recipes
import Tensors
import Training

/// Turns stored examples into rows of a tensor, as the recipe's `data` section says. Images stay bytes in memory.
public struct Inputs: Sendable {
  /// What is done to the numbers.
  public enum Normalisation: String, Sendable, CaseIterable {
    /// Bytes are divided by 255; other numbers stay as they are.
    case unit
    /// Each column minus its training mean, over its training standard deviation.
    case standard
    case none
  }

  public enum Binarisation: String, Sendable, CaseIterable {
    case none
    /// A pixel is 1 with the probability that its grey value says, drawn anew each time an example is seen.
    case dynamic
    /// A pixel is 1 when its grey value is above one half.
    case threshold
  }

  public let train: ExampleArray
  public let test: ExampleArray?
  public let normalisation: Normalisation
  public let binarisation: Binarisation
  /// Mean and inverse standard deviation of each training column; what a checkpoint holds takes their place. Empty
  /// unless the normalisation is standard.
  public let statistics: [FlatBuffer]

  /// The shape of one example as networks see it, [height, width, channels]: a row of numbers is an image of one line.
  public var shape: [Int] {
    let image = ImageLayout(shape: train.shape)
    return [image.height, image.width, image.channels]
  }

  /// Numbers of one example.
  public var width: Int { train.elementsPerExample }

  /// - Throws: `RecipeError` or `TrainingError` when the data does not suit.
  public init(_ dataset: Dataset, _ section: RecipeSection, default normalisation: Normalisation = .unit) throws {
    train = dataset.train.inputs
    test = dataset.test?.inputs
    self.normalisation = try section.choice("normalisation", default: normalisation)
    binarisation = try section.choice("binarisation", default: .none)
    guard binarisation != .dynamic || train.kind == .uint8 else {
      throw TrainingError(
        .unsuitable, "data.binarisation is dynamic, but the data is \(train.kind.rawValue)",
        advice: "dynamic binarisation needs images of bytes")
    }
    guard self.normalisation != .standard || binarisation == .none else {
      throw TrainingError(
        .unsuitable, "data.normalisation is standard and data.binarisation is \(binarisation.rawValue)",
        advice: "choose one of the two")
    }
    statistics = self.normalisation == .standard ? [Inputs.standardisation(of: dataset)] : []
  }

  private var means: UnsafeMutablePointer<Float> { column(0) }
  private var inverseDeviations: UnsafeMutablePointer<Float> { column(1) }
  private func column(_ slot: Int) -> UnsafeMutablePointer<Float> {
    statistics[0].float32.baseAddress! + statistics[0].layout.slots[slot].offset
  }

  /// Rows of a tensor [n, width] for some training examples. The key is for the noise of the binarisation, which is
  /// drawn per example, so that it does not depend on shards.
  public func trainRows(_ examples: Examples, key: RandomKey) -> Tensor { rows(of: train, examples, key: key) }

  /// Rows of a tensor for some test examples.
  public func testRows(_ examples: Range<Int>, key: RandomKey) -> Tensor {
    rows(of: test!, .range(examples), key: key)
  }

  /// Rows of a tensor for some examples of an array of the same kind as the training data.
  public func rows(of array: ExampleArray, _ examples: Examples, key: RandomKey) -> Tensor {
    let rows = Tensor(uninitialized: [examples.count, width])
    let indices = examples.indices
    switch array.kind {
    case .uint8:
      array.withUnsafeBufferPointer(as: UInt8.self) { source in
        if binarisation == .dynamic {
          elbo_philox_binarise_bytes(
            key.seed, key.tensor, key.step, source.baseAddress, indices, indices.count, width, rows.pointer)
        } else {
          let scale: Float = normalisation == .unit ? 1 / 255 : 1
          elbo_gather_bytes(source.baseAddress, indices, indices.count, width, scale, 0, rows.pointer)
        }
      }
    case .float32:
      array.withUnsafeBufferPointer(as: Float.self) { source in
        elbo_gather_floats(source.baseAddress, indices, indices.count, width, rows.pointer)
      }
    case .float64:
      array.withUnsafeBufferPointer(as: Double.self) { source in
        for (row, index) in indices.enumerated() {
          for column in 0..<width {
            rows.pointer[row * width + column] = Float(source[Int(index) * width + column])
          }
        }
      }
    }
    if normalisation == .standard {
      let (means, inverseDeviations) = (means, inverseDeviations)
      for row in 0..<rows.rows {
        let start = rows.pointer + row * width
        elbo_sub(start, means, start, width)
        elbo_mul(start, inverseDeviations, start, width)
      }
    }
    if binarisation == .threshold {
      elbo_add_scalar(rows.pointer, -0.5, rows.pointer, rows.count)
      elbo_step(rows.pointer, rows.pointer, rows.count)
    }
    return rows
  }

  /// Mean and inverse standard deviation of each column, in double; a constant column is only shifted. Zeros where a
  /// checkpoint holds them.
  private static func standardisation(of dataset: Dataset) -> FlatBuffer {
    let array = dataset.train.inputs
    let width = array.elementsPerExample
    var layout = Layout()
    let slots = (layout.add("mean", [width]), layout.add("inverse_deviation", [width]))
    let buffer = FlatBuffer("inputs", layout)
    guard dataset.reference == nil else { return buffer }
    var mean = [Double](repeating: 0, count: width)
    var square = [Double](repeating: 0, count: width)
    func sweep<T>(_ values: UnsafeBufferPointer<T>, _ number: (T) -> Double) {
      for example in 0..<array.count {
        for column in 0..<width {
          let value = number(values[example * width + column])
          let difference = value - mean[column]
          mean[column] += difference / Double(example + 1)
          square[column] += difference * (value - mean[column])
        }
      }
    }
    switch array.kind {
    case .uint8: array.withUnsafeBufferPointer(as: UInt8.self) { sweep($0) { Double($0) } }
    case .float32: array.withUnsafeBufferPointer(as: Float.self) { sweep($0) { Double($0) } }
    case .float64: array.withUnsafeBufferPointer(as: Double.self) { sweep($0) { $0 } }
    }
    for column in 0..<width {
      let variance = square[column] / Double(array.count)
      buffer.float32[slots.0.offset + column] = Float(mean[column])
      buffer.float32[slots.1.offset + column] = variance > 0 ? Float(1 / variance.squareRoot()) : 1
    }
    return buffer
  }

  /// Refuses examples whose numbers, as a model sees them, a likelihood of inputs gives no probability.
  func check(_ support: Support, advice: String) throws {
    // Standardized columns may be anything, and what binarises makes bits.
    guard support != .numbers, normalisation != .standard, binarisation == .none else { return }
    let isScaled = train.kind == .uint8 && normalisation == .unit
    if train.kind == .uint8, support == .unitInterval, isScaled { return }
    let advice = train.kind == .uint8 && !isScaled ? "set data.normalisation=unit, or " + advice : advice
    for array in [train, test].compactMap(\.self) {
      try support.check(array, "the data", advice: advice) { isScaled ? $0 / 255 : $0 }
    }
  }

  /// Numbers to look at as rows that a model sees: what `restored` undoes.
  public func standardised(_ rows: Tensor) -> Tensor {
    guard normalisation == .standard else { return rows }
    return rows.addingRow(Tensor((0..<width).map { -means[$0] }, [width]))
      .multiplyingRow(Tensor((0..<width).map { inverseDeviations[$0] }, [width]))
  }

  /// Rows as numbers to look at: undoes the standardisation.
  public func restored(_ rows: Tensor) -> Tensor {
    guard normalisation == .standard else { return rows }
    let deviations = (0..<width).map { 1 / inverseDeviations[$0] }
    return rows.multiplyingRow(Tensor(deviations, [width])).addingRow(Tensor((0..<width).map { means[$0] }, [width]))
  }
}
