import CKernels
import Tensors

/// The diagonal Gaussian N(μ, σ²), independent in every element; a row of a matrix is one point.
///
/// Scale is given as log σ², called log variance and not log standard deviation: the head of a network may put out any
/// number. Everything is in nats, summed over a row and never averaged: [n, d] → [n].
public enum Gaussian {
  /// log N(x; mean, exp(logVariance)), per row: three [n, d] → [n].
  public static func logLikelihood(of x: Tensor, mean: Tensor, logVariance: Tensor) -> Tensor {
    GaussianLogLikelihood()(x, mean, logVariance)
  }

  /// log N(x; mean, variance), per row, with one known variance (not a standard deviation): two [n, d] → [n].
  public static func logLikelihood(of x: Tensor, mean: Tensor, variance: Float) -> Tensor {
    precondition(variance > 0, "a variance is positive, not \(variance)")
    return IsotropicLogLikelihood(variance: variance)(x, mean)
  }

  /// log N(z; 0, 1), per row: [n, d] → [n].
  public static func standardNormalLogLikelihood(of z: Tensor) -> Tensor { StandardNormalLogLikelihood()(z) }

  /// KL(N(mean, exp(logVariance)) ‖ N(0, 1)), per row (Kingma and Welling 2013, appendix B): two [n, d] → [n].
  public static func divergenceFromStandardNormal(mean: Tensor, logVariance: Tensor) -> Tensor {
    StandardNormalDivergence()(mean, logVariance)
  }

  /// KL(q ‖ p), per row, of q = N(mean, exp(logVariance)) from p = N(mean₂, exp(logVariance₂)): four [n, d] → [n].
  ///
  /// ½ Σ (r − log(1 + r) + (μ − μ₂)² / σ₂²) with 1 + r = σ² / σ₂²; r comes from `expm1`, so that it is exactly 0, and
  /// keeps its digits nearby, when q = p.
  public static func divergence(
    mean: Tensor, logVariance: Tensor, fromMean mean2: Tensor, logVariance logVariance2: Tensor
  ) -> Tensor {
    let logRatio = logVariance - logVariance2
    let distance = (mean - mean2).squared() * (-logVariance2).exp()
    return (logRatio.expm1() - logRatio + distance).sumOfRows() * 0.5
  }

  /// H(N(·, exp(logVariance))), per row: ½ Σ (1 + log 2π + log σ²).
  public static func entropy(logVariance: Tensor) -> Tensor {
    logVariance.sumOfRows() * 0.5 + Float(0.5 * (1 + log2π) * Double(logVariance.columns))
  }

  /// mean + exp(logVariance / 2) · noise: a sample through which derivatives flow, given standard normal noise of the
  /// same shape (Kingma and Welling 2013, section 2.4).
  public static func sample(mean: Tensor, logVariance: Tensor, noise: Tensor) -> Tensor {
    Reparameterise()(mean, logVariance, noise)
  }
}

let log2π = 1.8378770664093454836

private struct GaussianLogLikelihood: Primitive {
  func callAsFunction(_ x: Tensor, _ mean: Tensor, _ logVariance: Tensor) -> Tensor {
    precondition(
      x.shape == mean.shape && x.shape == logVariance.shape, "\(x.shape), \(mean.shape), \(logVariance.shape)")
    let density = Tensor(uninitialized: x.shape.withoutColumns)
    elbo_gaussian_ll_rows(
      x.pointer, mean.pointer, logVariance.pointer, density.pointer, nil, nil, x.rows, x.columns)
    return recording(self, Inputs(x, mean, logVariance), density)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (x, mean, logVariance) = (inputs[0], inputs[1], inputs[2])
    let wantsMean = sink.wants(0) || sink.wants(1)
    if sink.isRecorded {
      let precision = (-logVariance).exp()
      let slope = (x - mean) * precision  // ∂/∂mean
      if wantsMean {
        let dMean = slope.multiplyingColumn(dy)
        sink.add(dMean, to: 1)
        if sink.wants(0) { sink.add(-dMean, to: 0) }
      }
      if sink.wants(2) { sink.add((((x - mean) * slope - 1) * 0.5).multiplyingColumn(dy), to: 2) }
    } else {
      let dMean = wantsMean ? Tensor(uninitialized: x.shape) : nil
      let dLogVariance = sink.wants(2) ? Tensor(uninitialized: x.shape) : nil
      elbo_gaussian_ll_rows(
        x.pointer, mean.pointer, logVariance.pointer, nil, dMean?.pointer, dLogVariance?.pointer, x.rows, x.columns)
      if let dMean {
        dMean.scaleRows(by: dy)
        sink.add(dMean, to: 1)
        if sink.wants(0) { sink.add(-dMean, to: 0) }
      }
      if let dLogVariance {
        dLogVariance.scaleRows(by: dy)
        sink.add(dLogVariance, to: 2)
      }
    }
  }
}

private struct IsotropicLogLikelihood: Primitive {
  let variance: Float

  func callAsFunction(_ x: Tensor, _ mean: Tensor) -> Tensor {
    precondition(x.shape == mean.shape, "\(x.shape) and \(mean.shape)")
    let residual = Tensor(uninitialized: x.shape)
    elbo_sub(x.pointer, mean.pointer, residual.pointer, x.count)
    return recording(self, Inputs(x, mean, residual), logDensity(ofRows: residual, variance: Double(variance)))
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let residual = sink.isRecorded ? inputs[0] - inputs[1] : inputs[2]
    let slope = dy * (1 / variance)
    if sink.wants(0) { sink.add(residual.multiplyingColumn(-slope), to: 0) }
    if sink.wants(1) { sink.add(residual.multiplyingColumn(slope), to: 1) }
  }
}

private struct StandardNormalLogLikelihood: Primitive {
  func callAsFunction(_ z: Tensor) -> Tensor {
    recording(self, Inputs(z), logDensity(ofRows: z, variance: 1))
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    sink.add(inputs[0].multiplyingColumn(-dy), to: 0)
  }
}

private struct StandardNormalDivergence: Primitive {
  func callAsFunction(_ mean: Tensor, _ logVariance: Tensor) -> Tensor {
    precondition(mean.shape == logVariance.shape, "\(mean.shape) and \(logVariance.shape)")
    let divergence = Tensor(uninitialized: mean.shape.withoutColumns)
    elbo_gaussian_kl_rows(mean.pointer, logVariance.pointer, divergence.pointer, nil, nil, mean.rows, mean.columns)
    return recording(self, Inputs(mean, logVariance), divergence)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (mean, logVariance) = (inputs[0], inputs[1])
    if sink.wants(0) { sink.add(mean.multiplyingColumn(dy), to: 0) }
    guard sink.wants(1) else { return }
    if sink.isRecorded {
      sink.add(logVariance.expm1().multiplyingColumn(dy * 0.5), to: 1)
    } else {
      let dLogVariance = Tensor(uninitialized: mean.shape)
      elbo_gaussian_kl_rows(
        mean.pointer, logVariance.pointer, nil, nil, dLogVariance.pointer, mean.rows, mean.columns)
      dLogVariance.scaleRows(by: dy)
      sink.add(dLogVariance, to: 1)
    }
  }
}

private struct Reparameterise: Primitive {
  func callAsFunction(_ mean: Tensor, _ logVariance: Tensor, _ noise: Tensor) -> Tensor {
    precondition(
      mean.shape == logVariance.shape && mean.shape == noise.shape,
      "\(mean.shape), \(logVariance.shape), \(noise.shape)")
    let z = Tensor(uninitialized: mean.shape)
    elbo_reparameterise(mean.pointer, logVariance.pointer, noise.pointer, z.pointer, z.count)
    return recording(self, Inputs(mean, logVariance, noise), z)
  }

  func pullback(_ dz: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (logVariance, noise) = (inputs[1], inputs[2])
    sink.add(dz, to: 0)
    if sink.isRecorded {
      let deviation = (logVariance * 0.5).exp()
      if sink.wants(1) { sink.add(dz * noise * deviation * 0.5, to: 1) }
      if sink.wants(2) { sink.add(dz * deviation, to: 2) }
    } else {
      if sink.wants(1) {
        let dLogVariance = Tensor(uninitialized: dz.shape)
        elbo_reparameterise_grad(
          logVariance.pointer, noise.pointer, dz.pointer, dLogVariance.pointer, dz.count)
        sink.add(dLogVariance, to: 1)
      }
      if sink.wants(2) { sink.add(dz * (logVariance * 0.5).exp(), to: 2) }
    }
  }
}
