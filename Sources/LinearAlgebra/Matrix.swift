/// A dense matrix of doubles, row-major and contiguous: element (i, j) lies at `elements[i * columns + j]`.
///
/// It serves the exact models, whose matrices are small (dimension × dimension); data sets never live in one. Shapes
/// that do not fit together are programmer errors and stop the program.
public struct Matrix: Hashable, Sendable {
  public let rows: Int
  public let columns: Int
  public var elements: [Double]

  public init(rows: Int, columns: Int, elements: [Double]) {
    precondition(rows >= 0 && columns >= 0 && elements.count == rows * columns, "elements must fill the matrix")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  public init(rows: Int, columns: Int, repeating value: Double = 0) {
    self.init(rows: rows, columns: columns, elements: Array(repeating: value, count: rows * columns))
  }

  /// A matrix of the given rows, which all have the same length.
  public init(_ rows: [[Double]]) {
    let columns = rows.first?.count ?? 0
    precondition(rows.allSatisfy { $0.count == columns }, "rows must have one length")
    self.init(rows: rows.count, columns: columns, elements: Array(rows.joined()))
  }

  public init(diagonal: [Double]) {
    self.init(rows: diagonal.count, columns: diagonal.count)
    for (i, value) in diagonal.enumerated() { self[i, i] = value }
  }

  public static func identity(_ size: Int) -> Matrix { Matrix(diagonal: Array(repeating: 1, count: size)) }

  public subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  public func row(_ index: Int) -> [Double] { Array(elements[(index * columns)..<((index + 1) * columns)]) }
  public func column(_ index: Int) -> [Double] { (0..<rows).map { self[$0, index] } }
  public var diagonal: [Double] { (0..<min(rows, columns)).map { self[$0, $0] } }
  public var trace: Double { diagonal.reduce(0, +) }
  public var isSquare: Bool { rows == columns }

  /// The first row with an infinity or a NaN.
  public var firstRowNotFinite: Int? {
    elements.firstIndex { !$0.isFinite }.map { $0 / max(columns, 1) }
  }

  public var transposed: Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for i in 0..<rows {
      for j in 0..<columns { result[j, i] = self[i, j] }
    }
    return result
  }

  /// The symmetric matrix with this one's lower triangle.
  public var symmetricFromLower: Matrix {
    precondition(isSquare, "only a square matrix has two triangles")
    var result = self
    for i in 0..<rows {
      for j in 0..<i { result[j, i] = self[i, j] }
    }
    return result
  }

  /// Adds `value` to every diagonal element.
  public mutating func addToDiagonal(_ value: Double) {
    for i in 0..<min(rows, columns) { self[i, i] += value }
  }

  public static func + (left: Matrix, right: Matrix) -> Matrix { left.combined(with: right, +) }
  public static func - (left: Matrix, right: Matrix) -> Matrix { left.combined(with: right, -) }
  public static func * (factor: Double, matrix: Matrix) -> Matrix {
    Matrix(rows: matrix.rows, columns: matrix.columns, elements: matrix.elements.map { factor * $0 })
  }

  private func combined(with other: Matrix, _ operation: (Double, Double) -> Double) -> Matrix {
    precondition(rows == other.rows && columns == other.columns, "matrices must have one shape")
    return Matrix(rows: rows, columns: columns, elements: zip(elements, other.elements).map(operation))
  }

  /// The largest absolute element.
  public var maximumNorm: Double { elements.reduce(0) { max($0, abs($1)) } }
}
