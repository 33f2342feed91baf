import Foundation
import Networks
import Recipes
import Training

/// How the complexity cost KL(q ‖ p) enters a step.
///
/// An epoch of M steps over N examples minimises KL + Σ_N nll. Step i takes from it πᵢ KL + Σ_batch nll, Σ πᵢ = 1, so
/// that an epoch's steps add up to the whole, a short last batch counted as what it is. Steps are scaled by M / N: for
/// equal batches the gradient of a mean over examples, as other models have it.
struct Complexity: Sendable {
  enum Weighting: String, CaseIterable {
    /// πᵢ = 1 / M (Graves 2011).
    case uniform
    /// πᵢ = 2^(M − i) / (2^M − 1): the prior rules the first steps of an epoch, the data the last (Blundell et al. 2015,
    /// section 3.4).
    case blundell
  }

  let weighting: Weighting
  /// Tempering: what the KL is multiplied with; 1 is Bayes' rule, less a cold posterior.
  let weight: Double
  let warmupEpochs: Double
  let examples: Int

  init(_ section: RecipeSection, examples: Int) throws {
    weighting = try section.choice("kl_weighting", default: .uniform)
    weight = try section.number("kl_weight", default: 1, in: 0...1e6)
    warmupEpochs = try section.number("kl_warmup_epochs", default: 0, in: 0...1e6)
    self.examples = examples
  }

  /// πᵢ, i from 1 to M.
  static func share(_ weighting: Weighting, step i: Int, of steps: Int) -> Double {
    switch weighting {
    case .uniform: 1 / Double(steps)
    // 2^(M − i) / (2^M − 1), both divided by 2^M: nothing overflows.
    case .blundell: exp2(-Double(i)) / -expm1(-Double(steps) * M_LN2)
    }
  }

  /// M / N.
  func scale(_ step: Step) -> Double { Double(step.stepsPerEpoch) / Double(examples) }

  /// What KL is multiplied with beside the scaled sum over the batch.
  func cost(_ step: Step) -> Double {
    let share = Complexity.share(weighting, step: step.number % step.stepsPerEpoch + 1, of: step.stepsPerEpoch)
    return scale(step) * share * weight * warmup(step)
  }

  func warmup(_ step: Step) -> Double {
    guard warmupEpochs > 0 else { return 1 }
    return min(Double(step.number) / (warmupEpochs * Double(step.stepsPerEpoch)), 1)
  }
}

extension WeightPrior {
  private enum Kind: String, CaseIterable { case gaussian, laplace, mixture }

  /// Reads `prior` and what belongs to it from the `objective` section. Standard deviations, not variances.
  init(_ section: RecipeSection) throws {
    // All are read whatever the kind: a recipe may hold those of the others, so that `--set` can change the kind alone.
    let kind = try section.choice("prior", default: Kind.mixture)
    let deviation = try section.number("prior_deviation", default: 0.1, in: 1e-6...1e6)
    let scale = try section.number("prior_scale", default: 0.1, in: 1e-6...1e6)
    let wide = try section.number("prior_wide", default: 1, in: 1e-6...1e6)
    let narrow = try section.number("prior_narrow", default: 0.0025, in: 1e-6...1e6)
    let share = try section.number("prior_share", default: 0.5, in: 1e-6...0.999999)
    switch kind {
    case .gaussian: self = .gaussian(deviation: deviation)
    case .laplace: self = .laplace(scale: scale)
    case .mixture:
      guard narrow < wide else {
        throw RecipeError("objective.prior_narrow is \(narrow): it must be less than objective.prior_wide, \(wide)")
      }
      self = .scaleMixture(share: share, wide: wide, narrow: narrow)
    }
  }
}
