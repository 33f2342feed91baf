import Datasets
import Foundation
import Learners
import LinearAlgebra
import Recipes
import Statistics
import Tensors
import Training

/// Bayesian logistic regression, of two classes or several (Bishop 2006, sections 4.4, 4.5 and 10.6).
public enum BayesianLogisticRegression: Model {
  public static let name = "bayesian-logistic-regression"
  public static let summary =
    "Bayesian logistic regression by Laplace (several classes too) or the local variational bound"
  public static var recipe: [UInt8] { PackageResources.bayesian_logistic_regression_yaml }

  private enum Method: String, CaseIterable { case laplace, variational }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let objective = recipe["objective"]
    let precision = try objective.number("weight_precision", default: 1, in: 1e-300...1e300)
    let method: Method = try objective.choice("method", default: .laplace)
    guard let labels = data.train.labels else {
      throw TrainingError.noClasses(data)
    }
    let exact = try ExactData(data, recipe, seed: seed, normalization: .standard) { set in .classes(set.labels!) }
    let features = try FeatureChoice(recipe["network"], exact)
    let weights = try LabelWeights(objective, labels, isTrained: exact.isTrained).values
    if labels.count > 2 {
      guard method == .laplace else {
        throw RecipeError("objective.method is variational, which takes two classes; the data has \(labels.count)")
      }
      return try features.learner(exact, recipe, defaults: .init(iterations: 100, tolerance: 1e-12)) {
        try SoftmaxRegression($0, classes: labels.count, weightPrecision: precision, classWeights: weights)
      }
    }
    guard labels.count == 2 else {
      throw TrainingError(.unsuitable, "\(data.name) has one class", advice: "give rows of at least two classes")
    }
    if method == .laplace {
      return try features.learner(exact, recipe, defaults: .init(iterations: 100, tolerance: 1e-12)) {
        try LaplaceLogisticRegression($0, weightPrecision: precision, classWeights: weights)
      }
    }
    return try features.learner(exact, recipe, defaults: .init(iterations: 1000, tolerance: 1e-12)) {
      try VariationalLogisticRegression($0, weightPrecision: precision, classWeights: weights)
    }
  }
}

/// A Gaussian over m weights: its mean, and the Cholesky factor of its precision.
private func layout(weights m: Int) -> Layout {
  var layout = Layout()
  layout.add("weights", [m])
  layout.add("precision_factor", [m, m])
  return layout
}

/// What binary posteriors have in common.
extension ClassifyingModel where Posterior == LogisticPosterior {
  package var classCount: Int { 2 }

  package func probabilities(_ x: [Double], _ posterior: LogisticPosterior) -> [Double] {
    let p = posterior.probability(x)
    return [1 - p, p]
  }

  /// At the middles of `count` equally probable parts of the activation's distribution.
  package func draws(_ count: Int, _ x: [Double], _ posterior: LogisticPosterior) -> [[Double]] {
    let (mean, variance) = posterior.activation(x)
    return (0..<count).map { i in
      let a = mean + variance.squareRoot() * normalQuantile((Double(i) + 0.5) / Double(count))
      return [sigmoid(-a), sigmoid(a)]
    }
  }

  package func weights(_ posterior: LogisticPosterior) -> (means: Matrix, deviations: Matrix) {
    let count = posterior.mean.count
    return (
      Matrix(rows: 1, columns: count, elements: posterior.mean),
      Matrix(rows: 1, columns: count, elements: posterior.covariance.diagonal.map { $0.squareRoot() })
    )
  }

  fileprivate func readPosterior(_ buffer: FlatBuffer) -> LogisticPosterior {
    LogisticPosterior(
      features: features, mean: buffer.numbers("weights"),
      precision: Cholesky(lower: buffer.matrix("precision_factor")))
  }

  fileprivate func writePosterior(_ posterior: LogisticPosterior, to buffer: FlatBuffer) {
    buffer.fill("weights", posterior.mean)
    buffer.fill("precision_factor", posterior.precision.lower.elements)
  }
}

extension LaplaceLogisticRegression: ClassifyingModel {
  package func posterior(_ parameters: Parameters) -> LogisticPosterior? { parameters.posterior }

  package var parameterLayout: Layout {
    var layout = layout(weights: features.weightCount)
    layout.add("log_evidence", .scalar)
    return layout
  }
  package var searchLayout: Layout {
    var layout = Layout()
    layout.add("search", [3 + 3 * features.weightCount])
    return layout
  }

  package func write(_ parameters: Parameters, to buffer: FlatBuffer) {
    guard let posterior = parameters.posterior else { return }
    writePosterior(posterior, to: buffer)
    buffer.fill("log_evidence", [parameters.logEvidence!])
  }
  package func read(_ buffer: FlatBuffer) throws -> Parameters {
    Parameters(posterior: readPosterior(buffer), logEvidence: buffer.numbers("log_evidence")[0])
  }
  package func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) {
    buffer.fill("search", parameters.searchNumbers)
  }
  package func readSearch(_ buffer: FlatBuffer) throws -> Parameters {
    Parameters(searchNumbers: buffer.numbers("search"))
  }

  package func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters
  {
    start
  }

  package func report(_ parameters: Parameters, objective: Double, rows: Int) -> [String: Double] {
    ["log_joint": objective, "log_evidence": parameters.logEvidence!]
  }
}

extension VariationalLogisticRegression: ClassifyingModel {
  package func posterior(_ parameters: LogisticPosterior) -> LogisticPosterior? { parameters }

  package var parameterLayout: Layout { layout(weights: features.weightCount) }
  package func write(_ parameters: LogisticPosterior, to buffer: FlatBuffer) { writePosterior(parameters, to: buffer) }
  package func read(_ buffer: FlatBuffer) throws -> LogisticPosterior { readPosterior(buffer) }

  package func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws
    -> LogisticPosterior
  {
    start
  }

  package func report(_ parameters: LogisticPosterior, objective: Double, rows: Int) -> [String: Double] {
    ["elbo": objective / Double(rows), "total_elbo": objective]
  }
}

extension SoftmaxRegression: ClassifyingModel {
  package var classCount: Int { classes }
  package func posterior(_ parameters: Parameters) -> SoftmaxPosterior? { parameters.posterior }

  private var weightCount: Int { classes * features.weightCount }

  package var parameterLayout: Layout {
    var layout = Layout()
    layout.add("weights", [classes, features.weightCount])
    layout.add("precision_factor", [weightCount, weightCount])
    layout.add("log_evidence", .scalar)
    return layout
  }
  package var searchLayout: Layout {
    var layout = Layout()
    layout.add("search", [3 + 3 * weightCount])
    return layout
  }

  package func write(_ parameters: Parameters, to buffer: FlatBuffer) {
    guard let posterior = parameters.posterior else { return }
    buffer.fill("weights", posterior.mean.elements)
    buffer.fill("precision_factor", posterior.precision.lower.elements)
    buffer.fill("log_evidence", [parameters.logEvidence!])
  }
  package func read(_ buffer: FlatBuffer) throws -> Parameters {
    Parameters(
      posterior: SoftmaxPosterior(
        features: features, mean: buffer.matrix("weights"),
        precision: Cholesky(lower: buffer.matrix("precision_factor"))),
      logEvidence: buffer.numbers("log_evidence")[0])
  }
  package func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) {
    buffer.fill("search", parameters.searchNumbers)
  }
  package func readSearch(_ buffer: FlatBuffer) throws -> Parameters {
    Parameters(searchNumbers: buffer.numbers("search"))
  }

  package func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters
  {
    start
  }

  package func report(_ parameters: Parameters, objective: Double, rows: Int) -> [String: Double] {
    ["log_joint": objective, "log_evidence": parameters.logEvidence!]
  }

  package func probabilities(_ x: [Double], _ posterior: SoftmaxPosterior) -> [Double] { posterior.probabilities(x) }

  package func weights(_ posterior: SoftmaxPosterior) -> (means: Matrix, deviations: Matrix) {
    let deviations = posterior.precision.inverse.diagonal.map { $0.squareRoot() }
    return (
      posterior.mean, Matrix(rows: posterior.mean.rows, columns: posterior.mean.columns, elements: deviations)
    )
  }

  package func draws(_ count: Int, _ x: [Double], _ posterior: SoftmaxPosterior) throws -> [[Double]] {
    var generator = RandomStream(RandomKey(seed: 0).at(tensor: NoiseStream.latent))
    return try posterior.draws(count, x, using: &generator)
  }
}
