import Tensors

/// y = activation(x Wᵀ + b).
///
/// x [n, in], W [out, in], b [out], y [n, out]. Both start by `initialization`, PyTorch's default unless said otherwise;
/// the fans of the bias are those of the weight. What is not in the first axis of x is one row.
public struct Dense: Hashable, LinearLayer {
  public let weight: Slot
  public let bias: Slot
  public let activation: Nonlinearity
  public let weightInitialization: Initialization
  public let biasInitialization: Initialization
  public private(set) var stream: UInt32 = 0

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

  /// The same layer with another activation.
  init(_ other: Dense, activation: Nonlinearity) {
    (weight, bias, self.activation) = (other.weight, other.bias, activation)
    (weightInitialization, biasInitialization) = (other.weightInitialization, other.biasInitialization)
  }

  public var inputs: Int { weight.shape[1] }
  public var outputs: Int { weight.shape[0] }
  public var slots: (weight: Slot, bias: Slot?) { (weight, bias) }

  public mutating func takeStreams(_ next: inout NoiseStreams) { stream = next.takeWeights() }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    weightInitialization.fill(weight, of: parameters, seed: seed, fanIn: inputs, fanOut: outputs)
    biasInitialization.fill(bias, of: parameters, seed: seed, fanIn: inputs, fanOut: outputs)
  }

  public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
    x.linear(weight: weight, bias: bias!)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let rows = x.reshaped(to: [x.shape[0], inputs])
    guard case .given(let views) = pass.weights else { return activation(pass.output(of: self, rows)) }
    return activation.afterFused(
      rows.linear(weight: views[weight], bias: views[bias], activation: activation.fused))
  }
}

extension LayerStack {
  /// A multi-layer perceptron, [n, in] → [n, out]: dense layers `name.0`, `name.1`, … Hidden layers share an activation;
  /// the last has its own.
  public static func dense(
    name: String, in inputs: Int, hidden: [Int], out outputs: Int, activation: Nonlinearity,
    outputActivation: Nonlinearity = .identity, layout: inout Layout
  ) -> LayerStack {
    let widths = [inputs] + hidden + [outputs]
    return LayerStack(
      (0...hidden.count).map { index in
        Dense(
          name: "\(name).\(index)", in: widths[index], out: widths[index + 1],
          activation: index == hidden.count ? outputActivation : activation, layout: &layout)
      })
  }
}
