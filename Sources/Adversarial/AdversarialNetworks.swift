import Learners
import Networks
import Recipes
import Tensors

/// A generator and a discriminator as the recipe's `network` section says, each with a layout of its own.
struct AdversarialNetworks: Sendable {
  let generator: LayerStack
  let generatorLayout: Layout
  let discriminator: LayerStack
  let discriminatorLayout: Layout
  /// When both networks grow; nil: they are complete from the start.
  let growth: GrowthPlan?
  /// The number of classes that both networks receive; 0: none.
  let classes: Int

  /// What the networks are made between.
  struct Ends {
    /// Numbers of a latent row, classes left out.
    let latent: Int
    /// That the data's labels have; nil: it has none.
    let classes: Int?
    let example: ImageLayout
    /// Of the discriminator.
    let outputs: Int
    /// Whether the data lies in −1…1, and so what is generated.
    let isBounded: Bool

    var last: Nonlinearity { isBounded ? .tanh : .identity }
  }

  enum Architecture: String, CaseIterable { case dense, convolutional, progressive, style }
  enum Normalisation: String, CaseIterable { case none, batch, layer, pixel }
  /// How the convolutional generator doubles its images: by transposed convolutions, or by upsampling before a
  /// convolution of 3 × 3, which leaves no checkerboard (Odena, Dumoulin and Olah 2016).
  enum Doubling: String, CaseIterable { case transposed, nearest, bilinear }
  enum Restraint: String, CaseIterable { case none, batch, layer, spectral }

  /// Reads `architecture`, which each player can have one of its own of, and the keys of what was chosen.
  init(_ section: RecipeSection, _ ends: Ends, architecture: Architecture) throws {
    let both = try section.choice("architecture", default: architecture)
    let players = (
      generator: try section.choice("generator_architecture", default: both),
      discriminator: try section.choice("discriminator_architecture", default: both)
    )
    section.passOver([
      "filters", "generator_growth", "levels", "hidden", "upsampling", "generator", "discriminator", "activation",
      "normalisation", "discriminator_normalisation", "minibatch_deviation", "dropout",
    ])
    section.passOver(PyramidKeys.names)
    let plain = [players.generator, players.discriminator].contains { $0 == .dense || $0 == .convolutional }
    let details = try plain ? PlainDetails(section, players.generator) : nil
    let shape = try [players.generator, players.discriminator].contains(.convolutional) ? Halving(section, ends) : nil
    let pyramid =
      try [players.generator, players.discriminator].contains { $0 == .progressive || $0 == .style }
      ? PyramidKeys(section, ends) : nil
    growth = try players == (.progressive, .progressive) ? pyramid!.growth(section) : nil
    classes = pyramid?.classes ?? 0
    guard classes == 0 || !plain else {
      throw RecipeError(
        "network.conditional tells both networks the class: let both be of the architecture style or progressive")
    }

    var layout = Layout()
    switch players.generator {
    case .dense:
      let built = try AdversarialNetworks.denseGenerator(section, ends, details!.normalisation)
      (generator, layout) = (built.network, built.layout)
    case .convolutional:
      let built = try AdversarialNetworks.convolutionalGenerator(section, ends, shape!, details!.normalisation)
      (generator, layout) = (built.network, built.layout)
    case .progressive: generator = LayerStack([pyramid!.progressiveGenerator(ends, &layout)])
    case .style: generator = LayerStack([try pyramid!.styleGenerator(section, ends, &layout)])
    }
    generatorLayout = layout
    layout = Layout()
    switch players.discriminator {
    case .dense:
      let built = try AdversarialNetworks.denseDiscriminator(section, ends, details!.restraint, details!.sight)
      (discriminator, layout) = (built.network, built.layout)
    case .convolutional:
      let built = try AdversarialNetworks.convolutionalDiscriminator(ends, shape!, details!.restraint, details!.sight)
      (discriminator, layout) = (built.network, built.layout)
    case .progressive: discriminator = LayerStack([pyramid!.progressiveDiscriminator(ends, &layout)])
    case .style: discriminator = LayerStack([try pyramid!.styleDiscriminator(section, ends, &layout)])
    }
    discriminatorLayout = layout
  }

  /// Settings of dense and convolutional players beside their sizes.
  private struct PlainDetails {
    let normalisation: Normalisation
    let restraint: Restraint
    let sight: Sight

    init(_ section: RecipeSection, _ generator: Architecture) throws {
      normalisation = try section.choice(
        "normalisation", default: generator == .convolutional ? Normalisation.batch : .none)
      restraint = try section.choice("discriminator_normalisation", default: Restraint.none)
      sight = Sight(
        seesBatch: try section.flag("minibatch_deviation", default: false),
        dropout: try section.number("dropout", default: 0, in: 0...0.99))
    }
  }

  /// What a discriminator sees beside an example, and what is hidden from it.
  private struct Sight {
    let seesBatch: Bool
    let dropout: Double
  }

  // MARK: Rows through dense layers

  private static func denseGenerator(
    _ section: RecipeSection, _ ends: Ends, _ normalisation: Normalisation
  ) throws -> NetworkBuilder {
    let hidden = try section.integers("generator", default: [256, 512, 1024], in: 1...1_000_000)
    let activation = try section.nonlinearity(default: .leakyReLU)
    var builder = NetworkBuilder(name: "generator", input: [ends.latent], layout: Layout())
    for units in hidden {
      builder.dense(units)
      try builder.add(normalisation)
      builder.append(activation)
    }
    builder.dense(ends.example.count, activation: ends.last)
    return builder
  }

  private static func denseDiscriminator(
    _ section: RecipeSection, _ ends: Ends, _ restraint: Restraint, _ sight: Sight
  ) throws -> NetworkBuilder {
    let hidden = try section.integers("discriminator", default: [512, 256], in: 1...1_000_000)
    let activation = try section.nonlinearity(default: .leakyReLU)
    var builder = NetworkBuilder(name: "discriminator", input: [ends.example.count], layout: Layout())
    for (index, units) in hidden.enumerated() {
      builder.dense(units, isSpectral: restraint == .spectral)
      if index > 0 { try builder.add(restraint) }
      builder.append(activation)
      if sight.dropout > 0 { builder.dropout(sight.dropout, stream: UInt32(index)) }
    }
    if sight.seesBatch { builder.minibatchDeviation() }
    builder.dense(ends.outputs, isSpectral: restraint == .spectral)
    return builder
  }

  // MARK: Images through convolutions

  /// The deep convolutional GAN (Radford, Metz and Chintala 2016, section 3): strided convolutions in place of pooling,
  /// normalisation everywhere but at the generator's end and the discriminator's start, ReLU in the generator and leaky
  /// ReLU in the discriminator, weights from N(0, 0.02²). The image is halved while its sides are even and above 4;
  /// `filters` are those next to the image, and double with each halving (in the generator by `generator_growth`).
  /// `hidden` units of a dense layer at the small end of each player (as Chen et al. 2016, appendix C.1) see the whole
  /// image at once, which windows do not.
  private struct Halving {
    let filters: Int
    let growth: Int
    let hidden: Int
    let levels: Int
    let doubling: Doubling
    static let start = Initialization.normal(0.02)

    init(_ section: RecipeSection, _ ends: Ends) throws {
      filters = try section.integer("filters", default: 64, in: 1...65_536)
      growth = try section.integer("generator_growth", default: 2, in: 1...4)
      hidden = try section.integer("hidden", default: 0, in: 0...65_536)
      let levelled = try section.integer("levels", default: 0, in: 0...12)
      doubling = try section.choice("upsampling", default: Doubling.transposed)
      let image = ends.example
      let possible = NetworkBuilder.halvings(of: [image.height, image.width], above: levelled > 0 ? 1 : 4)
      guard possible > 0, levelled <= possible else {
        throw RecipeError(
          "network.architecture is convolutional, but images of \(image.height) × \(image.width) cannot be halved"
            + (levelled > 0 ? " \(levelled) times" : "")
            + ": choose network.architecture=dense, or images of other sizes")
      }
      levels = levelled > 0 ? levelled : possible
    }

    /// Level 0 is the image.
    func channels(_ level: Int, growth: Int = 2) -> Int {
      (1..<level).reduce(filters) { channels, _ in channels * growth }
    }
  }

  private static func convolutionalGenerator(
    _ section: RecipeSection, _ ends: Ends, _ halving: Halving, _ normalisation: Normalisation
  ) throws -> NetworkBuilder {
    let (image, levels) = (ends.example, halving.levels)
    var builder = NetworkBuilder(
      name: "generator", input: [ends.latent], layout: Layout(), weight: Halving.start, bias: .zeros)
    if halving.hidden > 0 {
      builder.dense(halving.hidden, named: "hidden")
      try builder.add(normalisation)
      builder.append(.relu)
    }
    let small = [image.height >> levels, image.width >> levels, halving.channels(levels, growth: halving.growth)]
    builder.dense(small.reduce(1, *))
    builder.reshape(to: small)
    for level in stride(from: levels, through: 1, by: -1) {
      try builder.add(normalisation)
      builder.append(.relu)
      let isLast = level == 1
      let outputs = isLast ? image.channels : halving.channels(level - 1, growth: halving.growth)
      try builder.double(halving.doubling, to: outputs, hasBias: isLast || normalisation == .none)
    }
    builder.append(ends.last)
    builder.reshape(to: [image.count])
    return builder
  }

  private static func convolutionalDiscriminator(
    _ ends: Ends, _ halving: Halving, _ restraint: Restraint, _ sight: Sight
  ) throws -> NetworkBuilder {
    let (image, isSpectral) = (ends.example, restraint == .spectral)
    var builder = NetworkBuilder(
      name: "discriminator", input: [image.height, image.width, image.channels], layout: Layout(),
      weight: Halving.start, bias: .zeros)
    for level in 1...halving.levels {
      let window = Window(4, stride: 2, padding: 1, hasBias: level == 1 || !restraint.isLayer)
      try builder.convolution(halving.channels(level), window, isSpectral: isSpectral)
      if level > 1 { try builder.add(restraint) }
      builder.append(.leakyReLU(slope: 0.2))
      if sight.dropout > 0 { builder.dropout(sight.dropout, stream: UInt32(level)) }
    }
    if sight.seesBatch { builder.minibatchDeviation() }
    if halving.hidden > 0 {
      builder.dense(halving.hidden, named: "hidden", isSpectral: isSpectral)
      try builder.add(restraint)
      builder.append(.leakyReLU(slope: 0.2))
    }
    builder.dense(ends.outputs, isSpectral: isSpectral)
    return builder
  }
}

extension AdversarialNetworks.Restraint {
  /// Whether it is a layer of its own.
  var isLayer: Bool { self == .batch || self == .layer }
}

extension NetworkBuilder {
  fileprivate mutating func add(_ normalisation: AdversarialNetworks.Normalisation) throws {
    if let kind = NormalizationKind(rawValue: normalisation.rawValue) { try normalization(kind) }
  }

  fileprivate mutating func add(_ restraint: AdversarialNetworks.Restraint) throws {
    if let kind = NormalizationKind(rawValue: restraint.rawValue) { try normalization(kind) }
  }

  /// Doubles the sides of an image.
  fileprivate mutating func double(
    _ doubling: AdversarialNetworks.Doubling, to filters: Int, hasBias: Bool
  ) throws {
    guard let kind = Upsampling.Kind(rawValue: doubling.rawValue) else {
      return try transposedConvolution(filters, Window(4, stride: 2, padding: 1, hasBias: hasBias))
    }
    try add(.upsampling(2, kind))
    try convolution(filters, Window(3, padding: 1, hasBias: hasBias))
  }
}
