import CKernels
import Datasets
import Recipes
import Tensors
import Training

/// Turns stored examples into rows of a tensor, as the recipe's `data` section says. Images stay bytes in memory.
public struct NetworkInputs: Sendable {
  public enum Binarisation: String, Sendable, CaseIterable {
    case none
    /// A pixel is 1 with the probability that its grey value says, drawn anew each time an example is seen.
    case dynamic
    /// A pixel is 1 when its grey value is above one half.
    case threshold
  }

  public let train: ExampleArray
  public let test: ExampleArray?
  public let normalization: Normalization
  public let binarisation: Binarisation
  /// Offset and factor of each column, under the names of what they are where columns are standardized; what a checkpoint
  /// holds takes their place. Empty unless the normalization uses the columns.
  public let statistics: [FlatBuffer]

  /// The shape of one example as networks see it, [height, width, channels]: a row of numbers is an image of one line.
  public var shape: [Int] {
    let image = ImageLayout(shape: train.shape)
    return [image.height, image.width, image.channels]
  }

  /// Numbers of one example.
  public var width: Int { train.elementsPerExample }

  /// - Parameters:
  ///   - dataset: the examples.
  ///   - section: the recipe's `data` section.
  ///   - normalization: what is done to the numbers where the recipe does not say it. Any is allowed; binarisation takes
  ///     numbers in 0…1, so it allows `none` and `unit`.
  /// - Throws: `RecipeError`, `DataError` or `TrainingError` when the data does not suit.
  public init(_ dataset: Dataset, _ section: RecipeSection, default normalization: Normalization = .unit) throws {
    train = dataset.train.inputs
    test = dataset.test?.inputs
    self.normalization = try section.choice("normalisation", default: normalization)
    binarisation = try section.choice("binarisation", default: .none)
    guard binarisation != .dynamic || train.kind == .uint8 else {
      throw TrainingError(
        .unsuitable, "data.binarisation is dynamic, but the data is \(train.kind.rawValue)",
        advice: "dynamic binarisation needs images of bytes")
    }
    if self.normalization.usesColumns {
      let scaling =
        try dataset.reference == nil
        ? ColumnScaling(self.normalization, of: train) : .init(identity: train.elementsPerExample)
      statistics = [
        FlatBuffer(
          "inputs", columns: [("mean", scaling.offset), ("inverse_deviation", scaling.factor)], precision: .float32)
      ]
    } else {
      statistics = []
    }
    if binarisation != .none { try require([.unit, .none], "data.binarisation is \(binarisation.rawValue)") }
  }

  /// Refuses a normalization that does not suit something else in the recipe.
  /// - Parameters:
  ///   - allowed: what suits, the best first.
  ///   - reason: what the recipe says, such as "objective.likelihood is bernoulli".
  public func require(_ allowed: [Normalization], _ reason: String) throws(RecipeError) {
    guard !allowed.contains(normalization) else { return }
    throw RecipeError(
      "data.normalisation is \(normalization.rawValue) and \(reason): set data.normalisation to one of "
        + allowed.map(\.rawValue).joined(separator: ", "))
  }

  private var offsets: UnsafeMutablePointer<Float> { column(0) }
  private var factors: UnsafeMutablePointer<Float> { column(1) }
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
          let scale: Float = normalization == .unit ? 1 / 255 : 1
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
    if normalization.usesColumns {
      let (offsets, factors) = (offsets, factors)
      for row in 0..<rows.rows {
        let start = rows.pointer + row * width
        elbo_sub(start, offsets, start, width)
        elbo_mul(start, factors, start, width)
      }
    }
    if binarisation == .threshold {
      elbo_add_scalar(rows.pointer, -0.5, rows.pointer, rows.count)
      elbo_step(rows.pointer, rows.pointer, rows.count)
    }
    return rows
  }

  /// Refuses examples whose numbers, as a model sees them, a likelihood of inputs gives no probability.
  package func check(_ support: Support, advice: String) throws {
    // Scaled columns may be anything, and what binarises makes bits.
    guard support != .numbers, !normalization.usesColumns, binarisation == .none else { return }
    let isScaled = train.kind == .uint8 && normalization == .unit
    if train.kind == .uint8, support == .unitInterval, isScaled { return }
    let advice = train.kind == .uint8 && !isScaled ? "set data.normalisation=unit, or " + advice : advice
    for array in [train, test].compactMap(\.self) {
      try support.check(array, "the data", advice: advice) { isScaled ? $0 / 255 : $0 }
    }
  }

  /// Numbers to look at as rows that a model sees: what `restored` undoes.
  public func standardised(_ rows: Tensor) -> Tensor {
    guard normalization.usesColumns else { return rows }
    return rows.addingRow(Tensor((0..<width).map { -offsets[$0] }, [width]))
      .multiplyingRow(Tensor((0..<width).map { factors[$0] }, [width]))
  }

  /// Rows as numbers to look at: undoes the scaling of the columns.
  public func restored(_ rows: Tensor) -> Tensor {
    guard normalization.usesColumns else { return rows }
    return rows.multiplyingRow(Tensor((0..<width).map { 1 / factors[$0] }, [width]))
      .addingRow(Tensor((0..<width).map { offsets[$0] }, [width]))
  }
}
