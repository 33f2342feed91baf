import CKernels
import Glibc
import Tensors

extension Shape {
  /// The shape of one number a row: […, c] → […].
  var withoutColumns: Shape { Shape((0..<Swift.max(rank - 1, 0)).lazy.map { self[$0] }) }
}

extension Tensor {
  /// Scales each row by its number, in place: for a tensor that its operation has just made.
  func scaleRows(by column: Tensor) { elbo_mul_col(pointer, column.pointer, pointer, rows, columns) }
}

/// log N(x; 0, variance) of each row of x.
func logDensity(ofRows x: Tensor, variance: Double) -> Tensor {
  let density = Tensor(uninitialized: x.shape.withoutColumns)
  let constant = 0.5 * Double(x.columns) * (log2π + log(variance))
  for row in 0..<x.rows {
    let squares = elbo_sum_squares(x.pointer + row * x.columns, x.columns)
    density.pointer[row] = Float(-0.5 * squares / variance - constant)
  }
  return density
}
