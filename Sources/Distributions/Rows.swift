import CKernels
import Foundation
import Tensors

extension Shape {
  /// The shape of one number a row: […, c] → […].
  var withoutColumns: Shape { Shape((0..<Swift.max(rank - 1, 0)).lazy.map { self[$0] }) }
}

extension Tensor {
  /// Scales each row by its number, in place: for a tensor that its operation has just made.
  func scaleRows(by column: Tensor) { elbo_mul_col(pointer, column.pointer, pointer, rows, columns) }

  /// Sets each number to log N(x; 0, variance) of a row of x.
  func setToLogDensity(ofRows x: Tensor, variance: Double) {
    let constant = 0.5 * Double(x.columns) * (log2π + log(variance))
    for row in 0..<x.rows {
      let squares = elbo_sum_squares(x.pointer + row * x.columns, x.columns)
      pointer[row] = Float(-0.5 * squares / variance - constant)
    }
  }
}
