import Datasets
import Recipes

/// What `elbo fit` is asked: which column to predict, of what data, and in what time.
package struct FitRequest: Sendable {
  /// A table as whatever trains reads it, or `-`.
  package var data: String
  /// The column to predict; nil: the last one of a table that says so in its first line.
  package var target: String?
  /// Numbers or classes; nil: by what the column holds.
  package var task: FitTask?
  package var minutes: Double
  /// Columns that are inputs, whatever speaks against them.
  package var keep: [String]
  /// Columns that are no inputs.
  package var drop: [String]
  /// Of the parts, of the points that are tried, and of the trainings.
  package var seed: UInt64

  package init(
    data: String, target: String?, task: FitTask? = nil, minutes: Double = 5, keep: [String] = [],
    drop: [String] = [], seed: UInt64 = 0
  ) {
    (self.data, self.target, self.task, self.minutes) = (data, target, task, minutes)
    (self.keep, self.drop, self.seed) = (keep, drop, seed)
  }

  package func check() throws(RecipeError) {
    guard (0.05...10_000).contains(minutes) else {
      throw RecipeError("--minutes is \(minutes): it must be from 0.05 to 10000")
    }
    guard seed <= UInt64(Int.max) - UInt64(FitPlan.seeds) else {
      throw RecipeError("--seed is \(seed): it must be at most \(Int.max - FitPlan.seeds)")
    }
  }
}

/// What is predicted.
package enum FitTask: String, Sendable, CaseIterable {
  case numbers, classes

  /// The metric that decides.
  package var likelihood: String { self == .numbers ? "reg/NLL" : "cls/NLL" }
  /// How wrong predictions are.
  package var error: String { self == .numbers ? "reg/RMSE" : "cls/Acc" }
}
