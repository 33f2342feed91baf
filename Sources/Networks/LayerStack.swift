import Tensors

/// One application of a network: its parameters, and what layers that act differently in training want to know.
/// There is no hidden mode: whoever applies a network says which it is.
public struct Pass {
  public let parameters: ParameterViews
  /// Where layers leave the statistics of the batch that they normalise by. Nil: they normalise by the running ones.
  public let statistics: BatchStatistics?
  /// Noise of layers that draw some, counted upwards by layer; nil: they draw none.
  public let key: RandomKey?
  /// The numbers of the rows' examples, which key their noise.
  public let examples: [UInt32]

  /// As in prediction: running statistics, no noise.
  public init(predictingWith parameters: ParameterViews) {
    self.parameters = parameters
    statistics = nil
    key = nil
    examples = []
  }

  public init(
    trainingWith parameters: ParameterViews, statistics: BatchStatistics, key: RandomKey, examples: [UInt32]
  ) {
    self.parameters = parameters
    self.statistics = statistics
    self.key = key
    self.examples = examples
  }
}

/// Means and variances of the batches that a network has seen: what running statistics are averaged from. They travel
/// in a contribution, in the place of the running statistics' gradient, which there is none of.
public final class BatchStatistics {
  private var observed: [(slot: Slot, mean: Tensor)] = []
  private var passes: [Slot: Int] = [:]

  public init() {}

  func observe(_ slot: Slot, _ value: Tensor) {
    observed.append((slot, value.detached))
    passes[slot, default: 0] += 1
  }

  /// Sets each slot to `examples` times the mean of what was observed of it: contributions add, and are divided by
  /// their examples.
  public func write(to values: UnsafeMutablePointer<Float>, examples: Int) {
    for slot in passes.keys { (values + slot.offset).update(repeating: 0, count: slot.shape.count) }
    for (slot, mean) in observed {
      let weight = Float(examples) / Float(passes[slot]!)
      for index in 0..<slot.shape.count { values[slot.offset + index] += weight * mean.pointer[index] }
    }
  }
}

/// A layer of a stack.
public protocol Layer: Sendable {
  func initialize(_ parameters: FlatBuffer, seed: UInt64)
  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor
  /// The slots that are averaged from batches and have no gradient, and the weight of a new batch.
  var runningStatistics: [(slot: Slot, momentum: Float)] { get }
  /// Whether a row of the result depends on other rows of the batch.
  var mixesExamples: Bool { get }
}

extension Layer {
  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {}
  public var runningStatistics: [(slot: Slot, momentum: Float)] { [] }
  public var mixesExamples: Bool { false }
}

/// A layer that computes the rectification behind it in a pass of its own.
protocol Rectifying: Layer {
  /// - Parameter slope: of the rectification below 0; 1: none.
  func callAsFunction(_ x: Tensor, _ pass: Pass, slope: Float) -> Tensor
}

/// Layers one after the other.
public struct LayerStack: Layer {
  public let layers: [any Layer]
  private let steps: [Step]

  /// A layer, or a layer and the rectification behind it.
  private enum Step {
    case plain(any Layer)
    case rectified(any Rectifying, slope: Float)
  }

  public init(_ layers: [any Layer]) {
    self.layers = layers
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
    self.steps = steps
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

  public var runningStatistics: [(slot: Slot, momentum: Float)] { layers.flatMap(\.runningStatistics) }
  public var mixesExamples: Bool { layers.contains(where: \.mixesExamples) }
}

extension Dense: Layer {
  /// x [n, …] → [n, out]: what is not in the first axis is one row.
  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    self(x.reshaped(to: [x.shape[0], inputs]), pass.parameters)
  }
}

/// A function of each number.
public struct Elementwise: Layer {
  public let function: Nonlinearity

  public init(_ function: Nonlinearity) { self.function = function }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { function(x) }
}

/// Sees each example in another shape.
public struct Reshaped: Layer {
  public let shape: [Int]

  public init(to shape: [Int]) { self.shape = shape }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { x.reshaped(to: Shape([x.shape[0]] + shape)) }
}

/// Dropout in training alone.
public struct TrainingDropout: Layer {
  public let dropout: Dropout
  /// Keeps the noise of several such layers apart.
  public let number: UInt32

  public init(rate: Double, number: Int) {
    dropout = Dropout(rate: rate)
    self.number = UInt32(number)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    guard let key = pass.key, dropout.rate > 0 else { return x }
    let rows = x.reshaped(to: [x.shape[0], x.count / x.shape[0]])
    return dropout(rows, key: key.at(tensor: key.tensor + number), examples: pass.examples).reshaped(to: x.shape)
  }
}
