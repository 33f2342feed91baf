import Tensors

/// Linear layers as they are, which leave what they were given and what they made of it: what the curvature of a loss in
/// their weights is made of.
public final class LayerProbe {
  /// One application of a layer.
  public struct Application {
    public let layer: any MatrixLayer
    public let input: Tensor
    /// Before what follows the layer; a place on the tape of the weights.
    public let output: Tensor
  }

  let weights: ParameterViews
  private let watched: Set<Slot>
  /// In the order of the layers.
  public private(set) var applications: [Application] = []

  /// - Parameter watched: the weights whose layers leave something.
  public init(_ weights: ParameterViews, watching watched: some Sequence<Slot>) {
    (self.weights, self.watched) = (weights, Set(watched))
  }

  func output(of layer: some LinearLayer, _ x: Tensor) -> Tensor {
    let y = layer.linear(x, weights)
    if watched.contains(layer.slots.weight), let layer = layer as? any MatrixLayer {
      applications.append(Application(layer: layer, input: x.detached, output: y))
    }
    return y
  }
}

/// A linear layer as one product: each row of ``rows(of:)`` by its weight, seen as the matrix [outputs, inputs].
public protocol MatrixLayer: LinearLayer {
  /// What the layer multiplies by its weight: [n, …] → [n · places, inputs], the places of an example one behind the
  /// other as those of the output are.
  func rows(of x: Tensor) -> Tensor
}

extension Dense: MatrixLayer {
  public func rows(of x: Tensor) -> Tensor { x.reshaped(to: [x.shape[0], inputs]) }
}

extension Convolution2D: MatrixLayer {
  /// The window of each pixel of the output: its numbers in the order of the kernel's, [in, k, k].
  public func rows(of x: Tensor) -> Tensor {
    let (count, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let (tall, wide) = (weight.shape[2], weight.shape[3])
    func extent(_ length: Int, _ taps: Int) -> Int { (length + 2 * padding - dilation * (taps - 1) - 1) / stride + 1 }
    let (rows, columns) = (extent(height, tall), extent(width, wide))
    let taps = tall * wide
    let result = Tensor.zeros([count * rows * columns, channels * taps])
    for place in 0..<count * rows * columns {
      let (example, pixel) = (place / (rows * columns), place % (rows * columns))
      let window = result.pointer + place * channels * taps
      for tap in 0..<taps {
        let row = pixel / columns * stride - padding + tap / wide * dilation
        let column = pixel % columns * stride - padding + tap % wide * dilation
        guard 0..<height ~= row, 0..<width ~= column else { continue }
        let source = x.pointer + ((example * height + row) * width + column) * channels
        for channel in 0..<channels { window[channel * taps + tap] = source[channel] }
      }
    }
    return result
  }
}
