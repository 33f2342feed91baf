import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Statistics
import Tensors
import Training

/// A regression from moments: everything that is learnt is a function of the sums, which are kept beside it.
extension MomentRegression: FlatStatisticsModel, RegressingModel where Estimator: ReportingEstimator {
  private var featureCount: Int { estimator.features.count }
  /// Of few rows with many features it would be larger than all else, and the rows say it.
  private var holdsCovariance: Bool { estimator.hasEvidence && !collects }

  package var parameterLayout: Layout {
    var layout = Layout()
    layout.add("weights", [featureCount])
    layout.add("intercept", .scalar)
    if holdsCovariance { layout.add("covariance", [featureCount, featureCount]) }
    layout.add("pivot", [featureCount + 1])
    layout.add("sums", [statisticsCount])
    return layout
  }

  package func write(_ parameters: Parameters, to buffer: FlatBuffer) {
    let numbers = flat(parameters)
    buffer.fill("pivot", numbers.pivot)
    buffer.fill("sums", numbers.statistics)
    guard let estimate = parameters.estimate else { return }
    // A polynomial whose degree was chosen may have fewer weights.
    let (place, count) = (places(of: estimate), featureCount)
    var weights = [Double](repeating: 0, count: count)
    for (k, weight) in zip(place, estimate.weights) { weights[k] = weight }
    buffer.fill("weights", weights)
    buffer.fill("intercept", [estimate.intercept])
    guard holdsCovariance, let covariance = estimate.weightCovariance else { return }
    var whole = [Double](repeating: 0, count: count * count)
    for (i, a) in place.enumerated() {
      for (j, b) in place.enumerated() { whole[a * count + b] = covariance[i, j] }
    }
    buffer.fill("covariance", whole)
  }

  package func read(_ buffer: FlatBuffer) throws -> Parameters {
    try parameters(pivot: buffer.numbers("pivot"), statistics: buffer.numbers("sums"))
  }

  /// One pass finds what is to be found, so that the pivot is all that a pass begins with: the sums, which are most of a
  /// checkpoint, are stored once.
  package var searchLayout: Layout {
    var layout = Layout()
    layout.add("pivot", [featureCount + 1])
    return layout
  }
  package func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) {
    buffer.fill("pivot", flat(parameters).pivot)
  }
  package func readSearch(_ buffer: FlatBuffer) throws -> Parameters {
    try parameters(pivot: buffer.numbers("pivot"), statistics: [0])
  }

  /// Where an estimate's weights lie among those of the estimator's features.
  private func places(of estimate: Estimator.Estimate) -> [Int] {
    let inputs = estimator.features.inputs
    let (each, whole) = (estimate.features.count / inputs, featureCount / inputs)
    return (0..<inputs).flatMap { column in (0..<each).map { column * whole + $0 } }
  }

  package func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters
  {
    guard let targets = sample.targets else { preconditionFailure("a regression has targets") }
    // A pivot that is not finite would spoil all rows; the pass over the data then names the row.
    return start(
      pivot: (0..<estimator.features.inputs).map { sample.inputs[0, $0] }.map { $0.isFinite ? $0 : 0 },
      target: targets[0, 0].isFinite ? targets[0, 0] : 0)
  }

  package var evaluationMetrics: [String] { RegressionScore.names }

  package func evaluate(_ rows: Observations, _ parameters: Parameters, into sums: inout Sums) throws {
    RegressionScore.add(rows, around: parameters.moments!.targetMean, to: &sums) { parameters.estimate!.prediction($0) }
  }

  package func report(_ means: [String: Double]) -> [String: Double] { RegressionScore.report(means) }

  package func report(_ parameters: Parameters, objective: Double, rows: Int) -> [String: Double] {
    var metrics = parameters.estimate!.metrics
    let (estimate, moments) = (parameters.estimate!, parameters.moments!)
    if estimator.hasEvidence { metrics["log_evidence"] = objective }
    if case .polynomial = estimator.features.basis {
      metrics["degree"] = Double(estimate.features.count / estimate.features.inputs)
    }
    let kept = moments.keeping(places(of: estimate))
    metrics["reg/RMSE"] =
      (kept.squaredError(weights: estimate.weights, intercept: estimate.intercept) / moments.count).squareRoot()
    return metrics
  }

  package func caution(_ parameters: Parameters) -> String? { parameters.estimate!.caution }

  package func predict(_ rows: RowBlock, _ parameters: Parameters) throws -> [RowPrediction] {
    let estimate = parameters.estimate!
    return RowPrediction.of(rows.eachRow.map(estimate.prediction))
  }

  package func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure] {
    let estimate = parameters.estimate!
    var figures = [try observedFigure(data) { $0.eachRow.map(estimate.prediction) }]
    if estimator.features.inputs == 1 {
      figures.append(try predictiveFigure(data, curves: curves(estimate)) { $0.map { estimate.prediction([$0]) } })
      if estimator.features.basis == .identity, estimator.features.hasIntercept,
        let (weight, noise) = precisions(estimate)
      {
        figures.append(
          try lineFigure(data, estimator.features, weightPrecision: weight, noisePrecision: noise))
      }
    } else {
      figures += weightFigure(data, estimate)
    }
    if let orders = try estimator.estimatesByOrder(parameters.moments!), orders.count > 1 {
      figures.append(try orderFigure(data, orders, parameters.moments!))
    }
    return figures
  }

  /// Of the prior that holds for all weights, and of the noise.
  private func precisions(_ estimate: Estimator.Estimate) -> (weight: Double, noise: Double)? {
    if let known = estimator as? ConjugateRegression { return (known.weightPrecision, known.prior.noisePrecision) }
    guard let fit = estimate as? EvidenceFit, fit.penalizesAll else { return nil }
    return (fit.weightPrecision, fit.noisePrecision)
  }

  /// Functions drawn from the posterior over weights.
  private func curves(_ estimate: Estimator.Estimate) -> ([Double]) -> [[Double]] {
    var generator = RandomStream(RandomKey(seed: 0).at(tensor: NoiseStream.latent))
    if let fit = estimate as? EvidenceFit {
      let draws = (0..<5).map { _ in fit.sampleFunction(using: &generator) }
      return { grid in draws.map { draw in grid.map { draw([$0]) } } }
    }
    guard let posterior = estimate as? BayesianLinearRegression else { return { _ in [] } }
    let draws = (0..<5).map { _ in posterior.sampleWeights(using: &generator) }
    return { grid in draws.map { draw in grid.map { dot(draw, posterior.features.weighted([$0])) } } }
  }

  /// Weights with two standard deviations.
  private func weightFigure(_ data: ExactData, _ estimate: Estimator.Estimate) -> [Figure] {
    guard estimate.features.basis == .identity, estimate.weights.count <= 40 else { return [] }
    let deviations = estimate.weightCovariance?.diagonal.map { 2 * max($0, 0).squareRoot() } ?? []
    let panel = Panel(
      x: Axis(categories: estimate.weights.indices.map(data.column)),
      y: Axis("weight for \(data.target)" + (deviations.isEmpty ? "" : ", ± 2 σ")),
      [.bars(Bars(heights: estimate.weights, errors: deviations))])
    return [Figure("weights", title: "Weights", .plot(Plot(panel)))]
  }

  /// Evidence, and the errors on training and test rows, against the degree (Bishop 2006, figures 1.5 and 3.14).
  private func orderFigure(
    _ data: ExactData, _ orders: [(estimate: Estimator.Estimate, objective: Double)], _ moments: RegressionMoments
  ) throws -> Figure {
    let degrees = orders.map { Double($0.estimate.features.count / $0.estimate.features.inputs) }
    let training = orders.map { order in
      let kept = moments.keeping(places(of: order.estimate))
      return
        (kept.squaredError(weights: order.estimate.weights, intercept: order.estimate.intercept) / moments.count)
        .squareRoot()
    }
    var errors: [Mark] = [.line(Line("training rows", x: degrees, y: training))]
    if let test = try data.test?.matrices(first: ExactData.shownRows), let targets = test.targets {
      let rows = (0..<test.inputs.rows).map(test.inputs.row)
      let squares = orders.map { order in
        zip(rows, targets.elements).reduce(0) { sum, row in
          let difference = order.estimate.prediction(row.0).mean - row.1
          return sum + difference * difference
        }
      }
      errors.append(
        .line(Line("test rows", x: degrees, y: squares.map { ($0 / Double(rows.count)).squareRoot() })))
    }
    var panels = [
      Panel(title: "Root mean square error", x: Axis("degree"), y: Axis("RMS", lower: 0), errors)
    ]
    if estimator.hasEvidence {
      let evidence = Line(x: degrees, y: orders.map(\.objective))
      panels.append(Panel(title: "Log evidence", x: Axis("degree"), y: Axis("log evidence (nats)"), [.line(evidence)]))
    }
    return Figure("orders", title: "Polynomials of each degree", .plot(Plot(panels)))
  }
}
