import Recipes

/// A way to predict: a recipe, what of it does not vary, and a small space of settings.
package struct FitFamily {
  /// A key that varies: what is tried where one point is, and over what many are spread.
  struct Axis {
    let key: String
    let usual: String
    let range: String
  }

  let name: String
  let recipe: String
  let settings: [String]
  let axes: [Axis]
  /// Whether its training takes steps of a batch each, so that halving can stop it early.
  let isNetwork: Bool
  /// How many times a plain step's work one of its steps is; of a density: how many times that of two groups or states; of a
  /// Gaussian process: how many times that of one kernel.
  let factor: Double
  /// Forward passes of a prediction.
  let samples: Int

  /// A family whose training is exact.
  static func exact(
    _ name: String, _ recipe: String, _ settings: [String] = [], _ axes: [Axis], factor: Double = 1
  ) -> FitFamily {
    FitFamily(name: name, recipe: recipe, settings: settings, axes: axes, isNetwork: false, factor: factor, samples: 1)
  }

  static func network(
    _ name: String, _ recipe: String, _ settings: [String] = [], _ axes: [Axis], factor: Double,
    samples: Int = 50
  ) -> FitFamily {
    FitFamily(
      name: name, recipe: recipe, settings: settings, axes: axes, isNetwork: true, factor: factor, samples: samples)
  }

  static let hidden = Axis(key: "network.hidden", usual: "[50]", range: "[50],[100],[50, 50]")

  static func rate(_ usual: String, _ lower: String, _ upper: String) -> Axis {
    Axis(key: "optimizer.learning_rate", usual: usual, range: "log(\(lower),\(upper))")
  }

  /// The baseline; the report says how much better the chosen one is.
  package static let linear = "linear"
  static let process = "gaussian-process"

  /// Where nothing is predicted: one Gaussian of all rows.
  package static let gaussian = "gaussian"

  /// The families of a task, their spaces as large as the data bears.
  static func all(
    _ task: FitTask, rows: Int = .max, width: Int = .max, series: FitSeries = .unknown
  ) -> [FitFamily] {
    switch task {
    case .numbers: numbers
    case .classes: classes
    case .pictures: pictures
    case .series: series.families
    case .groups: groups(rows: rows, width: width)
    case .states: states(width: width)
    }
  }

  static let standard = "data.normalisation=standard"
  static let cosine = "optimizer.schedule=cosine"
  static let samples = "evaluate.samples=50"
}
