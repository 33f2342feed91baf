import Datasets
import Figures
import Foundation
import Learners
import Metrics
import Networks
import Synchronization
import Tensors
import Training

/// How good a learner's Monte Carlo predictions of held-out examples are.
struct PredictiveEvaluation {
  /// Over examples: classification has probabilities, regression ranks.
  private(set) var metrics: [String: Double] = [:]
  /// What each example scores.
  let scores: HeldOutScores
  private(set) var probabilities: ClassProbabilities?
  private(set) var reliability: Reliability?
  /// How many examples of each class, in rows, are given each class, in columns.
  private var confusion: [[Int]]?
  /// The entropy of the mean prediction, for each example.
  private(set) var entropies: [Double] = []

  /// All held-out examples, on the lanes of one crew.
  init(
    _ learner: some Supervised, _ supervision: Supervision, samples: Int, key: RandomKey, with crew: Crew
  ) throws {
    let all = 0..<supervision.testCount
    self.init(
      learner, supervision,
      numbers: try PredictiveEvaluation.numbers(
        learner, supervision, all, samples: samples, key: key, with: crew))
  }

  /// - Parameter numbers: of all held-out examples.
  init(_ learner: some Supervised, _ supervision: Supervision, numbers: [Double]) {
    let stride = PredictiveEvaluation.width(learner)
    let count = numbers.count / stride
    guard learner.isClassifier else {
      let width = supervision.width
      var (means, targets, ranks, densities) = ([Double](), [Double](), [Double](), [Double]())
      for example in 0..<count {
        let first = example * stride
        for target in 0..<width {
          means.append(numbers[first + 2 * target])
          ranks.append(numbers[first + 2 * target + 1])
          targets.append(supervision.testTarget(example, target))
        }
        densities.append(numbers[first + 2 * width])
      }
      if ranks.contains(PredictiveEvaluation.noRank) { ranks = [] }
      metrics = ["reg/RMSE": Regression.rootMeanSquaredError(means, targets)]
      if width == 1 { metrics.merge(Regression.summary(means, targets)) { first, _ in first } }
      metrics["reg/NLL"] = -densities.reduce(0, +) / Double(max(count, 1))
      for level in Regression.coverageLevels where !ranks.isEmpty {
        metrics[Regression.coverageName(level)] = Regression.coverage(ranks: ranks, level: level)
      }
      scores = HeldOutScores(means: means, targets: targets, ranks: ranks, logDensities: densities)
      return
    }
    let classes = supervision.width
    var (means, mutual) = ([Double](), 0.0)
    means.reserveCapacity(count * classes)
    for example in 0..<count {
      means += numbers[example * stride..<example * stride + classes]
      mutual += numbers[example * stride + classes]
    }
    let labels = supervision.testLabels
    let probabilities = ClassProbabilities(means, classes: classes)
    let reliability = Reliability(probabilities, labels: labels)
    entropies = (0..<probabilities.count).map(probabilities.entropy)
    metrics = [
      "cls/Acc": probabilities.accuracy(labels), "cls/NLL": probabilities.negativeLogLikelihood(labels),
      "cls/Brier": probabilities.brierScore(labels), "cal/ECE": reliability.expectedError,
      "cls/Entropy": entropies.reduce(0, +) / Double(max(entropies.count, 1)),
    ].merging(probabilities.summary(labels, names: supervision.shownNames)) { first, _ in first }
    if learner.isStochastic { metrics["cls/MI"] = mutual / Double(max(labels.count, 1)) }
    let correct = labels.indices.map { probabilities.top($0).label == labels[$0] }
    let coverages = [0.5, 0.8, 0.9]
    let accuracies = SelectivePrediction.accuracies(
      correct: correct, uncertainty: entropies, coverages: coverages)
    for (coverage, accuracy) in zip(coverages, accuracies) {
      metrics["sc/AccAt\(Int(coverage * 100))Cov"] = accuracy
    }
    (self.probabilities, self.reliability) = (probabilities, reliability)
    scores = HeldOutScores(probabilities, labels: labels)
    confusion = probabilities.confusion(labels)
  }

  /// How sure a classifier is and how right, and which classes it takes for which; nothing of numbers.
  func figures(names: [String]) -> [Figure] {
    guard let reliability, let confusion else { return [] }
    return [reliabilityFigure(reliability, of: "test rows")]
      + confusionFigures(
        confusion, names: names.isEmpty ? confusion.indices.map(String.init) : names, given: "prediction",
        title: "What test rows of each class were taken for")
  }
}

extension ClassificationSummary {
  /// One for each example, in order.
  static func of(_ samples: PredictionSamples, with crew: Crew) throws -> [ClassificationSummary] {
    try crew.map(samples.examples.count, atATime: 64) {
      ClassificationSummary(samples: samples.ofExample($0), classes: samples.width)
    }
  }
}

extension GaussianMixturePrediction {
  /// One for each target of an example.
  static func all(of samples: PredictionSamples, example: Int) -> [GaussianMixturePrediction] {
    let values = samples.ofExample(example)
    let width = samples.width / 2
    return (0..<width).map { column in
      GaussianMixturePrediction(
        means: (0..<samples.count).map { values[$0 * samples.width + column] },
        variances: (0..<samples.count).map { values[$0 * samples.width + width + column] })
    }
  }
}
