import Datasets
import Recipes
import Training

/// A classifier whose weights have a posterior, trained by Bayes by Backprop (Blundell, Cornebise, Kavukcuoglu and
/// Wierstra, Weight Uncertainty in Neural Networks, ICML 2015).
public enum BayesByBackprop: Model {
  public static let name = "bbb"
  public static let summary = "Bayes by Backprop: a classifier with a posterior over its weights"
  public static var recipe: [UInt8] { PackageResources.bbb_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try VariationalLearner(recipe, data: data, seed: seed, wants: .classes)
  }
}

/// The same for numbers.
public enum BayesByBackpropRegression: Model {
  public static let name = "bbb-regression"
  public static let summary = "Bayes by Backprop regression, with learnt, given or heteroscedastic noise"
  public static var recipe: [UInt8] { PackageResources.bbb_regression_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try VariationalLearner(recipe, data: data, seed: seed, wants: .values)
  }
}
