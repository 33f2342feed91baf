import Datasets
import Figures
import Foundation
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

  init(
    _ learner: some Supervised, _ supervision: Supervision, samples: Int, key: RandomKey, with crew: Crew
  ) throws {
    let test = supervision.inputs.test!
    if learner.isClassifier {
      let classes = supervision.width
      var means: [Double] = []
      var mutual = 0.0
      try Prediction.run(learner, on: test, samples: samples, key: key, with: crew) { samples in
        for summary in try ClassificationSummary.of(samples, with: crew) {
          means += summary.mean
          mutual += summary.mutualInformation
        }
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
    } else {
      let width = supervision.width
      var (means, targets, ranks, densities) = ([Double](), [Double](), [Double](), [Double]())
      try Prediction.run(learner, on: test, samples: samples, key: key, with: crew) { samples in
        let first = samples.examples.lowerBound
        let results = try crew.map(samples.examples.count, atATime: 64) { index in
          let mixtures = GaussianMixturePrediction.all(of: samples, example: index)
          return mixtures.enumerated().map { column, mixture in
            let target = supervision.testTarget(first + index, column)
            return (mixture.mean, target, mixture.distribution(at: target), mixture.logDensity(at: target))
          }
        }
        for example in results {
          for (mean, target, rank, _) in example {
            means.append(mean)
            targets.append(target)
            ranks.append(rank)
          }
          densities.append(example.reduce(0) { $0 + $1.3 })
        }
      }
      metrics = ["reg/RMSE": Regression.rootMeanSquaredError(means, targets)]
      if width == 1 { metrics.merge(Regression.summary(means, targets)) { first, _ in first } }
      if !learner.likelihood.isGaussian {
        densities = try PredictiveEvaluation.logDensities(learner, supervision, samples: samples, key: key, with: crew)
        ranks = try PredictiveEvaluation.ranks(learner, supervision, samples: samples, key: key, with: crew)
      }
      metrics["reg/NLL"] = -densities.reduce(0, +) / Double(max(test.count, 1))
      for level in Regression.coverageLevels where !ranks.isEmpty {
        metrics[Regression.coverageName(level)] = Regression.coverage(ranks: ranks, level: level)
      }
      scores = HeldOutScores(means: means, targets: targets, ranks: ranks, logDensities: densities)
    }
  }

  /// log (1/S) Σₛ p(targets | wₛ) of each held-out example, by the likelihood itself, in the units of the data.
  private static func logDensities(
    _ learner: some Supervised, _ supervision: Supervision, samples count: Int, key: RandomKey, with crew: Crew
  ) throws -> [Double] {
    var all: [Double] = []
    try logDensities(learner, supervision, samples: count, key: key, with: crew) { densities in
      let greatest = densities.max()!
      // A density of 0 under every sample has no finite logarithm to scale by.
      let density =
        greatest.isFinite
        ? greatest + log(densities.reduce(0) { $0 + exp($1 - greatest) } / Double(count)) : greatest
      all.append(density)
    }
    return all
  }

  /// Has log p(answer | wₛ) of every held-out example taken, of all samples one behind the other, in the units of the data.
  static func logDensities(
    _ learner: some Supervised, _ supervision: Supervision, samples count: Int, key: RandomKey, with crew: Crew,
    each: ([Double]) -> Void
  ) throws {
    let unit =
      learner.likelihood.standardizesTargets ? supervision.targetDeviations.reduce(0) { $0 + log($1) } : 0
    try measure(learner, supervision, samples: count, key: key, with: crew, width: 1) {
      likelihood, outputs, answers, pass in
      // A row for each example.
      likelihood.checkedLogLikelihood(outputs, of: answers, pass).reshaped(to: [answers.count, 1])
    } each: {
      each($0.map { $0 - unit })
    }
  }

  /// (1/S) Σₛ P(Y ≤ target | wₛ) of each held-out target, by the likelihood itself; none where it does not say.
  private static func ranks(
    _ learner: some Supervised, _ supervision: Supervision, samples count: Int, key: RandomKey, with crew: Crew
  ) throws -> [Double] {
    let width = supervision.width
    let isMeasured = Mutex(true)
    var ranks: [Double] = []
    try measure(learner, supervision, samples: count, key: key, with: crew, width: width) {
      likelihood, outputs, answers, pass in
      if let ranks = likelihood.distribution(outputs, of: answers, pass) { return ranks }
      isMeasured.withLock { $0 = false }
      return Tensor([Float](repeating: 0, count: answers.count * width), [answers.count, width])
    } each: { values in
      for target in 0..<width {
        ranks.append(stride(from: target, to: values.count, by: width).reduce(0) { $0 + values[$1] } / Double(count))
      }
    }
    return isMeasured.withLock { $0 } ? ranks : []
  }

  /// Has every held-out example measured under every sample.
  /// - Parameters:
  ///   - width: how many numbers a measurement of an example has.
  ///   - each: takes those of one example, of all samples one behind the other.
  private static func measure(
    _ learner: some Supervised, _ supervision: Supervision, samples count: Int, key: RandomKey, with crew: Crew,
    width: Int,
    by measure: @escaping @Sendable (any Likelihood, _ outputs: Tensor, Answers, Pass) -> Tensor,
    each: ([Double]) -> Void
  ) throws {
    let test = supervision.inputs.test!
    let storage = learner.makeSampleStorage()
    for piece in Prediction.pieces(of: test.count, samples: count, width: width) {
      let values = try Prediction.samples(
        0..<count, of: piece, rows: test, from: 0, learner, storage: storage, key: key, with: crew, width: width
      ) { learner.measured($0, examples: $1, sample: $2, with: storage, key: key, by: measure) }
      for example in 0..<piece.count {
        each(values[example * count * width..<(example + 1) * count * width].map { Double($0) })
      }
      test.releaseResident(piece)
    }
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
