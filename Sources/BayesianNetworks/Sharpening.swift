import CKernels
import Learners
import Networks
import Recipes
import Tensors
import Training

/// Posterior sharpening (Fortunato, Blundell and Vinyals 2017, section 3.2): the weights that a window is learned with are
/// drawn around a step from the posterior's draw φ along the window's own gradient.
///
///     g = ∇φ −log p(y | φ, x),  θ = φ − η ∘ g + σ₀ ε
///     −log p(y | θ, x) + ‖η ∘ g‖² / (2 σ₀²) + KL(q(φ) ‖ p(φ)) / C
///
/// η is a number for each weight, learned with its mean and deviation. The middle term is KL(q(θ | φ, x, y) ‖ N(φ, σ₀² I)): it
/// belongs to the window and is not divided by their number C. g is the gradient of the loss of a step, a mean over B
/// streams; the middle term is then divided by B, as the rest of the step's loss is. No derivative goes through g.
package struct Sharpening: Sendable {
  package enum Kind: String, CaseIterable { case none, detached }

  /// σ₀.
  package let deviation: Double
  /// g of the step that is under way. A later phase depends on it, so it belongs to the state of a learner.
  package let gradient: FlatBuffer
  /// φ of that step.
  package let draw: FlatBuffer
  private let start: Double
  /// η of the weights with a posterior, and the number of its slot, which keys its noise.
  private let rates: [Slot: (slot: Slot, number: UInt32)]
  private let posterior: VariationalPosterior

  /// Reads `sharpening` and its keys, and adds η to a layout; nil: the weights stay at their draw.
  package init?(_ section: RecipeSection, _ posterior: VariationalPosterior, layout: inout Layout) throws {
    section.passOver(Sharpening.keys)
    guard try section.choice("sharpening", default: Kind.none) != .none else { return nil }
    start = try section.number("sharpening_rate", default: 0.001, in: 0...1e6)
    deviation = try section.number("sharpening_deviation", default: 0.02, in: 1e-6...1e3)
    var rates: [Slot: (slot: Slot, number: UInt32)] = [:]
    for (number, entry) in posterior.entries.enumerated() where entry.rho != nil {
      rates[entry.weight] = (layout.add(entry.weight.name + "_eta", entry.weight.shape), UInt32(number))
    }
    (self.rates, self.posterior) = (rates, posterior)
    gradient = FlatBuffer("sharpening", posterior.weights)
    draw = FlatBuffer("draw", posterior.weights)
  }

  package static let keys = ["sharpening_rate", "sharpening_deviation"]

  package func initialize(_ parameters: FlatBuffer) {
    for (slot, _) in rates.values {
      elbo_fill(Float(start), parameters.float32.baseAddress! + slot.offset, slot.shape.count)
    }
  }

  /// Where η of a piece's weights lies among the parameters.
  package func rate(of piece: VariationalPosterior.Piece) -> Int {
    rates[piece.entry.weight]!.slot.offset + piece.first
  }

  /// Makes θ of φ in a range of the weights.
  /// - Parameters:
  ///   - weights: θ; may be φ.
  ///   - noise: the key of ε; nil: none.
  /// - Returns: ‖η ∘ g‖² / (2 σ₀²) over the range, in nats.
  package func sharpen(
    _ range: Range<Int>, of draw: FlatBuffer, along gradient: FlatBuffer, into weights: FlatBuffer,
    _ parameters: FlatBuffer, noise: RandomKey?
  ) -> Double {
    var squares = 0.0
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { scratch in
      let scratch = scratch.baseAddress!
      for piece in posterior.pieces(in: range) {
        let (from, to) = (draw.float32.baseAddress! + piece.weight, weights.float32.baseAddress! + piece.weight)
        guard piece.rho != nil else {
          if from != to { to.update(from: from, count: piece.count) }
          continue
        }
        let eta = parameters.float32.baseAddress! + rate(of: piece)
        elbo_mul(eta, gradient.float32.baseAddress! + piece.weight, scratch, piece.count)
        squares += elbo_sum_squares(scratch, piece.count)
        elbo_sub(from, scratch, to, piece.count)
        if let noise { spread(piece, of: weights, parameters, key: noise, scratch) }
      }
    }
    return squares / (2 * deviation * deviation)
  }

  /// Makes of φ, in a range of the weights, what the model expects of a window that it has not seen: N(φ, σ₀²).
  package func spread(_ range: Range<Int>, of weights: FlatBuffer, _ parameters: FlatBuffer, key: RandomKey) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { scratch in
      for piece in posterior.pieces(in: range) where piece.rho != nil {
        spread(piece, of: weights, parameters, key: key, scratch.baseAddress!)
      }
    }
  }

  private func spread(
    _ piece: VariationalPosterior.Piece, of weights: FlatBuffer, _ parameters: FlatBuffer, key: RandomKey,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    key.at(tensor: NoiseStream.sharpening + rates[piece.entry.weight]!.number)
      .normal(into: scratch, count: piece.count, first: UInt64(piece.first))
    let w = weights.float32.baseAddress! + piece.weight
    let rho = parameters.float32.baseAddress! + piece.rho!
    for index in 0..<piece.count where rho[index] > VariationalPosterior.removedRho {
      w[index] += Float(deviation) * scratch[index]
    }
  }

  /// The derivative of a step's loss by η: −G ∘ g + η ∘ g² / (B σ₀²), where G is the gradient at θ.
  /// - Parameters:
  ///   - sums: of G, from the piece on; `scale` makes means over the streams of them, and is 1 / B.
  ///   - result: as many numbers as the piece has.
  package func rateGradient(
    of piece: VariationalPosterior.Piece, sums: UnsafePointer<Float>, scale: Double, _ parameters: UnsafePointer<Float>,
    into result: UnsafeMutablePointer<Float>
  ) {
    let (g, eta) = (gradient.float32.baseAddress! + piece.weight, parameters + rate(of: piece))
    let price = Float(scale / (deviation * deviation))
    for index in 0..<piece.count {
      result[index] = g[index] * (price * eta[index] * g[index] - Float(scale) * sums[index])
    }
  }
}
