import Recipes

/// What an option of the command overrides in a recipe.
package struct RecipeOverrides: Sendable {
  /// `key.path=value`, applied first.
  package var assignments: [String]
  package var data: String?
  package var seed: UInt64?
  package var shards: Int?
  package var steps: Int?
  package var epochs: Int?
  package var strict: Bool?

  package init(
    assignments: [String] = [], data: String? = nil, seed: UInt64? = nil, shards: Int? = nil, steps: Int? = nil,
    epochs: Int? = nil, strict: Bool? = nil
  ) {
    (self.assignments, self.data, self.seed, self.shards) = (assignments, data, seed, shards)
    (self.steps, self.epochs, self.strict) = (steps, epochs, strict)
  }

  /// Overrides a recipe's values: assignments first, then the options that have a name of their own.
  package func apply(to recipe: Recipe) throws {
    for assignment in assignments { try recipe.set(assignment) }
    if let data { recipe.set("data.source", text: data) }
    if let strict { try recipe.set("data.strict", to: String(strict)) }
    if let seed { try recipe.set("train.seed", to: String(seed)) }
    if let shards { try recipe.set("train.shards", to: String(shards)) }
    if let steps {
      try recipe.set("train.steps", to: String(steps))
      if epochs == nil { try recipe.set("train.epochs", to: "null") }
    }
    if let epochs {
      try recipe.set("train.epochs", to: String(epochs))
      if steps == nil { try recipe.set("train.steps", to: "null") }
    }
  }

  /// The same options for another process.
  package var arguments: [String] {
    func option(_ name: String, _ value: (some CustomStringConvertible)?) -> [String] {
      value.map { [name, $0.description] } ?? []
    }
    return assignments.flatMap { ["--set", $0] } + option("--data", data) + option("--seed", seed)
      + option("--shards", shards) + option("--steps", steps) + option("--epochs", epochs)
      + (strict.map { [$0 ? "--strict" : "--no-strict"] } ?? [])
  }
}
