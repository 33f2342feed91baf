import CKernels
import Tensors

/// The categorical distribution by its logits, P = softmax(logits); a row is one distribution, in nats: [n, c] → [n].
public enum Categorical {
  /// log P(label), per row: logits [n, c] and n labels in 0 ..< c → [n]. The labels are copied.
  public static func logLikelihood(logits: Tensor, labels: UnsafeBufferPointer<UInt32>) -> Tensor {
    CategoricalLogLikelihood()(logits, labels)
  }

  public static func logLikelihood(logits: Tensor, labels: [UInt32]) -> Tensor {
    labels.withUnsafeBufferPointer { logLikelihood(logits: logits, labels: $0) }
  }

  /// Σ t log P, per row, of targets t that are probabilities themselves: two [n, c] → [n].
  public static func logLikelihood(logits: Tensor, targets: Tensor) -> Tensor {
    (targets * logits.logSoftmax()).sumOfRows()
  }

  /// H, per row: −Σ P log P.
  public static func entropy(logits: Tensor) -> Tensor { -(logits.softmax() * logits.logSoftmax()).sumOfRows() }

  /// KL(q ‖ p), per row, of q and p by their logits: two [n, c] → [n].
  public static func divergence(logits q: Tensor, fromLogits p: Tensor) -> Tensor {
    (q.softmax() * (q.logSoftmax() - p.logSoftmax())).sumOfRows()
  }

  /// A label for each row, given n uniform numbers in [0, 1): the inverse of the row's distribution function.
  public static func sample(logits: Tensor, noise: Tensor) -> [UInt32] {
    precondition(noise.count == logits.rows && logits.columns > 0, "\(noise.shape) noise for \(logits.shape) logits")
    let probabilities = logits.detached.softmax()
    return (0..<logits.rows).map { row in
      let start = probabilities.pointer + row * logits.columns
      var (label, cumulative) = (0, Double(start[0]))
      while Double(noise.pointer[row]) >= cumulative && label + 1 < logits.columns {
        label += 1
        cumulative += Double(start[label])
      }
      // Rounding can leave the sum below 1; no noise then ends on a label that cannot be.
      while start[label] == 0 && label > 0 { label -= 1 }
      return UInt32(label)
    }
  }
}

/// Its third input, one-hot minus softmax, is the derivative by the logits; its second the labels as numbers, from
/// which the derivative's own derivative is made.
private struct CategoricalLogLikelihood: Primitive {
  func callAsFunction(_ logits: Tensor, _ labels: UnsafeBufferPointer<UInt32>) -> Tensor {
    let (rows, columns) = (logits.rows, logits.columns)
    precondition(labels.count == rows, "\(labels.count) labels for logits of shape \(logits.shape)")
    precondition(columns <= 1 << 24, "a class number that a float cannot hold")
    let density = Tensor(uninitialized: logits.shape.withoutColumns)
    elbo_logsumexp_rows(logits.pointer, density.pointer, rows, columns)
    for row in 0..<rows {
      precondition(labels[row] < columns, "label \(labels[row]) of \(columns) classes")
      density.pointer[row] = logits.pointer[row * columns + Int(labels[row])] - density.pointer[row]
    }
    guard logits.isRecorded else { return density }
    let residual = Tensor(uninitialized: logits.shape)
    elbo_softmax_rows(logits.pointer, residual.pointer, rows, columns)
    elbo_neg(residual.pointer, residual.pointer, residual.count)
    let numbers = Tensor(uninitialized: density.shape)
    for row in 0..<rows {
      residual.pointer[row * columns + Int(labels[row])] += 1
      numbers.pointer[row] = Float(labels[row])
    }
    return recording(self, Inputs(logits, numbers, residual), density)
  }

  func pullback(_ dy: Tensor, inputs: Inputs, output: Tensor, into sink: borrowing CotangentSink) {
    let (logits, numbers, residual) = (inputs[0], inputs[1], inputs[2])
    guard sink.isRecorded else { return sink.add(residual.multiplyingColumn(dy), to: 0) }
    let oneHot = Tensor.zeros(logits.shape)
    for row in 0..<logits.rows { oneHot.pointer[row * logits.columns + Int(numbers.pointer[row])] = 1 }
    sink.add((oneHot - logits.softmax()).multiplyingColumn(dy), to: 0)
  }
}
