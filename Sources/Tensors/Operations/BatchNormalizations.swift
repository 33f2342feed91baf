import CKernels

/// y = f(γ (x − m) / √(v + ε) + β) for each column, with mean m and variance v of the rows, and f(z) = z where z > 0,
/// slope · z elsewhere (Ioffe and Szegedy 2015, algorithm 1).
private struct BatchNormalize: Primitive {
  /// Of the columns; the variance is the biased one.
  final class Moments {
    let mean: Tensor
    let variance: Tensor

    init(_ x: Tensor) {
      mean = Tensor(uninitialized: [x.columns])
      variance = Tensor(uninitialized: [x.columns])
      elbo_column_moments(x.pointer, mean.pointer, variance.pointer, x.rows, x.columns)
    }
  }

  let moments: Moments
  let epsilon: Float
  /// 1: no rectification.
  let slope: Float

  private var inverse: Tensor { (moments.variance + epsilon).reciprocalSquareRoot() }

  func callAsFunction(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
    precondition(weight.shape == [x.columns] && bias.shape == [x.columns], "a weight and a bias for each column")
    let y = Tensor(uninitialized: x.shape)
    let scale = inverse * weight.detached
    elbo_normalise_columns(
      x.pointer, moments.mean.pointer, scale.pointer, bias.pointer, slope, y.pointer, x.rows, x.columns)
    return recording(self, Inputs(x, weight, bias), y)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output y: Tensor, into sink: borrowing CotangentSink) {
    let (x, weight, bias) = (inputs[0], inputs[1], inputs[2])
    let share = 1 / Float(x.rows)
    if sink.isRecorded {
      let centred = x.addingRow(x.sumOfColumns() * -share)
      let inverse = (centred.squared().sumOfColumns() * share + epsilon).reciprocalSquareRoot()
      let normal = centred.multiplyingRow(inverse)
      let dz = slope == 1 ? dy : dy * (y.step() * (1 - slope) + slope)
      let (sum, product) = (dz.sumOfColumns(), (dz * normal).sumOfColumns())
      sink.add(sum, to: 2)
      sink.add(product, to: 1)
      if sink.wants(0) {
        let residual = dz.addingRow(sum * -share) - normal.multiplyingRow(product * share)
        sink.add(residual.multiplyingRow(inverse * weight), to: 0)
      }
      return
    }
    let inverse = inverse
    let scale = inverse * weight
    let (sum, product) = (Tensor(uninitialized: [x.columns]), Tensor(uninitialized: [x.columns]))
    elbo_normalise_columns_sums(
      x.pointer, moments.mean.pointer, scale.pointer, bias.pointer, slope, dy.pointer, sum.pointer, product.pointer,
      x.rows, x.columns)
    sink.add(sum, to: 2)
    sink.add(product * inverse, to: 1)
    guard sink.wants(0) else { return }
    let along = product * inverse.squared() * scale * -share
    let constant = sum * scale * -share
    let dx = Tensor(uninitialized: x.shape)
    elbo_normalise_columns_grad(
      x.pointer, moments.mean.pointer, scale.pointer, bias.pointer, slope, dy.pointer, along.pointer, constant.pointer,
      dx.pointer, x.rows, x.columns)
    sink.add(dx, to: 0)
  }
}

extension Tensor {
  /// Takes each column of […, c] to mean 0 and variance 1 over all rows, then to γ and β [c], then rectifies.
  /// - Parameter slope: of the rectification below 0; 1: none.
  /// - Returns: the result; mean and biased variance of the columns, off the tape.
  public func batchNormalized(
    weight: Tensor, bias: Tensor, epsilon: Float, slope: Float = 1
  ) -> (output: Tensor, mean: Tensor, variance: Tensor) {
    precondition(rows > 0, "statistics of no rows")
    let moments = BatchNormalize.Moments(self)
    let output = BatchNormalize(moments: moments, epsilon: epsilon, slope: slope)(self, weight, bias)
    return (output, moments.mean, moments.variance)
  }
}
