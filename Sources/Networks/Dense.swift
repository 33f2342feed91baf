import Tensors

/// y = activation(x Wᵀ + b).
///
/// x [n, in], W [out, in], b [out], y [n, out]. Both start by `initialization`, PyTorch's default unless said otherwise;
/// the fans of the bias are those of the weight.
public struct Dense: Hashable, Sendable {
  public let weight: Slot
  public let bias: Slot
  public let activation: Nonlinearity
  public let weightInitialization: Initialization
  public let biasInitialization: Initialization

  /// Adds the slots `name.weight` and `name.bias` to a layout.
  public init(
    name: String, in inputs: Int, out outputs: Int, activation: Nonlinearity = .identity, layout: inout Layout,
    weight weightInitialization: Initialization = .fanIn, bias biasInitialization: Initialization = .fanIn
  ) {
    weight = layout.add("\(name).weight", [outputs, inputs])
    bias = layout.add("\(name).bias", [outputs])
    self.activation = activation
    self.weightInitialization = weightInitialization
    self.biasInitialization = biasInitialization
  }

  public var inputs: Int { weight.shape[1] }
  public var outputs: Int { weight.shape[0] }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    weightInitialization.fill(weight, of: parameters, seed: seed, fanIn: inputs, fanOut: outputs)
    biasInitialization.fill(bias, of: parameters, seed: seed, fanIn: inputs, fanOut: outputs)
  }

  public func callAsFunction(_ x: Tensor, _ parameters: ParameterViews) -> Tensor {
    activation.afterFused(
      x.linear(weight: parameters[weight], bias: parameters[bias], activation: activation.fused))
  }
}

/// Dense layers one after the other: `name.0`, `name.1`, … Hidden layers share an activation; the last has its own.
public struct MLP: Hashable, Sendable {
  public let layers: [Dense]

  public init(
    name: String, in inputs: Int, hidden: [Int], out outputs: Int, activation: Nonlinearity,
    outputActivation: Nonlinearity = .identity, layout: inout Layout,
    weight weightInitialization: Initialization = .fanIn, bias biasInitialization: Initialization = .fanIn
  ) {
    var layers: [Dense] = []
    var width = inputs
    for (index, next) in (hidden + [outputs]).enumerated() {
      layers.append(
        Dense(
          name: "\(name).\(index)", in: width, out: next,
          activation: index == hidden.count ? outputActivation : activation, layout: &layout,
          weight: weightInitialization, bias: biasInitialization))
      width = next
    }
    self.layers = layers
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    for layer in layers { layer.initialize(parameters, seed: seed) }
  }

  /// x [n, in] → [n, out].
  public func callAsFunction(_ x: Tensor, _ parameters: ParameterViews) -> Tensor {
    layers.reduce(x) { $1($0, parameters) }
  }
}
