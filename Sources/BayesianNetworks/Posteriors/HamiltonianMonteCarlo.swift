import CKernels
import Foundation
import Learners
import Networks
import Recipes
import Tensors
import Training

/// Hamiltonian Monte Carlo with gradients of all examples (Neal, MCMC Using Hamiltonian Dynamics, 2011; for networks Izmailov,
/// Vikram, Hoffman and Wilson, What Are Bayesian Neural Network Posteriors Really Like?, ICML 2021): the reference that other
/// posteriors of tiny problems are judged by.
///
/// A step of the training is a leapfrog step. A proposal takes L of them, and one more that says whether it is accepted. Each
/// proposal has a step size of its own, between 0.8 and 1.2 of optimizer.learning_rate, so that no trajectory comes back to its
/// start. A state that is not left is kept again. In the burn-in every proposal of finite energy is accepted.
struct HamiltonianMonteCarlo: SampledPosterior {
  static let hasOwnRule = true
  static let isOfChains = true

  /// Examples times weights that one gradient of all examples may have.
  private static let mostProducts = 20_000_000

  let base: DropoutLearner
  let samples: KeptSamples
  private let target: WeightTarget
  private let kinds: SlotKinds
  /// L.
  private let leapfrogs: Int
  /// The momentum times the step size: what a step moves the weights by.
  private let velocity: FlatBuffer
  /// The weights that the trajectory began at.
  private let start: FlatBuffer
  private let chain: FlatBuffer

  init(
    _ name: PosteriorName, _ recipe: Recipe, of base: DropoutLearner, examples: Int, parameters: FlatBuffer
  ) throws {
    self.base = base
    guard examples <= HamiltonianMonteCarlo.mostProducts / max(base.learntCount, 1) else {
      throw RecipeError(
        "objective.posterior is hmc, whose every step computes all examples: \(examples) examples and \(base.learntCount) "
          + "weights are too many (their product is \(HamiltonianMonteCarlo.mostProducts) at most); take sghmc or ivon")
    }
    guard base.runningStatistics.isEmpty else {
      throw RecipeError(
        "the network has batch normalization, with which the posterior has no density: leave it out, or set "
          + "objective.posterior to snapshots or ivon")
    }
    let objective = recipe["objective"]
    target = try WeightTarget(objective, examples: examples, deviation: 0.5)
    leapfrogs = try objective.integer("leapfrogs", default: 50, in: 1...100_000)
    samples = try KeptSamples(recipe, of: base, parameters: parameters, burnIn: 0.2)
    kinds = SlotKinds(base)
    velocity = FlatBuffer("velocity", base.parameters.layout)
    start = FlatBuffer("start", base.parameters.layout)
    chain = FlatBuffer(
      "chain", columns: [("energy", [0]), ("proposals", [0]), ("accepted", [0]), ("weights", [0])])
  }

  var auxiliary: [FlatBuffer] { [velocity, start, chain] }
  var order: Order.Kind { .sweep }

  func absorb(_ total: Total, of step: Step, with crew: Crew) throws -> Verdict {
    let (proposal, place) = step.number.quotientAndRemainder(dividingBy: leapfrogs + 1)
    let proposals = step.total / (leapfrogs + 1)
    guard proposals > 0 else {
      throw TrainingError(
        .unsuitable, "\(step.total) steps are no proposal: each takes \(leapfrogs + 1)",
        advice: "raise train.steps, or lower objective.leapfrogs")
    }
    // The streams of a proposal are those of its first step.
    let key = RandomKey(seed: step.key.seed).at(step: UInt32(truncatingIfNeeded: proposal * (leapfrogs + 1)))
    var uniform = RandomStream(key.at(tensor: NoiseStream.start))
    let size = base.descent.learningRate * (0.8 + 0.4 * uniform.nextUniform())
    let threshold = uniform.nextUniform()
    if place == 0 {
      try begin(size: size, key: key, with: crew)
      chain.fill("energy", [try energy(total, size: size, with: crew)])
      start.copy(from: base.parameters)
    }
    guard place == leapfrogs else {
      try move(total, size: size, isFirst: place == 0, with: crew)
      return Verdict(metrics: metrics)
    }
    try kick(total, size: size, with: crew)
    let error = try energy(total, size: size, with: crew) - chain.numbers("energy")[0]
    let burnIn = Double(proposal) < samples.collections.burnIn * Double(proposals)
    let isAccepted = burnIn ? error.isFinite : threshold < exp(-error)
    if !isAccepted { base.parameters.copy(from: start) }
    if !burnIn {
      for (name, value) in [("proposals", 1), ("accepted", isAccepted ? 1 : 0), ("weights", exp(-error))] {
        chain.fill(name, [chain.numbers(name)[0] + value])
      }
    }
    samples.keep(after: proposal + 1, of: proposals)
    var verdict = Verdict(metrics: metrics)
    verdict.metrics["energy_error"] = error
    let count = chain.numbers("proposals")[0]
    if count >= 10, chain.numbers("accepted")[0] < 0.5 * count {
      verdict.alarm =
        "fewer than half of the proposals are accepted: lower optimizer.learning_rate, the leapfrog's step"
    }
    return verdict
  }

  private var metrics: [String: Double] {
    var metrics = ["temperature": target.temperature, "samples": Double(samples.present)]
    let count = chain.numbers("proposals")[0]
    if count > 0 {
      metrics["acceptance"] = chain.numbers("accepted")[0] / count
      // E exp(−ΔH) is 1 in the posterior.
      metrics["energy_weight"] = chain.numbers("weights")[0] / count
    }
    return metrics
  }

  // MARK: Leapfrog

  private func forEachPiece(
    _ total: Total?, with crew: Crew, _ body: @escaping @Sendable (Layout.Piece, UnsafePointer<Float>?) -> Void
  ) throws {
    let layout = base.parameters.layout
    try crew.forEachBlock(of: layout.count) { range in
      let gradient = total.map {
        $0.float32(block: range.lowerBound / Total.blockLength).baseAddress! - range.lowerBound
      }
      for piece in layout.pieces(in: range) { body(piece, gradient.map { $0 + piece.range.lowerBound }) }
    }
  }

  /// Draws the momentum.
  private func begin(size: Double, key: RandomKey, with crew: Crew) throws {
    try forEachPiece(nil, with: crew) { [self] piece, _ in
      let target = velocity.float32.baseAddress! + piece.range.lowerBound
      key.at(tensor: NoiseStream.weights + piece.number)
        .normal(into: target, count: piece.range.count, first: UInt64(piece.first))
      elbo_scale(target, Float(size), target, piece.range.count)
    }
  }

  private func decay(_ piece: Layout.Piece) -> Double { kinds.point.contains(piece.number) ? 0 : target.priorPrecision }

  /// A kick, a half one at first, and a drift.
  private func move(_ total: Total, size: Double, isFirst: Bool, with crew: Crew) throws {
    try forEachPiece(total, with: crew) { [self] piece, gradient in
      let place = piece.range.lowerBound
      var update = elbo_langevin_step(
        lr: isFirst ? 0.5 * size * size : size * size, keep: 1, decay: decay(piece), deviation: 0)
      elbo_langevin(
        base.parameters.float32.baseAddress! + place, velocity.float32.baseAddress! + place, gradient, 0, 0, 0, 0, 0,
        &update, Float(1 / target.temperature), piece.range.count)
    }
  }

  /// The last half kick.
  private func kick(_ total: Total, size: Double, with crew: Crew) throws {
    try forEachPiece(total, with: crew) { [self] piece, gradient in
      let (place, half) = (piece.range.lowerBound, -0.5 * size * size)
      let velocity = velocity.float32.baseAddress! + place
      elbo_axpy(Float(half / target.temperature), gradient, velocity, piece.range.count)
      elbo_axpy(
        Float(half * decay(piece)), base.parameters.float32.baseAddress! + place, velocity, piece.range.count)
    }
  }

  /// U + |p|² / 2 in nats, less a constant; sums are those of double precision.
  private func energy(_ total: Total, size: Double, with crew: Crew) throws -> Double {
    let layout = base.parameters.layout
    let rest = try crew.sumOverBlocks(of: layout.count) { [self] range in
      layout.pieces(in: range).reduce(0) { sum, piece in
        let (place, count) = (piece.range.lowerBound, piece.range.count)
        return sum + 0.5 * decay(piece) * elbo_sum_squares(base.parameters.float32.baseAddress! + place, count)
          + 0.5 / (size * size) * elbo_sum_squares(velocity.float32.baseAddress! + place, count)
      }
    }
    return total.metrics["nll"] * Double(base.members.count) / target.temperature + rest
  }
}
