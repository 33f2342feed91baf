import Tensors

/// Logits of each place of an image of codes given the codes before it, row by row from the top left: a gated PixelCNN (van den
/// Oord, Kalchbrenner, Vinyals, Espeholt, Graves and Kavukcuoglu, Conditional Image Generation with PixelCNN Decoders,
/// 2016, figure 2).
///
/// Each layer has a vertical stack, which sees all rows above, and a horizontal one, which sees what lies to the left and the
/// vertical stack's numbers of its own place. Windows have no taps where they must not look, in the place of masked ones.
public struct GatedPixelCNN: Sendable {
  let embedding: Embedding
  let layers: [GatedLayer]
  let hidden: Dense
  let logits: Dense
  /// Of an image, [height, width].
  public let size: [Int]
  public let codes: Int

  /// - Parameters:
  ///   - name: what the names of slots begin with.
  ///   - codes: how many codes there are.
  ///   - size: height and width of an image of codes.
  ///   - filters: channels of a stack.
  ///   - kernel: side of a window, odd.
  ///   - depth: layers.
  public init(
    name: String, codes: Int, size: [Int], filters: Int, kernel: Int, depth: Int, layout: inout Layout
  ) {
    precondition(kernel % 2 == 1 && depth > 0 && size.count == 2)
    (self.codes, self.size) = (codes, size)
    embedding = Embedding(name: "\(name).embedding", tokens: codes, width: filters, bound: 1, layout: &layout)
    layers = (0..<depth).map { index in
      GatedLayer(name: "\(name).\(index)", filters: filters, kernel: kernel, isFirst: index == 0, layout: &layout)
    }
    hidden = Dense(name: "\(name).hidden", in: filters, out: filters, activation: .relu, layout: &layout)
    logits = Dense(name: "\(name).logits", in: filters, out: codes, layout: &layout)
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    embedding.initialize(parameters, seed: seed)
    for layer in layers { layer.initialize(parameters, seed: seed) }
    hidden.initialize(parameters, seed: seed)
    logits.initialize(parameters, seed: seed)
  }

  /// Logits [n · height · width, codes] for n images of codes, place after place.
  public func callAsFunction(_ images: [Int], _ pass: Pass) -> Tensor {
    let places = size[0] * size[1]
    precondition(images.count % places == 0, "whole images")
    let x = embedding(Tensor(images.map { Float($0) }, [images.count, 1]), pass)
    let image = x.reshaped(to: [images.count / places, size[0], size[1], x.columns])
    var stacks = (vertical: image, horizontal: image)
    for layer in layers { stacks = layer(stacks, pass) }
    let rows = stacks.horizontal.reshaped(to: [images.count, x.columns]).relu()
    return logits(hidden(rows, pass), pass)
  }
}

/// A layer of both stacks.
struct GatedLayer: Sendable {
  /// Of the rows above, and but for the first layer of the own row as well.
  let vertical: CausalConvolution
  /// Of what lies to the left, and but for the first layer of the own place as well.
  let horizontal: CausalConvolution
  /// From the vertical stack to the horizontal one.
  let across: Dense
  /// What is added to the horizontal stack.
  let residual: Dense
  let isFirst: Bool

  init(name: String, filters: Int, kernel: Int, isFirst: Bool, layout: inout Layout) {
    let reach = kernel / 2
    vertical = CausalConvolution(
      name: "\(name).vertical", in: filters, out: 2 * filters,
      window: Pair(isFirst ? max(reach, 1) : reach + 1, kernel), seesOwn: !isFirst, .above, layout: &layout)
    horizontal = CausalConvolution(
      name: "\(name).horizontal", in: filters, out: 2 * filters,
      window: Pair(1, isFirst ? max(reach, 1) : reach + 1), seesOwn: !isFirst, .left, layout: &layout)
    across = Dense(name: "\(name).across", in: 2 * filters, out: 2 * filters, layout: &layout)
    residual = Dense(name: "\(name).residual", in: filters, out: filters, layout: &layout)
    self.isFirst = isFirst
  }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    vertical.initialize(parameters, seed: seed)
    horizontal.initialize(parameters, seed: seed)
    across.initialize(parameters, seed: seed)
    residual.initialize(parameters, seed: seed)
  }

  func callAsFunction(
    _ stacks: (vertical: Tensor, horizontal: Tensor), _ pass: Pass
  ) -> (vertical: Tensor, horizontal: Tensor) {
    let image = stacks.vertical.shape
    func rows(_ x: Tensor) -> Tensor { x.reshaped(to: [x.count / x.shape[3], x.shape[3]]) }
    func images(_ x: Tensor) -> Tensor { x.reshaped(to: [image[0], image[1], image[2], x.columns]) }
    let above = rows(vertical(stacks.vertical, pass))
    let left = rows(horizontal(stacks.horizontal, pass)) + across(above, pass)
    let moved = residual(GatedLayer.gate(left), pass)
    // The first layer's horizontal stack must not see its own place.
    let horizontal = isFirst ? moved : rows(stacks.horizontal) + moved
    return (images(GatedLayer.gate(above)), images(horizontal))
  }

  /// tanh of one half of the channels times the sigmoid of the other (equation 2).
  static func gate(_ x: Tensor) -> Tensor {
    let half = x.columns / 2
    return x.columns(0..<half).tanh() * x.columns(half..<2 * half).sigmoid()
  }
}

/// A convolution whose windows end above or to the left of a place, or with it: [n, h, w, in] → [n, h, w, out].
struct CausalConvolution: Sendable {
  enum Direction { case above, left }

  private let weight: Slot
  private let bias: Slot
  private let padding: Pair
  private let direction: Direction
  var window: Pair { Pair(weight.shape[2], weight.shape[3]) }

  /// - Parameters:
  ///   - window: height and width; the width of one above is odd, and lies around the place.
  ///   - seesOwn: whether windows end with the place's own row or column.
  init(
    name: String, in inputs: Int, out outputs: Int, window: Pair, seesOwn: Bool, _ direction: Direction,
    layout: inout Layout
  ) {
    weight = layout.add("\(name).weight", [outputs, inputs, window.height, window.width])
    bias = layout.add("\(name).bias", [outputs])
    self.direction = direction
    let own = seesOwn ? 1 : 0
    padding =
      direction == .above
      ? Pair(window.height - own, window.width / 2) : Pair(0, window.width - own)
  }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    let taps = weight.shape[2] * weight.shape[3]
    for slot in [weight, bias] {
      Initialization.fanIn.fill(
        slot, of: parameters, seed: seed, fanIn: weight.shape[1] * taps, fanOut: weight.shape[0] * taps)
    }
  }

  /// The numbers of one row or place alone, of what its windows see: [n, window height, w, in] → [n, 1, w, out] of one above,
  /// [n, 1, window width, in] → [n, 1, 1, out] of one to the left.
  func ofOne(_ seen: Tensor, _ pass: Pass) -> Tensor {
    seen.convolved(
      with: pass.parameters[weight], bias: pass.parameters[bias],
      padding: direction == .above ? Pair(0, window.width / 2) : 0)
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let (n, height, width) = (x.shape[0], x.shape[1], x.shape[2])
    let y = x.convolved(with: pass.parameters[weight], bias: pass.parameters[bias], padding: padding)
    // Padding is alike on both sides: what windows make beyond the image is cut off.
    let channels = y.shape[3]
    let rows = y.reshaped(to: [n, y.count / n]).columns(0..<height * y.shape[2] * channels)
    return rows.reshaped(to: [n * height, y.shape[2] * channels]).columns(0..<width * channels)
      .reshaped(to: [n, height, width, channels])
  }
}
