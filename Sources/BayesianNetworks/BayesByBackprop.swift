import Datasets
import Learners
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

/// The same with the settings of a reproduction of the paper's table 1: plain descent for many epochs, which ends far from
/// the optimum of the bound, where the weights' posterior is still as wide as it began.
public enum BayesByBackpropPaper: NetworkModel {
  public static let name = "bbb-paper"
  public static let summary = "Bayes by Backprop as a reproduction of the paper trained it: 600 epochs of plain descent"
  public static var recipe: [UInt8] { PackageResources.bbb_paper_yaml }
  public static let answers: Supervision.Wanted? = .classes

  /// Bytes are divided by 126 (Blundell et al. 2015, section 5.1), which `data.normalisation: unit` has divided by 255.
  public static func network(
    _ section: RecipeSection, input: [Int], outputs: Int, name: String, layout: inout Layout
  ) throws -> LayerStack {
    let network = try NetworkRecipe(section, input: input, default: hidden)
      .network(name: name, outputs: outputs, layout: &layout)
    return LayerStack([Scaled(by: 255 / 126)] + network.layers)
  }

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
  public static let hidden = [50]

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try VariationalLearner(Self.self, recipe, data: data, seed: seed)
  }
}
