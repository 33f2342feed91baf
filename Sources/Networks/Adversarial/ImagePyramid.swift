import Computations
import Recipes
import Tensors

/// The sizes that networks of growing images go through: level 0 is the smallest, each level doubles both sides.
public struct ImagePyramid: Hashable, Sendable {
  /// [height, width] of level 0.
  public let start: [Int]
  /// At least 1.
  public let levels: Int
  /// Of the images.
  public let channels: Int
  private let base: Int
  private let limit: Int

  /// - Parameters:
  ///   - image: [height, width, channels]: sides k · 2ⁿ, which are halved while both are even and above 4.
  ///   - base: a level whose images have s · s pixels has base / s features, where level 0 counts as 4 · 4.
  ///   - limit: the greatest number of features.
  public init(image: [Int], base: Int, limit: Int) throws(RecipeError) {
    let halvings = NetworkBuilder.halvings(of: Array(image.prefix(2)), above: 4)
    guard image.count == 3, halvings > 0 else {
      throw RecipeError(
        "images of \(image.prefix(2).map(String.init).joined(separator: " × ")) cannot be halved, which networks that "
          + "grow need: use images whose sides are multiples of 8, or choose network.architecture=dense")
    }
    start = [image[0] >> halvings, image[1] >> halvings]
    levels = halvings + 1
    channels = image[2]
    (self.base, self.limit) = (base, limit)
  }

  public func sides(_ level: Int) -> [Int] { [start[0] << level, start[1] << level] }

  /// How many features images of a level have.
  public func features(_ level: Int) -> Int { max(min(base / (4 << level), limit), 1) }

  /// Rows of full images [n, h · w · c], and of what stands behind them: images [n, h, w, c], and the rest, if any.
  func split(_ rows: Tensor) -> (images: Tensor, rest: Tensor?) {
    let shape = sides(levels - 1) + [channels]
    let (n, width) = (rows.shape[0], shape.reduce(1, *))
    guard rows.count > n * width else { return (rows.reshaped(to: Shape([n] + shape)), nil) }
    return (rows.columns(0..<width).reshaped(to: Shape([n] + shape)), rows.columns(width..<rows.columns))
  }

  /// The same of rows in another program.
  func split(_ rows: Value, in block: inout Block) -> (images: Value, rest: Value?) {
    let shape = [Value.examples] + sides(levels - 1) + [channels]
    let width = shape.dropFirst().reduce(1, *)
    guard rows.shape.count == 2, rows.shape[1] > width else { return (block.reshape(rows, to: shape), nil) }
    let images = block.reshape(block.slice(rows, axis: 1, 0..<width), to: shape)
    return (images, block.slice(rows, axis: 1, width..<rows.shape[1]))
  }
}

/// How far networks have grown: images of `level`; their newest size counts by `share`, and the next smaller one by the
/// rest.
public struct Growth: Hashable, Sendable {
  public let level: Int
  /// α in 0…1. At level 0 it is 1.
  public let share: Float

  public init(level: Int, share: Float = 1) { (self.level, self.share) = (level, share) }

  /// From the number that ``position`` yields.
  public init(position: Float) {
    level = max(Int(position.rounded(.up)), 0)
    share = level == 0 ? 1 : position - Float(level - 1)
  }

  /// One number for both: level − 1 + share.
  public var position: Float { level == 0 ? 0 : Float(level - 1) + share }
}

/// When networks grow: a function of the examples seen so far alone. Level 0 lasts `stable` examples; each further level
/// fades in over `fading` examples and then lasts `stable`, the last one to the end (Karras et al. 2018, appendix A.1).
public struct GrowthPlan: Hashable, Sendable {
  public let levels: Int
  public let stable: Int
  public let fading: Int

  public init(levels: Int, stable: Int, fading: Int) {
    (self.levels, self.stable, self.fading) = (levels, stable, max(fading, 1))
  }

  /// How many examples the networks have seen when they are complete.
  public var length: Int { (levels - 1) * (stable + fading) }

  /// A stretch of the plan: 0 is level 0, 2 l − 1 the fading in of level l, 2 l its rest.
  public func stretch(at examples: Int) -> Int {
    guard examples >= stable, levels > 1 else { return 0 }
    let (passed, place) = (examples - stable).quotientAndRemainder(dividingBy: stable + fading)
    if passed >= levels - 1 { return 2 * (levels - 1) }
    return 2 * passed + (place < fading ? 1 : 2)
  }

  /// The examples seen before a stretch.
  public func start(ofStretch stretch: Int) -> Int {
    stretch == 0 ? 0 : stable + (stretch - 1) / 2 * (stable + fading) + (stretch.isMultiple(of: 2) ? fading : 0)
  }

  public func growth(at examples: Int) -> Growth {
    let stretch = stretch(at: examples)
    if stretch.isMultiple(of: 2) { return Growth(level: stretch / 2) }
    let share = Float(examples - start(ofStretch: stretch)) / Float(fading)
    return Growth(level: (stretch + 1) / 2, share: share)
  }
}

/// A layer whose images grow.
public protocol GrowingLayer: Layer {
  /// How far it has grown; complete to begin with.
  var growth: Growth { get set }
}

extension LayerStack {
  /// The stack with its growing layers at a growth.
  public func grown(to growth: Growth) -> LayerStack {
    LayerStack(
      layers.map { layer in
        guard var layer = layer as? any GrowingLayer else { return layer }
        layer.growth = growth
        return layer
      })
  }
}
