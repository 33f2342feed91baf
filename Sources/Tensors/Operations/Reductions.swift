import CKernels

// Sums and the broadcasts that are their derivatives. A tensor of shape […, c] is seen as rows of length c.

/// Sums along rows ([…, c] → […]), down columns ([…, c] → [c]) or over everything (→ scalar). Accumulated in double.
private struct Sum: Primitive {
  let over: Broadcast.Kind

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: over.reduced(x.shape))
    switch over {
    case .alongRows: elbo_sum_rows(x.pointer, y.pointer, x.rows, x.columns)
    case .downColumns: elbo_sum_cols(x.pointer, y.pointer, x.rows, x.columns)
    case .everything: y.pointer[0] = Float(elbo_sum(x.pointer, x.count))
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(Broadcast(kind: over)(dy, to: inputs[0].shape), to: 0)
  }
}

/// Repeats numbers over a shape: the transpose of a sum.
private struct Broadcast: Primitive {
  enum Kind: UInt8 {
    case alongRows, downColumns, everything

    func reduced(_ shape: Shape) -> Shape {
      switch self {
      case .alongRows: Shape(shape.dimensions.dropLast())
      case .downColumns: [shape.columns]
      case .everything: .scalar
      }
    }
  }

  let kind: Kind

  func callAsFunction(_ x: Tensor, to shape: Shape) -> Tensor {
    precondition(kind.reduced(shape) == x.shape, "\(x.shape) cannot be repeated to \(shape)")
    let y = Tensor(uninitialized: shape)
    switch kind {
    case .everything: elbo_fill(x.pointer[0], y.pointer, y.count)
    case .downColumns:
      for row in 0..<shape.rows { (y.pointer + row * shape.columns).update(from: x.pointer, count: shape.columns) }
    case .alongRows:
      for row in 0..<shape.rows { elbo_fill(x.pointer[row], y.pointer + row * shape.columns, shape.columns) }
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(Sum(over: kind)(dy), to: 0)
  }
}

/// A vector applied to every row, or to every column, of a matrix.
private struct VectorToMatrix: Primitive {
  enum Function: UInt8 { case addRow, multiplyRow, addColumn, multiplyColumn }

  let function: Function

  private var kind: Broadcast.Kind {
    switch function {
    case .addRow, .multiplyRow: .downColumns
    case .addColumn, .multiplyColumn: .alongRows
    }
  }

  func callAsFunction(_ x: Tensor, _ v: Tensor) -> Tensor {
    precondition(kind.reduced(x.shape) == v.shape, "\(function) of shapes \(x.shape) and \(v.shape)")
    let y = Tensor(uninitialized: x.shape)
    switch function {
    case .addRow: elbo_add_row(x.pointer, v.pointer, y.pointer, x.rows, x.columns)
    case .multiplyRow: elbo_mul_row(x.pointer, v.pointer, y.pointer, x.rows, x.columns)
    case .addColumn: elbo_add_col(x.pointer, v.pointer, y.pointer, x.rows, x.columns)
    case .multiplyColumn: elbo_mul_col(x.pointer, v.pointer, y.pointer, x.rows, x.columns)
    }
    return recording(self, Inputs(x, v), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (x, v) = (inputs[0], inputs[1])
    switch function {
    case .addRow, .addColumn:
      sink.add(dy, to: 0)
      guard sink.wants(1) else { return }
      if function == .addRow && !sink.isRecorded {
        sink.write(to: 1) { destination, accumulate in
          (accumulate ? elbo_sum_cols_acc : elbo_sum_cols)(dy.pointer, destination.pointer, dy.rows, dy.columns)
        }
      } else {
        sink.add(Sum(over: kind)(dy), to: 1)
      }
    case .multiplyRow, .multiplyColumn:
      if sink.wants(0) { sink.add(self(dy, v), to: 0) }
      if sink.wants(1) { sink.add(Sum(over: kind)(dy * x), to: 1) }
    }
  }
}

/// log Σ exp, softmax and log-softmax along rows, safe for any finite numbers.
private struct SoftRows: Primitive {
  enum Function: UInt8 { case logSumExp, softmax, logSoftmax }

  let function: Function

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: function == .logSumExp ? Broadcast.Kind.alongRows.reduced(x.shape) : x.shape)
    switch function {
    case .logSumExp: elbo_logsumexp_rows(x.pointer, y.pointer, x.rows, x.columns)
    case .softmax: elbo_softmax_rows(x.pointer, y.pointer, x.rows, x.columns)
    case .logSoftmax: elbo_log_softmax_rows(x.pointer, y.pointer, x.rows, x.columns)
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output y: Tensor, into sink: borrowing CotangentSink) {
    switch function {
    case .logSumExp: sink.add(inputs[0].softmax().multiplyingColumn(dy), to: 0)
    case .softmax:
      if sink.isRecorded {
        sink.add(y * dy.addingColumn(-(dy * y).sumOfRows()), to: 0)
      } else {
        let dx = Tensor(uninitialized: y.shape)
        elbo_softmax_rows_grad(y.pointer, dy.pointer, dx.pointer, y.rows, y.columns)
        sink.add(dx, to: 0)
      }
    case .logSoftmax: sink.add(dy - y.exp().multiplyingColumn(dy.sumOfRows()), to: 0)
    }
  }
}

extension Tensor {
  /// Σ of all numbers, a scalar.
  public func sum() -> Tensor { Sum(over: .everything)(self) }
  /// The mean of all numbers, a scalar.
  public func mean() -> Tensor { sum() * (1 / Float(count)) }
  /// Σ along each row: [n, c] → [n].
  public func sumOfRows() -> Tensor { Sum(over: .alongRows)(self) }
  /// Σ down each column: [n, c] → [c].
  public func sumOfColumns() -> Tensor { Sum(over: .downColumns)(self) }

  /// A scalar repeated over a shape.
  public func repeated(to shape: Shape) -> Tensor { Broadcast(kind: .everything)(self, to: shape) }
  /// A row [c] repeated down a shape […, c].
  public func repeatedDown(to shape: Shape) -> Tensor { Broadcast(kind: .downColumns)(self, to: shape) }
  /// A column […] repeated along the rows of a shape […, c].
  public func repeatedAlong(to shape: Shape) -> Tensor { Broadcast(kind: .alongRows)(self, to: shape) }

  /// [n, c] + [c]: the vector is added to every row.
  public func addingRow(_ row: Tensor) -> Tensor { VectorToMatrix(function: .addRow)(self, row) }
  /// [n, c] · [c], elementwise in every row.
  public func multiplyingRow(_ row: Tensor) -> Tensor { VectorToMatrix(function: .multiplyRow)(self, row) }
  /// [n, c] + [n]: each row gets its number added.
  public func addingColumn(_ column: Tensor) -> Tensor { VectorToMatrix(function: .addColumn)(self, column) }
  /// [n, c] · [n]: each row is scaled by its number.
  public func multiplyingColumn(_ column: Tensor) -> Tensor { VectorToMatrix(function: .multiplyColumn)(self, column) }

  /// log Σ exp along each row: [n, c] → [n].
  public func logSumExpOfRows() -> Tensor { SoftRows(function: .logSumExp)(self) }
  public func softmax() -> Tensor { SoftRows(function: .softmax)(self) }
  public func logSoftmax() -> Tensor { SoftRows(function: .logSoftmax)(self) }
}
