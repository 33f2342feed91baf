import Learners
import Recipes
import Tensors

/// Random changes of all images that the discriminator is shown, real and generated ones, each drawn anew. So few
/// images are not learnt by heart, and the generator, which is judged through the same changes, need not make them
/// (Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", whose ranges these are).
package struct Augmentation: Sendable {
  package enum Policy: String, CaseIterable {
    /// Left and right, with probability ½.
    case mirror
    /// Brightness, in colour images saturation, contrast.
    case colour
    /// By up to an eighth of each side; grey comes in.
    case translation
    /// Grey where a rectangle of half of each side lies, which may stand out over the edge.
    case cutout
  }

  private let policies: Set<Policy>
  private let image: ImageLayout

  /// Reads `augmentation` of the `objective` section.
  /// - Parameter shape: of an example.
  package init(_ section: RecipeSection, shape: [Int]) throws {
    policies = Set(try section.choices("augmentation"))
    image = ImageLayout(shape: shape)
    guard policies.isEmpty || min(image.height, image.width) > 1 else {
      throw RecipeError("objective.augmentation changes images, and examples of shape \(shape) are none: set it to []")
    }
  }

  var isEmpty: Bool { policies.isEmpty }

  /// - Parameters:
  ///   - x: images as rows, [n, width], in −1…1.
  ///   - examples: name each row's numbers of the key's stream.
  package func callAsFunction(_ x: Tensor, key: RandomKey, examples: [UInt32]) -> Tensor {
    if policies.isEmpty { return x }
    let draws = Draws(key, examples)
    let rows = policies.contains(.colour) ? coloured(x, draws) : x
    var images = rows.reshaped(to: [x.rows, image.height, image.width, image.channels])
    if policies.contains(.mirror) || policies.contains(.translation) { images = images.placed(placements(draws)) }
    if policies.contains(.cutout) { images = images * holes(draws) }
    return images.reshaped(to: x.shape)
  }

  /// Numbers uniform in [0, 1), in columns by what they are for.
  private struct Draws {
    enum Use: Int, CaseIterable { case mirror, down, right, row, column, brightness, saturation, contrast }

    private let numbers: Tensor

    init(_ key: RandomKey, _ examples: [UInt32]) {
      numbers = .uniform(key, rows: examples, columns: Use.allCases.count)
    }

    var rows: Range<Int> { 0..<numbers.rows }
    /// [n]
    subscript(use: Use) -> Tensor { numbers.columns(use.rawValue..<use.rawValue + 1).reshaped(to: [numbers.rows]) }
    subscript(use: Use, row: Int) -> Float { numbers.pointer[row * numbers.columns + use.rawValue] }
    /// Uniform in 0 ..< bound.
    func integer(_ use: Use, _ row: Int, below bound: Int) -> Int { min(Int(self[use, row] * Float(bound)), bound - 1) }
  }

  private func coloured(_ x: Tensor, _ draws: Draws) -> Tensor {
    var rows = x
    if image.channels > 1 {  // colours go away from a pixel's grey, or towards it
      let pixels = x.reshaped(to: [x.count / image.channels, image.channels])
      let saturation = (draws[.saturation] * 2).repeatedAlong(to: [x.rows, pixels.rows / x.rows])
        .reshaped(to: [pixels.rows])
      let grey = pixels.sumOfRows() * (1 / Float(image.channels))
      rows = pixels.multiplyingColumn(saturation).addingColumn(grey * (1 - saturation)).reshaped(to: x.shape)
    }
    let mean = rows.sumOfRows() * (1 / Float(image.count))
    let (brightness, contrast) = (draws[.brightness] - 0.5, draws[.contrast] + 0.5)
    return rows.multiplyingColumn(contrast).addingColumn(mean * (1 - contrast) + brightness)
  }

  private func placements(_ draws: Draws) -> [Placement] {
    let (moves, mirrors) = (policies.contains(.translation), policies.contains(.mirror))
    func shift(_ use: Draws.Use, _ row: Int, _ side: Int) -> Int {
      let most = moves ? (side + 4) / 8 : 0
      return draws.integer(use, row, below: 2 * most + 1) - most
    }
    return draws.rows.map { row in
      Placement(
        down: shift(.down, row, image.height), right: shift(.right, row, image.width),
        isMirrored: mirrors && draws[.mirror, row] < 0.5)
    }
  }

  /// Zeros in a rectangle of each image, whose centre lies anywhere, and ones elsewhere.
  private func holes(_ draws: Draws) -> Tensor {
    let mask = Tensor(repeating: 1, [draws.rows.count, image.height, image.width, image.channels])
    func hole(_ use: Draws.Use, _ row: Int, _ side: Int) -> Range<Int> {
      let extent = (side + 1) / 2
      let start = draws.integer(use, row, below: side + 1 - extent % 2) - extent / 2
      return max(start, 0)..<min(start + extent, side)
    }
    for row in draws.rows {
      let columns = hole(.column, row, image.width)
      for line in hole(.row, row, image.height) {
        let pixel = (row * image.height + line) * image.width + columns.lowerBound
        (mask.pointer + pixel * image.channels).update(repeating: 0, count: columns.count * image.channels)
      }
    }
    return mask
  }
}
