import Distributions
import Tensors

/// What a network is trained to make small. Every loss gives one number an example, [n], summed over what belongs to
/// the example and never averaged: who adds contributions divides by their examples once.
public enum Loss {
  /// −log P(label) of logits [n, c], in nats.
  public static func crossEntropy(logits: Tensor, labels: UnsafeBufferPointer<UInt32>) -> Tensor {
    -Categorical.logLikelihood(logits: logits, labels: labels)
  }

  public static func crossEntropy(logits: Tensor, labels: [UInt32]) -> Tensor {
    -Categorical.logLikelihood(logits: logits, labels: labels)
  }

  /// −Σ log P(targets) of independent logits [n, d] and targets in [0, 1], in nats.
  public static func binaryCrossEntropy(logits: Tensor, targets: Tensor) -> Tensor {
    -Bernoulli.logLikelihood(logits: logits, targets: targets)
  }

  /// Σ (prediction − target)² per row, without a factor ½.
  public static func squaredError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    (prediction - target).squared().sumOfRows()
  }
}
