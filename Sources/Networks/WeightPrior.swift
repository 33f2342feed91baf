import CKernels

/// What is believed of a weight before the data: the same for each, independent, around zero.
public enum WeightPrior: Hashable, Sendable {
  /// N(0, deviation²): a standard deviation, not a variance.
  case gaussian(deviation: Double)
  /// exp(−|w| / scale) / (2 scale).
  case laplace(scale: Double)
  /// share · N(0, wide²) + (1 − share) · N(0, narrow²): heavy tails, and most weights near zero (Blundell et al. 2015,
  /// equation 7).
  case scaleMixture(share: Double, wide: Double, narrow: Double)

  /// The Gaussian's standard deviation, for which KL(q ‖ p) is known in closed form.
  package var gaussianDeviation: Double? {
    if case .gaussian(let deviation) = self { deviation } else { nil }
  }

  package var kernel: elbo_prior {
    switch self {
    case .gaussian(let deviation):
      elbo_prior(kind: Int32(ELBO_PRIOR_GAUSSIAN), scale: Float(deviation), scale2: 0, share: 0)
    case .laplace(let scale): elbo_prior(kind: Int32(ELBO_PRIOR_LAPLACE), scale: Float(scale), scale2: 0, share: 0)
    case .scaleMixture(let share, let wide, let narrow):
      elbo_prior(kind: Int32(ELBO_PRIOR_MIXTURE), scale: Float(wide), scale2: Float(narrow), share: Float(share))
    }
  }
}
