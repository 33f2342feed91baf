/// What is done to the numbers of an example before a model sees them: the values of `data.normalisation`.
///
/// | value | numbers become |
/// |---|---|
/// | `none` | what they are in the data |
/// | `unit` | bytes: divided by 255, so that they lie in 0 … 1; other numbers: what they are in the data |
/// | `standard` | each column minus its mean, over its standard deviation |
/// | `range` | each column from its smallest to its largest value: −1 … 1 |
///
/// Mean, standard deviation, smallest and largest value are those of the training examples; other examples are scaled by
/// the same numbers. A column of one value only becomes 0.
public enum Normalization: String, Sendable, CaseIterable {
  case none, unit, standard, range

  /// Whether the training examples decide what it does.
  public var usesColumns: Bool { self == .standard || self == .range }
}

/// A map of columns, (value − offset) · factor, in double precision.
public struct ColumnScaling: Sendable, Equatable {
  /// Of each column, in the units of the data.
  public let offset: [Double]
  /// What becomes 1, in the units of the data: 1 / factor.
  public let scale: [Double]
  public let factor: [Double]

  public init(offset: [Double], scale: [Double]) {
    (self.offset, self.scale, factor) = (offset, scale, scale.map { 1 / $0 })
  }

  public init(offset: [Double], factor: [Double]) {
    (self.offset, self.factor, scale) = (offset, factor, factor.map { 1 / $0 })
  }

  /// The map that changes nothing.
  public init(identity width: Int) {
    self.init(offset: [Double](repeating: 0, count: width), scale: [Double](repeating: 1, count: width))
  }

  /// The map that a normalization makes of the training examples.
  /// - Throws: `.notFinite` for a column whose values are too far apart to be scaled in double precision.
  public init(_ normalization: Normalization, of examples: ExampleArray) throws(DataError) {
    let width = examples.elementsPerExample
    switch normalization {
    case .none: self.init(identity: width)
    case .unit:
      let scale: Double = examples.kind == .uint8 ? 255 : 1
      self.init(offset: [Double](repeating: 0, count: width), scale: [Double](repeating: scale, count: width))
    case .standard:
      let columns = ColumnStatistics(of: examples)
      self.init(offset: columns.mean, scale: columns.variance.map { $0 > 0 ? $0.squareRoot() : 1 })
    case .range:
      let columns = ColumnStatistics(of: examples)
      self.init(
        offset: zip(columns.minimum, columns.maximum).map { $0 <= $1 ? 0.5 * $0 + 0.5 * $1 : 0 },
        scale: zip(columns.minimum, columns.maximum).map { $0 < $1 ? 0.5 * ($1 - $0) : 1 })
    }
    guard let column = (0..<width).first(where: { !offset[$0].isFinite || !scale[$0].isFinite || !factor[$0].isFinite })
    else { return }
    throw DataError(
      .notFinite, "the numbers of column \(column) (the first is 0) are too large, too small or infinite to be scaled",
      advice: "write them in another unit, or set data.normalisation=none")
  }

  /// Scales rows of numbers, one after the other.
  public func apply(to rows: inout [Double]) {
    for start in stride(from: 0, to: rows.count, by: offset.count) {
      for column in offset.indices { rows[start + column] = (rows[start + column] - offset[column]) * factor[column] }
    }
  }

  /// A scaled number of a column in the units of the data.
  public func restored(_ value: Double, column: Int) -> Double { value / factor[column] + offset[column] }
}

/// Mean, variance, smallest and largest value of each column, in double precision, by one pass over the examples
/// (Welford 1962). Values that are NaN are left out.
public struct ColumnStatistics: Sendable {
  /// 0 for a column without a number.
  public private(set) var mean: [Double]
  /// The mean of the squared differences from the mean; 0 for a column without a number.
  public private(set) var variance: [Double]
  /// Infinity for a column without a number.
  public private(set) var minimum: [Double]
  /// −infinity for a column without a number.
  public private(set) var maximum: [Double]

  public init(of examples: ExampleArray) {
    let width = examples.elementsPerExample
    var count = [Double](repeating: 0, count: width)
    (mean, variance) = (count, count)
    minimum = [Double](repeating: .infinity, count: width)
    maximum = [Double](repeating: -.infinity, count: width)
    let length = max((4 << 20) / (8 * width), 1)
    for start in stride(from: 0, to: examples.count, by: length) {
      let piece = start..<min(start + length, examples.count)
      let values = examples.doubles(piece)
      for row in stride(from: 0, to: values.count, by: width) {
        for column in 0..<width {
          let value = values[row + column]
          guard !value.isNaN else { continue }
          count[column] += 1
          let difference = value - mean[column]
          mean[column] += difference / count[column]
          variance[column] += difference * (value - mean[column])
          minimum[column] = min(minimum[column], value)
          maximum[column] = max(maximum[column], value)
        }
      }
      examples.releaseResident(piece)
    }
    for column in 0..<width where count[column] > 0 { variance[column] /= count[column] }
  }
}
