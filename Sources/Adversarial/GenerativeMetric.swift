import Recipes

/// What an evaluation measures of samples beside real examples: `evaluate.metrics`.
enum GenerativeMetric: String, CaseIterable, Sendable {
  /// Fréchet distance of a classifier's features.
  case fid
  /// Kernel distance of the same.
  case kid
  /// Precision and recall in the same.
  case pr
  /// Sliced Wasserstein distance of pieces of pictures, by level of a pyramid.
  case swd
  /// How far samples are from the nearest training examples.
  case nearest
  /// Path length between styles in the same features.
  case ppl

  /// Those that need features of a classifier, and so labels.
  static let ofFeatures: Set<GenerativeMetric> = [.fid, .kid, .pr, .ppl]

  /// What is measured where a recipe does not say it.
  static func usual(areLabelled: Bool, arePictures: Bool) -> Set<GenerativeMetric> {
    areLabelled ? [.fid, .kid, .pr] : arePictures ? [.swd, .nearest] : []
  }

  /// Refuses what cannot be measured of some examples.
  /// - Parameter haveStyles: whether a generator of styles makes them.
  static func check(
    _ metrics: Set<GenerativeMetric>, areLabelled: Bool, arePictures: Bool, haveStyles: Bool
  ) throws {
    func refuse(_ metric: GenerativeMetric, _ reason: String) throws {
      if metrics.contains(metric) {
        throw RecipeError("evaluate.metrics has \(metric.rawValue), which \(reason)")
      }
    }
    if !haveStyles { try refuse(.ppl, "is of paths between styles, and this generator has none: leave it out") }
    for metric in [fid, kid, pr, ppl] where !areLabelled {
      try refuse(
        metric,
        "compares features of a classifier, and the data has no labels to train it on: use "
          + (arePictures ? "swd or nearest" : "[]"))
    }
    for metric in [swd, nearest] where !arePictures {
      try refuse(metric, "is of pictures of at least 7 × 7 pixels, and the examples are none: leave it out")
    }
  }
}
