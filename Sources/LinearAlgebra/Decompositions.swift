import CLAPACK

/// A = V diag(λ) Vᵀ of a symmetric matrix.
public struct SymmetricEigen: Hashable, Sendable {
  /// In ascending order.
  public let values: [Double]
  /// Row i is the unit eigenvector of `values[i]`, its element of largest magnitude positive (the first such, when
  /// magnitudes are equal), so that a decomposition is a function of the matrix and not of LAPACK's path.
  public let vectors: Matrix

  /// Decomposes `matrix`; reads only its lower triangle.
  public init(_ matrix: Matrix) throws(LinearAlgebraError) {
    precondition(matrix.isSquare, "only a square matrix has eigenvalues")
    let n = matrix.rows
    let doing = "finding the eigenvalues of a \(n)×\(n) symmetric matrix"
    if let row = matrix.firstRowNotFinite {
      throw LinearAlgebraError(.notFinite, pivot: row, doing: doing, remedy: "look for infinities or NaN in the data")
    }
    var vectors = matrix
    var values = [Double](repeating: 0, count: n)
    if n > 0 {
      _ = singleThreadedBLAS
      var size = (work: 0.0, integers: Int32(0))
      _ = clapack_symmetric_eigen(Int32(n), &vectors.elements, &values, &size.work, -1, &size.integers, -1)
      var work = [Double](repeating: 0, count: Int(size.work))
      var integers = [Int32](repeating: 0, count: Int(size.integers))
      let info = clapack_symmetric_eigen(
        Int32(n), &vectors.elements, &values, &work, Int32(work.count), &integers, Int32(integers.count))
      guard info == 0 else {
        throw LinearAlgebraError(.notConverged, doing: doing, remedy: "scale the columns to similar magnitudes")
      }
    }
    // LAPACK's columns are the rows of the row-major reading.
    vectors.fixRowSigns()
    (self.values, self.vectors) = (values, vectors)
  }

  /// V diag(f(λ)) Vᵀ.
  public func matrix(applying f: (Double) -> Double) -> Matrix {
    var scaled = vectors
    for i in 0..<values.count {
      let factor = f(values[i])
      for j in 0..<scaled.columns { scaled[i, j] *= factor }
    }
    return Matrix.product(vectors, scaled, transposed: .left)
  }
}

/// A = U diag(σ) Vᵀ, thin: with k = min(rows, columns), U is rows × k and Vᵀ is k × columns.
public struct SingularValues: Hashable, Sendable {
  /// In descending order, none negative.
  public let values: [Double]
  /// U: left singular vectors in columns.
  public let left: Matrix
  /// Vᵀ: right singular vectors in rows, the element of largest magnitude of each positive.
  public let rightTransposed: Matrix

  public init(_ matrix: Matrix) throws(LinearAlgebraError) {
    let (m, n) = (matrix.rows, matrix.columns)
    let k = min(m, n)
    let doing = "finding the singular values of a \(m)×\(n) matrix"
    if let row = matrix.firstRowNotFinite {
      throw LinearAlgebraError(.notFinite, pivot: row, doing: doing, remedy: "look for infinities or NaN in the data")
    }
    // Row-major A is column-major Aᵀ = V Σ Uᵀ: LAPACK's "u" is V column-major, that is Vᵀ row-major, and so on.
    var copy = matrix
    var values = [Double](repeating: 0, count: k)
    var left = Matrix(rows: m, columns: k)
    var right = Matrix(rows: k, columns: n)
    if k > 0 {
      _ = singleThreadedBLAS
      var integers = [Int32](repeating: 0, count: 8 * k)
      var size = 0.0
      _ = clapack_singular_values(
        Int32(n), Int32(m), &copy.elements, &values, &right.elements, &left.elements, &size, -1, &integers)
      var work = [Double](repeating: 0, count: Int(size))
      let info = clapack_singular_values(
        Int32(n), Int32(m), &copy.elements, &values, &right.elements, &left.elements, &work, Int32(work.count),
        &integers)
      guard info == 0 else {
        throw LinearAlgebraError(.notConverged, doing: doing, remedy: "scale the columns to similar magnitudes")
      }
    }
    self.init(values, left, right)
  }

  /// The decomposition of a matrix with at least as many rows as columns whose columns may differ in length by any factor:
  /// each column is reproduced to rounding errors of its own length, and small singular values keep their digits (Drmač
  /// and Veselić 2008, LAPACK's `dgejsv`). It takes a few times longer.
  public init(ofScaledColumns matrix: Matrix) throws(LinearAlgebraError) {
    let (m, n) = (matrix.rows, matrix.columns)
    precondition(m >= n, "at least as many rows as columns")
    let doing = "finding the singular values of a \(m)×\(n) matrix"
    if let row = matrix.firstRowNotFinite {
      throw LinearAlgebraError(.notFinite, pivot: row, doing: doing, remedy: "look for infinities or NaN in the data")
    }
    var columns = matrix.transposed
    var values = [Double](repeating: 0, count: n)
    // LAPACK's columns are the rows of the row-major reading.
    var left = Matrix(rows: n, columns: m)
    var right = Matrix(rows: n, columns: n)
    if n > 0 {
      _ = singleThreadedBLAS
      var work = [Double](repeating: 0, count: 2 * m + 6 * n + 2 * n * n)
      var integers = [Int32](repeating: 0, count: m + 3 * n)
      let info = clapack_jacobi_singular_values(
        Int32(m), Int32(n), &columns.elements, &values, &left.elements, &right.elements, &work, Int32(work.count),
        &integers)
      guard info == 0 else {
        throw LinearAlgebraError(.notConverged, doing: doing, remedy: "scale the columns to similar magnitudes")
      }
    }
    self.init(values, left.transposed, right)
  }

  /// Takes a decomposition with one choice of signs.
  private init(_ values: [Double], _ left: Matrix, _ right: Matrix) {
    var (left, right) = (left, right)
    for (j, flip) in right.fixRowSigns().enumerated() where flip {
      for i in 0..<left.rows { left[i, j] = -left[i, j] }
    }
    (self.values, self.left, rightTransposed) = (values, left, right)
  }
}

extension Matrix {
  /// Turns each row so that its element of largest magnitude is positive; says which rows were turned.
  @discardableResult
  mutating func fixRowSigns() -> [Bool] {
    (0..<rows).map { i in
      var largest = 0
      for j in 0..<columns where abs(self[i, j]) > abs(self[i, largest]) { largest = j }
      guard columns > 0, self[i, largest] < 0 else { return false }
      for j in 0..<columns { self[i, j] = -self[i, j] }
      return true
    }
  }
}
