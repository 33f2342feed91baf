import Datasets
import Networks
import Recipes
import Tensors
import Training

/// A classifier whose weights have a posterior, trained by Bayes by Backprop (Blundell, Cornebise, Kavukcuoglu and
/// Wierstra, Weight Uncertainty in Neural Networks, ICML 2015).
public enum BayesByBackprop: NetworkModel {
  public static let name = "bbb"
  public static let summary = "Bayes by Backprop: a classifier with a posterior over its weights"
  public static var recipe: [UInt8] { PackageResources.bbb_yaml }
  public static let answers: Supervision.Wanted? = .classes

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try VariationalLearner(Self.self, recipe, data: data, seed: seed)
  }
}

/// The same for numbers.
public enum BayesByBackpropRegression: NetworkModel {
  public static let name = "bbb-regression"
  public static let summary = "Bayes by Backprop regression, with learnt, given or heteroscedastic noise"
  public static var recipe: [UInt8] { PackageResources.bbb_regression_yaml }
  public static let answers: Supervision.Wanted? = .values

  public static func network(
    _ section: RecipeSection, input: [Int], outputs: Int, name: String, layout: inout Layout
  ) throws -> LayerStack {
    try NetworkRecipe(section, input: input, default: [50]).network(name: name, outputs: outputs, layout: &layout)
  }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try VariationalLearner(Self.self, recipe, data: data, seed: seed)
  }
}
