/// How well a score separates two kinds of examples: positives (out of distribution, say) are to score higher.
///
/// Ties are handled as scikit-learn does: examples of one score cross the threshold together.
public struct Ranking: Sendable {
  /// True and false positives at each distinct threshold, highest first.
  private let truePositives: [Int]
  private let falsePositives: [Int]

  private var positives: Int { truePositives.last ?? 0 }
  private var negatives: Int { falsePositives.last ?? 0 }

  /// Scores must be numbers; there must be some of each kind for the measures to be defined.
  public init(positives: [Double], negatives: [Double]) {
    let scored = (positives.map { ($0, true) } + negatives.map { ($0, false) }).sorted { $0.0 > $1.0 }
    var truePositives: [Int] = []
    var falsePositives: [Int] = []
    var (hits, alarms) = (0, 0)
    for (index, (score, isPositive)) in scored.enumerated() {
      if isPositive { hits += 1 } else { alarms += 1 }
      if index + 1 == scored.count || scored[index + 1].0 != score {
        truePositives.append(hits)
        falsePositives.append(alarms)
      }
    }
    self.truePositives = truePositives
    self.falsePositives = falsePositives
  }

  /// The area under the receiver operating characteristic: the chance that a positive scores above a negative.
  public var areaUnderROC: Double {
    var area = 0.0
    var (lastHits, lastAlarms) = (0, 0)
    for (hits, alarms) in zip(truePositives, falsePositives) {
      area += Double(alarms - lastAlarms) * Double(hits + lastHits) / 2
      (lastHits, lastAlarms) = (hits, alarms)
    }
    return area / (Double(positives) * Double(negatives))
  }

  /// Average precision: Σ (R_n − R_{n−1}) P_n, which does not interpolate (scikit-learn's `average_precision_score`).
  public var averagePrecision: Double {
    var sum = 0.0
    var lastHits = 0
    for (hits, alarms) in zip(truePositives, falsePositives) {
      sum += Double(hits - lastHits) * Double(hits) / Double(hits + alarms)
      lastHits = hits
    }
    return sum / Double(positives)
  }

  /// The share of negatives that pass for positives at the highest threshold at which at least `rate` of the positives
  /// are found: FPR95 with 0.95.
  public func falsePositiveRate(atTruePositiveRate rate: Double = 0.95) -> Double {
    for (hits, alarms) in zip(truePositives, falsePositives) where Double(hits) >= rate * Double(positives) {
      return Double(alarms) / Double(negatives)
    }
    return 1
  }
}

/// Accuracy when only the surest predictions are kept: at each coverage, over that share of examples with the least
/// uncertainty (El-Yaniv and Wiener 2010).
public enum SelectivePrediction {
  /// - Parameters:
  ///   - correct: whether each prediction is right.
  ///   - uncertainty: higher is less sure; equals keep their order.
  ///   - coverages: shares of the examples, in (0, 1].
  /// - Returns: an accuracy for each coverage.
  public static func accuracies(correct: [Bool], uncertainty: [Double], coverages: [Double]) -> [Double] {
    precondition(correct.count == uncertainty.count && !correct.isEmpty)
    let order = correct.indices.sorted { (uncertainty[$0], $0) < (uncertainty[$1], $1) }
    var hits = [0]
    for index in order { hits.append(hits.last! + (correct[index] ? 1 : 0)) }
    return coverages.map { coverage in
      let kept = min(max(Int((coverage * Double(correct.count)).rounded()), 1), correct.count)
      return Double(hits[kept]) / Double(kept)
    }
  }
}
