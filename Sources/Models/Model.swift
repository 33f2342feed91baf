import Datasets
import Recipes
import Training

/// What Elbo can train: a name, a recipe, and how to make the learner that a recipe asks for.
public protocol Model: Sendable {
  /// The model's name, and its built-in recipe's.
  static var name: String { get }
  /// What it is, in one line.
  static var summary: String { get }
  /// The built-in recipe, as YAML.
  static var recipe: [UInt8] { get }
  /// Makes an untrained learner. Reads every key of the recipe that it knows.
  /// - Throws: `RecipeError` for a wrong value, `TrainingError` when data and recipe do not go together.
  static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner
}

/// The table of models.
public enum Models {
  public static let all: [any Model.Type] = [
    VAE.self, Autoencoder.self, BayesByBackprop.self, BayesByBackpropRegression.self, MCDropout.self, PlainNetwork.self,
    GAN.self, DCGAN.self, WGAN.self, WGANGP.self, InfoGAN.self,
    KMeansClustering.self, GMM.self, VariationalGMM.self, PCA.self, PPCA.self,
    MaximumLikelihoodRegression.self, BayesianRegression.self, BayesianRidge.self, BayesianLogisticRegression.self,
    GaussianProcessRegression.self,
  ]

  public static func named(_ name: String) throws(RecipeError) -> any Model.Type {
    if let model = all.first(where: { $0.name == name }) { return model }
    let hint = nearest(to: name, among: all.map { $0.name }).map { "; the nearest is \($0)" } ?? ""
    throw RecipeError("there is no model \(name)\(hint); `elbo recipes` lists them")
  }
}
