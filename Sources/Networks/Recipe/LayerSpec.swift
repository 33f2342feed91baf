import Tensors

/// One entry of a network's list of layers, without the sizes that follow from what is before it.
public enum LayerSpec: Hashable, Sendable {
  /// A dense layer and the network's activation.
  case units(Int)
  case dense(Int)
  case convolution(filters: Int, Window)
  case transposedConvolution(filters: Int, Window)
  case pooling(Pooling.Kind, Window)
  /// Undoes the last maximum pooling that is not undone yet.
  case unpooling
  case upsampling(Int, Upsampling.Kind)
  case normalization(NormalizationKind)
  case activation(NonlinearityName)
  /// The network's activation.
  case activationOfNetwork
  /// The probability of a zero.
  case dropout(Double)
}

/// How a convolution or a pooling moves over an image.
public struct Window: Hashable, Sendable {
  public var size: Int
  public var stride: Int
  public var padding: Int
  public var dilation: Int
  /// Rows and columns more at the bottom and right of a transposed convolution's result.
  public var outputPadding: Pair
  public var hasBias: Bool
  /// Whether a maximum pooling has windows that stand out over the edge, where they do not fit.
  public var roundsUp: Bool

  public init(
    _ size: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1, outputPadding: Pair = 0, hasBias: Bool = true,
    roundsUp: Bool = false
  ) {
    (self.size, self.stride, self.padding, self.dilation) = (size, stride, padding, dilation)
    (self.outputPadding, self.hasBias, self.roundsUp) = (outputPadding, hasBias, roundsUp)
  }

  /// The extent that is left of `extent`; below 1 if the window does not fit.
  func result(of extent: Int) -> Int {
    if roundsUp {
      return PoolingPlaces.windows(along: extent, size: size, stride: stride, padding: padding, roundsUp: true)
    }
    let room = extent + 2 * padding - dilation * (size - 1) - 1
    return room < 0 ? 0 : room / stride + 1
  }

  /// The extent that a transposed convolution makes of `extent`.
  func transposedResult(of extent: Int, outputPadding: Int) -> Int {
    (extent - 1) * stride - 2 * padding + dilation * (size - 1) + outputPadding + 1
  }
}

/// The normalizations that recipes name.
public enum NormalizationKind: String, CaseIterable, Sendable {
  case batch, layer, instance, pixel
}

/// The names of activations in recipes.
public enum NonlinearityName: String, CaseIterable, Sendable {
  case relu, tanh, sigmoid, softplus, elu, gelu, silu
  case leakyReLU = "leaky-relu"

  public var nonlinearity: Nonlinearity {
    switch self {
    case .relu: .relu
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    case .softplus: .softplus
    case .elu: .elu
    case .gelu: .gelu
    case .silu: .silu
    case .leakyReLU: .leakyReLU(slope: 0.2)
    }
  }
}
