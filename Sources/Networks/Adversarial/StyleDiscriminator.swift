import Computations
import Tensors

/// The discriminator of StyleGAN2 (Karras et al. 2020, figure 7): images as rows, the one-hot class behind them where there are
/// classes → outputs [n, outputs], in residual blocks that halve the image after a filter.
public struct StyleDiscriminator: CompoundLayer {
  private let pyramid: ImagePyramid
  private let picture: EqualizedConvolution
  private let blocks: [Block]
  private let deviation: MinibatchDeviation
  private let end: EqualizedConvolution
  private let hidden: EqualizedDense
  private let last: DiscriminatorOutput

  private struct Block: Sendable {
    let first: EqualizedConvolution
    let second: EqualizedConvolution
    let skip: EqualizedConvolution

    var layers: [any Layer] { [first, second, skip] }

    func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor { second(first(x, pass), pass) + skip(x, pass) }
  }

  /// - Parameters:
  ///   - group: how many examples the minibatch standard deviation is taken over.
  ///   - classes: how many there are, and the layers that map one; nil: there are none.
  public init(
    name: String, outputs: Int, group: Int, classes: (count: Int, layers: Int, rate: Float)? = nil,
    pyramid: ImagePyramid, layout: inout Layout
  ) {
    self.pyramid = pyramid
    deviation = MinibatchDeviation(group: group)
    let root = Float(2).squareRoot()
    let top = pyramid.levels - 1
    picture = EqualizedConvolution(
      name: "\(name).\(top).picture", in: pyramid.channels, out: pyramid.features(top), kernel: 1, gain: root,
      biasGain: root, isRectified: true, layout: &layout)
    // A block's two ways are added and divided by √2, which their gains hold.
    blocks = stride(from: top, through: 1, by: -1).map { level in
      let (inputs, outputs) = (pyramid.features(level), pyramid.features(level - 1))
      return Block(
        first: EqualizedConvolution(
          name: "\(name).\(level).0", in: inputs, out: inputs, gain: root, biasGain: root, isRectified: true,
          layout: &layout),
        second: EqualizedConvolution(
          name: "\(name).\(level).1", in: inputs, out: outputs, isRectified: true, isHalving: true, layout: &layout),
        skip: EqualizedConvolution(
          name: "\(name).\(level).skip", in: inputs, out: outputs, kernel: 1, gain: 1 / root, hasBias: false,
          isHalving: true, layout: &layout))
    }
    let features = pyramid.features(0)
    end = EqualizedConvolution(
      name: "\(name).0.0", in: features + 1, out: features, gain: root, biasGain: root, isRectified: true,
      layout: &layout)
    hidden = EqualizedDense(
      name: "\(name).hidden", in: pyramid.start.reduce(features, *), out: features, gain: root, biasGain: root,
      isRectified: true, layout: &layout)
    last = DiscriminatorOutput(
      name: name, in: features, outputs: outputs,
      classes: classes.map {
        .init(noise: 0, classes: $0.count, width: features, layers: $0.layers, rate: $0.rate)
      }, layout: &layout)
  }

  var layers: [any Layer] { [picture] as [any Layer] + blocks.flatMap(\.layers) + [end, hidden, last] }
  public var mixesExamples: Bool { true }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let (images, classes) = pyramid.split(x)
    let y = blocks.reduce(picture(images, pass)) { $1($0, pass) }
    let features = hidden(end(deviation(y, pass), pass), pass)
    return last(classes.map(features.joiningColumns) ?? features, pass)
  }
}

// MARK: For other programs

extension StyleDiscriminator: SteppedLayer {
  public func steps(_ x: Value, in block: inout Computations.Block) -> Value {
    let (images, classes) = pyramid.split(x, in: &block)
    var y = picture.steps(images, in: &block)
    for part in blocks {
      let features = part.second.steps(part.first.steps(y, in: &block), in: &block)
      y = block.add(features, .value(part.skip.steps(y, in: &block)))
    }
    let features = hidden.steps(end.steps(deviation.steps(y, in: &block), in: &block), in: &block)
    return last.steps(classes.map { block.join(features, $0) } ?? features, in: &block)
  }
}
