/// Split conformal prediction: intervals and sets that hold the truth with a stated probability, whatever the model (Vovk,
/// Gammerman and Shafer 2005; Angelopoulos and Bates 2023, section 1).
///
/// A score says how badly a label or number fits a prediction. With n scores of calibration examples that are exchangeable
/// with new ones, and that have chosen nothing else, a new example's score is at most the ⌈(n + 1) c⌉-th smallest of them with
/// probability at least c, and less than c + 1 / (n + 1) where no two scores are equal. That is on average over examples and
/// over calibration sets, not for each input.
public enum Conformal {
  /// The greatest score that a set or interval of this coverage takes in.
  ///
  /// - Parameters:
  ///   - scores: of the calibration examples, ascending.
  ///   - coverage: c, above 0 and below 1.
  /// - Returns: ∞ where there are too few scores for the coverage: then every label and every number is taken in.
  public static func threshold(ofSorted scores: [Double], coverage: Double) -> Double {
    precondition(coverage > 0 && coverage < 1, "a coverage lies between 0 and 1")
    // 0.9 × 10 is a little above 9 for some pairs of numbers: what is whole but for rounding stays whole.
    let rank = Int((Double(scores.count + 1) * coverage * (1 - 1e-12)).rounded(.up))
    return rank <= scores.count ? scores[max(rank, 1) - 1] : .infinity
  }

  /// 1 − p of each class (least ambiguous sets, Sadinle, Lei and Wasserman 2019): the smallest sets on average.
  /// - Parameter probabilities: of one example.
  public static func thresholdScores(_ probabilities: ArraySlice<Double>) -> [Double] { probabilities.map { 1 - $0 } }

  /// What lies on the likelier classes, and a share `u` of the class's own probability (adaptive sets, Romano, Sesia and
  /// Candès 2020, equation 5): sets are large where the model is unsure, and their coverage is more even over inputs.
  /// - Parameters:
  ///   - probabilities: of one example. Of equal ones the first class counts as the likelier.
  ///   - u: a uniform number of the example's own.
  public static func adaptiveScores(_ probabilities: ArraySlice<Double>, u: Double) -> [Double] {
    let values = Array(probabilities)
    let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
    var scores = values
    var above = 0.0
    for index in order {
      scores[index] = above + u * values[index]
      above += values[index]
    }
    return scores
  }
}
