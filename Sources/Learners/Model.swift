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
  /// Whether it learns from sequences. Data that are sequences are refused for others.
  static var learnsSequences: Bool { get }
  /// Makes an untrained learner. Reads every key of the recipe that it knows.
  /// - Throws: `RecipeError` for a wrong value, `TrainingError` when data and recipe do not go together.
  static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner
}

extension Model {
  public static var learnsSequences: Bool { false }
}
