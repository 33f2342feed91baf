import Computations
import Tensors

/// What an equalized layer multiplies its numbers with at each use. The weights start standard normal, so that Adam moves
/// all layers at one relative speed (Karras, Aila, Laine and Lehtinen 2018, section 4.1).
///
/// A rectification's gain stands here too: √2 · f(x) = f(√2 · x) for f(x) = max(x, slope · x), which costs no pass.
struct EqualizedGain: Hashable, Sendable {
  let weight: Float
  let bias: Float
  /// The standard deviation of the weights at the start.
  let deviation: Float

  /// - Parameters:
  ///   - inputs: how many numbers each output sums over.
  ///   - gain: of the weights.
  ///   - bias: of the biases.
  ///   - rate: the factor that the learning rate of the layer is multiplied with: the numbers are kept larger by it.
  init(inputs: Int, gain: Float, bias: Float, rate: Float = 1) {
    weight = gain * rate / Float(inputs).squareRoot()
    self.bias = bias * rate
    deviation = 1 / rate
  }
}

/// A layer that is made of others, which hold all of its slots but those that it starts itself.
protocol CompoundLayer: Layer {
  var layers: [any Layer] { get }
}

extension CompoundLayer {
  public var pointSlots: [Slot] { layers.flatMap(\.pointSlots) }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    for layer in layers { layer.initialize(parameters, seed: seed) }
  }
}

/// The slope below 0 of the rectification that adversarial networks use.
let leakySlope: Float = 0.2

/// y = f(g W x + h b): a dense layer with an equalized learning rate. What is not in the first axis of x is one row.
public struct EqualizedDense: Layer {
  public let weight: Slot
  public let bias: Slot
  private let gain: EqualizedGain
  private let isRectified: Bool
  private let start: Float

  /// - Parameters:
  ///   - rate: what the layer's learning rate is multiplied with.
  ///   - start: what its bias starts from.
  init(
    name: String, in inputs: Int, out outputs: Int, gain: Float = 1, biasGain: Float = 1, rate: Float = 1,
    isRectified: Bool = false, start: Float = 0, layout: inout Layout
  ) {
    weight = layout.add("\(name).weight", [outputs, inputs])
    bias = layout.add("\(name).bias", [outputs])
    self.gain = EqualizedGain(inputs: inputs, gain: gain, bias: biasGain, rate: rate)
    (self.isRectified, self.start) = (isRectified, start)
  }

  public var pointSlots: [Slot] { [weight, bias] }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    Initialization.normal(gain.deviation).fill(weight, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
    Initialization.constant(start * gain.deviation).fill(bias, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let rows = x.reshaped(to: [x.shape[0], weight.shape[1]])
    let (w, b) = (pass.parameters[weight] * gain.weight, pass.parameters[bias] * gain.bias)
    let y = rows.linear(weight: w, bias: b)
    return isRectified ? y.leakyReLU(slope: leakySlope) : y
  }
}

/// y = f(g w ∗ x + h b): a convolution with an equalized learning rate that keeps an image's sides, or halves them after
/// a filter [1 3 3 1].
public struct EqualizedConvolution: Layer {
  public let weight: Slot
  /// None where what follows has no use for one.
  public let bias: Slot?
  private let gain: EqualizedGain
  private let slope: Float
  private let isHalving: Bool

  package init(
    name: String, in inputs: Int, out outputs: Int, kernel: Int = 3, gain: Float = 1, biasGain: Float = 1,
    isRectified: Bool = false, hasBias: Bool = true, isHalving: Bool = false, layout: inout Layout
  ) {
    weight = layout.add("\(name).weight", [outputs, inputs, kernel, kernel])
    bias = hasBias ? layout.add("\(name).bias", [outputs]) : nil
    self.gain = EqualizedGain(inputs: inputs * kernel * kernel, gain: gain, bias: biasGain)
    (slope, self.isHalving) = (isRectified ? leakySlope : 1, isHalving)
  }

  public var pointSlots: [Slot] { [weight] + (bias.map { [$0] } ?? []) }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    Initialization.normal(gain.deviation).fill(weight, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
    if let bias { Initialization.zeros.fill(bias, of: parameters, seed: seed, fanIn: 1, fanOut: 1) }
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let w = pass.parameters[weight] * gain.weight
    let kernel = weight.shape[2]
    // Zeros that a kernel of k reaches over stand before the filter's own.
    let reach = (kernel - 1) / 2
    let source =
      isHalving ? (kernel == 1 ? x.filteredDown() : x.filtered(before: 1 + reach, after: 1 + reach)) : x
    let (stride, padding): (Pair, Pair) = isHalving ? (kernel == 1 ? 1 : 2, 0) : (1, Pair(reach))
    guard let bias else { return source.convolved(with: w, stride: stride, padding: padding) }
    return source.convolved(
      with: w, bias: pass.parameters[bias] * gain.bias, slope: slope, stride: stride, padding: padding)
  }
}

// MARK: For other programs

extension EqualizedDense: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let w = block.scaled(weight, by: gain.weight)
    let y = block.linear(x, .value(w), .value(block.scaled(bias, by: gain.bias)))
    return isRectified ? block.leakyReLU(y, slope: leakySlope) : y
  }
}

extension EqualizedConvolution: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let kernel = weight.shape[2]
    let reach = (kernel - 1) / 2
    let source =
      isHalving
      ? kernel == 1 ? block.filteredDown(x) : block.filtered(x, padding: 1 + reach) : x
    let geometry = Operation.Geometry(
      size: kernel, stride: isHalving && kernel > 1 ? 2 : 1, padding: isHalving ? 0 : reach)
    let w = Operand.value(block.scaled(weight, by: gain.weight))
    guard let bias else { return block.convolution(source, w, nil, geometry) }
    let y = block.convolution(source, w, .value(block.scaled(bias, by: gain.bias)), geometry)
    return slope < 1 ? block.leakyReLU(y, slope: slope) : y
  }
}

extension Block {
  /// A slot's numbers times a factor.
  mutating func scaled(_ slot: Slot, by factor: Float) -> Value {
    multiply(reshape(tensor(slot), to: slot.shape.dimensions), .number(factor))
  }

  /// [1 3 3 1] along both axes, of sum 1.
  private mutating func filter() -> Operand {
    let taps: [Float] = [0.125, 0.375, 0.375, 0.125]
    return constant("filter", shape: [1, 1, 4, 4], taps.flatMap { row in taps.map { row * $0 } })
  }

  /// As ``Tensor/filteredUp()``.
  mutating func filteredUp(_ x: Value) -> Value {
    let taps = filter()
    let y = eachChannel(x) { $0.transposedConvolution($1, taps, nil, .init(size: 4, stride: 2, padding: 1)) }
    return multiply(y, .number(4))
  }

  /// As ``Tensor/filteredDown()``.
  mutating func filteredDown(_ x: Value) -> Value {
    let taps = filter()
    return eachChannel(x) { $0.convolution($1, taps, nil, .init(size: 4, stride: 2, padding: 1)) }
  }

  /// As ``Tensor/filtered(before:after:gain:)`` with as many zeros on all sides.
  mutating func filtered(_ x: Value, padding: Int) -> Value {
    let taps = filter()
    return eachChannel(x) { $0.convolution($1, taps, nil, .init(size: 4, padding: padding)) }
  }
}
