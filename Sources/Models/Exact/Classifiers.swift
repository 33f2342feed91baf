import Datasets
import Exact
import Figures
import Foundation
import LinearAlgebra
import Metrics
import Tensors
import Training

/// A model of sufficient statistics that gives each row's classes probabilities.
protocol ClassifyingModel: FlatStatisticsModel {
  associatedtype Posterior
  var features: Features { get }
  var classCount: Int { get }
  /// Nil before anything has been learnt.
  func posterior(_ parameters: Parameters) -> Posterior?
  /// The predictive probabilities in closed form (the probit approximation).
  func probabilities(_ x: [Double], _ posterior: Posterior) -> [Double]
  /// Probabilities under some draws of the posterior.
  func draws(_ count: Int, _ x: [Double], _ posterior: Posterior) throws -> [[Double]]
}

extension ClassifyingModel {
  var evaluationMetrics: [String] { [] }
  func evaluate(_ rows: Observations, _ parameters: Parameters, into sums: inout Sums) throws {}

  /// `mean`: predictive probabilities in closed form, `sampled_mean` by draws; `std` of the probabilities under the posterior, and the entropy of the prediction
  /// in its parts: what the class is uncertain by itself (`expected_entropy`) and what the weights are
  /// (`mutual_information`), from 200 draws, the same for every row.
  func predict(_ rows: RowBlock, _ parameters: Parameters) throws -> [RowPrediction] {
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

  func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure] {
    let posterior = posterior(parameters)!
    guard features.inputs == 2 else { return [] }
    return [try boundaryFigure(data, posterior)]
  }

  /// Where each class is likely, over the plane of the two inputs.
  private func boundaryFigure(_ data: ExactData, _ posterior: Posterior) throws -> Figure {
    let rows = try data.train.matrices(first: ExactData.shownRows)
    func natural(_ values: [Double], _ column: Int) -> [Double] {
      values.map { data.train.scaling?.restored($0, column: column) ?? $0 }
    }
    func grid(_ column: Int) -> [Double] {
      let values = rows.inputs.column(column)
      let (least, most) = (values.min()!, values.max()!)
      let margin = 0.1 * (most > least ? most - least : 1)
      return (0...80).map { least - margin + (most - least + 2 * margin) * Double($0) / 80 }
    }
    let (x, y) = (grid(0), grid(1))
    let cells = y.flatMap { b in x.map { a in probabilities([a, b], posterior) } }
    let classes = (rows.targets?.elements ?? []).map { Int($0) }
    let names = data.labels?.names ?? []
    let marks: [Mark] =
      (0..<(classCount == 2 ? 1 : classCount)).map { k in
        let shown = classCount == 2 ? 1 : k
        return .contours(
          Contours(
            x: natural(x, 0), y: natural(y, 1), values: cells.map { $0[shown] },
            levels: classCount == 2 ? [0.1, 0.25, 0.5, 0.75, 0.9] : [0.5, 0.9],
            color: classCount == 2 ? .neutral : .palette(k)))
      } + [
        .points(
          Points(
            x: natural(rows.inputs.column(0), 0), y: natural(rows.inputs.column(1), 1),
            coloring: .classes(classes, names: names)))
      ]
    let title =
      classCount == 2 ? "Predictive probability 0.1, 0.25, 0.5, 0.75, 0.9" : "Predictive probability 0.5 and 0.9"
    return Figure(
      "probabilities", title: title, .plot(Plot(Panel(x: Axis(data.column(0)), y: Axis(data.column(1)), marks))))
  }
}

extension ClassifyingModel {
  func add(to offers: inout Offers, of learner: StatisticsLearner<Self>) {
    offers.evaluation = { try learner.evaluate(key: $0, with: $1) }
  }
}

extension StatisticsLearner where Model: ClassifyingModel {
  func evaluate(key: RandomKey, with crew: Crew) throws -> [String: Double] {
    let test = data.test!
    let predictions = try predict(test, with: crew)
    guard case .classes(let labels) = test.targets else { preconditionFailure("classifiers learn classes") }
    let truth = labels.indices.map { Int($0) }
    let probabilities = try ClassProbabilities(predictions[0].values, classes: model().classCount)
    let reliability = Reliability(probabilities, labels: truth)
    return [
      "cls/Acc": probabilities.accuracy(truth), "cls/NLL": probabilities.negativeLogLikelihood(truth),
      "cls/Brier": probabilities.brierScore(truth), "cal/ECE": reliability.expectedError,
    ].merging(probabilities.summary(truth, names: labels.shownNames)) { first, _ in first }
  }
}
