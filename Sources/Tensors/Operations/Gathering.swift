/// Rows of a table by their numbers, [v, …] → [n, …].
private struct GatherRows: Primitive {
  let numbers: [UInt32]

  func callAsFunction(_ x: Tensor) -> Tensor {
    let width = x.count / max(x.shape[0], 1)
    let y = Tensor(uninitialized: Shape([numbers.count] + x.shape.dimensions.dropFirst()))
    for (row, number) in numbers.enumerated() {
      precondition(number < x.shape[0], "row \(number) of a tensor of shape \(x.shape)")
      (y.pointer + row * width).update(from: x.pointer + Int(number) * width, count: width)
    }
    return recording(self, Inputs(x), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let scatter = ScatterRows(numbers: numbers, count: inputs[0].shape[0])
    guard !sink.isRecorded else { return sink.add(scatter(dy), to: 0) }
    sink.write(to: 0) { target, accumulate in
      if !accumulate { target.pointer.update(repeating: 0, count: target.count) }
      scatter.add(dy, to: target)
    }
  }
}

/// Rows added to rows of zeros by their numbers, in their order: the transpose of gathering.
private struct ScatterRows: Primitive {
  let numbers: [UInt32]
  let count: Int

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = Tensor.zeros(Shape([count] + x.shape.dimensions.dropFirst()))
    add(x, to: y)
    return recording(self, Inputs(x), y)
  }

  func add(_ x: Tensor, to y: Tensor) {
    let width = x.count / max(numbers.count, 1)
    for (row, number) in numbers.enumerated() {
      let (source, target) = (x.pointer + row * width, y.pointer + Int(number) * width)
      for column in 0..<width { target[column] += source[column] }
    }
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(GatherRows(numbers: numbers)(dy), to: 0)
  }
}

extension Tensor {
  /// The rows at some numbers, in that order: [v, …] → [n, …]. The derivative of a row that is named several times is
  /// added in the order of the numbers.
  public func gatheringRows(_ numbers: [UInt32]) -> Tensor { GatherRows(numbers: numbers)(self) }
}
