import CLAPACK
import Foundation

/// What to add to the diagonal of a matrix that should be positive definite and, in rounded arithmetic, is not.
///
/// The jitter is relative to the mean of the diagonal, so that it does not depend on units: first none, then `first`,
/// then tenfold more each time, as long as it is at most `last`. The jitter that was used is part of the result.
public struct JitterPolicy: Hashable, Sendable {
  public let first: Double
  public let last: Double

  public init(first: Double, last: Double) {
    precondition(first > 0, "a jitter is positive")
    self.first = first
    self.last = last
  }

  private init() { (first, last) = (.infinity, 0) }

  /// No jitter: a matrix that is not positive definite is an error.
  public static let none = JitterPolicy()
  /// Enough for rounding errors, too little to be seen in a result: 1e-12 to 1e-6 of the mean diagonal element.
  public static let rounding = JitterPolicy(first: 1e-12, last: 1e-6)
}

/// A = L Lᵀ of a symmetric positive definite matrix.
public struct Cholesky: Hashable, Sendable {
  /// L: lower triangular, zeros above.
  public let lower: Matrix
  /// What was added to every diagonal element of A; zero in most cases.
  public let jitter: Double

  public var size: Int { lower.rows }

  /// Factorizes `matrix`; reads only its lower triangle.
  /// - Throws: `.notFinite`, or `.notPositiveDefinite` with the pivot at which the last attempt failed.
  public init(_ matrix: Matrix, jitter policy: JitterPolicy = .none) throws(LinearAlgebraError) {
    precondition(matrix.isSquare, "only a square matrix has a Cholesky factor")
    let n = matrix.rows
    let doing = "factorising a \(n)×\(n) matrix by Cholesky"
    if let row = matrix.firstRowNotFinite {
      throw LinearAlgebraError(.notFinite, pivot: row, doing: doing, remedy: "look for infinities or NaN in the data")
    }
    _ = singleThreadedBLAS
    let scale = n > 0 ? matrix.diagonal.reduce(0) { $0 + abs($1) } / Double(n) : 0
    var relative = 0.0
    while true {
      var factor = matrix
      let added = relative * scale
      if added > 0 { factor.addToDiagonal(added) }
      let failed = n > 0 ? Int(clapack_cholesky(Int32(n), &factor.elements)) : 0
      if failed == 0 {
        for i in 0..<n {
          for j in (i + 1)..<max(n, i + 1) { factor[i, j] = 0 }
        }
        (lower, jitter) = (factor, added)
        return
      }
      relative = relative == 0 ? policy.first : relative * 10
      guard relative <= policy.last * 1.000001, scale > 0 else {
        throw LinearAlgebraError(
          .notPositiveDefinite, pivot: failed - 1, doing: doing,
          remedy: "add to the diagonal (a prior, a floor, noise), or drop columns that depend on others")
      }
    }
  }

  /// A given factor: lower triangular with a positive diagonal, zeros above.
  public init(lower: Matrix) {
    precondition(lower.isSquare && lower.diagonal.allSatisfy { $0 > 0 }, "a Cholesky factor has a positive diagonal")
    (self.lower, jitter) = (lower, 0)
  }

  /// log |A|.
  public var logDeterminant: Double { 2 * lower.diagonal.reduce(0) { $0 + log($1) } }

  /// A⁻¹ b.
  public func solve(_ b: [Double]) -> [Double] { solveTransposed(solveLower(b)) }

  /// A⁻¹ B, column by column.
  public func solve(_ b: Matrix) -> Matrix { solveTransposed(solveLower(b)) }

  /// L⁻¹ b.
  public func solveLower(_ b: [Double]) -> [Double] {
    solveLower(Matrix(rows: b.count, columns: 1, elements: b)).elements
  }

  /// L⁻ᵀ b.
  public func solveTransposed(_ b: [Double]) -> [Double] {
    solveTransposed(Matrix(rows: b.count, columns: 1, elements: b)).elements
  }

  /// L⁻¹ B.
  public func solveLower(_ b: Matrix) -> Matrix { triangularSolve(b, CblasNoTrans) }

  /// L⁻ᵀ B.
  public func solveTransposed(_ b: Matrix) -> Matrix { triangularSolve(b, CblasTrans) }

  private func triangularSolve(_ b: Matrix, _ transpose: CBLAS_TRANSPOSE) -> Matrix {
    precondition(b.rows == size, "the right side must have as many rows as the matrix")
    var x = b
    guard size > 0, b.columns > 0 else { return x }
    _ = singleThreadedBLAS
    cblas_dtrsm(
      CblasRowMajor, CblasLeft, CblasLower, transpose, CblasNonUnit, Int32(size), Int32(b.columns), 1,
      lower.elements, Int32(size), &x.elements, Int32(b.columns))
    return x
  }

  /// bᵀ A⁻¹ b.
  public func quadraticForm(_ b: [Double]) -> Double {
    let whitened = solveLower(b)
    return dot(whitened, whitened)
  }

  /// A⁻¹, both triangles.
  public var inverse: Matrix {
    guard size > 0 else { return lower }
    _ = singleThreadedBLAS
    var result = lower
    // The diagonal of a Cholesky factor is positive, so the inverse exists.
    _ = clapack_inverse_from_cholesky(Int32(size), &result.elements)
    return result.symmetricFromLower
  }

  /// L⁻¹, lower triangular: it whitens, L⁻¹ x has the covariance I when x has A.
  public var lowerInverse: Matrix {
    guard size > 0 else { return lower }
    _ = singleThreadedBLAS
    var result = lower
    _ = clapack_triangular_inverse(Int32(size), &result.elements)
    return result
  }

  /// L Lᵀ: A with its jitter.
  public var matrix: Matrix { Matrix.product(lower, lower, transposed: .right) }
}
