import Datasets
import Metrics
import Recipes

extension Predictions {
  /// The probabilities of classes; nil: numbers are predicted.
  var probabilities: ClassProbabilities? {
    guard isClassification, let mean = self["mean"], mean.shape.count == 2 else { return nil }
    return ClassProbabilities(mean.values, classes: mean.shape[1])
  }

  /// What intervals are made of; nil: these are no predictions of numbers with their spread.
  var intervals: ConformalIntervals? {
    guard !isClassification, let mean = self["mean"], let deviation = self["std"], deviation.shape == mean.shape else {
      return nil
    }
    return ConformalIntervals(
      width: mean.shape.dropFirst().reduce(1, *), shape: mean.shape, means: mean.values, deviations: deviation.values,
      quantiles: self["quantiles"]?.values, levels: quantileLevels)
  }

  /// Adds what a calibration says.
  ///
  /// Of classes: `calibrated`, the scaled probabilities; with a coverage also `set`, 1 for each class of the conformal set,
  /// and `set_size`. A set may be empty: then no class is likely enough. Of numbers, with a coverage: `lower` and `upper`,
  /// which are not finite where there were too few examples to calibrate with.
  ///
  /// - Parameters:
  ///   - calibration: nil: nothing is added.
  ///   - coverage: the probability that a set or interval holds the truth, above 0 and below 1; nil: none are made.
  ///   - seed: of the random numbers of adaptive sets.
  /// - Throws: `RecipeError` for a coverage that the calibration does not have.
  package func calibrated(
    by calibration: Calibration?, coverage: Double? = nil, seed: UInt64 = 0
  ) throws -> Predictions {
    guard let calibration else { return self }
    if let probabilities, calibration.score.isOfClasses {
      let scaled = calibration.scaling?(probabilities) ?? probabilities
      var added = [Column(name: "calibrated", shape: [examples, scaled.classes], values: scaled.values)]
      if let coverage {
        let threshold = try calibration.threshold(target: 0, coverage: coverage)
        let members = (0..<scaled.count).map { row in
          calibration.score.scores(scaled[row], row: row, seed: seed).map { $0 <= threshold ? 1.0 : 0 }
        }
        added.append(
          Column(name: "set", shape: [examples, scaled.classes], values: members.flatMap(\.self), kind: .whole))
        added.append(Column(name: "set_size", shape: [examples], values: members.map { $0.reduce(0, +) }, kind: .whole))
      }
      return adding(added)
    }
    guard let coverage else { return self }
    guard let intervals, !calibration.score.isOfClasses else {
      throw RecipeError("coverage is \(coverage), and these predictions have neither classes nor a spread")
    }
    let thresholds = try (0..<intervals.width).map { try calibration.threshold(target: $0, coverage: coverage) }
    let bounds = intervals.means.indices.map { place in
      intervals.bounds(place, thresholds[place % intervals.width], calibration.score, coverage)
    }
    return adding([
      Column(name: "lower", shape: intervals.shape, values: bounds.map(\.lowerBound)),
      Column(name: "upper", shape: intervals.shape, values: bounds.map(\.upperBound)),
    ])
  }
}

/// Makes intervals of predictive means, standard deviations and quantiles, which lie row after row with a number for each target.
struct ConformalIntervals {
  let width: Int
  let shape: [Int]
  let means: [Double]
  let deviations: [Double]
  let quantiles: [Double]?
  /// The probabilities of the quantiles.
  let levels: [Double]

  /// Of the symmetric pairs of quantiles that predictions hold.
  static let quantileCoverages = [0.5, 0.95]

  /// |y − μ| / σ.
  func distance(_ number: Double, _ place: Int) -> Double {
    let distance = abs(number - means[place])
    return distance == 0 ? 0 : distance / deviations[place]
  }

  /// How far a number lies above the upper or below the lower quantile; negative: how far within.
  func excess(_ number: Double, _ place: Int, _ coverage: Double) -> Double {
    guard let (lower, upper) = pair(place, coverage) else { return .infinity }
    return max(lower - number, number - upper)
  }

  /// The interval whose numbers have a score of at most the threshold. It is empty, at its middle, where a negative score
  /// leaves nothing.
  func bounds(
    _ place: Int, _ threshold: Double, _ score: ConformalScore, _ coverage: Double
  ) -> (lowerBound: Double, upperBound: Double) {
    guard score == .quantiles, let (lower, upper) = pair(place, coverage) else {
      // 0 × ∞ is no number.
      let reach = threshold == 0 || deviations[place] == 0 && threshold.isFinite ? 0 : threshold * deviations[place]
      return (means[place] - reach, means[place] + reach)
    }
    let (low, high) = (lower - threshold, upper + threshold)
    return low <= high ? (low, high) : ((low + high) / 2, (low + high) / 2)
  }

  private func pair(_ place: Int, _ coverage: Double) -> (Double, Double)? {
    guard let quantiles, let lower = levels.firstIndex(where: { abs($0 - (1 - coverage) / 2) < 1e-9 }),
      let upper = levels.firstIndex(where: { abs($0 - (1 + coverage) / 2) < 1e-9 })
    else { return nil }
    return (quantiles[place * levels.count + lower], quantiles[place * levels.count + upper])
  }
}
