import CKernels
import Tensors

/// The Bernoulli distribution by its logits l, with P(1) = sigmoid(l); independent in every element, a row is one point.
///
/// Nothing takes a probability where a logit will do: log P stays finite, and keeps its digits, for any finite logit.
/// Everything is in nats, summed over a row: [n, d] → [n].
public enum Bernoulli {
  /// Σ t log P(1) + (1 − t) log P(0), per row, of targets t in [0, 1]: two [n, d] → [n].
  public static func logLikelihood(logits: Tensor, targets: Tensor) -> Tensor {
    BernoulliLogLikelihood()(logits, targets)
  }

  /// H, per row: Σ softplus(l) − l sigmoid(l).
  public static func entropy(logits: Tensor) -> Tensor {
    (logits.softplus() - logits * logits.sigmoid()).sumOfRows()
  }

  /// KL(q ‖ p), per row, of q and p by their logits: two [n, d] → [n].
  public static func divergence(logits q: Tensor, fromLogits p: Tensor) -> Tensor {
    (q.sigmoid() * (q - p) + p.softplus() - q.softplus()).sumOfRows()
  }

  /// 1 with probability sigmoid(logits), else 0, given uniform noise in [0, 1) of the same shape; no derivative.
  public static func sample(logits: Tensor, noise: Tensor) -> Tensor {
    logits.detached.sigmoid().isGreater(than: noise)
  }
}

private struct BernoulliLogLikelihood: Primitive {
  func callAsFunction(_ logits: Tensor, _ targets: Tensor) -> Tensor {
    precondition(logits.shape == targets.shape, "logits of shape \(logits.shape), targets of \(targets.shape)")
    let density = Tensor(uninitialized: logits.shape.withoutColumns)
    guard logits.isRecorded || targets.isRecorded else {
      elbo_bernoulli_ll_rows(
        logits.pointer, targets.pointer, density.pointer, nil, logits.rows, logits.columns)
      return density
    }
    // t − sigmoid(l) falls out of the same pass and is the derivative by the logits.
    let residual = Tensor(uninitialized: logits.shape)
    elbo_bernoulli_ll_rows(
      logits.pointer, targets.pointer, density.pointer, residual.pointer, logits.rows, logits.columns)
    return recording(self, Inputs(logits, targets, residual), density)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (logits, targets) = (inputs[0], inputs[1])
    if sink.wants(0) {
      let residual = sink.isRecorded ? targets - logits.sigmoid() : inputs[2]
      sink.add(residual.multiplyingColumn(dy), to: 0)
    }
    if sink.wants(1) { sink.add(logits.multiplyingColumn(dy), to: 1) }
  }
}
