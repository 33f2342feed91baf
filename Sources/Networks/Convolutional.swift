import Tensors

/// y = w ∗ x + b: x [n, h, w, in], weight [out, in, k, k], bias [out], y [n, h′, w′, out] with
/// h′ = ⌊(h + 2 padding − dilation (k − 1) − 1) / stride⌋ + 1. Both start by `weight`'s initialisation, PyTorch's default
/// unless said otherwise; the fans count the kernel's taps.
public struct Convolution2D: Hashable, LinearLayer {
  public let weight: Slot
  /// None where a normalisation follows, which would take it away again.
  public let bias: Slot?
  public let stride: Int
  public let padding: Int
  public let dilation: Int
  public let spectral: SpectralNormalization?
  public private(set) var stream: UInt32 = 0
  private let initialization: Initialization

  /// - Parameter isSpectral: whether the weight is divided by its greatest singular value.
  public init(
    name: String, in inputs: Int, out outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    hasBias: Bool = true, isSpectral: Bool = false, layout: inout Layout,
    weight initialization: Initialization = .fanIn
  ) {
    weight = layout.add("\(name).weight", [outputs, inputs, kernel, kernel])
    bias = hasBias ? layout.add("\(name).bias", [outputs]) : nil
    spectral = isSpectral ? SpectralNormalization(name: name, outputs: outputs, layout: &layout) : nil
    (self.stride, self.padding, self.dilation) = (stride, padding, dilation)
    self.initialization = initialization
  }

  public var slots: (weight: Slot, bias: Slot?) { (weight, bias) }
  public var runningStatistics: [RunningStatistic] { spectral?.runningStatistics ?? [] }
  public var pointSlots: [Slot] { spectral.map { [$0.direction] } ?? [] }

  public mutating func takeStreams(_ next: inout NoiseStreams) { stream = next.takeWeights() }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    let taps = weight.shape[2] * weight.shape[3]
    fill(weight, bias, initialization, parameters, seed, fanIn: weight.shape[1] * taps, fanOut: weight.shape[0] * taps)
    spectral?.initialize(parameters, seed: seed)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { self(x, pass, slope: 1) }
}

extension Convolution2D: Rectifying {
  public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
    linear(x, weight: weight, bias: bias, slope: 1)
  }

  /// The convolution with the rectification behind it in one pass.
  private func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, slope: Float) -> Tensor {
    let (stride, padding, dilation) = (Pair(stride), Pair(padding), Pair(dilation))
    if let bias {
      return x.convolved(
        with: weight, bias: bias, slope: slope, stride: stride, padding: padding, dilation: dilation)
    }
    let y = x.convolved(with: weight, stride: stride, padding: padding, dilation: dilation)
    return slope == 1 ? y : y.leakyReLU(slope: slope)
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass, slope: Float) -> Tensor {
    guard case .given(let views) = pass.weights else {
      let y = pass.output(of: self, x)
      return slope == 1 ? y : y.leakyReLU(slope: slope)
    }
    let weight = spectral.map { $0(views[self.weight], pass) } ?? views[self.weight]
    return linear(x, weight: weight, bias: bias.map { views[$0] }, slope: slope)
  }
}

/// The transpose of a convolution: x [n, h, w, in], weight [in, out, k, k], bias [out], y [n, h′, w′, out] with
/// h′ = (h − 1) stride − 2 padding + dilation (k − 1) + outputPadding + 1.
public struct TransposedConvolution2D: Hashable, LinearLayer {
  public let weight: Slot
  public let bias: Slot?
  public let stride: Int
  public let padding: Int
  public let outputPadding: Pair
  public let dilation: Int
  public private(set) var stream: UInt32 = 0
  private let initialization: Initialization

  public init(
    name: String, in inputs: Int, out outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    outputPadding: Pair = 0, dilation: Int = 1, hasBias: Bool = true, layout: inout Layout,
    weight initialization: Initialization = .fanIn
  ) {
    weight = layout.add("\(name).weight", [inputs, outputs, kernel, kernel])
    bias = hasBias ? layout.add("\(name).bias", [outputs]) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    self.dilation = dilation
    self.initialization = initialization
  }

  public var slots: (weight: Slot, bias: Slot?) { (weight, bias) }

  public mutating func takeStreams(_ next: inout NoiseStreams) { stream = next.takeWeights() }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    let taps = weight.shape[2] * weight.shape[3]
    // PyTorch takes the second extent for the fan-in here too.
    fill(weight, bias, initialization, parameters, seed, fanIn: weight.shape[1] * taps, fanOut: weight.shape[0] * taps)
  }

  public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
    let y = x.transposeConvolved(
      with: weight, stride: Pair(stride), padding: Pair(padding), outputPadding: outputPadding,
      dilation: Pair(dilation))
    return bias.map { y.addingRow($0) } ?? y
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { pass.output(of: self, x) }
}

/// y = W x + b with W divided by its greatest singular value; otherwise as `Dense`.
public struct SpectralDense: Hashable, Layer {
  public let dense: Dense
  public let spectral: SpectralNormalization

  public init(
    name: String, in inputs: Int, out outputs: Int, layout: inout Layout,
    weight initialization: Initialization = .fanIn, bias biasInitialization: Initialization = .fanIn
  ) {
    dense = Dense(
      name: name, in: inputs, out: outputs, layout: &layout, weight: initialization, bias: biasInitialization)
    spectral = SpectralNormalization(name: name, outputs: outputs, layout: &layout)
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    dense.initialize(parameters, seed: seed)
    spectral.initialize(parameters, seed: seed)
  }

  public var runningStatistics: [RunningStatistic] { spectral.runningStatistics }
  public var pointSlots: [Slot] { [dense.weight, dense.bias, spectral.direction] }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let rows = x.reshaped(to: [x.shape[0], dense.inputs])
    return rows.linear(weight: spectral(pass.parameters[dense.weight], pass), bias: pass.parameters[dense.bias])
  }
}

/// Weights as the initialisation says; biases too by PyTorch's default, else zero.
private func fill(
  _ weight: Slot, _ bias: Slot?, _ initialization: Initialization, _ parameters: FlatBuffer, _ seed: UInt64, fanIn: Int,
  fanOut: Int
) {
  initialization.fill(weight, of: parameters, seed: seed, fanIn: fanIn, fanOut: fanOut)
  let start: Initialization = initialization == .fanIn ? .fanIn : .zeros
  if let bias { start.fill(bias, of: parameters, seed: seed, fanIn: fanIn, fanOut: fanOut) }
}

/// Makes images `factor` times as large: nearest, where each pixel becomes factor × factor, or bilinear.
public struct Upsampling: Layer {
  public enum Kind: String, Sendable { case nearest, bilinear }

  public let factor: Int
  public let kind: Kind

  public init(_ factor: Int, _ kind: Kind = .nearest) { (self.factor, self.kind) = (factor, kind) }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    kind == .nearest ? x.upsampled(factor) : x.bilinearlyUpsampled(factor)
  }
}

/// The greatest, or the mean, of each window.
public struct Pooling: Layer {
  public enum Kind: Sendable { case maximum, average }

  public let kind: Kind
  public let size: Int
  public let stride: Int
  public let padding: Int
  /// Whether windows stand out over the edge where they do not fit; of maxima alone.
  public let roundsUp: Bool

  public init(_ kind: Kind, size: Int, stride: Int? = nil, padding: Int = 0, roundsUp: Bool = false) {
    precondition(!roundsUp || kind == .maximum, "a mean over less than a window")
    self.kind = kind
    (self.size, self.stride, self.padding, self.roundsUp) = (size, stride ?? size, padding, roundsUp)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    switch kind {
    case .maximum: withPlaces(x).output
    case .average: x.averagePooled(size, stride: stride, padding: padding)
    }
  }

  /// The maxima, and where they lie.
  func withPlaces(_ x: Tensor) -> (output: Tensor, places: PoolingPlaces) {
    x.maximumPooledWithPlaces(size, stride: stride, padding: padding, roundsUp: roundsUp)
  }
}
