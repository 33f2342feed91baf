import CKernels
import Learners
import Networks
import Recipes
import Synchronization
import Tensors
import Training

/// Stochastic gradient Langevin dynamics: without momentum (Welling and Teh, ICML 2011), or with friction 1 − γ (Chen, Fox and
/// Guestrin, Stochastic Gradient Hamiltonian Monte Carlo, ICML 2014, equation 15).
///
/// Of the potential U = −log p(D | w) / T − log p(w), whose gradient is N / T times that of a mean loss:
///
///     v ← γ v − (η T / N) ∇U + √(2 (1 − γ) η T / N) ξ;  w ← w + v.
///
/// Where the learning rate η has cycles, noise is added in the last part of each, from which samples are kept (Zhang, Li,
/// Zhang, Chen and Wilson, Cyclical Stochastic Gradient MCMC for Bayesian Deep Learning, ICLR 2020).
struct Langevin: SampledPosterior {
  static let hasOwnRule = true
  static let isOfChains = true

  let base: DropoutLearner
  let samples: KeptSamples
  private let target: WeightTarget
  private let momentum: Double
  private let kinds: SlotKinds
  private let velocity: FlatBuffer
  /// Sums over the steps that added noise: how many there were, and by how much gradients and noise moved the weights, squared.
  private let moved: FlatBuffer

  init(
    _ name: PosteriorName, _ recipe: Recipe, of base: DropoutLearner, examples: Int, parameters: FlatBuffer
  ) throws {
    self.base = base
    momentum = try name == .sgld ? 0 : recipe["optimizer"].number("momentum", default: 0.9, in: 0...0.9999)
    target = try WeightTarget(recipe["objective"], examples: examples, deviation: 0.2)
    samples = try KeptSamples(recipe, of: base, parameters: parameters, burnIn: 0.8)
    kinds = SlotKinds(base)
    velocity = FlatBuffer("velocity", base.parameters.layout)
    moved = FlatBuffer("moved", columns: [("steps", [0]), ("gradient", [0]), ("noise", [0])])
  }

  var auxiliary: [FlatBuffer] { [velocity, moved] }
  var order: Order.Kind { base.order }

  func absorb(_ total: Total, of step: Step, with crew: Crew) throws -> Verdict {
    let weights = base.parameters
    let averages = RunningAverages(base.runningStatistics, of: weights, takenFrom: total, leavingZeros: false)
    let rate = base.descent.rate(of: step)
    // Before samples are kept, cycles look for a mode.
    let collections = samples.collections
    let isNoisy = collections.cycles == 1 || collections.isCollecting(at: step.number, of: step.total)
    let deviation = isNoisy ? (2 * (1 - momentum) * rate / target.examples).squareRoot() : 0
    let scale = 1 / Float(max(total.examples, 1))
    let squares = Mutex([Double](repeating: 0, count: total.blockCount))
    let key = step.key
    try crew.forEach(total.blockCount) { [self] block, _ in
      let range = total.range(ofBlock: block)
      let gradient = total.float32(block: block).baseAddress! - range.lowerBound
      var sum = 0.0
      for piece in weights.layout.pieces(in: range) where !kinds.running.contains(piece.number) {
        let (place, count) = (piece.range.lowerBound, piece.range.count)
        var update = elbo_langevin_step(
          lr: rate, keep: momentum,
          decay: kinds.point.contains(piece.number) ? 0 : target.priorPrecision / target.examples, deviation: deviation)
        sum += elbo_sum_squares(gradient + place, count)
        elbo_langevin(
          weights.float32.baseAddress! + place, velocity.float32.baseAddress! + place, gradient + place, key.seed,
          NoiseStream.weights + piece.number, key.sample, key.step, UInt64(piece.first), &update, scale, count)
      }
      squares.withLock { [sum] in $0[block] = sum }
    }
    averages.write(to: weights)
    samples.keep(after: step.number + 1, of: step.total)
    var verdict = Verdict(metrics: ["temperature": target.temperature, "samples": Double(samples.present)])
    if isNoisy {
      let length = rate * rate * Double(scale * scale) * TreeSum.of(squares.withLock { $0 })
      weigh(length, against: deviation * deviation * Double(base.learntCount), in: &verdict)
    }
    return verdict
  }

  /// Steps of a training in which the alarm waits for a mean.
  private static let patience = 100.0

  /// Compares how far gradients and noise have moved the weights. A gradient's own noise is all but a little of it, so that the
  /// ratio says whose noise the samples have; SGLD needs it to be small (Welling and Teh 2011, section 4.1).
  private func weigh(_ gradient: Double, against noise: Double, in verdict: inout Verdict) {
    for (name, value) in [("steps", 1), ("gradient", gradient), ("noise", noise)] {
      moved.fill(name, [moved.numbers(name)[0] + value])
    }
    let ratio = moved.numbers("gradient")[0] / max(moved.numbers("noise")[0], .leastNormalMagnitude)
    verdict.metrics["noise_ratio"] = ratio
    if moved.numbers("steps")[0] > Langevin.patience, ratio > 1 {
      verdict.alarm =
        "the noise of minibatches moves the weights further than that of the posterior (train/noise_ratio): its samples are "
        + "too far apart; lower optimizer.learning_rate, or raise train.batch"
    }
  }
}
