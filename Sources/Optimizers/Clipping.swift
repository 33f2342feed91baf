import CKernels

/// Keeps one bad batch from throwing the parameters far off.
public enum Clipping: Hashable, Sendable {
  case none
  /// Each number of the gradient is held between −limit and limit.
  case value(Double)
  /// The whole gradient is shortened to this Euclidean length if it is longer (Pascanu, Mikolov and Bengio 2012).
  case norm(Double)

  /// Σ g² over a range. For a norm that does not depend on lanes, cut the buffer into blocks of one fixed length and
  /// hand the blocks' sums, in order, to `gradientScale`.
  public static func sumOfSquares(_ range: Range<Int>, of gradient: UnsafePointer<Float>) -> Double {
    elbo_sum_squares(gradient + range.lowerBound, range.count)
  }

  /// What `Optimizer.update` is to multiply the gradient with: `scale`, shortened further if the scaled gradient is
  /// longer than the limit. As in PyTorch, limit / (norm + 1e-6). Not a number if the gradient is not finite.
  public func gradientScale(_ scale: Float = 1, sumsOfSquares: some Sequence<Double>) -> Float {
    guard case .norm(let limit) = self else { return scale }
    let norm = sumsOfSquares.reduce(0, +).squareRoot() * Double(abs(scale))
    guard norm.isFinite else { return .nan }
    return scale * Float(min(1, limit / (norm + 1e-6)))
  }

  /// Holds the numbers of a range to the limit of `value`; else does nothing. The limit is for the gradient times
  /// `scale`, with which it is yet to be multiplied.
  public func clampValues(_ range: Range<Int>, of gradient: UnsafeMutablePointer<Float>, scale: Float = 1) {
    guard case .value(let limit) = self else { return }
    let bound = Float(limit / Double(abs(scale)))
    let start = gradient + range.lowerBound
    elbo_clamp(start, -bound, bound, start, range.count)
  }
}
