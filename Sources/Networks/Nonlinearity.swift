import Tensors

/// What follows a layer's sum. Those of `Activation` are fused into the layer; the others are operations of their own.
public enum Nonlinearity: Hashable, Sendable {
  case identity, relu, tanh, sigmoid
  /// x where x > 0, slope · x elsewhere.
  case leakyReLU(slope: Float = 0.01)
  /// log(1 + exp x).
  case softplus
  /// x where x > 0, exp x − 1 elsewhere (Clevert, Unterthiner and Hochreiter 2015, α = 1).
  case elu
  /// x Φ(x) with the Gaussian's exact distribution function (Hendrycks and Gimpel 2016).
  case gelu
  /// x sigmoid(x).
  case silu

  /// What a linear layer computes in one pass with its product.
  var fused: Activation {
    switch self {
    case .relu: .relu
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    default: .identity
    }
  }

  /// Below 0, of a function that is x above it.
  var slope: Float? {
    switch self {
    case .relu: 0
    case .leakyReLU(let slope) where slope >= 0: slope
    default: nil
    }
  }

  /// The function of a layer's output; nothing is left to do for those that are fused.
  func afterFused(_ x: Tensor) -> Tensor { fused == .identity ? self(x) : x }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .identity: return x
    case .relu: return x.relu()
    case .tanh: return x.tanh()
    case .sigmoid: return x.sigmoid()
    case .leakyReLU(let slope): return x.leakyReLU(slope: slope)
    case .softplus: return x.softplus()
    case .elu:
      let negative = -(-x).relu()
      return (x - negative) + negative.expm1()  // in this order nothing cancels, and the slope at 0 is 1
    case .gelu: return x * ((x * Float(0.5.squareRoot())).erf() + 1) * 0.5
    case .silu: return x * x.sigmoid()
    }
  }
}
