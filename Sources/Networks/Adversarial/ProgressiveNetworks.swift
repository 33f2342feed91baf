import Computations
import Tensors

/// The generator of Karras, Aila, Laine and Lehtinen 2018 (table 2): latent rows [n, latent], the one-hot class behind them
/// where there are classes → images as rows, [n, h · w · c], not bounded. Each level doubles its images and convolves them
/// twice; a convolution of 1 × 1 makes a picture of each level's features. Pictures of levels below the last are repeated
/// up to the full size.
public struct ProgressiveGenerator: GrowingLayer, CompoundLayer {
  public var growth: Growth
  private let pyramid: ImagePyramid
  private let mapping: MappingNetwork
  private let first: EqualizedDense
  private let levels: [[EqualizedConvolution]]
  private let pictures: [EqualizedConvolution]

  public init(name: String, latent: Int, classes: Int = 0, pyramid: ImagePyramid, layout: inout Layout) {
    self.pyramid = pyramid
    growth = Growth(level: pyramid.levels - 1)
    let root = Float(2).squareRoot()
    let size = MappingNetwork.Size(noise: latent, classes: classes, width: latent, layers: 0)
    mapping = MappingNetwork(name: "\(name).mapping", size, layout: &layout)
    first = EqualizedDense(
      name: "\(name).0.dense", in: size.outputs, out: pyramid.start.reduce(1, *) * pyramid.features(0), gain: root / 4,
      isRectified: true, layout: &layout)
    var (levels, pictures): ([[EqualizedConvolution]], [EqualizedConvolution]) = ([], [])
    for level in 0..<pyramid.levels {
      let features = pyramid.features(level)
      let inputs = level == 0 ? [features] : [pyramid.features(level - 1), features]
      levels.append(
        inputs.enumerated().map { index, inputs in
          EqualizedConvolution(
            name: "\(name).\(level).\(index)", in: inputs, out: features, gain: root, isRectified: true,
            layout: &layout)
        })
      pictures.append(
        EqualizedConvolution(
          name: "\(name).\(level).picture", in: features, out: pyramid.channels, kernel: 1, layout: &layout))
    }
    (self.levels, self.pictures) = (levels, pictures)
  }

  var layers: [any Layer] { [mapping, first] as [any Layer] + Array(levels.joined()) + pictures }

  public func callAsFunction(_ latents: Tensor, _ pass: Pass) -> Tensor {
    let normal = PixelNormalization()
    let n = latents.shape[0]
    var x = first(mapping(latents, pass), pass)
      .reshaped(to: [n, pyramid.start[0], pyramid.start[1], pyramid.features(0)])
    x = normal(x, pass)
    var smaller: Tensor?
    for level in 0...growth.level {
      if level == growth.level, growth.share < 1 { smaller = pictures[level - 1](x, pass).upsampled(2) }
      if level > 0 { x = x.upsampled(2) }
      for convolution in levels[level] { x = normal(convolution(x, pass), pass) }
    }
    var picture = pictures[growth.level](x, pass)
    if let smaller { picture = picture * growth.share + smaller * (1 - growth.share) }
    let rest = pyramid.levels - 1 - growth.level
    return (rest > 0 ? picture.upsampled(1 << rest) : picture).reshaped(to: [n, width])
  }

  private var width: Int { pyramid.sides(pyramid.levels - 1).reduce(pyramid.channels, *) }
}

/// The discriminator of Karras et al. 2018 (table 2), the generator's mirror image: images of the full size as rows, the one-hot
/// class behind them where there are classes → outputs [n, outputs]. It sees them at the level to which it has grown.
public struct ProgressiveDiscriminator: GrowingLayer, CompoundLayer {
  public var growth: Growth
  private let pyramid: ImagePyramid
  private let pictures: [EqualizedConvolution]
  private let levels: [[EqualizedConvolution]]
  private let deviation: MinibatchDeviation
  private let hidden: EqualizedDense
  private let last: DiscriminatorOutput

  /// - Parameters:
  ///   - group: how many examples the minibatch standard deviation is taken over.
  ///   - classes: 0: there are none.
  public init(
    name: String, outputs: Int, group: Int, classes: Int = 0, pyramid: ImagePyramid, layout: inout Layout
  ) {
    self.pyramid = pyramid
    growth = Growth(level: pyramid.levels - 1)
    deviation = MinibatchDeviation(group: group)
    let root = Float(2).squareRoot()
    var (levels, pictures): ([[EqualizedConvolution]], [EqualizedConvolution]) = ([], [])
    for level in 0..<pyramid.levels {
      let features = pyramid.features(level)
      pictures.append(
        EqualizedConvolution(
          name: "\(name).\(level).picture", in: pyramid.channels, out: features, kernel: 1, gain: root,
          isRectified: true, layout: &layout))
      let ends =
        level == 0 ? [(features + 1, features)] : [(features, features), (features, pyramid.features(level - 1))]
      levels.append(
        ends.enumerated().map { index, ends in
          EqualizedConvolution(
            name: "\(name).\(level).\(index)", in: ends.0, out: ends.1, gain: root, isRectified: true, layout: &layout)
        })
    }
    (self.levels, self.pictures) = (levels, pictures)
    let features = pyramid.features(0)
    hidden = EqualizedDense(
      name: "\(name).hidden", in: pyramid.start.reduce(features, *), out: features, gain: root, isRectified: true,
      layout: &layout)
    last = DiscriminatorOutput(
      name: name, in: features, outputs: outputs,
      classes: classes > 0 ? .init(noise: 0, classes: classes, width: features, layers: 0) : nil, layout: &layout)
  }

  var layers: [any Layer] { pictures as [any Layer] + Array(levels.joined()) + [hidden, last] }
  public var mixesExamples: Bool { true }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let (images, classes) = pyramid.split(x)
    let rest = pyramid.levels - 1 - growth.level
    let seen = rest > 0 ? images.averagePooled(1 << rest) : images
    var y = pictures[growth.level](seen, pass)
    for level in stride(from: growth.level, through: 1, by: -1) {
      for convolution in levels[level] { y = convolution(y, pass) }
      y = y.averagePooled(2)
      if level == growth.level, growth.share < 1 {
        y = y * growth.share + pictures[level - 1](seen.averagePooled(2), pass) * (1 - growth.share)
      }
    }
    let features = hidden(levels[0][0](deviation(y, pass), pass), pass)
    return last(classes.map(features.joiningColumns) ?? features, pass)
  }
}

extension Tensor {
  /// Images [n, h, w, c] as networks of a growth are shown them: without the detail of sizes that are not there yet, and with
  /// that of the newest one by its share.
  public func faded(to growth: Growth, levels: Int) -> Tensor {
    let rest = levels - 1 - growth.level
    let seen = rest > 0 ? averagePooled(1 << rest) : self
    let mixed =
      growth.share < 1
      ? seen * growth.share + seen.averagePooled(2).upsampled(2) * (1 - growth.share) : seen
    return rest > 0 ? mixed.upsampled(1 << rest) : mixed
  }
}

// MARK: For other programs

extension ProgressiveGenerator: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    let normal = PixelNormalization()
    let rows = first.steps(mapping.steps(x, in: &block), in: &block)
    let start = block.reshape(rows, to: [Value.examples] + pyramid.start + [pyramid.features(0)])
    var x = normal.steps(start, in: &block)
    var smaller: Value?
    for level in 0...growth.level {
      if level == growth.level, growth.share < 1 {
        smaller = block.upsampling(pictures[level - 1].steps(x, in: &block), by: 2, isBilinear: false)
      }
      if level > 0 { x = block.upsampling(x, by: 2, isBilinear: false) }
      for convolution in levels[level] { x = normal.steps(convolution.steps(x, in: &block), in: &block) }
    }
    var picture = pictures[growth.level].steps(x, in: &block)
    if let smaller { picture = block.mix(picture, smaller, by: growth.share) }
    let rest = pyramid.levels - 1 - growth.level
    return block.reshape(
      rest > 0 ? block.upsampling(picture, by: 1 << rest, isBilinear: false) : picture, to: [Value.examples, width])
  }
}

extension ProgressiveDiscriminator: SteppedLayer {
  public func steps(_ x: Value, in block: inout Block) -> Value {
    func pooled(_ x: Value, _ size: Int) -> Value {
      block.pooling(x, isMaximum: false, .init(size: size, stride: size))
    }
    let (images, classes) = pyramid.split(x, in: &block)
    let rest = pyramid.levels - 1 - growth.level
    let seen = rest > 0 ? pooled(images, 1 << rest) : images
    var y = pictures[growth.level].steps(seen, in: &block)
    for level in stride(from: growth.level, through: 1, by: -1) {
      for convolution in levels[level] { y = convolution.steps(y, in: &block) }
      y = pooled(y, 2)
      if level == growth.level, growth.share < 1 {
        y = block.mix(y, pictures[level - 1].steps(pooled(seen, 2), in: &block), by: growth.share)
      }
    }
    let end = levels[0][0].steps(deviation.steps(y, in: &block), in: &block)
    let features = hidden.steps(end, in: &block)
    return last.steps(classes.map { block.join(features, $0) } ?? features, in: &block)
  }
}

extension Block {
  /// The first one's share, and the rest of the second one.
  fileprivate mutating func mix(_ first: Value, _ second: Value, by share: Float) -> Value {
    add(multiply(first, .number(share)), .value(multiply(second, .number(1 - share))))
  }
}
