import CKernels

/// The same numbers in another shape; shares memory.
private struct Reshape: Primitive {
  func callAsFunction(_ x: Tensor, _ shape: Shape) -> Tensor { recording(self, Inputs(x), x.viewed(as: shape)) }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(dy.reshaped(to: inputs[0].shape), to: 0)
  }
}

private struct Transpose: Primitive {
  func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(x.shape.rank == 2, "the transpose of a matrix, not of a tensor of shape \(x.shape)")
    let y = Tensor(uninitialized: [x.shape[1], x.shape[0]])
    elbo_transpose(x.pointer, y.pointer, x.shape[0], x.shape[1])
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(self(dy), to: 0)
  }
}

/// Columns `first ..< first + length` of every row, copied.
private struct SliceColumns: Primitive {
  let first: Int
  let length: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(
      x.shape.rank > 0 && first >= 0 && first + length <= x.columns,
      "columns \(first)..<\(first + length) of a tensor of shape \(x.shape)")
    let y = Tensor(uninitialized: Shape(x.shape.dimensions.dropLast() + [length]))
    for row in 0..<x.rows {
      (y.pointer + row * length).update(from: x.pointer + row * x.columns + first, count: length)
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(PadColumns(first: first, total: inputs[0].columns)(dy), to: 0)
  }
}

/// Rows set into wider rows of zeros: the transpose of a slice.
private struct PadColumns: Primitive {
  let first: Int
  let total: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor.zeros(Shape(x.shape.dimensions.dropLast() + [total]))
    for row in 0..<x.rows {
      (y.pointer + row * total + first).update(from: x.pointer + row * x.columns, count: x.columns)
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(SliceColumns(first: first, length: inputs[0].columns)(dy), to: 0)
  }
}

/// Two tensors with the same rows, side by side.
private struct JoinColumns: Primitive {
  func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    let rows = a.shape.dimensions.dropLast()
    precondition(
      a.shape.rank == b.shape.rank && a.shape.rank > 0 && rows == b.shape.dimensions.dropLast(),
      "columns of \(a.shape) and \(b.shape) side by side")
    let y = Tensor(uninitialized: Shape(rows + [a.columns + b.columns]))
    for row in 0..<a.rows {
      let start = y.pointer + row * y.columns
      start.update(from: a.pointer + row * a.columns, count: a.columns)
      (start + a.columns).update(from: b.pointer + row * b.columns, count: b.columns)
    }
    return recording(self, Inputs(a, b), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let width = inputs[0].columns
    if sink.wants(0) { sink.add(dy.columns(0..<width), to: 0) }
    if sink.wants(1) { sink.add(dy.columns(width..<dy.columns), to: 1) }
  }
}

/// Rows `first ..< first + length` along the outermost axis; shares memory.
private struct SliceRows: Primitive {
  let first: Int
  let length: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    let width = x.count / max(x.shape[0], 1)
    let shape = Shape([length] + x.shape.dimensions.dropFirst())
    return recording(self, Inputs(x), x.viewed(from: first * width, as: shape))
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(PadRows(first: first, total: inputs[0].shape[0])(dy), to: 0)
  }
}

/// Rows set among rows of zeros: the transpose of a slice.
private struct PadRows: Primitive {
  let first: Int
  let total: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor.zeros(Shape([total] + x.shape.dimensions.dropFirst()))
    (y.pointer + first * (x.count / max(x.shape[0], 1))).update(from: x.pointer, count: x.count)
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(SliceRows(first: first, length: inputs[0].shape[0])(dy), to: 0)
  }
}

/// Two tensors with the same inner extents, one below the other.
private struct JoinRows: Primitive {
  func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    let inner = a.shape.dimensions.dropFirst()
    precondition(
      a.shape.rank == b.shape.rank && a.shape.rank > 0 && inner == b.shape.dimensions.dropFirst(),
      "rows of \(a.shape) above rows of \(b.shape)")
    let y = Tensor(uninitialized: Shape([a.shape[0] + b.shape[0]] + inner))
    y.pointer.update(from: a.pointer, count: a.count)
    (y.pointer + a.count).update(from: b.pointer, count: b.count)
    return recording(self, Inputs(a, b), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let height = inputs[0].shape[0]
    if sink.wants(0) { sink.add(dy.rows(0..<height), to: 0) }
    if sink.wants(1) { sink.add(dy.rows(height..<dy.shape[0]), to: 1) }
  }
}

/// All rows, over and over: [n, …] → [times · n, …].
private struct RepeatRows: Primitive {
  let times: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor(uninitialized: Shape([times * x.shape[0]] + x.shape.dimensions.dropFirst()))
    for copy in 0..<times { (y.pointer + copy * x.count).update(from: x.pointer, count: x.count) }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let stacked = dy.reshaped(to: [times, inputs[0].count])
    sink.add(stacked.sumOfColumns().reshaped(to: inputs[0].shape), to: 0)
  }
}

extension Tensor {
  public func reshaped(to shape: Shape) -> Tensor { shape == self.shape ? self : Reshape()(self, shape) }
  public func transposed() -> Tensor { Transpose()(self) }
  /// A range of the columns: [n, c] → [n, range.count].
  public func columns(_ range: Range<Int>) -> Tensor {
    SliceColumns(first: range.lowerBound, length: range.count)(self)
  }
  /// A range along the outermost axis, sharing memory.
  public func rows(_ range: Range<Int>) -> Tensor {
    precondition(range.lowerBound >= 0 && range.upperBound <= shape[0], "rows \(range) of a tensor of shape \(shape)")
    return SliceRows(first: range.lowerBound, length: range.count)(self)
  }
  /// [n, a] and [n, b] → [n, a + b].
  public func joiningColumns(_ other: Tensor) -> Tensor { JoinColumns()(self, other) }
  /// [a, …] above [b, …] → [a + b, …].
  public func joiningRows(_ other: Tensor) -> Tensor { JoinRows()(self, other) }
  /// All rows `times` over, the whole block repeated: for several samples of each example.
  public func repeatingRows(_ times: Int) -> Tensor { times == 1 ? self : RepeatRows(times: times)(self) }
}
