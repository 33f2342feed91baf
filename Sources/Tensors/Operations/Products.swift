import CKernels
import COneDNN

/// op(A) op(B), by oneDNN.
private struct MatrixProduct: Primitive {
  let transposeA: Bool
  let transposeB: Bool

  func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (m, _) = MatrixProduct.extents(a, transposed: transposeA)
    let (_, n) = MatrixProduct.extents(b, transposed: transposeB)
    let c = Tensor(uninitialized: [m, n])
    multiply(a, transposeA, b, transposeB, into: c)
    return recording(self, Inputs(a, b), c)
  }

  static func extents(_ x: Tensor, transposed: Bool) -> (rows: Int, columns: Int) {
    precondition(x.shape.rank == 2, "a matrix product takes matrices, not a tensor of shape \(x.shape)")
    return transposed ? (x.shape[1], x.shape[0]) : (x.shape[0], x.shape[1])
  }

  func pullback(_ dc: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (a, b) = (inputs[0], inputs[1])
    // dA = dC op(B)ᵀ, stored transposed if A is; likewise dB = op(A)ᵀ dC.
    if sink.wants(0) {
      if transposeA {
        add(b, transposeB, dc, true, to: 0, of: sink)
      } else {
        add(dc, false, b, !transposeB, to: 0, of: sink)
      }
    }
    if sink.wants(1) {
      if transposeB {
        add(dc, true, a, transposeA, to: 1, of: sink)
      } else {
        add(a, !transposeA, dc, false, to: 1, of: sink)
      }
    }
  }

  private func add(
    _ a: Tensor, _ transposeA: Bool, _ b: Tensor, _ transposeB: Bool, to input: Int, of sink: borrowing CotangentSink
  ) {
    if sink.isRecorded {
      sink.add(MatrixProduct(transposeA: transposeA, transposeB: transposeB)(a, b), to: input)
    } else {
      sink.write(to: input) { destination, accumulate in
        multiply(a, transposeA, b, transposeB, into: destination, accumulate: accumulate)
      }
    }
  }
}

/// C = activation(op(A) op(B) + bias), or C += op(A) op(B).
func multiply(
  _ a: Tensor, _ transposeA: Bool, _ b: Tensor, _ transposeB: Bool, bias: Tensor? = nil, relu: Bool = false,
  into c: Tensor, accumulate: Bool = false
) {
  let (m, k) = MatrixProduct.extents(a, transposed: transposeA)
  let (k2, n) = MatrixProduct.extents(b, transposed: transposeB)
  precondition(k == k2, "product of \(m)×\(k) and \(k2)×\(n) matrices")
  precondition(c.shape == [m, n])
  if m == 0 || n == 0 { return }
  if k == 0 {  // a sum of nothing, which oneDNN does not take
    if !accumulate { elbo_fill(0, c.pointer, c.count) }
    if let bias { elbo_add_row(c.pointer, bias.pointer, c.pointer, m, n) }
    if relu { elbo_relu(c.pointer, c.pointer, c.count) }
    return
  }
  var product = elbo_product()
  (product.m, product.n, product.k) = (m, n, k)
  (product.transpose_a, product.transpose_b) = (transposeA, transposeB)
  product.accumulate = accumulate
  product.activation = relu ? ELBO_ACTIVATION_RELU : ELBO_ACTIVATION_NONE
  let status = elbo_multiply(&product, a.pointer, b.pointer, bias?.pointer, c.pointer)
  precondition(status == 0, "oneDNN status \(status) for a product of \(m)×\(k) and \(k)×\(n)")
}

/// activation(x Wᵀ + b), the bias and relu fused into the product.
private struct Linear: Primitive {
  let activation: Activation

  func callAsFunction(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
    precondition(bias.shape == [weight.shape[0]], "a bias of shape \(bias.shape) for a weight of \(weight.shape)")
    let y = Tensor(uninitialized: [x.shape[0], weight.shape[0]])
    multiply(x, false, weight, true, bias: bias, relu: activation == .relu, into: y)
    activation.applyInPlace(y)
    return recording(self, Inputs(x, weight, bias), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output y: Tensor, into sink: borrowing CotangentSink) {
    let (x, weight) = (inputs[0], inputs[1])
    let dz = activation.pullback(dy, output: y, recorded: sink.isRecorded)
    if sink.isRecorded {
      if sink.wants(2) { sink.add(dz.sumOfColumns(), to: 2) }
      if sink.wants(1) { sink.add(dz.transposedProduct(with: x), to: 1) }
      if sink.wants(0) { sink.add(dz.product(with: weight), to: 0) }
    } else {
      sink.write(to: 2) { destination, accumulate in
        (accumulate ? elbo_sum_cols_acc : elbo_sum_cols)(dz.pointer, destination.pointer, dz.rows, dz.columns)
      }
      sink.write(to: 1) { destination, accumulate in
        multiply(dz, true, x, false, into: destination, accumulate: accumulate)
      }
      sink.write(to: 0) { destination, accumulate in
        multiply(dz, false, weight, false, into: destination, accumulate: accumulate)
      }
    }
  }
}

/// An activation whose derivative is a function of its output, so that a layer keeps one tensor and not two.
public enum Activation: String, Sendable, CaseIterable {
  case identity, relu, tanh, sigmoid

  fileprivate func applyInPlace(_ y: Tensor) {
    switch self {
    case .identity, .relu: break  // relu is fused into the product
    case .tanh: elbo_tanh(y.pointer, y.pointer, y.count)
    case .sigmoid: elbo_sigmoid(y.pointer, y.pointer, y.count)
    }
  }

  fileprivate func pullback(_ dy: Tensor, output y: Tensor, recorded: Bool) -> Tensor {
    if recorded {
      return switch self {
      case .identity: dy
      case .relu: dy * y.step()
      case .tanh: dy * (1 - y.squared())
      case .sigmoid: dy * y * (1 - y)
      }
    }
    if self == .identity { return dy }
    let dz = Tensor(uninitialized: dy.shape)
    switch self {
    case .identity: break
    case .relu: elbo_relu_grad(y.pointer, dy.pointer, dz.pointer, dz.count)
    case .tanh: elbo_tanh_grad(y.pointer, dy.pointer, dz.pointer, dz.count)
    case .sigmoid: elbo_sigmoid_grad(y.pointer, dy.pointer, dz.pointer, dz.count)
    }
    return dz
  }
}

extension Tensor {
  /// A B.
  public func product(with b: Tensor) -> Tensor { MatrixProduct(transposeA: false, transposeB: false)(self, b) }
  /// Aᵀ B.
  public func transposedProduct(with b: Tensor) -> Tensor {
    MatrixProduct(transposeA: true, transposeB: false)(self, b)
  }
  /// A Bᵀ.
  public func product(withTransposed b: Tensor) -> Tensor {
    MatrixProduct(transposeA: false, transposeB: true)(self, b)
  }

  /// activation(x Wᵀ + b) in one pass: x [n, in], weight [out, in], bias [out] → [n, out].
  public func linear(weight: Tensor, bias: Tensor, activation: Activation = .identity) -> Tensor {
    Linear(activation: activation)(self, weight, bias)
  }
}
