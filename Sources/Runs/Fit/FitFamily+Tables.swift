/// What is tried where a row of a table has a number or a class.
extension FitFamily {
  static let numbers: [FitFamily] = [
    exact(
      linear, "bayesian-linear-regression", [standard],
      [Axis(key: "network.basis", usual: "identity", range: "identity")]),
    exact(
      // Later steps of the search change the marginal likelihood by less than a nat.
      process, "gaussian-process", ["objective.search_iterations=\(FitWork.evaluations)"],
      [
        Axis(key: "network.kernel", usual: "matern52", range: "rbf,matern52,matern52+linear"),
        Axis(key: "network.length_scale_each_column", usual: "true", range: "false,true"),
      ]),
    network(
      "bbb", "bbb-regression", [samples],
      [
        rate("0.01", "0.003", "0.03"), Axis(key: "objective.kl_weight", usual: "0.25", range: "0.1,0.25,0.5,1"),
        Axis(key: "objective.prior_deviation", usual: "1", range: "log(0.3,3)"), hidden,
      ], factor: 2),
    network(
      "mc-dropout", "mc-dropout-regression", [samples],
      [
        rate("0.01", "0.003", "0.03"), Axis(key: "network.dropout", usual: "0.03", range: "log(0.005,0.2)"),
        Axis(key: "objective.length_scale", usual: "2", range: "log(0.3,30)"), hidden,
      ], factor: 1),
    network(
      "ensemble", "mc-dropout-regression", [samples, "train.members=5", "network.dropout=0"],
      [
        rate("0.01", "0.003", "0.03"), Axis(key: "objective.length_scale", usual: "1", range: "log(0.1,30)"), hidden,
      ], factor: 4),
    network(
      "ivon", "ivon", [standard, samples],
      [
        rate("0.3", "0.05", "1"), Axis(key: "objective.prior_deviation", usual: "1", range: "log(0.3,3)"), hidden,
      ], factor: 1.3),
    network(
      // Without weight decay the residuals that fix the noise are those of a network that knows its rows by heart.
      "laplace", "laplace", [standard, samples, cosine],
      [
        rate("0.005", "0.001", "0.02"), Axis(key: "optimizer.weight_decay", usual: "0.1", range: "log(0.001,0.3)"),
        Axis(key: "objective.noise", usual: "heteroscedastic", range: "learnt,heteroscedastic"), hidden,
      ], factor: 1.3),
  ]

  static let classes: [FitFamily] = [
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
