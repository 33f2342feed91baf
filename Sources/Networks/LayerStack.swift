import Tensors

/// A layer that computes the rectification behind it in a pass of its own.
protocol Rectifying: Layer {
  /// - Parameter slope: of the rectification below 0; 1: none.
  func callAsFunction(_ x: Tensor, _ pass: Pass, slope: Float) -> Tensor
}

/// Layers one after the other.
///
///     var layout = Layout()
///     let network = LayerStack([
///       Dense(name: "0", in: 784, out: 100, activation: .relu, layout: &layout),
///       Dense(name: "1", in: 100, out: 10, layout: &layout),
///     ])
public struct LayerStack: Layer {
  public private(set) var layers: [any Layer]
  private var steps: [Step] = []

  /// A layer, or a layer and the rectification behind it.
  private enum Step {
    case plain(any Layer)
    case rectified(any Rectifying, slope: Float)
  }

  /// Numbers the noise of the layers in their order.
  public init(_ layers: [any Layer]) {
    self.layers = layers
    var streams = NoiseStreams()
    takeStreams(&streams)
  }

  public mutating func takeStreams(_ next: inout NoiseStreams) {
    for index in layers.indices { layers[index].takeStreams(&next) }
    steps = LayerStack.steps(of: layers)
  }

  private static func steps(of layers: [any Layer]) -> [Step] {
    var steps: [Step] = []
    var isTaken = false
    for (index, layer) in layers.enumerated() {
      if isTaken {
        isTaken = false
      } else if let layer = layer as? any Rectifying, index + 1 < layers.count,
        let slope = (layers[index + 1] as? Elementwise)?.function.slope
      {
        steps.append(.rectified(layer, slope: slope))
        isTaken = true
      } else {
        steps.append(.plain(layer))
      }
    }
    return steps
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    for layer in layers { layer.initialize(parameters, seed: seed) }
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    steps.reduce(x) { x, step in
      switch step {
      case .plain(let layer): layer(x, pass)
      case .rectified(let layer, let slope): layer(x, pass, slope: slope)
      }
    }
  }

  public var runningStatistics: [RunningStatistic] { layers.flatMap(\.runningStatistics) }
  public var pointSlots: [Slot] { layers.flatMap(\.pointSlots) }
  public var mixesExamples: Bool { layers.contains(where: \.mixesExamples) }

  /// Whether a layer draws noise of its own where the pass has a key.
  public var drawsNoise: Bool {
    var (copy, streams) = (self, NoiseStreams())
    copy.takeStreams(&streams)
    return streams.activations > 0
  }

  /// The layers, and those within them.
  public var allLayers: [any Layer] {
    layers.flatMap { layer in [layer] + ((layer as? any EnclosingLayer)?.inner.allLayers ?? []) }
  }

  /// The stack with a layer before each that has weights.
  public func inserting(beforeWeights make: (Int, any LinearLayer) -> (any Layer)?) -> LayerStack {
    var index = 0
    return inserting(&index, make)
  }

  private func inserting(_ index: inout Int, _ make: (Int, any LinearLayer) -> (any Layer)?) -> LayerStack {
    var result: [any Layer] = []
    for layer in layers {
      if let layer = layer as? any LinearLayer {
        if let added = make(index, layer) { result.append(added) }
        index += 1
      }
      if var enclosing = layer as? any EnclosingLayer {
        enclosing.inner = enclosing.inner.inserting(&index, make)
        result.append(enclosing)
      } else {
        result.append(layer)
      }
    }
    return LayerStack(result)
  }
}

/// A function of each number.
public struct Elementwise: Layer {
  public let function: Nonlinearity

  public init(_ function: Nonlinearity) { self.function = function }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { function(x) }
}

/// Multiplies every number by a constant.
public struct Scaled: Layer {
  public let factor: Float

  public init(by factor: Float) { self.factor = factor }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { x * factor }
}

/// Sees each example in another shape.
public struct Reshaped: Layer {
  public let shape: [Int]

  public init(to shape: [Int]) { self.shape = shape }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { x.reshaped(to: Shape([x.shape[0]] + shape)) }
}

/// Splits the channels of images into parts and sets the parts side by side: [n, h, w, parts · c] → [n, parts · h w c].
/// So a decoder's means come first and its log variances behind them, as those of a dense one do.
public struct ChannelParts: Layer {
  public let parts: Int

  public init(_ parts: Int) { self.parts = parts }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let (count, channels) = (x.shape[0], x.shape[x.shape.rank - 1] / parts)
    let pixels = x.reshaped(to: [x.count / max(channels * parts, 1), channels * parts])
    func part(_ index: Int) -> Tensor {
      pixels.columns(index * channels..<(index + 1) * channels)
        .reshaped(to: [count, x.count / max(count * parts, 1)])
    }
    return (1..<parts).reduce(part(0)) { $0.joiningColumns(part($1)) }
  }
}
