import LinearAlgebra

/// Some rows of a data set, borrowed: `count` rows of `dimension` numbers, float or double, row-major, `stride` elements
/// from one row to the next. It is valid as long as the memory is, and memory-mapped files serve as well as arrays.
public struct RowBlock {
  package enum Base {
    case double(UnsafePointer<Double>)
    case float(UnsafePointer<Float>)
  }

  package let base: Base
  public let count: Int
  public let dimension: Int
  public let stride: Int

  public init(_ base: UnsafePointer<Double>, count: Int, dimension: Int, stride: Int? = nil) {
    self.init(.double(base), count, dimension, stride)
  }

  public init(_ base: UnsafePointer<Float>, count: Int, dimension: Int, stride: Int? = nil) {
    self.init(.float(base), count, dimension, stride)
  }

  private init(_ base: Base, _ count: Int, _ dimension: Int, _ stride: Int?) {
    precondition(count >= 0 && dimension >= 0, "rows have a count and a dimension")
    precondition((stride ?? dimension) >= dimension, "a stride spans a row")
    self.base = base
    self.count = count
    self.dimension = dimension
    self.stride = stride ?? dimension
  }

  /// The rows of a range, the first counted as 0.
  public func rows(_ range: Range<Int>) -> RowBlock {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "rows within the block")
    let offset = range.lowerBound * stride
    switch base {
    case .double(let pointer):
      return RowBlock(pointer + offset, count: range.count, dimension: dimension, stride: stride)
    case .float(let pointer):
      return RowBlock(pointer + offset, count: range.count, dimension: dimension, stride: stride)
    }
  }

  /// Some columns of the rows.
  public func columns(_ range: Range<Int>) -> RowBlock {
    precondition(range.lowerBound >= 0 && range.upperBound <= dimension, "columns of the rows")
    return switch base {
    case .double(let pointer): RowBlock(.double(pointer + range.lowerBound), count, range.count, stride)
    case .float(let pointer): RowBlock(.float(pointer + range.lowerBound), count, range.count, stride)
    }
  }

  public subscript(row: Int, column: Int) -> Double {
    switch base {
    case .double(let pointer): pointer[row * stride + column]
    case .float(let pointer): Double(pointer[row * stride + column])
    }
  }

  /// Copies the rows, one after the other.
  package func copy(to target: UnsafeMutablePointer<Double>) {
    for row in 0..<count {
      for column in 0..<dimension { target[row * dimension + column] = self[row, column] }
    }
  }

  public var matrix: Matrix {
    Matrix(
      rows: count, columns: dimension, elements: (0..<count).flatMap { row in (0..<dimension).map { self[row, $0] } })
  }
}

/// What a model learns from: inputs, and targets of as many rows where it has them.
public struct Observations {
  public let inputs: RowBlock
  public let targets: RowBlock?
  /// The number of the first row among all rows of the data.
  public var first: Int
  /// Where sequences begin among the rows, and behind them the number of rows; nil: the rows are one sequence, for those
  /// whom their order concerns.
  public var starts: [Int]?

  public init(inputs: RowBlock, targets: RowBlock? = nil, first: Int = 0) {
    precondition(targets == nil || targets!.count == inputs.count, "every input has its targets")
    self.inputs = inputs
    self.targets = targets
    self.first = first
  }

  public var count: Int { inputs.count }

  /// The rows of each sequence.
  public var sequences: [Range<Int>] {
    guard let starts else { return count > 0 ? [0..<count] : [] }
    return zip(starts, starts.dropFirst()).map { $0..<$1 }
  }

  /// Some rows; of sequences, without saying where they begin.
  public func rows(_ range: Range<Int>) -> Observations {
    Observations(inputs: inputs.rows(range), targets: targets?.rows(range), first: first + range.lowerBound)
  }
}

extension Matrix {
  /// Lends the rows of the matrix.
  public func withRows<R, E: Error>(_ body: (RowBlock) throws(E) -> R) throws(E) -> R {
    let result: Result<R, E> = elements.withUnsafeBufferPointer { buffer in
      // An empty matrix has no address; no row of it is read.
      let base = buffer.baseAddress ?? UnsafePointer(bitPattern: 8)!
      do throws(E) {
        return .success(try body(RowBlock(base, count: rows, dimension: columns)))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
