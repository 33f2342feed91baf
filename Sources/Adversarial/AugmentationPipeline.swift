import Glibc
import Learners
import Recipes
import Tensors

/// Changes of the images that the discriminator is shown. Each change comes with a probability p, independently for
/// each image (Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", appendix B, whose
/// distributions these are). While p is well below 1 a generator that made changed images would be found out, so they
/// do not show in samples; with changes that always come they may.
///
/// All changes of place are one affine map, so an image is interpolated once at most. The paper filters with wavelets
/// and draws at twice the size; here a warp is bilinear, which differs where an image shrinks, seldom below 3/4. Beyond
/// its edges an image goes on mirrored, as there.
package struct AugmentationPipeline: Sendable {
  package enum Group: String, CaseIterable {
    /// Mirrored left to right; turned by quarters; moved by whole pixels, up to an eighth of each side.
    case pixels
    /// Scaled, turned, stretched, moved by parts of pixels.
    case geometry
    /// Brightness, contrast, inverted brightness; of color images hue and saturation.
    case color
  }

  package let groups: Set<Group>
  private let image: ImageLayout

  package init(_ groups: some Sequence<Group>, shape: [Int]) {
    (self.groups, image) = (Set(groups), ImageLayout(shape: shape))
  }

  /// - Parameters:
  ///   - x: images as rows, [n, width], in −1…1.
  ///   - probability: of each change.
  ///   - examples: name each row's numbers of the key's streams.
  package func callAsFunction(_ x: Tensor, probability: Double, key: RandomKey, examples: [UInt32]) -> Tensor {
    if groups.isEmpty || probability == 0 { return x }
    let draws = Draws(key, examples, probability)
    var images = x.reshaped(to: [x.rows, image.height, image.width, image.channels])
    if groups.contains(.pixels) || groups.contains(.geometry) {
      images = images.warped(draws.rows.map { map(draws, $0) })
    }
    if groups.contains(.color) { images = images.mixingChannels(draws.rows.map { mixture(draws, $0) }) }
    return images.reshaped(to: x.shape)
  }

  private enum Change: Int, CaseIterable {
    case mirror, quarterTurn, step, scale, turnBefore, stretch, turnAfter, shift
    case brightness, contrast, inversion, hue, saturation
  }

  /// For each image and change: whether it comes, and two numbers of how much, uniform in [0, 1) and normal ones.
  private struct Draws {
    private let coins: Tensor
    private let uniform: Tensor
    private let normal: Tensor
    private let probability: Double

    init(_ key: RandomKey, _ examples: [UInt32], _ probability: Double) {
      let count = Change.allCases.count
      // Streams beside that of the changes that always come.
      func stream(_ number: UInt32) -> RandomKey { key.at(tensor: key.tensor + number << 16) }
      coins = .uniform(stream(1), rows: examples, columns: count)
      uniform = .uniform(stream(2), rows: examples, columns: 2 * count)
      normal = .normal(stream(3), rows: examples, columns: 2 * count)
      self.probability = probability
    }

    var rows: Range<Int> { 0..<coins.rows }

    func has(_ change: Change, _ row: Int) -> Bool {
      // Two turns; one or the other comes with probability p.
      let isTurn = change == .turnBefore || change == .turnAfter
      let wanted = isTurn ? 1 - (1 - probability).squareRoot() : probability
      return Double(coins.pointer[row * coins.columns + change.rawValue]) < wanted
    }
    func uniform(_ change: Change, _ row: Int, _ number: Int = 0) -> Double {
      Double(uniform.pointer[row * uniform.columns + 2 * change.rawValue + number])
    }
    func normal(_ change: Change, _ row: Int, _ number: Int = 0) -> Double {
      Double(normal.pointer[row * normal.columns + 2 * change.rawValue + number])
    }
    /// Uniform in −π…π.
    func angle(_ change: Change, _ row: Int) -> Double { (2 * uniform(change, row) - 1) * .pi }
    /// 2 to the power of a normal number.
    func factor(_ change: Change, _ row: Int, deviation: Double) -> Double { exp2(deviation * normal(change, row)) }
  }

  /// Maps go from the result to the source, so each is the inverse of its change; all but those of places are of
  /// distributions that their inverses have too.
  private func map(_ draws: Draws, _ row: Int) -> AffineMap {
    var map = AffineMap.identity
    let (height, width) = (Double(image.height), Double(image.width))
    func change(_ change: Change, by next: () -> AffineMap) {
      if draws.has(change, row) { map = map.then(next()) }
    }
    if groups.contains(.pixels) {
      change(.mirror) { AffineMap(xx: draws.uniform(.mirror, row) < 0.5 ? -1 : 1) }
      change(.quarterTurn) {
        // In whole numbers, so that a square's pixels stay as they are.
        let (cosine, sine) = [(1.0, 0.0), (0, 1), (-1, 0), (0, -1)][min(Int(4 * draws.uniform(.quarterTurn, row)), 3)]
        return AffineMap(xx: cosine, xy: -sine, yx: sine, yy: cosine)
      }
      change(.step) {
        AffineMap(
          x: ((draws.uniform(.step, row) - 0.5) * 0.25 * width).rounded(),
          y: ((draws.uniform(.step, row, 1) - 0.5) * 0.25 * height).rounded())
      }
    }
    if groups.contains(.geometry) {
      change(.scale) {
        let factor = draws.factor(.scale, row, deviation: 0.2)
        return AffineMap(xx: factor, yy: factor)
      }
      change(.turnBefore) { .turned(draws.angle(.turnBefore, row)) }
      change(.stretch) {
        let factor = draws.factor(.stretch, row, deviation: 0.2)
        return AffineMap(xx: factor, yy: 1 / factor)
      }
      change(.turnAfter) { .turned(draws.angle(.turnAfter, row)) }
      change(.shift) {
        AffineMap(
          x: 0.125 * width * draws.normal(.shift, row), y: 0.125 * height * draws.normal(.shift, row, 1))
      }
    }
    return map
  }

  /// Every change of color scales the gray of a pixel, which is its part along v = (1, 1, 1) / √3, or turns and scales
  /// what is left, or adds gray. So they come to three numbers: c f of gray, c s and an angle θ of the rest.
  private func mixture(_ draws: Draws, _ row: Int) -> ChannelMixture {
    func value(_ change: Change, otherwise: Double, _ value: () -> Double) -> Double {
      draws.has(change, row) ? value() : otherwise
    }
    let brightness = value(.brightness, otherwise: 0) { 0.2 * draws.normal(.brightness, row) }
    let contrast = value(.contrast, otherwise: 1) { draws.factor(.contrast, row, deviation: 0.5) }
    let sign = value(.inversion, otherwise: 1) { draws.uniform(.inversion, row) < 0.5 ? -1 : 1 }
    let gray = contrast * sign
    let count = image.channels
    let offset = [Float](repeating: Float(brightness * gray), count: count)
    guard count == 3 else { return ChannelMixture(matrix: [Float(gray)], offset: offset) }
    let hue = value(.hue, otherwise: 0) { draws.angle(.hue, row) }
    let rest = contrast * value(.saturation, otherwise: 1) { draws.factor(.saturation, row, deviation: 1) }
    // gray · v vᵀ + rest · (cos θ (I − v vᵀ) + sin θ [v]ₓ), Rodrigues' formula.
    let (direct, cross) = (rest * cos(hue), rest * sin(hue) / 3.0.squareRoot())
    let share = (gray - direct) / 3
    let (up, down) = (Float(share + cross), Float(share - cross))
    let own = Float(share + direct)
    return ChannelMixture(matrix: [own, down, up, up, own, down, down, up, own], offset: offset)
  }
}
