import Recipes

/// A way to predict: a recipe, what of it does not vary, and a small space of settings.
package struct FitFamily {
  /// A key that varies: what is tried where one point is, and over what many are spread.
  struct Axis {
    let key: String
    let usual: String
    let range: String
  }

  let name: String
  let recipe: String
  let settings: [String]
  let axes: [Axis]
  /// Whether its training takes steps of a batch each, so that halving can stop it early.
  let isNetwork: Bool
  /// How many times a plain step's work one of its steps is.
  let factor: Double

  /// A family whose training is exact.
  private static func exact(
    _ name: String, _ recipe: String, _ settings: [String] = [], _ axes: [Axis]
  ) -> FitFamily {
    FitFamily(name: name, recipe: recipe, settings: settings, axes: axes, isNetwork: false, factor: 1)
  }

  private static func network(
    _ name: String, _ recipe: String, _ settings: [String] = [], _ axes: [Axis], factor: Double
  ) -> FitFamily {
    FitFamily(name: name, recipe: recipe, settings: settings, axes: axes, isNetwork: true, factor: factor)
  }

  private static let hidden = Axis(key: "network.hidden", usual: "[50]", range: "[50],[100],[50, 50]")

  private static func rate(_ usual: String, _ lower: String, _ upper: String) -> Axis {
    Axis(key: "optimizer.learning_rate", usual: usual, range: "log(\(lower),\(upper))")
  }

  /// The baseline, of which the report says how much better the chosen one is.
  package static let linear = "linear"
  static let process = "gaussian-process"

  static func all(_ task: FitTask) -> [FitFamily] { task == .numbers ? numbers : classes }

  private static let standard = "data.normalisation=standard"
  private static let cosine = "optimizer.schedule=cosine"
  private static let samples = "evaluate.samples=50"

  private static let numbers: [FitFamily] = [
    exact(
      linear, "bayesian-linear-regression", [standard],
      [Axis(key: "network.basis", usual: "identity", range: "identity")]),
    exact(
      process, "gaussian-process", [],
      [
        Axis(key: "network.kernel", usual: "matern52", range: "rbf,matern52,matern52+linear"),
        Axis(key: "network.length_scale_each_column", usual: "true", range: "false,true"),
      ]),
    network(
      "bbb", "bbb-regression", [samples],
      [
        rate("0.01", "0.003", "0.03"), Axis(key: "objective.kl_weight", usual: "0.5", range: "0.25,0.5,1"),
        Axis(key: "objective.prior_deviation", usual: "1", range: "log(0.3,3)"), hidden,
      ], factor: 2),
    network(
      "mc-dropout", "mc-dropout-regression", [samples],
      [
        rate("0.01", "0.003", "0.03"), Axis(key: "network.dropout", usual: "0.03", range: "log(0.005,0.2)"),
        Axis(key: "objective.length_scale", usual: "4", range: "log(1,30)"), hidden,
      ], factor: 1),
    network(
      "ensemble", "mc-dropout-regression", [samples, "train.members=5", "network.dropout=0"],
      [
        rate("0.01", "0.003", "0.03"), Axis(key: "objective.length_scale", usual: "10", range: "log(1,100)"), hidden,
      ], factor: 4),
    network(
      "ivon", "ivon", [standard, samples],
      [
        rate("0.3", "0.05", "1"), Axis(key: "objective.prior_deviation", usual: "1", range: "log(0.3,3)"), hidden,
      ], factor: 1.3),
    network(
      "laplace", "laplace", [standard, samples, cosine],
      [rate("0.005", "0.001", "0.02"), hidden], factor: 1.3),
  ]

  private static let classes: [FitFamily] = [
    exact(
      linear, "bayesian-logistic-regression", [],
      [Axis(key: "objective.weight_precision", usual: "1", range: "0.01,0.1,1,10,100")]),
    network(
      "ivon", "ivon", [standard, samples],
      [
        rate("0.3", "0.05", "1"), Axis(key: "objective.prior_deviation", usual: "0.5", range: "log(0.1,3)"), hidden,
      ], factor: 1.3),
    network(
      "bbb", "bbb", [standard, samples, cosine, "objective.prior=gaussian", "objective.estimator=local"],
      [
        rate("0.005", "0.002", "0.02"), Axis(key: "objective.kl_weight", usual: "1", range: "0.5,1"),
        Axis(key: "objective.prior_deviation", usual: "0.5", range: "log(0.1,3)"), hidden,
      ], factor: 2),
    network(
      "mc-dropout", "mc-dropout", [standard, samples, cosine, "network.input_dropout=0"],
      [
        rate("0.003", "0.001", "0.01"), Axis(key: "network.dropout", usual: "0.2", range: "uniform(0.05,0.5)"),
        Axis(key: "objective.length_scale", usual: "1", range: "log(0.1,10)"), hidden,
      ], factor: 1),
    network(
      "laplace", "laplace", [standard, samples, cosine],
      [rate("0.003", "0.0005", "0.01"), hidden], factor: 1.3),
    network(
      "ensemble", "mlp", [standard, cosine, "train.members=5"],
      [
        rate("0.003", "0.0005", "0.01"), Axis(key: "optimizer.weight_decay", usual: "0.001", range: "log(1e-5,0.03)"),
        hidden,
      ], factor: 4),
  ]
}
