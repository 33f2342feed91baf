import Tensors

/// One application of a network: where its weights come from, and what layers that act differently in training need.
/// There is no hidden mode: the caller that applies a network says which it is.
///
///     let logits = network(x, Pass(predictingWith: ParameterViews(parameters)))
public struct Pass {
  public let weights: WeightPolicy
  /// Where layers leave the statistics of the batch that they normalize by. Nil: they normalize by the running ones.
  public let statistics: BatchStatistics?
  /// Noise of layers that draw some, counted upwards by layer; nil: they draw none.
  public let key: RandomKey?
  /// The numbers of the rows' examples, which key their noise.
  public let examples: [UInt32]

  public init(
    _ weights: WeightPolicy, statistics: BatchStatistics? = nil, key: RandomKey? = nil, examples: [UInt32] = []
  ) {
    self.weights = weights
    self.statistics = statistics
    self.key = key
    self.examples = examples
  }

  /// A pass of prediction: running statistics, no noise.
  public init(predictingWith parameters: ParameterViews) { self.init(.given(parameters)) }

  public init(
    trainingWith parameters: ParameterViews, statistics: BatchStatistics, key: RandomKey, examples: [UInt32]
  ) {
    self.init(.given(parameters), statistics: statistics, key: key, examples: examples)
  }

  /// A pass for what has no parameters and draws no noise.
  public static var withoutParameters: Pass { Pass(predictingWith: ParameterViews([], for: Layout())) }

  /// The views of every slot: the parameters, or the means of those that have a posterior. Layers read their
  /// ``Layer/pointSlots`` here; a ``LinearLayer`` leaves its weights to ``output(of:_:)``.
  public var parameters: ParameterViews { weights.views }
}

/// Where a pass takes the weights of linear layers from.
public enum WeightPolicy {
  /// The parameters themselves, or one draw of the weights for all rows.
  case given(ParameterViews)
  case localReparameterization(LocalReparameterization)
  case flipout(Flipout)
  case dropConnect(DropConnect)
  case probed(LayerProbe)

  var views: ParameterViews {
    switch self {
    case .given(let views): views
    case .localReparameterization(let policy): policy.means
    case .flipout(let policy): policy.means
    case .dropConnect(let policy): policy.weights
    case .probed(let probe): probe.weights
    }
  }
}

/// A layer whose output is linear in its weight and bias. Where these come from is the pass's business.
public protocol LinearLayer: Layer {
  var slots: (weight: Slot, bias: Slot?) { get }
  /// The number of the layer's weight noise among the layers of its network.
  var stream: UInt32 { get }
  /// The linear map, without what follows it.
  func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor
}

extension LinearLayer {
  /// The linear map with a slot's tensors of `views`.
  func linear(_ x: Tensor, _ views: ParameterViews) -> Tensor {
    linear(x, weight: views[slots.weight], bias: slots.bias.map { views[$0] })
  }
}

extension Pass {
  /// A linear layer's output under the pass's weight policy, before what follows the layer.
  public func output(of layer: some LinearLayer, _ x: Tensor) -> Tensor {
    switch weights {
    case .given(let views): layer.linear(x, views)
    case .localReparameterization(let policy): policy.output(of: layer, x, examples: examples)
    case .flipout(let policy): policy.output(of: layer, x, examples: examples)
    case .dropConnect(let policy): policy.output(of: layer, x)
    case .probed(let probe): probe.output(of: layer, x)
    }
  }
}

extension RandomKey {
  /// The key of a numbered stream, counted from this key's tensor number.
  func stream(_ number: UInt32) -> RandomKey { at(tensor: tensor + number) }
}
