import Datasets
import Learners
import LinearAlgebra
import Recipes
import Tensors
import Training

/// Linear regression by maximum likelihood (Bishop 2006, section 3.1).
public enum MaximumLikelihoodRegression: Model {
  public static let name = "linear-regression"
  public static let summary = "linear regression by maximum likelihood over basis functions, in one pass"
  public static var recipe: [UInt8] { PackageResources.linear_regression_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let (exact, features) = try regression(recipe, data, seed: seed)
    return try momentLearner(features, exact, recipe) { LinearRegression($0) }
  }
}

/// Bayesian linear regression as in Bishop's book: a prior over all weights, precisions given or maximising the evidence
/// (Bishop 2006, sections 3.3 to 3.5).
public enum BayesianRegression: Model {
  public static let name = "bayesian-linear-regression"
  public static let summary =
    "Bayesian linear regression: precisions given or by evidence, choice of the degree by evidence"
  public static var recipe: [UInt8] { PackageResources.bayesian_linear_regression_yaml }

  private enum Method: String, CaseIterable {
    case search
    case effectiveParameters = "effective-parameters"
    case em
  }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let objective = recipe["objective"]
    let weightPrecision = try objective.optionalNumber("weight_precision", in: 1e-300...1e300)
    let noisePrecision = try objective.optionalNumber("noise_precision", in: 1e-300...1e300)
    let method: Method = try objective.choice("method", default: .search)
    let rounds = try objective.integer("evidence_iterations", default: 300, in: 0...1_000_000)
    let choosesDegree = try objective.flag("choose_degree", default: false)
    guard (weightPrecision == nil) == (noisePrecision == nil) else {
      throw RecipeError(
        "objective.weight_precision and objective.noise_precision: give both, or neither for those of the largest evidence"
      )
    }
    let (exact, features) = try regression(recipe, data, seed: seed)
    func made(
      _ estimator: @escaping @Sendable (Features) throws -> some OrderedEstimator & ReportingEstimator
    ) throws -> any Learner {
      choosesDegree
        ? try momentLearner(features, exact, recipe) { OrderSelection(try estimator($0)) }
        : try momentLearner(features, exact, recipe, estimator)
    }
    if let weightPrecision, let noisePrecision {
      return try made {
        try ConjugateRegression($0, weightPrecision: weightPrecision, noisePrecision: noisePrecision)
      }
    }
    return try made { features in
      var estimator = EvidenceMaximization(features)
      estimator.method =
        switch method {
        case .search: .search
        case .effectiveParameters: .effectiveParameters
        case .em: .expectationMaximization
        }
      (estimator.iterations, estimator.tolerance) = (rounds, 1e-9)
      return estimator
    }
  }
}

/// Bayesian ridge regression with gamma hyperpriors, and automatic relevance determination.
public enum BayesianRidge: Model {
  public static let name = "bayesian-ridge"
  public static let summary =
    "Bayesian ridge regression with gamma hyperpriors; a precision for each weight on request (ARD)"
  public static var recipe: [UInt8] { PackageResources.bayesian_ridge_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let objective = recipe["objective"]
    let relevance = try objective.flag("relevance", default: false)
    let weight = GammaHyperprior(
      shape: try objective.number("weight_shape", default: 1e-6, in: 0...1e12),
      rate: try objective.number("weight_rate", default: 1e-6, in: 0...1e12))
    let noise = GammaHyperprior(
      shape: try objective.number("noise_shape", default: 1e-6, in: 0...1e12),
      rate: try objective.number("noise_rate", default: 1e-6, in: 0...1e12))
    let rounds = try objective.integer("evidence_iterations", default: 300, in: 0...1_000_000)
    let tolerance = try objective.number("weight_tolerance", default: 1e-3, in: 0...1e12)
    let threshold = try objective.number("relevance_threshold", default: 1e4, in: 1e-300...1e300)
    let (exact, features) = try regression(recipe, data, seed: seed)
    if relevance {
      return try momentLearner(features, exact, recipe) { features in
        var estimator = RelevanceRegression(features)
        (estimator.weightHyperprior, estimator.noiseHyperprior) = (weight, noise)
        (estimator.iterations, estimator.tolerance, estimator.threshold) = (rounds, tolerance, threshold)
        return estimator
      }
    }
    return try momentLearner(features, exact, recipe) { features in
      var estimator = EvidenceMaximization(features)
      estimator.penalizesIntercept = false
      (estimator.weightHyperprior, estimator.noiseHyperprior) = (weight, noise)
      estimator.hyperpriorsAreRelative = true
      return estimator
    }
  }
}

/// What a regression gathers of its data.
private enum StatisticsForm: String, CaseIterable {
  /// Moments; of no more than half as many rows as features, the rows, which then are fewer numbers.
  case automatic
  /// Moments, as 0.1 did, whose recipes do not speak of it.
  case moments
}

private func momentLearner(
  _ features: FeatureChoice, _ data: ExactData, _ recipe: Recipe,
  _ estimator: @escaping @Sendable (Features) throws -> some ReportingEstimator
) throws -> any Learner {
  let form: StatisticsForm = try recipe["objective"].choice("form", default: .moments)
  let rows = form == .automatic ? data.trainingCount : nil
  return try features.learner(data, recipe, defaults: .init(iterations: 1)) {
    MomentRegression(try estimator($0), rows: rows)
  }
}

/// The rows with a target of one number, and the features that `network` asks for.
private func regression(_ recipe: Recipe, _ data: Dataset, seed: UInt64) throws -> (ExactData, FeatureChoice) {
  let exact = try ExactData(data, recipe, seed: seed) { try .values(singleTarget($0, of: data)) }
  return (exact, try FeatureChoice(recipe["network"], exact))
}

/// The target, a number for each row.
package func singleTarget(_ set: ExampleSet, of data: Dataset) throws -> ExampleArray {
  guard let targets = set.targets else {
    throw TrainingError.noNumbers(data)
  }
  guard targets.elementsPerExample == 1 else {
    throw TrainingError(
      .unsuitable, "\(data.name) has \(targets.elementsPerExample) targets for each row",
      advice: "name one target column with data.target, or learn several numbers with mlp, mc-dropout or bbb-regression"
    )
  }
  return targets
}
