import Recipes
import Tensors

/// Puts a network together layer by layer: it names the layers, adds their slots to a layout and infers every size.
///
///     var builder = NetworkBuilder(name: "layers", input: [28, 28, 1], layout: layout)
///     try builder.add(.convolution(filters: 32, Window(4, stride: 2, padding: 1)))
///     try builder.add(.activation(.relu))
///     builder.dense(10)
///     let network = builder.network       // [n, 784] → [n, 10]
public struct NetworkBuilder {
  public private(set) var layout: Layout
  /// The shape of one example behind the last layer: [features] or [height, width, channels].
  public private(set) var shape: [Int]
  /// What was added, with the shapes before and behind it; the base of a mirror image.
  private(set) var stages: [Stage] = []

  private let name: String
  private let activation: Nonlinearity
  private let initialization: (weight: Initialization, bias: Initialization)
  private var layers: [any Layer] = []
  /// How many layers have weights, and the name of the last.
  private var count = 0
  private var lastName: String
  /// Whether examples lie in rows of numbers, whatever their shape.
  private var isFlat = true
  /// Maximum poolings that no `unpool` undoes yet: their places among the layers, and the shapes before and behind them.
  private var poolings: [(place: Int, pooling: Pooling, input: [Int], output: [Int])] = []

  /// A layer that changes the shape, and those behind it that do not.
  struct Stage {
    let spec: LayerSpec
    let input: [Int]
    let output: [Int]
    var followers: [LayerSpec] = []
  }

  /// - Parameters:
  ///   - name: what the names of slots begin with: `name.0.weight`.
  ///   - input: the shape of an example, [features] or [height, width, channels]; the network takes rows, [n, …].
  ///   - layout: what the slots are added to; taken back from ``layout`` when the network is complete.
  ///   - activation: what follows ``LayerSpec/units(_:)``.
  public init(
    name: String, input: [Int], layout: Layout, activation: Nonlinearity = .relu,
    weight: Initialization = .fanIn, bias: Initialization = .fanIn
  ) {
    (self.name, self.shape, self.layout, self.activation) = (name, input, layout, activation)
    initialization = (weight, bias)
    lastName = name
  }

  /// The layers so far. Their result is [n, …] of ``shape``.
  public var network: LayerStack { LayerStack(layers) }

  public var features: Int { shape.reduce(1, *) }

  // MARK: Layers

  /// Adds a layer of a list.
  /// - Throws: `RecipeError` when it does not fit what is before it.
  public mutating func add(_ spec: LayerSpec) throws(RecipeError) {
    let before = shape
    switch spec {
    case .units(let units):
      dense(units)
      append(activation)
      stages.append(Stage(spec: .dense(units), input: before, output: shape, followers: [.activationOfNetwork]))
      return
    case .dense(let units): dense(units)
    case .convolution(let filters, let window): try convolution(filters, window)
    case .transposedConvolution(let filters, let window): try transposedConvolution(filters, window)
    case .pooling(let kind, let window):
      let image = try image(for: spec)
      let result = [window.result(of: image[0]), window.result(of: image[1]), image[2]]
      guard result[0] > 0, result[1] > 0 else { throw tooSmall(image, window) }
      let pooling = Pooling(
        kind, size: window.size, stride: window.stride, padding: window.padding, roundsUp: window.roundsUp)
      if kind == .maximum { poolings.append((layers.count, pooling, image, result)) }
      layers.append(pooling)
      shape = result
    case .unpooling: try unpool()
    case .upsampling(let factor, let kind):
      let image = try image(for: spec)
      layers.append(Upsampling(factor, kind))
      shape = [image[0] * factor, image[1] * factor, image[2]]
    case .normalization(let kind):
      try normalization(kind)
    case .activation(let name): append(name.nonlinearity)
    case .activationOfNetwork: append(activation)
    case .dropout(let rate): dropout(rate)
    }
    switch spec {
    case .normalization, .activation, .activationOfNetwork, .dropout:
      if !stages.isEmpty { stages[stages.count - 1].followers.append(spec) }
    default: stages.append(Stage(spec: spec, input: before, output: shape))
    }
  }

  /// Adds a dense layer, which sees an image as one row.
  /// - Parameters:
  ///   - own: a name in place of the layer's number.
  ///   - isSpectral: whether the weight is divided by its greatest singular value.
  public mutating func dense(
    _ units: Int, named own: String? = nil, activation: Nonlinearity = .identity, isSpectral: Bool = false
  ) {
    let (name, inputs) = (nextName(own), features)
    let (weight, bias) = initialization
    layers.append(
      isSpectral
        ? SpectralDense(name: name, in: inputs, out: units, layout: &layout, weight: weight, bias: bias)
        : Dense(
          name: name, in: inputs, out: units, activation: activation, layout: &layout, weight: weight, bias: bias))
    (shape, isFlat) = ([units], true)
  }

  public mutating func convolution(_ filters: Int, _ window: Window, isSpectral: Bool = false) throws(RecipeError) {
    let image = try image(for: .convolution(filters: filters, window))
    let result = [window.result(of: image[0]), window.result(of: image[1]), filters]
    guard result[0] > 0, result[1] > 0 else { throw tooSmall(image, window) }
    layers.append(
      Convolution2D(
        name: nextName(), in: image[2], out: filters, kernel: window.size, stride: window.stride,
        padding: window.padding, dilation: window.dilation, hasBias: window.hasBias, isSpectral: isSpectral,
        layout: &layout, weight: initialization.weight))
    shape = result
  }

  public mutating func transposedConvolution(_ filters: Int, _ window: Window) throws(RecipeError) {
    let image = try image(for: .transposedConvolution(filters: filters, window))
    let result = [
      window.transposedResult(of: image[0], outputPadding: window.outputPadding.height),
      window.transposedResult(of: image[1], outputPadding: window.outputPadding.width), filters,
    ]
    guard result[0] > 0, result[1] > 0 else { throw tooSmall(image, window) }
    layers.append(
      TransposedConvolution2D(
        name: nextName(), in: image[2], out: filters, kernel: window.size, stride: window.stride,
        padding: window.padding, outputPadding: window.outputPadding, dilation: window.dilation,
        hasBias: window.hasBias, layout: &layout, weight: initialization.weight))
    shape = result
  }

  /// Undoes the last maximum pooling, with the layers since then within.
  private mutating func unpool() throws(RecipeError) {
    guard let (place, pooling, input, output) = poolings.popLast() else {
      throw RecipeError("there is no `pool max` before it that is not undone yet")
    }
    guard shape == output else {
      throw RecipeError(
        "the `pool max` that it undoes leaves \(text(output)) × \(output[2]), and it gets "
          + (shape.count == 3 ? "\(text(shape)) × \(shape[2])" : "rows of \(features) numbers"))
    }
    let inner = LayerStack(Array(layers[(place + 1)...]))
    layers[place] = PoolingSection(pooling, inner)
    layers.removeSubrange((place + 1)...)
    shape = input
  }

  /// Adds a normalization of channels, named after the layer with weights before it.
  public mutating func normalization(_ kind: NormalizationKind) throws(RecipeError) {
    let channels = shape.last!
    var (name, number) = (lastName + ".norm", 1)
    while layout[name + ".weight"] != nil {
      number += 1
      name = "\(lastName).norm\(number)"
    }
    switch kind {
    case .batch: layers.append(BatchNormalization(name: name, channels: channels, layout: &layout))
    case .layer: layers.append(LayerNormalization(name: name, channels: channels, layout: &layout))
    case .pixel: layers.append(PixelNormalization())
    case .instance:
      let image = try image(for: .normalization(kind))
      guard image[0] == image[1] else {
        throw RecipeError("an instance normalization needs square images, not \(text(image))")
      }
      layers.append(InstanceNormalization())
    }
  }

  /// Adds a function of each number; a dense layer before it computes it in one pass with its product.
  public mutating func append(_ function: Nonlinearity) {
    if let dense = layers.last as? Dense, let merged = dense.following(with: function) {
      layers[layers.count - 1] = merged
    } else if function != .identity {
      layers.append(Elementwise(function))
    }
  }

  /// - Parameter stream: a number of the layer's noise; nil: the stack numbers it.
  public mutating func dropout(_ rate: Double, stream: UInt32? = nil) {
    layers.append(Dropout(rate: rate, stream: stream))
  }

  /// Appends the deviation over the batch as a channel.
  public mutating func minibatchDeviation() {
    layers.append(MinibatchDeviation())
    shape[shape.count - 1] += 1
  }

  /// Sees each example in another shape of as many numbers.
  public mutating func reshape(to shape: [Int]) {
    precondition(shape.reduce(1, *) == features, "\(self.shape) has not as many numbers as \(shape)")
    self.shape = shape
    if !isFlat || shape.count > 1 { layers.append(Reshaped(to: shape)) }
    isFlat = shape.count == 1
  }

  /// Adds any layer that keeps the shape.
  public mutating func append(_ layer: some Layer) { layers.append(layer) }

  // MARK: Parts

  private mutating func nextName(_ own: String? = nil) -> String {
    if let own {
      lastName = "\(name).\(own)"
    } else {
      lastName = "\(name).\(count)"
      count += 1
    }
    return lastName
  }

  /// The shape as an image, which the rows are made into if they are not.
  private mutating func image(for spec: LayerSpec) throws(RecipeError) -> [Int] {
    guard shape.count == 3 else {
      throw RecipeError("`\(spec)` needs images, not rows of \(features) numbers")
    }
    if isFlat {
      layers.append(Reshaped(to: shape))
      isFlat = false
    }
    return shape
  }

  private func text(_ image: [Int]) -> String { "\(image[0]) × \(image[1])" }

  private func tooSmall(_ image: [Int], _ window: Window) -> RecipeError {
    RecipeError(
      "a window of \(window.size) leaves nothing of images of \(text(image))"
        + (window.padding > 0 ? " with a padding of \(window.padding)" : ""))
  }
}

extension Dense {
  /// The same layer with a function behind it that it can compute; nil if it has one already.
  fileprivate func following(with function: Nonlinearity) -> Dense? {
    activation == .identity && function.fused != .identity ? Dense(self, activation: function) : nil
  }
}
