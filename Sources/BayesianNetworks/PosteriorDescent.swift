import CKernels
import Foundation
import Networks
import Optimizers
import Synchronization
import Tensors
import Training

/// How a network with a posterior absorbs the total: from sums over draws of the weights to gradients of μ and ρ, with
/// the complexity cost counted once, and through the optimiser, block by block.
///
/// With an Adam and no clipping a block is one pass over memory; every other rule takes the gradients from a buffer in
/// the cache.
package struct PosteriorDescent: Sendable {
  package let posterior: VariationalPosterior
  package let descent: GradientDescent

  package init(posterior: VariationalPosterior, descent: GradientDescent) {
    (self.posterior, self.descent) = (posterior, descent)
  }

  /// What the contributions of a step add up to.
  package struct Sums: Sendable {
    /// Whether b, the sums of a (w − μ), lie behind a. If not, a belongs to `draw` alone.
    package let hasPairs: Bool
    /// The draw that all shards computed with.
    package let draw: FlatBuffer?
    /// What the sums are multiplied with.
    package let scale: Double
    /// What the complexity cost is multiplied with, once the sums are scaled.
    package let cost: Double
    package let prior: PriorPart
    /// How the draw was moved before the contributions were made.
    package var sharpening: Sharpening?

    package init(
      hasPairs: Bool, draw: FlatBuffer? = nil, scale: Double, cost: Double, prior: PriorPart,
      sharpening: Sharpening? = nil
    ) {
      (self.hasPairs, self.draw, self.scale, self.cost, self.prior, self.sharpening) = (
        hasPairs, draw, scale, cost, prior, sharpening
      )
    }
  }

  /// Where the gradient of the prior's density comes from.
  package enum PriorPart: Sendable {
    /// The contributions hold it.
    case inSums
    /// KL(q ‖ p) in closed form.
    case closedForm
    case atDraw(FlatBuffer)
  }

  /// Buffers of a sum's a and b, one behind the other, where both travel.
  package static func pairs(of weights: Layout) -> Layout {
    var layout = weights
    for slot in weights.slots { layout.add(slot.name + "_spread", slot.shape) }
    return layout
  }

  /// - Precondition: the total's blocks are contiguous in memory, which `Total.writable(block:)` would have changed.
  package func absorb(_ total: Total, sums: Sums, into parameters: FlatBuffer, step: Step, with crew: Crew) throws {
    if sums.hasPairs {
      // a and b of a block lie in different blocks of the total.
      try crew.forEach(total.blockCount) { block, _ in _ = total.float32(block: block) }
    }
    let start = total.float32(block: 0).baseAddress!
    let weights = posterior.weights.count
    let blocks = (weights + Total.blockLength - 1) / Total.blockLength
    let update = Update(
      posterior: posterior, descent: descent, sums: sums, a: start, b: sums.hasPairs ? start + weights : nil,
      parameters: parameters.float32.baseAddress!, moments: descent.moments.map { $0.float32.baseAddress! },
      step: step.number + 1, rate: descent.rate(of: step))
    // a of a block, if it was not summed above.
    @Sendable func summedRange(_ block: Int) -> Range<Int> {
      if !sums.hasPairs { _ = total.float32(block: block) }
      return block * Total.blockLength..<min((block + 1) * Total.blockLength, weights)
    }

    var shrink: Float = 1
    if case .norm = descent.clipping {
      let squares = Mutex([Double](repeating: 0, count: blocks))
      try crew.forEach(blocks) { block, _ in
        let sum = update.sumOfSquares(summedRange(block))
        squares.withLock { $0[block] = sum }
      }
      shrink = descent.clipping.gradientScale(sumsOfSquares: squares.withLock { $0 })
      guard shrink.isFinite else {
        throw TrainingError(
          .diverged, "the gradient became infinite at step \(step.number)",
          advice: "try a lower optimizer.learning_rate")
      }
    }
    try crew.forEach(blocks) { [shrink] block, _ in
      update(summedRange(block), shrink: shrink)
    }
  }
}

/// The update of a range of weights; ranges that do not overlap may run on many lanes at once.
private struct Update: @unchecked Sendable {
  let posterior: VariationalPosterior
  let descent: GradientDescent
  let sums: PosteriorDescent.Sums
  let a: UnsafePointer<Float>
  let b: UnsafePointer<Float>?
  let parameters: UnsafeMutablePointer<Float>
  let moments: [UnsafeMutablePointer<Float>]
  /// Counted from 1.
  let step: Int
  let rate: Double

  func callAsFunction(_ range: Range<Int>, shrink: Float) {
    for piece in posterior.pieces(in: range) where !piece.entry.isRunning {
      guard let rho = piece.rho else {
        updatePlain(piece, shrink: shrink)
        continue
      }
      if case .none = descent.clipping, let adam {
        withPrior { prior, priorDraw in
          var adam = adam
          elbo_posterior_adam(
            parameters + piece.mean, parameters + rho, draw(piece), priorDraw.map { $0 + piece.weight },
            a + piece.weight, b.map { $0 + piece.weight }, Float(sums.scale), Float(sums.cost), prior,
            moments[0] + piece.mean, moments[1] + piece.mean, moments[0] + rho, moments[1] + rho, &adam, piece.count)
        }
      } else {
        withGradients(of: piece) { dMean, dRho in
          move(piece.mean, piece.count, along: dMean, weightDecay: descent.optimizer.weightDecay, shrink: shrink)
          // ρ is no weight: decay would draw σ towards softplus(0).
          move(rho, piece.count, along: dRho, weightDecay: 0, shrink: shrink)
        }
      }
      if let sharpening = sums.sharpening {
        withRateGradient(of: piece, sharpening) {
          move(sharpening.rate(of: piece), piece.count, along: $0, weightDecay: 0, shrink: shrink)
        }
      }
    }
  }

  func sumOfSquares(_ range: Range<Int>) -> Double {
    posterior.pieces(in: range).reduce(0) { sum, piece in
      if piece.entry.isRunning { return sum }
      guard piece.rho != nil else {
        return sum + sums.scale * sums.scale * elbo_sum_squares(a + piece.weight, piece.count)
      }
      return sum
        + withGradients(of: piece) { elbo_sum_squares($0, piece.count) + elbo_sum_squares($1, piece.count) }
        + (sums.sharpening.map { withRateGradient(of: piece, $0) { elbo_sum_squares($0, piece.count) } } ?? 0)
    }
  }

  private func withRateGradient<Result>(
    of piece: VariationalPosterior.Piece, _ sharpening: Sharpening, _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: piece.count) { gradient in
      sharpening.rateGradient(
        of: piece, sums: a + piece.weight, scale: sums.scale, parameters, into: gradient.baseAddress!)
      return body(gradient.baseAddress!)
    }
  }

  private func updatePlain(_ piece: VariationalPosterior.Piece, shrink: Float) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: piece.count) { gradient in
      elbo_scale(a + piece.weight, Float(sums.scale), gradient.baseAddress!, piece.count)
      move(piece.mean, piece.count, along: gradient.baseAddress!, weightDecay: 0, shrink: shrink)
    }
  }

  private func move(
    _ place: Int, _ count: Int, along gradient: UnsafeMutablePointer<Float>, weightDecay: Double, shrink: Float
  ) {
    let range = place..<place + count
    let gradient = gradient - place
    descent.clipping.clampValues(range, of: gradient)
    Optimizer(descent.optimizer.rule, weightDecay: weightDecay).update(
      range, of: parameters, gradient: gradient, state: moments, step: step, learningRate: rate, gradientScale: shrink)
  }

  private func withGradients<Result>(
    of piece: VariationalPosterior.Piece,
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * piece.count) { gradients in
      let dMean = gradients.baseAddress!
      let dRho = dMean + piece.count
      withPrior { prior, priorDraw in
        elbo_posterior_gradient(
          parameters + piece.mean, parameters + piece.rho!, draw(piece), priorDraw.map { $0 + piece.weight },
          a + piece.weight, b.map { $0 + piece.weight }, Float(sums.scale), Float(sums.cost), prior, dMean, dRho,
          piece.count)
      }
      return body(dMean, dRho)
    }
  }

  private func draw(_ piece: VariationalPosterior.Piece) -> UnsafeMutablePointer<Float>? {
    sums.hasPairs ? nil : sums.draw!.float32.baseAddress! + piece.weight
  }

  private func withPrior<Result>(
    _ body: (UnsafePointer<elbo_prior>?, UnsafeMutablePointer<Float>?) -> Result
  ) -> Result {
    var prior = posterior.prior.kernel
    switch sums.prior {
    case .inSums: return body(nil, nil)
    case .closedForm: return withUnsafePointer(to: &prior) { body($0, nil) }
    case .atDraw(let draw): return withUnsafePointer(to: &prior) { body($0, draw.float32.baseAddress!) }
    }
  }

  /// The step of Adam, if the rule is one.
  private var adam: elbo_adam_step? {
    let (decoupled, beta1, beta2, epsilon): (Int32, Double, Double, Double)
    switch descent.optimizer.rule {
    case .adam(let b1, let b2, let e): (decoupled, beta1, beta2, epsilon) = (0, b1, b2, e)
    case .adamW(let b1, let b2, let e): (decoupled, beta1, beta2, epsilon) = (1, b1, b2, e)
    default: return nil
    }
    func bias(_ beta: Double) -> Double { beta == 0 ? 1 : -expm1(Double(step) * log(beta)) }
    return elbo_adam_step(
      lr: rate, beta1: beta1, beta2: beta2, eps: epsilon, bias1: bias(beta1), bias2: bias(beta2),
      weight_decay: descent.optimizer.weightDecay, decoupled: decoupled)
  }
}
