/// What `objective.posterior` may be for a network that learns answers.
enum PosteriorName: String, CaseIterable {
  /// One set of weights.
  case none
  /// Bayes by Backprop.
  case variational
  /// Improved variational online Newton.
  case ivon
  /// A Gaussian around the average of the weights that stochastic gradient descent visits.
  case swag
  /// The weights at the ends of cycles of the learning rate.
  case snapshots
  /// Stochastic gradient Langevin dynamics, without and with momentum.
  case sgld, sghmc
  /// Hamiltonian Monte Carlo on all examples.
  case hmc
  /// A Gaussian around the trained weights, its precision the curvature there.
  case laplace

  /// Keys of `objective` that a variational posterior has.
  static let variationalKeys = [
    "prior", "prior_deviation", "prior_scale", "prior_wide", "prior_narrow", "prior_share", "kl_weighting", "kl_weight",
    "kl_warmup_epochs",
  ]

  /// Keys that other posteriors have, or networks without one: one key alone can choose another.
  var keysOfOthers: [String: [String]] {
    let rules = ["name", "momentum", "decay", "epsilon", "beta1", "beta2", "weight_decay", "clip_norm", "clip_value"]
    let hasOwnRule = [.ivon, .sgld, .sghmc, .hmc].contains(self)
    return [
      "network": ["dropout", "input_dropout", "drop_connect", "concrete", "initial_deviation", "initial_mean_bound"],
      "objective": Self.variationalKeys + [
        "estimator", "scope", "divergence", "length_scale", "temperature", "keep", "burn_in", "rank", "collections",
        "leapfrogs", "laplace_layers", "curvature", "prior_precision",
      ],
      "optimizer": (hasOwnRule ? rules : []) + ["clip_radius"],
      "train": ["members"],
    ]
  }
}
