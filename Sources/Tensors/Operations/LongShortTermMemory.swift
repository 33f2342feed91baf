import CKernels

/// All steps of a cell of long short-term memory over a window; see `Tensor.longShortTermMemory`.
private struct LongShortTermMemory: Primitive {
  let steps: Int
  /// i, f, g, o of every row, [rows, 4 width].
  let gates: Tensor
  /// tanh c of every row, [rows, width].
  let squashed: Tensor
  /// What the recurrent product sees of h before each step, [rows, width].
  let seen: Tensor
  /// What h is multiplied with before the recurrent product, [rows, width].
  let mask: Tensor?

  static func forward(_ sums: Tensor, _ state: Tensor, _ weight: Tensor, mask: Tensor?) -> Tensor {
    let (width, count) = (weight.shape[1], state.rows)
    precondition(
      weight.shape == [4 * width, width] && sums.columns == 4 * width && state.columns == 2 * width
        && sums.rows % max(count, 1) == 0 && (mask == nil || mask!.shape == [sums.rows, width]),
      "sums of \(sums.shape), a state of \(state.shape) and recurrent weights of \(weight.shape)")
    let rows = sums.rows
    let result = Tensor(uninitialized: [rows, 2 * width])
    let cell = LongShortTermMemory(
      steps: count > 0 ? rows / count : 0, gates: Tensor(uninitialized: sums.shape),
      squashed: Tensor(uninitialized: [rows, width]), seen: Tensor(uninitialized: [rows, width]), mask: mask?.detached)
    cell.gates.pointer.update(from: sums.pointer, count: sums.count)
    // Read row by row in every step: once transposed, it need not be turned in each.
    let turned = Tensor(uninitialized: [width, 4 * width])
    elbo_transpose(weight.pointer, turned.pointer, 4 * width, width)
    for step in 0..<cell.steps {
      let first = step * count
      let before = step == 0 ? state.pointer : result.pointer + (first - count) * 2 * width
      for row in 0..<count {
        let (h, seen) = (before + row * 2 * width, cell.seen.pointer + (first + row) * width)
        if let mask {
          elbo_mul(h, mask.pointer + (first + row) * width, seen, width)
        } else {
          seen.update(from: h, count: width)
        }
      }
      multiply(
        cell.seen.viewed(from: first * width, as: [count, width]), false, turned, false,
        into: cell.gates.viewed(from: first * 4 * width, as: [count, 4 * width]), accumulate: true)
      for row in 0..<count {
        let place = first + row
        let (gates, squashed) = (cell.gates.pointer + place * 4 * width, cell.squashed.pointer + place * width)
        let h = result.pointer + place * 2 * width
        let (c, earlier) = (h + width, before + row * 2 * width + width)
        elbo_sigmoid(gates, gates, 2 * width)
        elbo_tanh(gates + 2 * width, gates + 2 * width, width)
        elbo_sigmoid(gates + 3 * width, gates + 3 * width, width)
        elbo_mul(gates + width, earlier, c, width)
        elbo_fma(gates, gates + 2 * width, c, c, width)
        elbo_tanh(c, squashed, width)
        elbo_mul(gates + 3 * width, squashed, h, width)
      }
    }
    return recording(cell, Inputs(sums, state, weight), result)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    guard !sink.isRecorded else { return recordedPullback(dy, inputs: inputs, output: output, into: sink) }
    let (state, weight) = (inputs[1], inputs[2])
    let (width, count) = (weight.shape[1], state.rows)
    let dSums = Tensor(uninitialized: gates.shape)
    // What comes from the step behind: of h, [count, width], and of c.
    let (dh, dc) = (Tensor.zeros([count, width]), Tensor.zeros([count, width]))
    let scratch = Tensor(uninitialized: [2, width])
    let (product, ofH) = (scratch.pointer, scratch.pointer + width)
    for step in (0..<steps).reversed() {
      let first = step * count
      for row in 0..<count {
        let place = first + row
        let (i, squashed) = (gates.pointer + place * 4 * width, squashed.pointer + place * width)
        let (f, g, o) = (i + width, i + 2 * width, i + 3 * width)
        let earlier =
          (step == 0 ? state.pointer + row * 2 * width : output.pointer + (place - count) * 2 * width) + width
        let (fromAbove, di) = (dy.pointer + place * 2 * width, dSums.pointer + place * 4 * width)
        let ofC = dc.pointer + row * width
        elbo_add(fromAbove, dh.pointer + row * width, ofH, width)
        elbo_add(fromAbove + width, ofC, ofC, width)
        elbo_mul(ofH, o, product, width)
        elbo_tanh_grad(squashed, product, product, width)
        elbo_add(ofC, product, ofC, width)
        elbo_mul(ofC, g, product, width)
        elbo_sigmoid_grad(i, product, di, width)
        elbo_mul(ofC, earlier, product, width)
        elbo_sigmoid_grad(f, product, di + width, width)
        elbo_mul(ofC, i, product, width)
        elbo_tanh_grad(g, product, di + 2 * width, width)
        elbo_mul(ofH, squashed, product, width)
        elbo_sigmoid_grad(o, product, di + 3 * width, width)
        elbo_mul(ofC, f, ofC, width)
      }
      multiply(dSums.viewed(from: first * 4 * width, as: [count, 4 * width]), false, weight, false, into: dh)
      if let mask { elbo_mul(dh.pointer, mask.pointer + first * width, dh.pointer, dh.count) }
    }
    sink.add(dSums, to: 0)
    if sink.wants(1) { sink.add(dh.joiningColumns(dc), to: 1) }
    sink.write(to: 2) { destination, accumulate in
      multiply(dSums, true, seen, false, into: destination, accumulate: accumulate)
    }
  }

  /// The same of primitives, step by step, from the inputs and the output.
  private func recordedPullback(
    _ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink
  ) {
    let (sums, state, weight) = (inputs[0], inputs[1], inputs[2])
    let (width, count) = (weight.shape[1], state.rows)
    var (dh, dc) = (Tensor.zeros([count, width]), Tensor.zeros([count, width]))
    var (dSums, dWeight): (Tensor?, Tensor?) = (nil, nil)
    for step in (0..<steps).reversed() {
      let rows = step * count..<(step + 1) * count
      let before = step == 0 ? state : output.rows(rows.lowerBound - count..<rows.lowerBound)
      let ownMask = mask?.rows(rows)
      let (h, earlier) = (before.columns(0..<width), before.columns(width..<2 * width))
      let seen = ownMask.map { h * $0 } ?? h
      let z = sums.rows(rows) + seen.product(withTransposed: weight)
      let (i, f) = (z.columns(0..<width).sigmoid(), z.columns(width..<2 * width).sigmoid())
      let (g, o) = (z.columns(2 * width..<3 * width).tanh(), z.columns(3 * width..<4 * width).sigmoid())
      let squashed = output.rows(rows).columns(width..<2 * width).tanh()
      let ofH = dy.rows(rows).columns(0..<width) + dh
      let ofC = dy.rows(rows).columns(width..<2 * width) + dc + ofH * o * (1 - squashed.squared())
      let dz = (ofC * g * i * (1 - i)).joiningColumns(ofC * earlier * f * (1 - f))
        .joiningColumns(ofC * i * (1 - g.squared())).joiningColumns(ofH * squashed * o * (1 - o))
      let back = dz.product(with: weight)
      (dh, dc) = (ownMask.map { back * $0 } ?? back, ofC * f)
      let own = dz.transposedProduct(with: seen)
      dWeight = dWeight.map { $0 + own } ?? own
      dSums = dSums.map { dz.joiningRows($0) } ?? dz
    }
    if let dSums, let dWeight {
      sink.add(dSums, to: 0)
      sink.add(dWeight, to: 2)
    }
    sink.add(dh.joiningColumns(dc), to: 1)
  }
}

extension Tensor {
  /// All steps of a cell of long short-term memory over a window: h and c behind every step, [steps · n, 2 width].
  ///
  ///     i, f, o = σ(z), g = tanh(z), z = sums + (mask ∘ h) Uᵀ in the order i, f, g, o
  ///     c' = f ∘ c + i ∘ g,  h' = o ∘ tanh(c')
  ///
  /// The receiver holds the sums of inputs and biases, [steps · n, 4 width], the rows of the first step first.
  /// - Parameters:
  ///   - state: h and c of n sequences before the first step, [n, 2 width].
  ///   - weight: U, [4 width, width].
  ///   - mask: of the h that each step's product sees, [steps · n, width]; nil: all of it.
  public func longShortTermMemory(from state: Tensor, weight: Tensor, mask: Tensor? = nil) -> Tensor {
    LongShortTermMemory.forward(self, state, weight, mask: mask)
  }
}
