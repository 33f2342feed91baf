import CLAPACK

/// Products over borrowed memory, row-major, for code that must not allocate.
package enum BLAS {
  /// A borrowed matrix: where it starts, and the elements from one row to the next.
  package struct Operand {
    let base: UnsafeMutablePointer<Double>
    let stride: Int

    package init(_ base: UnsafeMutablePointer<Double>, stride: Int) {
      (self.base, self.stride) = (base, max(stride, 1))
    }
  }

  /// c = factor · a b + keep · c, with a m×k (k×m when transposed) and b k×n (n×k when transposed).
  package static func multiply(
    _ m: Int, _ n: Int, _ k: Int, _ a: Operand, _ b: Operand, into c: Operand, transposed: Transposed = .none,
    factor: Double = 1, keep: Double = 0
  ) {
    guard m > 0, n > 0 else { return }
    _ = singleThreadedBLAS
    cblas_dgemm(
      CblasRowMajor, transposed == .left ? CblasTrans : CblasNoTrans, transposed == .right ? CblasTrans : CblasNoTrans,
      Int32(m), Int32(n), Int32(k), factor, a.base, Int32(a.stride), b.base, Int32(b.stride), keep, c.base,
      Int32(c.stride))
  }

  /// The lower triangle of c += factor · aᵀ a, with a k×n.
  package static func addGram(_ n: Int, _ k: Int, _ a: Operand, into c: Operand, factor: Double = 1) {
    guard n > 0, k > 0 else { return }
    _ = singleThreadedBLAS
    cblas_dsyrk(
      CblasRowMajor, CblasLower, CblasTrans, Int32(n), Int32(k), factor, a.base, Int32(a.stride), 1, c.base,
      Int32(c.stride))
  }

  /// Factorises the lower triangle of an n×n matrix with contiguous rows, in place; nil, or the pivot that failed.
  package static func factorise(_ n: Int, _ a: UnsafeMutablePointer<Double>) -> Int? {
    _ = singleThreadedBLAS
    let info = Int(clapack_cholesky(Int32(n), a))
    return info == 0 ? nil : info - 1
  }

  /// Solves L Lᵀ x = b in place, given L in the lower triangle of contiguous rows.
  package static func solve(_ n: Int, _ lower: UnsafePointer<Double>, _ b: UnsafeMutablePointer<Double>) {
    _ = singleThreadedBLAS
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, Int32(n), lower, Int32(n), b, 1)
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, Int32(n), lower, Int32(n), b, 1)
  }

  /// The lower triangle of (L Lᵀ)⁻¹ in place of L.
  package static func invert(_ n: Int, _ lower: UnsafeMutablePointer<Double>) {
    _ = singleThreadedBLAS
    _ = clapack_inverse_from_cholesky(Int32(n), lower)
  }
}
