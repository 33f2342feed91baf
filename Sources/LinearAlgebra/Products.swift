import CLAPACK

/// BLAS on one thread. Elbo's lanes are its parallelism; a second pool of threads inside a product would compete with
/// them, and its split of the work would depend on the machine. Reading this value before a call into BLAS or LAPACK
/// turns the library's own threads off, once.
@usableFromInline
package let singleThreadedBLAS: Void = openblas_set_num_threads(1)

/// Which factor of a product is taken transposed.
public enum Transposed: Hashable, Sendable { case none, left, right }

extension Matrix {
  /// left · right, with either factor transposed.
  public static func product(_ left: Matrix, _ right: Matrix, transposed: Transposed = .none) -> Matrix {
    let (m, k) = transposed == .left ? (left.columns, left.rows) : (left.rows, left.columns)
    let (inner, n) = transposed == .right ? (right.columns, right.rows) : (right.rows, right.columns)
    precondition(k == inner, "inner dimensions must agree")
    var result = Matrix(rows: m, columns: n)
    guard m > 0, n > 0, k > 0 else { return result }
    _ = singleThreadedBLAS
    cblas_dgemm(
      CblasRowMajor, transposed == .left ? CblasTrans : CblasNoTrans, transposed == .right ? CblasTrans : CblasNoTrans,
      Int32(m), Int32(n), Int32(k), 1, left.elements, Int32(left.columns), right.elements, Int32(right.columns), 0,
      &result.elements, Int32(n))
    return result
  }

  public static func * (left: Matrix, right: Matrix) -> Matrix { product(left, right) }

  public static func * (left: Matrix, right: [Double]) -> [Double] {
    left.multiplied(by: right, transposed: false)
  }

  /// matrixᵀ · vector.
  public func transposedProduct(_ vector: [Double]) -> [Double] { multiplied(by: vector, transposed: true) }

  private func multiplied(by vector: [Double], transposed: Bool) -> [Double] {
    precondition(vector.count == (transposed ? rows : columns), "the vector must fit the matrix")
    var result = [Double](repeating: 0, count: transposed ? columns : rows)
    guard rows > 0, columns > 0 else { return result }
    _ = singleThreadedBLAS
    cblas_dgemv(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, Int32(rows), Int32(columns), 1, elements, Int32(columns),
      vector, 1, 0, &result, 1)
    return result
  }

  /// matrixᵀ · matrix, columns × columns, both triangles filled.
  public var gram: Matrix {
    var result = Matrix(rows: columns, columns: columns)
    guard rows > 0, columns > 0 else { return result }
    _ = singleThreadedBLAS
    cblas_dsyrk(
      CblasRowMajor, CblasLower, CblasTrans, Int32(columns), Int32(rows), 1, elements, Int32(columns), 0,
      &result.elements, Int32(columns))
    return result.symmetricFromLower
  }

  /// Adds factor · vector vectorᵀ to a square matrix.
  public mutating func addOuterProduct(_ vector: [Double], factor: Double = 1) {
    precondition(isSquare && vector.count == rows, "the vector must fit the matrix")
    for i in 0..<rows {
      for j in 0..<columns { self[i, j] += factor * vector[i] * vector[j] }
    }
  }

  /// vectorᵀ · matrix · vector.
  public func quadraticForm(_ vector: [Double]) -> Double { dot(vector, self * vector) }
}

/// Σ aᵢ bᵢ, added in index order.
public func dot(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count, "vectors must have one length")
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}

extension Array where Element == Double {
  /// Element by element; not `+`, which joins arrays.
  public func adding(_ other: [Double], factor: Double = 1) -> [Double] {
    precondition(count == other.count, "vectors must have one length")
    return indices.map { self[$0] + factor * other[$0] }
  }

  public func subtracting(_ other: [Double]) -> [Double] {
    precondition(count == other.count, "vectors must have one length")
    return indices.map { self[$0] - other[$0] }
  }

  public func scaled(by factor: Double) -> [Double] { map { factor * $0 } }
}
