import Datasets
import Metrics
import Tensors
import Training

/// How well a classifier's uncertainty separates examples of other data from its own: other data are to be less
/// certain.
public enum OutOfDistribution {
  /// `ood/AUROC`, `ood/AUPR` and `ood/FPR95` by the entropy of the mean prediction, and `…/MI` by the mutual information
  /// of class and parameters where samples differ. Other data count as positives.
  public static func metrics(
    _ learner: any Predicting, inside: ExampleArray, outside: ExampleArray, samples: Int, key: RandomKey,
    with crew: Crew
  ) throws -> [String: Double] {
    func scores(_ array: ExampleArray) throws -> (entropy: [Double], information: [Double]) {
      var scores: (entropy: [Double], information: [Double]) = ([], [])
      try Prediction.run(learner, on: array, samples: samples, key: key, with: crew) { samples in
        for summary in try ClassificationSummary.of(samples, with: crew) {
          scores.entropy.append(summary.entropy)
          scores.information.append(summary.mutualInformation)
        }
      }
      return scores
    }
    let (own, other) = (try scores(inside), try scores(outside))
    func named(_ ranking: Ranking, _ suffix: String) -> [String: Double] {
      [
        "ood/AUROC" + suffix: ranking.areaUnderROC, "ood/AUPR" + suffix: ranking.averagePrecision,
        "ood/FPR95" + suffix: ranking.falsePositiveRate(),
      ]
    }
    var metrics = named(Ranking(positives: other.entropy, negatives: own.entropy), "")
    if learner.isStochastic {
      metrics.merge(named(Ranking(positives: other.information, negatives: own.information), "/MI")) { $1 }
    }
    return metrics
  }
}
