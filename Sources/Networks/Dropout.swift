import Tensors

/// Sets inputs to zero at random and scales the others up, so that their mean stays (Srivastava et al. 2014). Kept on
/// at prediction it is a sample of an approximate posterior (Gal and Ghahramani 2016).
public struct Dropout: Hashable, Sendable {
  /// The probability of a zero, not of keeping.
  public let rate: Double

  public init(rate: Double) {
    precondition(rate >= 0 && rate < 1, "a dropout rate lies in 0 ..< 1, not at \(rate)")
    self.rate = rate
  }

  /// x [n, d] → [n, d]. The mask of a row is a function of the key and of the row's example alone.
  public func callAsFunction(_ x: Tensor, key: RandomKey, examples: [UInt32]) -> Tensor {
    guard rate > 0 else { return x }
    let kept = (Tensor.uniform(key, rows: examples, columns: x.columns) - Float(rate)).step()
    // At the uniform number that is the rate itself, step is 0: one in 2²⁴.
    return x * (kept * Float(1 / (1 - rate)))
  }
}
