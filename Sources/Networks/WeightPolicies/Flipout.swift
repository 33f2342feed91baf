import Tensors

/// Flipout: one draw's deviations from the means, with signs of each example's own on inputs and outputs (Wen, Vicol,
/// Ba, Tran and Grosse 2018, equation 4).
///
/// a = x μᵀ + ((x ∘ s) Δᵀ) ∘ r with Δ = w − μ for one draw w, s and r of −1 and 1. For images s and r are drawn per
/// example and channel, not per pixel: so the covariance between the pixels of an example is that of a draw.
public struct Flipout {
  /// μ of the network's slots.
  public let means: ParameterViews
  /// Δ of the network's slots.
  public let deviations: ParameterViews
  /// Signs, counted upwards by layer.
  public let key: RandomKey

  public init(means: ParameterViews, deviations: ParameterViews, key: RandomKey) {
    (self.means, self.deviations, self.key) = (means, deviations, key)
  }

  func output(of layer: some LinearLayer, _ x: Tensor, examples: [UInt32]) -> Tensor {
    func signs(_ purpose: UInt32, like y: Tensor) -> Tensor {
      let channels = y.shape[y.shape.rank - 1]
      return Tensor.signs(key.stream(2 * layer.stream + purpose), rows: examples, columns: channels)
        .repeatedOverPixels(of: y.shape)
    }
    let mean = layer.linear(x, means)
    let shift = layer.linear(x * signs(0, like: x), deviations)
    return mean + shift * signs(1, like: shift)
  }
}

extension Tensor {
  /// −1 or 1, each as likely.
  static func signs(_ key: RandomKey, rows: [UInt32], columns: Int) -> Tensor {
    (uniform(key, rows: rows, columns: columns) - 0.5).step() * 2 - 1
  }

  /// Constants of each example and channel, [n, c], at all pixels: [n, …, c].
  func repeatedOverPixels(of shape: Shape) -> Tensor {
    guard shape.rank > 2, count > 0 else { return self }
    let (channels, pixels) = (columns, shape.count / count)
    let result = Tensor(uninitialized: shape)
    for row in 0..<rows {
      for pixel in 0..<pixels {
        (result.pointer + (row * pixels + pixel) * channels).update(from: pointer + row * channels, count: channels)
      }
    }
    return result
  }
}
