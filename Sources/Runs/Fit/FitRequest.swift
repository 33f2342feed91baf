import Datasets
import Recipes

/// What `elbo fit` is asked: which column to predict, of what data, and in what time.
package struct FitRequest: Sendable {
  /// A table, arrays or pictures as whatever trains reads them, or `-`.
  package var data: String
  /// The column to predict; nil: the last one of a table that says so in its first line.
  package var target: String?
  /// Nil: by what the target holds.
  package var task: FitTask?
  /// The column that names the sequence of each row.
  package var sequence: String?
  /// The column that says when each row was: forecasts are wanted.
  package var time: String?
  package var minutes: Double
  /// Columns that are inputs, whatever speaks against them.
  package var keep: [String]
  /// Columns that are no inputs.
  package var drop: [String]
  /// Of the parts, of the points that are tried, and of the trainings.
  package var seed: UInt64

  package init(
    data: String, target: String?, task: FitTask? = nil, sequence: String? = nil, time: String? = nil,
    minutes: Double = 5, keep: [String] = [], drop: [String] = [], seed: UInt64 = 0
  ) {
    (self.data, self.target, self.task, self.sequence) = (data, target, task ?? (time == nil ? nil : .series), sequence)
    self.time = time
    (self.minutes, self.keep, self.drop, self.seed) = (minutes, keep, drop, seed)
  }

  package func check() throws(RecipeError) {
    guard (0.05...10_000).contains(minutes) else {
      throw RecipeError("--minutes is \(minutes): it must be from 0.05 to 10000")
    }
    guard seed <= UInt64(Int.max) - UInt64(FitPlan.seeds) else {
      throw RecipeError("--seed is \(seed): it must be at most \(Int.max - FitPlan.seeds)")
    }
    if let task, !task.hasTarget, target != nil {
      throw RecipeError("--task \(task.rawValue) has no target: leave --target out")
    }
    guard (task == .states) == (sequence != nil) else {
      throw RecipeError(
        sequence == nil
          ? "--task states learns from sequences: name with --sequence the column that says which rows belong together"
          : "--sequence belongs to --task states")
    }
    guard (task == .series) == (time != nil) else {
      throw RecipeError(
        time == nil
          ? "--task series forecasts from the time alone: name its column with --time"
          : "--time belongs to --task series"
      )
    }
  }
}

/// What is predicted, or looked for where nothing is.
package enum FitTask: String, Sendable, CaseIterable {
  /// A number of each row, a class of each row, a class of each picture.
  case numbers, classes, pictures
  /// A number at each time, forecast from those before.
  case series
  /// Without a target: groups of rows, and states that the rows of sequences pass through.
  case groups, states

  package var hasTarget: Bool { self != .groups && self != .states }
  package var isOfClasses: Bool { self == .classes || self == .pictures }
  package var isOfNumbers: Bool { self == .numbers || self == .series }

  /// The metric that is shown and compared: a mean negative log-likelihood.
  package var likelihood: String {
    switch self {
    case .numbers, .series: "reg/NLL"
    case .classes, .pictures: "cls/NLL"
    case .groups, .states: "NLL"
    }
  }

  /// How wrong predictions are; nil: nothing is predicted.
  package var error: String? { isOfNumbers ? "reg/RMSE" : hasTarget ? "cls/Acc" : nil }

  /// The family that the chosen one is compared with.
  package var baseline: String { hasTarget ? FitFamily.linear : FitFamily.gaussian }
}
