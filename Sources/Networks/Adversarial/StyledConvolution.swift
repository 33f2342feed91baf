import Computations
import Tensors

/// How a style acts on an image's features.
public enum StyleKind: String, CaseIterable, Sendable {
  /// The style scales what a convolution sees, and each output is divided by the norm that it is expected to have (Karras et
  /// al. 2020, "Analyzing and improving the image quality of StyleGAN", equations 1 to 3).
  case demodulated
  /// Each image's features are normalized, then scaled and shifted by the style (Karras, Laine and Aila 2019, equation 1).
  case adain
}

/// A convolution whose features follow a style [n, style], then noise, bias and rectification: [n, h, w, in] →
/// [n, h, w, out], or of twice the sides.
package struct StyledConvolution: Layer {
  private static let epsilon: Float = 1e-8
  private static let root = Float(2).squareRoot()

  let kind: StyleKind
  let isDoubling: Bool
  /// [out, in, 3, 3], where it doubles [in, out, 3, 3].
  private let weight: Slot
  private let bias: Slot
  /// How strong the noise is, 0 to begin with.
  private let strength: Slot
  private let style: EqualizedDense
  private let outputs: Int
  private let gain: EqualizedGain
  /// Of its noise.
  private(set) var stream: UInt32 = 0

  package init(
    name: String, in inputs: Int, out outputs: Int, style width: Int, kind: StyleKind, isDoubling: Bool,
    layout: inout Layout
  ) {
    (self.kind, self.isDoubling, self.outputs) = (kind, isDoubling, outputs)
    weight = layout.add("\(name).weight", isDoubling ? [inputs, outputs, 3, 3] : [outputs, inputs, 3, 3])
    bias = layout.add("\(name).bias", [outputs])
    strength = layout.add("\(name).noise", [1])
    gain = EqualizedGain(inputs: 9 * inputs, gain: 1, bias: 1)
    style = EqualizedDense(
      name: "\(name).style", in: width, out: kind == .adain ? 2 * outputs : inputs, start: kind == .adain ? 0 : 1,
      layout: &layout)
  }

  package var pointSlots: [Slot] { [weight, bias, strength] + style.pointSlots }

  package mutating func takeStreams(_ next: inout NoiseStreams) { stream = next.takeActivations() }

  package func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    Initialization.normal(1).fill(weight, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
    for slot in [bias, strength] { Initialization.zeros.fill(slot, of: parameters, seed: seed, fanIn: 1, fanOut: 1) }
    style.initialize(parameters, seed: seed)
  }

  package func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    preconditionFailure("a styled convolution needs a style")
  }

  /// - Parameter noise: [n, h, w] of what is made; nil: none.
  package func callAsFunction(_ x: Tensor, style w: Tensor, noise: Tensor?, _ pass: Pass) -> Tensor {
    let (parameters, root) = (pass.parameters, StyledConvolution.root)
    let numbers = style(w, pass)
    let weight = parameters[self.weight] * gain.weight
    switch kind {
    case .demodulated:
      let y = convolved(x.scalingChannels(by: numbers), weight)
      let scale = demodulation(of: weight, by: numbers) * root
      return rectified(y, scale: scale, noise: noise, gain: root, pass)
    case .adain:
      let one = Tensor(repeating: 1, [x.shape[0], outputs])
      let y = rectified(convolved(x, weight), scale: one, noise: noise, gain: 1, pass)
      return normalized(y).scalingChannels(by: numbers.columns(0..<outputs) + 1)
        .addingChannels(numbers.columns(outputs..<2 * outputs))
    }
  }

  private func convolved(_ x: Tensor, _ weight: Tensor) -> Tensor {
    // The transposed convolution leaves a row and a column more, which the filter takes away.
    isDoubling
      ? x.transposeConvolved(with: weight, stride: 2).filtered(before: 1, after: 1, gain: 2)
      : x.convolved(with: weight, padding: 1)
  }

  /// 1 / √Σ (s w)² over an output's inputs and taps, [n, out].
  private func demodulation(of weight: Tensor, by numbers: Tensor) -> Tensor {
    let squares = weight.squared().reshaped(to: [weight.shape[0] * weight.shape[1], 9]).sumOfRows()
      .reshaped(to: [weight.shape[0], weight.shape[1]])
    let styles = numbers.squared()
    let sums = isDoubling ? styles.product(with: squares) : styles.product(withTransposed: squares)
    return (sums + StyledConvolution.epsilon).reciprocalSquareRoot()
  }

  private func rectified(_ x: Tensor, scale: Tensor, noise: Tensor?, gain: Float, _ pass: Pass) -> Tensor {
    x.rectifiedStyle(
      scale: scale, noise: noise, strength: pass.parameters[strength] * gain, bias: pass.parameters[bias] * gain,
      slope: leakySlope)
  }

  /// Of mean 0 and variance 1 over the pixels of each feature.
  private func normalized(_ x: Tensor) -> Tensor {
    let share = 1 / Float(x.shape[1] * x.shape[2])
    let centred = x.addingChannels(x.sumOverPixels() * -share)
    let variance = centred.squared().sumOverPixels() * share
    return centred.scalingChannels(by: (variance + StyledConvolution.epsilon).reciprocalSquareRoot())
  }
}

/// Where the noise of styled convolutions comes from: one number a pixel, the same for all features.
public enum StyleNoise: String, CaseIterable, Sendable {
  /// By the pass's key and each row's example; without a key as `constant`.
  case random
  /// The same picture of noise for all images.
  case constant
  case none

  private static let constantSeed: UInt64 = 1

  /// [n, height, width]; nil: none.
  func numbers(_ n: Int, sides: [Int], stream: UInt32, _ pass: Pass) -> Tensor? {
    let (shape, pixels) = (Shape([n] + sides), sides[0] * sides[1])
    switch self {
    case .none: return nil
    case .random:
      guard let key = pass.key else { return StyleNoise.constant.numbers(n, sides: sides, stream: stream, pass) }
      return Tensor.normal(key.stream(stream), rows: pass.examples, columns: pixels).reshaped(to: shape)
    case .constant:
      return StyleNoise.constantNumbers(pixels, stream: stream)
        .repeatedDown(to: [n, pixels]).reshaped(to: shape)
    }
  }

  /// One for each pixel.
  fileprivate static func constantNumbers(_ pixels: Int, stream: UInt32) -> Tensor {
    Tensor.normal(RandomKey(seed: constantSeed).stream(stream), rows: [0], columns: pixels).reshaped(to: [pixels])
  }
}

// MARK: For other programs

extension StyledConvolution {
  /// The steps of an image [n or 1, h, w, in] and its styles [n, style].
  /// - Parameter hasNoise: adds the noise that is constant.
  func steps(_ x: Value, style w: Value, hasNoise: Bool, in block: inout Block) -> Value {
    let root = StyledConvolution.root
    let numbers = style.steps(w, in: &block)
    let weight = block.scaled(self.weight, by: gain.weight)
    switch kind {
    case .demodulated:
      let scaled = block.multiply(x, .value(block.pixel(.value(numbers))))
      let y = convolved(scaled, weight, in: &block)
      let squares = block.reshape(
        block.sum(block.multiply(weight, .value(weight)), over: [2, 3]), to: Array(weight.shape.prefix(2)))
      let styles = block.multiply(numbers, .value(numbers))
      let sums =
        isDoubling ? block.product(.value(styles), .value(squares)) : block.linear(styles, .value(squares), nil)
      let norm = block.apply(.squareRoot, to: block.add(sums, .number(StyledConvolution.epsilon)))
      let normal = block.multiply(block.divide(y, .value(block.pixel(.value(norm)))), .number(root))
      return rectified(normal, gain: root, hasNoise: hasNoise, in: &block)
    case .adain:
      let y = rectified(convolved(x, weight, in: &block), gain: 1, hasNoise: hasNoise, in: &block)
      let images = block.channelsLast(y)
      let centered = block.subtract(images, .value(block.mean(images, over: [1, 2])))
      let variance = block.mean(block.multiply(centered, .value(centered)), over: [1, 2])
      let deviation = block.apply(.squareRoot, to: block.add(variance, .number(StyledConvolution.epsilon)))
      let scale = block.add(block.slice(numbers, axis: 1, 0..<outputs), .number(1))
      let shift = block.slice(numbers, axis: 1, outputs..<2 * outputs)
      let normal = block.divide(centered, .value(deviation))
      return block.add(
        block.multiply(normal, .value(block.pixel(.value(scale)))), .value(block.pixel(.value(shift))))
    }
  }

  private func convolved(_ x: Value, _ weight: Value, in block: inout Block) -> Value {
    guard isDoubling else { return block.convolution(x, .value(weight), nil, .init(size: 3, padding: 1)) }
    let y = block.transposedConvolution(x, .value(weight), nil, .init(size: 3, stride: 2))
    return block.multiply(block.filtered(y, padding: 1), .number(4))
  }

  private func rectified(_ x: Value, gain: Float, hasNoise: Bool, in block: inout Block) -> Value {
    var y = x
    if hasNoise {
      let (height, width) = (x.shape[1], x.shape[2])
      let numbers = block.constant(
        "constant_noise.\(stream)", shape: [1, 1, height, width],
        StyleNoise.constantNumbers(height * width, stream: stream).values)
      let strength = block.pixel(.value(block.scaled(strength, by: gain)))
      y = block.add(y, .value(block.multiply(block.image(numbers), .value(strength))))
    }
    y = block.add(y, .value(block.pixel(.value(block.scaled(bias, by: gain)))))
    return block.leakyReLU(y, slope: leakySlope)
  }
}
