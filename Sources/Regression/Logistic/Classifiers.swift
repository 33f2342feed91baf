import Datasets
import Learners
import LinearAlgebra
import Metrics
import Statistics
import Tensors
import Training

/// A model of sufficient statistics that gives each row's classes probabilities.
package protocol ClassifyingModel: FlatStatisticsModel {
  associatedtype Posterior
  var features: Features { get }
  var classCount: Int { get }
  /// Nil before anything has been learnt.
  func posterior(_ parameters: Parameters) -> Posterior?
  /// The predictive probabilities in closed form (the probit approximation).
  func probabilities(_ x: [Double], _ posterior: Posterior) -> [Double]
  /// Probabilities under some draws of the posterior.
  func draws(_ count: Int, _ x: [Double], _ posterior: Posterior) throws -> [[Double]]
  /// The weights of each class, in the order of `Features.weighted`; of two classes those of the second against the first.
  func weights(_ posterior: Posterior) -> (means: Matrix, deviations: Matrix)
}

extension ClassifyingModel {
  package var evaluationMetrics: [String] { [] }
  package func evaluate(_ rows: Observations, _ parameters: Parameters, into sums: inout Sums) throws {}

  /// `mean`: predictive probabilities in closed form, `sampled_mean` by draws; `std` of the probabilities under the posterior, and the entropy of the prediction
  /// in its parts: what the class is uncertain by itself (`expected_entropy`) and what the weights are
  /// (`mutual_information`), from 200 draws, the same for every row.
  package func predict(_ rows: RowBlock, _ parameters: Parameters) throws -> [RowPrediction] {
    let posterior = posterior(parameters)!
    var (mean, deviation) = (
      RowPrediction("mean", shape: [classCount], []), RowPrediction("std", shape: [classCount], [])
    )
    var sampled = RowPrediction("sampled_mean", shape: [classCount], [])
    var (total, expected) = (RowPrediction("entropy", []), RowPrediction("expected_entropy", []))
    var (mutual, classes) = (RowPrediction("mutual_information", []), RowPrediction("class", []))
    for x in rows.eachRow {
      let probabilities = probabilities(x, posterior)
      mean.values += probabilities
      classes.values.append(Double(probabilities.indices.max { probabilities[$0] < probabilities[$1] }!))
      let draws = try draws(200, x, posterior)
      let summary = ClassificationSummary(samples: draws.flatMap { $0 }, classes: classCount)
      deviation.values += summary.deviation
      sampled.values += summary.mean
      total.values.append(summary.entropy)
      expected.values.append(summary.expectedEntropy)
      mutual.values.append(summary.mutualInformation)
    }
    return [mean, deviation, sampled, classes, total, expected, mutual]
  }
}

extension ClassifyingModel {
  package func add(to offers: inout Offers, of learner: StatisticsLearner<Self>) {
    offers.evaluation = { _, crew in try learner.evaluate(with: crew) }
    offers.scores = { _, crew in
      let (probabilities, labels) = try learner.tested(with: crew)
      return HeldOutScores(probabilities, labels: labels)
    }
  }
}

extension StatisticsLearner where Model: ClassifyingModel {
  /// Probabilities of the classes of the held-out rows, and which is right.
  func tested(with crew: Crew) throws -> (ClassProbabilities, labels: [Int]) {
    let predictions = try predict(data.test!, with: crew)
    return (
      try ClassProbabilities(predictions[0].values, classes: model().classCount),
      testLabels.indices.map { Int($0) }
    )
  }

  private var testLabels: ClassLabels {
    guard case .classes(let labels) = data.test!.targets else { preconditionFailure("classifiers learn classes") }
    return labels
  }

  package func evaluate(with crew: Crew) throws -> [String: Double] {
    let (probabilities, truth) = try tested(with: crew)
    let reliability = Reliability(probabilities, labels: truth)
    return [
      "cls/Acc": probabilities.accuracy(truth), "cls/NLL": probabilities.negativeLogLikelihood(truth),
      "cls/Brier": probabilities.brierScore(truth), "cal/ECE": reliability.expectedError,
    ].merging(probabilities.summary(truth, names: testLabels.shownNames)) { first, _ in first }
  }
}
