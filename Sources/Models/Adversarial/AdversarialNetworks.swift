import Networks
import Recipes
import Tensors

/// A generator and a discriminator as the recipe's `network` section says, each with a layout of its own.
struct AdversarialNetworks: Sendable {
  let generator: LayerStack
  let generatorLayout: Layout
  let discriminator: LayerStack
  let discriminatorLayout: Layout

  /// What the networks are made between.
  struct Ends {
    /// Numbers of a latent row.
    let latent: Int
    let example: ImageLayout
    /// Of the discriminator.
    let outputs: Int
    /// Whether the data lies in −1…1, and so what is generated.
    let isBounded: Bool

    var last: Nonlinearity { isBounded ? .tanh : .identity }
  }

  enum Architecture: String, CaseIterable { case dense, convolutional }
  enum Normalisation: String, CaseIterable { case none, batch, layer, pixel }
  /// How the convolutional generator doubles its images: by transposed convolutions, or by upsampling before a
  /// convolution of 3 × 3, which leaves no checkerboard (Odena, Dumoulin and Olah 2016).
  enum Doubling: String, CaseIterable { case transposed, nearest, bilinear }
  enum Restraint: String, CaseIterable { case none, batch, layer, spectral }

  init(_ section: RecipeSection, _ ends: Ends, architecture: Architecture) throws {
    switch try section.choice("architecture", default: architecture) {
    case .dense:
      section.passOver(["filters", "levels", "hidden", "upsampling"])
      try self.init(dense: section, ends)
    case .convolutional:
      section.passOver(["generator", "discriminator", "activation"])
      try self.init(convolutional: section, ends)
    }
  }

  /// Rows through dense layers.
  private init(dense section: RecipeSection, _ ends: Ends) throws {
    let hidden = try section.integers("generator", default: [256, 512, 1024], in: 1...1_000_000)
    let critic = try section.integers("discriminator", default: [512, 256], in: 1...1_000_000)
    let activation = try section.nonlinearity(default: .leakyReLU)
    let (normalisation, restraint) = try AdversarialNetworks.normalisations(section, generator: .none)
    let seesBatch = try section.flag("minibatch_deviation", default: false)
    let dropout = try section.number("dropout", default: 0, in: 0...0.99)

    var layout = Layout()
    var layers: [any Layer] = []
    var inputs = ends.latent
    for (index, units) in hidden.enumerated() {
      let name = "generator.\(index)"
      layers.append(Dense(name: name, in: inputs, out: units, layout: &layout))
      layers += normalisation.layers("\(name).norm", channels: units, layout: &layout)
      layers.append(Elementwise(activation))
      inputs = units
    }
    layers.append(
      Dense(
        name: "generator.\(hidden.count)", in: inputs, out: ends.example.count, activation: ends.last, layout: &layout))
    generator = LayerStack(layers)
    generatorLayout = layout

    layout = Layout()
    layers = []
    inputs = ends.example.count
    for (index, units) in critic.enumerated() {
      let name = "discriminator.\(index)"
      layers.append(restraint.dense(name, in: inputs, out: units, layout: &layout))
      if index > 0 { layers += restraint.layers("\(name).norm", channels: units, layout: &layout) }
      layers.append(Elementwise(activation))
      if dropout > 0 { layers.append(TrainingDropout(rate: dropout, number: index)) }
      inputs = units
    }
    if seesBatch {
      layers.append(MinibatchDeviation())
      inputs += 1
    }
    layers.append(
      restraint.dense("discriminator.\(critic.count)", in: inputs, out: ends.outputs, layout: &layout))
    discriminator = LayerStack(layers)
    discriminatorLayout = layout
  }

  /// The deep convolutional GAN (Radford, Metz and Chintala 2016, section 3): strided convolutions in place of pooling,
  /// normalisation everywhere but at the generator's end and the discriminator's start, ReLU in the generator and leaky
  /// ReLU in the discriminator, weights from N(0, 0.02²). The image is halved while its sides are even and above 4;
  /// `filters` are those next to the image, and double with each halving. `hidden` units of a dense layer at the small
  /// end of each player (as Chen et al. 2016, appendix C.1) see the whole image at once, which windows do not.
  private init(convolutional section: RecipeSection, _ ends: Ends) throws {
    let filters = try section.integer("filters", default: 64, in: 1...65_536)
    let hidden = try section.integer("hidden", default: 0, in: 0...65_536)
    let levelled = try section.integer("levels", default: 0, in: 0...12)
    let (normalisation, restraint) = try AdversarialNetworks.normalisations(section, generator: .batch)
    let doubling = try section.choice("upsampling", default: Doubling.transposed)
    let seesBatch = try section.flag("minibatch_deviation", default: false)
    let dropout = try section.number("dropout", default: 0, in: 0...0.99)
    let image = ends.example
    var (height, width, levels) = (image.height, image.width, 0)
    while height % 2 == 0, width % 2 == 0, levelled > 0 ? levels < levelled : min(height, width) > 4 {
      (height, width, levels) = (height / 2, width / 2, levels + 1)
    }
    guard levels > 0, levelled == 0 || levels == levelled else {
      throw RecipeError(
        "network.architecture is convolutional, but images of \(image.height) × \(image.width) cannot be halved"
          + (levelled > 0 ? " \(levelled) times" : "") + ": choose network.architecture=dense, or images of other sizes"
      )
    }
    func channels(_ level: Int) -> Int { filters << (level - 1) }  // level 0 is the image
    let start = Initialization.normal(0.02)

    var layout = Layout()
    var layers: [any Layer] = []
    var inputs = ends.latent
    if hidden > 0 {
      let name = "generator.hidden"
      layers.append(Dense(name: name, in: inputs, out: hidden, layout: &layout, weight: start, bias: .zeros))
      layers += normalisation.layers("\(name).norm", channels: hidden, layout: &layout)
      layers.append(Elementwise(.relu))
      inputs = hidden
    }
    layers += [
      Dense(
        name: "generator.0", in: inputs, out: height * width * channels(levels), layout: &layout, weight: start,
        bias: .zeros),
      Reshaped(to: [height, width, channels(levels)]),
    ]
    layers += normalisation.layers("generator.0.norm", channels: channels(levels), layout: &layout)
    layers.append(Elementwise(.relu))
    for level in stride(from: levels, to: 0, by: -1) {
      let (name, isLast) = ("generator.\(levels - level + 1)", level == 1)
      let outputs = isLast ? image.channels : channels(level - 1)
      layers += doubling.layers(
        name, in: channels(level), out: outputs, hasBias: isLast || normalisation == .none, layout: &layout,
        weight: start)
      if isLast { break }
      layers += normalisation.layers("\(name).norm", channels: outputs, layout: &layout)
      layers.append(Elementwise(.relu))
    }
    layers += [Elementwise(ends.last), Reshaped(to: [image.count])]
    generator = LayerStack(layers)
    generatorLayout = layout

    layout = Layout()
    layers = [Reshaped(to: [image.height, image.width, image.channels])]
    for level in 1...levels {
      let name = "discriminator.\(level - 1)"
      layers.append(
        Convolution2D(
          name: name, in: level == 1 ? image.channels : channels(level - 1), out: channels(level), kernel: 4, stride: 2,
          padding: 1, hasBias: level == 1 || !restraint.isLayer, isSpectral: restraint == .spectral, layout: &layout,
          weight: start))
      if level > 1 { layers += restraint.layers("\(name).norm", channels: channels(level), layout: &layout) }
      layers.append(Elementwise(.leakyReLU(slope: 0.2)))
      if dropout > 0 { layers.append(TrainingDropout(rate: dropout, number: level)) }
    }
    if seesBatch { layers.append(MinibatchDeviation()) }
    inputs = height * width * (channels(levels) + (seesBatch ? 1 : 0))
    if hidden > 0 {
      let name = "discriminator.hidden"
      layers.append(restraint.dense(name, in: inputs, out: hidden, layout: &layout, weight: start, bias: .zeros))
      layers += restraint.layers("\(name).norm", channels: hidden, layout: &layout)
      layers.append(Elementwise(.leakyReLU(slope: 0.2)))
      inputs = hidden
    }
    layers.append(
      restraint.dense(
        "discriminator.\(levels)", in: inputs, out: ends.outputs, layout: &layout, weight: start, bias: .zeros))
    discriminator = LayerStack(layers)
    discriminatorLayout = layout
  }

  private static func normalisations(
    _ section: RecipeSection, generator: Normalisation
  ) throws -> (Normalisation, Restraint) {
    (
      try section.choice("normalisation", default: generator),
      try section.choice("discriminator_normalisation", default: Restraint.none)
    )
  }
}

extension AdversarialNetworks.Doubling {
  func layers(
    _ name: String, in inputs: Int, out outputs: Int, hasBias: Bool, layout: inout Layout, weight: Initialization
  ) -> [any Layer] {
    guard let kind = Upsampling.Kind(rawValue: rawValue) else {
      return [
        TransposedConvolution2D(
          name: name, in: inputs, out: outputs, kernel: 4, stride: 2, padding: 1, hasBias: hasBias, layout: &layout,
          weight: weight)
      ]
    }
    return [
      Upsampling(2, kind),
      Convolution2D(
        name: name, in: inputs, out: outputs, kernel: 3, padding: 1, hasBias: hasBias, layout: &layout, weight: weight),
    ]
  }
}

extension AdversarialNetworks.Normalisation {
  func layers(_ name: String, channels: Int, layout: inout Layout) -> [any Layer] {
    switch self {
    case .none: []
    case .batch: [BatchNormalization(name: name, channels: channels, layout: &layout)]
    case .layer: [LayerNormalization(name: name, channels: channels, layout: &layout)]
    case .pixel: [PixelNormalization()]
    }
  }
}

extension AdversarialNetworks.Restraint {
  /// Whether it is a layer of its own.
  var isLayer: Bool { self == .batch || self == .layer }

  func layers(_ name: String, channels: Int, layout: inout Layout) -> [any Layer] {
    switch self {
    case .none, .spectral: []
    case .batch: [BatchNormalization(name: name, channels: channels, layout: &layout)]
    case .layer: [LayerNormalization(name: name, channels: channels, layout: &layout)]
    }
  }

  func dense(
    _ name: String, in inputs: Int, out outputs: Int, layout: inout Layout, weight: Initialization = .fanIn,
    bias: Initialization = .fanIn
  ) -> any Layer {
    self == .spectral
      ? SpectralDense(name: name, in: inputs, out: outputs, layout: &layout, weight: weight, bias: bias)
      : Dense(name: name, in: inputs, out: outputs, layout: &layout, weight: weight, bias: bias)
  }
}
