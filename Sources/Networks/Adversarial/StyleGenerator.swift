import Computations
import Tensors

/// The generator of StyleGAN2 (Karras et al. 2020, figure 7): latent rows z [n, latent], the one-hot class behind them where
/// there are classes → images as rows [n, h · w · c], not bounded. A mapping network makes a style w of z; each convolution
/// of the synthesis follows a style; every level adds its picture to the filtered picture of the level below.
///
/// With a key, a pass of training mixes styles: with probability `mixing` an example's later convolutions follow the style of
/// a second latent row (Karras, Laine and Aila 2019, section 3.1). It leaves the mean of w among its statistics, which the
/// average w̄ follows.
public struct StyleGenerator: Layer {
  /// How the generator is built.
  public struct Settings: Sendable {
    public var latent = 128
    /// 0: there are none.
    public var classes = 0
    public var style = 128
    /// Layers of the mapping network.
    public var mapping = 2
    /// What the mapping network's learning rate is multiplied with.
    public var mappingRate: Float = 0.01
    public var kind = StyleKind.demodulated
    /// The probability that an example's style is mixed.
    public var mixing: Float = 0.9
    /// Whether convolutions are given noise.
    public var hasNoise = true

    public init() {}
  }

  public let settings: Settings
  public let pyramid: ImagePyramid
  /// w̄, the running mean of the styles.
  public let average: Slot
  /// Where the noise comes from in a pass with a key.
  public var noise = StyleNoise.random
  /// Truncation: of the first `count` styles w, w̄ + ψ (w − w̄) is taken.
  public var truncation: (psi: Float, count: Int)?
  private let input: Slot
  private let mapping: MappingNetwork
  private var convolutions: [StyledConvolution] = []
  private var pictures: [StyledPicture] = []
  private var streams: (latent: UInt32, mixing: UInt32) = (0, 0)

  public init(name: String, settings: Settings, pyramid: ImagePyramid, layout: inout Layout) {
    (self.settings, self.pyramid) = (settings, pyramid)
    mapping = MappingNetwork(
      name: "\(name).mapping",
      .init(
        noise: settings.latent, classes: settings.classes, width: settings.style, layers: settings.mapping,
        rate: settings.mappingRate), layout: &layout)
    average = layout.add("\(name).mapping.average", [settings.style])
    input = layout.add("\(name).input", Shape(pyramid.start + [pyramid.features(0)]))
    for level in 0..<pyramid.levels {
      let features = pyramid.features(level)
      for index in (level == 0 ? 1 : 0)..<2 {
        convolutions.append(
          StyledConvolution(
            name: "\(name).\(level).\(index)", in: index == 0 ? pyramid.features(level - 1) : features, out: features,
            style: settings.style, kind: settings.kind, isDoubling: index == 0, layout: &layout))
      }
      pictures.append(
        StyledPicture(
          name: "\(name).\(level).picture", in: features, out: pyramid.channels, style: settings.style,
          isStyled: settings.kind == .demodulated, layout: &layout))
    }
  }

  private var layers: [any Layer] { [mapping] + convolutions + pictures }
  public var pointSlots: [Slot] { layers.flatMap(\.pointSlots) + [average, input] }
  public var runningStatistics: [RunningStatistic] { [RunningStatistic(average, momentum: 0.005)] }

  public mutating func takeStreams(_ next: inout NoiseStreams) {
    streams = (next.takeActivations(), next.takeActivations())
    for index in convolutions.indices { convolutions[index].takeStreams(&next) }
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    for layer in layers { layer.initialize(parameters, seed: seed) }
    Initialization.normal(1).fill(input, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
    Initialization.zeros.fill(average, of: parameters, seed: seed, fanIn: 1, fanOut: 1)
  }

  /// How many styles the synthesis takes: one a convolution, and one for the last picture.
  public var styleCount: Int { convolutions.count + 1 }

  public func callAsFunction(_ latents: Tensor, _ pass: Pass) -> Tensor { synthesize(styles(of: latents, pass), pass) }

  /// Latent rows → w [n, style].
  public func map(_ latents: Tensor, _ pass: Pass) -> Tensor { mapping(latents, pass) }

  /// The styles that a pass gives latent rows, one [n, style] for each input of the synthesis: mixed in training, truncated
  /// where that is asked for.
  public func styles(of latents: Tensor, _ pass: Pass) -> [Tensor] {
    let w = map(latents, pass)
    pass.statistics?.observe(average, w.sumOfColumns() * (1 / Float(max(w.rows, 1))))
    if pass.statistics != nil, let key = pass.key, settings.mixing > 0 { return mixed(w, of: latents, key, pass) }
    guard let truncation else { return Array(repeating: w, count: styleCount) }
    let near = truncated(w, to: truncation.psi, pass)
    return (0..<styleCount).map { $0 < truncation.count ? near : w }
  }

  /// w̄ + ψ (w − w̄) (Karras, Laine and Aila 2019, appendix B).
  public func truncated(_ w: Tensor, to psi: Float, _ pass: Pass) -> Tensor {
    (w * psi).addingRow(pass.parameters[average] * (1 - psi))
  }

  private func mixed(_ w: Tensor, of latents: Tensor, _ key: RandomKey, _ pass: Pass) -> [Tensor] {
    let rows = pass.examples
    let noise = Tensor.normal(key.stream(streams.latent), rows: rows, columns: settings.latent)
    // The second style is of the same class.
    let second = map(
      settings.classes == 0 ? noise : noise.joiningColumns(latents.columns(settings.latent..<latents.columns)), pass)
    let draws = Tensor.uniform(key.stream(streams.mixing), rows: rows, columns: 2)
    // From which style on each example follows the second one.
    let places = (0..<rows.count).map { row in
      draws.pointer[2 * row] < settings.mixing
        ? 1 + min(Int(draws.pointer[2 * row + 1] * Float(styleCount - 1)), styleCount - 2) : styleCount
    }
    return (0..<styleCount).map { index in
      let first = Tensor(places.map { index < $0 ? 1 : 0 }, [rows.count])
      return w.multiplyingColumn(first) + second.multiplyingColumn(1 - first)
    }
  }

  /// The sides [height, width] of the noise of each convolution; none where there is no noise.
  public var noiseSides: [[Int]] {
    settings.hasNoise ? (0..<convolutions.count).map { pyramid.sides(($0 + 1) / 2) } : []
  }

  /// The noise of each convolution in a pass, [n, height, width].
  public func noiseMaps(_ n: Int, _ pass: Pass) -> [Tensor?] {
    zip(noiseSides, convolutions).map { noise.numbers(n, sides: $0, stream: $1.stream, pass) }
  }

  /// Images as rows, of one style [n, style] for each of `styleCount` inputs, from the smallest level on.
  /// - Parameter maps: the noise of each convolution, in place of the pass's.
  public func synthesize(_ styles: [Tensor], noise maps: [Tensor?]? = nil, _ pass: Pass) -> Tensor {
    precondition(styles.count == styleCount, "\(styles.count) styles for \(styleCount) inputs")
    let (n, maps) = (styles[0].rows, maps ?? noiseMaps(styles[0].rows, pass))
    let start = pass.parameters[input]
    var x = start.reshaped(to: [start.count]).repeatedDown(to: [n, start.count])
      .reshaped(to: Shape([n] + start.shape.dimensions))
    var (place, picture): (Int, Tensor?) = (0, nil)
    for level in 0..<pyramid.levels {
      for _ in (level == 0 ? 1 : 0)..<2 {
        x = convolutions[place](x, style: styles[place], noise: maps.isEmpty ? nil : maps[place], pass)
        place += 1
      }
      let own = pictures[level](x, style: styles[place], pass)
      picture = picture.map { $0.filteredUp() + own } ?? own
    }
    return picture!.reshaped(to: [n, pyramid.sides(pyramid.levels - 1).reduce(pyramid.channels, *)])
  }

  /// ‖Jᵀ y‖ of each example, [n], with J the derivative of its image by its styles; the mean over the styles stands under
  /// the root (Karras et al. 2020, equation 4). It can be differentiated again.
  /// - Parameters:
  ///   - styles: recorded on `tape`.
  ///   - directions: y, as many numbers as the images have.
  public func pathLengths(of styles: [Tensor], along directions: Tensor, on tape: Tape, _ pass: Pass) -> Tensor {
    // Each input has a tensor of its own to be differentiated by.
    let styles = styles.map { $0 * 1 }
    let slopes = tape.gradient(
      of: (synthesize(styles, pass) * directions).sum(), withRespectTo: styles, recorded: true)
    let squares = slopes.dropFirst().reduce(slopes[0].squared().sumOfRows()) { $0 + $1.squared().sumOfRows() }
    // ε keeps the root's derivative finite where an image does not depend on its style.
    return (squares * (1 / Float(styles.count)) + 1e-8).squareRoot()
  }
}

/// A picture of an image's features: a convolution of 1 × 1, modulated by a style unless features follow it already.
struct StyledPicture: Layer {
  private let convolution: EqualizedConvolution
  private let style: EqualizedDense?

  init(name: String, in inputs: Int, out channels: Int, style width: Int, isStyled: Bool, layout: inout Layout) {
    convolution = EqualizedConvolution(name: name, in: inputs, out: channels, kernel: 1, layout: &layout)
    style =
      isStyled ? EqualizedDense(name: "\(name).style", in: width, out: inputs, start: 1, layout: &layout) : nil
  }

  var pointSlots: [Slot] { convolution.pointSlots + (style?.pointSlots ?? []) }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    convolution.initialize(parameters, seed: seed)
    style?.initialize(parameters, seed: seed)
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { convolution(x, pass) }

  func callAsFunction(_ x: Tensor, style w: Tensor, _ pass: Pass) -> Tensor {
    convolution(style.map { x.scalingChannels(by: $0(w, pass)) } ?? x, pass)
  }
}

// MARK: For other programs

/// With the noise that is constant, and without truncation.
extension StyleGenerator: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let w = mapping.steps(x, in: &block)
    // The image that all begin with, as one example.
    var x = block.reshape(block.tensor(input), to: [1] + input.shape.dimensions)
    var (place, picture): (Int, Value?) = (0, nil)
    for level in 0..<pyramid.levels {
      for _ in (level == 0 ? 1 : 0)..<2 {
        x = convolutions[place].steps(x, style: w, hasNoise: settings.hasNoise, in: &block)
        place += 1
      }
      let own = pictures[level].steps(x, style: w, in: &block)
      picture = picture.map { block.add(block.filteredUp($0), .value(own)) } ?? own
    }
    return block.reshape(
      picture!, to: [Value.examples, pyramid.sides(pyramid.levels - 1).reduce(pyramid.channels, *)])
  }
}

extension StyledPicture {
  func steps(_ x: Value, style w: Value, in block: inout Block) -> Value {
    guard let style else { return convolution.steps(x, in: &block) }
    let numbers = block.pixel(.value(style.steps(w, in: &block)))
    return convolution.steps(block.multiply(x, .value(numbers)), in: &block)
  }
}
