/// What is tried on pictures, and where nothing is predicted.
extension FitFamily {
  private static let convolutions = "network.architecture=lenet"
  /// A convolution costs more than a table's row, and fewer samples of it say as much.
  private static let fewSamples = "evaluate.samples=8"

  static let pictures: [FitFamily] = [
    network(
      linear, "mlp", ["network.hidden=[]", cosine],
      [
        rate("0.001", "0.0003", "0.01"), Axis(key: "optimizer.weight_decay", usual: "0.001", range: "log(1e-5,0.03)"),
      ], factor: 0.3),
    network(
      "mlp", "mlp", [convolutions, cosine],
      [
        rate("0.002", "0.0005", "0.005"), Axis(key: "optimizer.weight_decay", usual: "0.0001", range: "log(1e-5,0.01)"),
      ], factor: 1),
    network(
      "mc-dropout", "mc-dropout", [convolutions, cosine, fewSamples, "network.input_dropout=0"],
      [
        rate("0.002", "0.0005", "0.005"), Axis(key: "network.dropout", usual: "0.2", range: "uniform(0.05,0.5)"),
      ], factor: 1.2, samples: 8),
    network(
      "ensemble", "mlp", [convolutions, cosine, "train.members=5"],
      [
        rate("0.002", "0.0005", "0.005"), Axis(key: "optimizer.weight_decay", usual: "0.0001", range: "log(1e-5,0.01)"),
      ], factor: 5, samples: 5),
    network(
      "bbb", "bbb", [convolutions, cosine, fewSamples, "objective.prior=gaussian", "objective.estimator=local"],
      [
        rate("0.003", "0.001", "0.01"), Axis(key: "objective.kl_weight", usual: "0.3", range: "0.1,0.3,1"),
        Axis(key: "objective.prior_deviation", usual: "0.3", range: "log(0.1,1)"),
      ], factor: 2.5, samples: 8),
    network(
      "ivon", "ivon", [convolutions, fewSamples],
      [
        rate("0.2", "0.05", "0.5"), Axis(key: "objective.prior_deviation", usual: "0.3", range: "log(0.1,1)"),
      ], factor: 1.3, samples: 8),
  ]

  /// A number of ties makes a component as narrow as a point, whose density is no knowledge: variances have a floor.
  private static let floor = "objective.covariance_floor=0.001"

  private static func counts(_ counts: [Int], atMost most: Int) -> String {
    counts.filter { $0 <= max(most, counts[0]) }.map(String.init).joined(separator: ",")
  }

  static func groups(rows: Int, width: Int) -> [FitFamily] {
    let factors =
      width < 3
      ? []
      : [
        exact(
          "factors", "ppca", [],
          [Axis(key: "network.latent", usual: "1", range: counts([1, 2, 3, 5, 8, 13, 21], atMost: width - 1))],
          factor: 0.3)
      ]
    return [
      exact(
        gaussian, "gmm", ["network.components=1", floor],
        [Axis(key: "network.covariance", usual: "full", range: "full,diagonal")], factor: 0.3),
      exact(
        "mixture", "gmm", [floor],
        [
          Axis(
            key: "network.components", usual: "2", range: counts([2, 3, 4, 5, 6, 8, 12, 16, 24], atMost: rows / 10)),
          Axis(key: "network.covariance", usual: "full", range: "full,tied,diagonal"),
        ], factor: 2.5),
      exact(
        "dirichlet-process", "variational-gmm",
        ["objective.weight_prior=dirichlet-process", "network.components=\(min(20, max(rows / 4, 1)))"],
        [Axis(key: "objective.concentration", usual: "1", range: "0.01,1,10")]),
    ] + factors
  }

  static func states(width: Int) -> [FitFamily] {
    let covariance = Axis(key: "network.covariance", usual: "full", range: width > 1 ? "full,diagonal" : "full")
    return [
      exact(gaussian, "hmm", ["network.states=1", floor], [covariance], factor: 0.3),
      exact(
        "hidden-markov", "hmm", [floor],
        [Axis(key: "network.states", usual: "2", range: "2,3,4,5,6,8"), covariance], factor: 2.5),
      // Its EM takes thousands of steps to converge; the later ones change little in a comparison.
      exact(
        "linear-dynamics", "lds", ["train.steps=300"],
        [Axis(key: "network.states", usual: "1", range: counts([1, 2, 3, 4], atMost: min(width, 3) + 1))], factor: 3),
    ]
  }
}
