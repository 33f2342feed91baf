import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Statistics
import Tensors
import Training

/// A linear dynamical system as the statistics learner trains it: where it starts, in what basis it is written, and what it
/// says.
struct LinearDynamicalFit: ForecastingModel, WrappingModel {
  typealias Parameters = LinearDynamics

  let model: LinearDynamicalSystem
  /// What systems start from; nil: the model has been trained.
  let moments: SeriesMoments?
  /// Names of the columns.
  let columns: [String]

  var wrapped: LinearDynamicalSystem { model }
  var learnsSequences: Bool { true }

  // MARK: Parameters

  var parameterLayout: Layout {
    let (n, dimension) = (model.states, model.dimension)
    var layout = Layout()
    layout.add("transition", [n, n])
    layout.add("observation", [dimension, n])
    layout.add("offset", [dimension])
    layout.add("state_noise", [n, n])
    layout.add("observation_noise", [dimension, dimension])
    layout.add("initial_mean", [n])
    layout.add("initial_covariance", [n, n])
    layout.add("units", [dimension])
    return layout
  }

  func write(_ parameters: LinearDynamics, to buffer: FlatBuffer) {
    writeSearch((try? model.identified(parameters)) ?? parameters, to: buffer)
  }

  func writeSearch(_ parameters: LinearDynamics, to buffer: FlatBuffer) {
    buffer.fill("transition", parameters.transition.elements)
    buffer.fill("observation", parameters.observation.elements)
    buffer.fill("offset", parameters.offset)
    buffer.fill("state_noise", parameters.stateNoise.elements)
    buffer.fill("observation_noise", parameters.observationNoise.elements)
    buffer.fill("initial_mean", parameters.initialMean)
    buffer.fill("initial_covariance", parameters.initialCovariance.elements)
    buffer.fill("units", parameters.units)
  }

  func read(_ buffer: FlatBuffer) throws -> LinearDynamics {
    LinearDynamics(
      transition: buffer.matrix("transition"), observation: buffer.matrix("observation"),
      offset: buffer.numbers("offset"), stateNoise: buffer.matrix("state_noise"),
      observationNoise: buffer.matrix("observation_noise"), initialMean: buffer.numbers("initial_mean"),
      initialCovariance: buffer.matrix("initial_covariance"), units: buffer.numbers("units"))
  }

  func start(
    from sample: Observations, restart: Int, using generator: inout RandomStream
  ) throws -> LinearDynamics {
    model.start(moments!, restart: restart, using: &generator)
  }

  // MARK: What it says

  var evaluationMetrics: [String] { ["log_likelihood"] }

  func evaluate(_ rows: Observations, _ parameters: LinearDynamics, into sums: inout Sums) throws {
    sums.add(try model.logLikelihood(of: rows, parameters), to: "log_likelihood", over: rows.count)
  }

  func report(_ parameters: LinearDynamics, objective: Double, rows: Int) -> [String: Double] {
    let free = Double(model.freeParameters)
    var metrics = [
      "log_likelihood": objective / Double(rows), "total_log_likelihood": objective,
      "aic": 2 * free - 2 * objective, "bic": free * log(Double(rows)) - 2 * objective,
    ]
    guard model.dimension == 1, case .structural(let form) = model.form else { return metrics }
    let covariances = form.covariances(in: parameters.stateNoise, columns: 1)
    for (part, covariance) in zip(form.disturbed, covariances) {
      metrics["\(part.component.rawValue)_variance"] = covariance[0, 0]
    }
    metrics["observation_variance"] = parameters.observationNoise[0, 0]
    return metrics
  }

  func caution(_ parameters: LinearDynamics) -> String? {
    let floored = model.floored(parameters)
    guard !floored.isEmpty else { return nil }
    return "the noise of \(floored.joined(separator: ", ")) is as small as objective.noise_floor lets it be"
  }

  func predict(_ rows: RowBlock, _ parameters: LinearDynamics) throws -> [RowPrediction] {
    try predict(Observations(inputs: rows), parameters)
  }

  func predict(_ observations: Observations, _ parameters: LinearDynamics) throws -> [RowPrediction] {
    let paths = try model.paths(of: observations, parameters)
    let (states, dimension) = ([model.states], [model.dimension])
    return [
      RowPrediction("filtered", shape: states, paths.filtered),
      RowPrediction("filtered_std", shape: states, paths.filteredDeviations),
      RowPrediction("smoothed", shape: states, paths.smoothed),
      RowPrediction("smoothed_std", shape: states, paths.smoothedDeviations),
      RowPrediction("predicted", shape: dimension, paths.predicted, kind: .ofColumns),
      RowPrediction("predicted_std", shape: dimension, paths.predictedDeviations, kind: .ofColumns),
      RowPrediction("fitted", shape: dimension, paths.fitted, kind: .ofColumns),
      RowPrediction("fitted_std", shape: dimension, paths.fittedDeviations, kind: .ofColumns),
      RowPrediction("log_density", paths.logDensities),
    ]
  }

  func forecasts(
    after observations: Observations, steps: Int, _ parameters: LinearDynamics
  ) throws -> [StepForecast] {
    try model.forecasts(after: observations, steps: steps, parameters).flatMap { forecast in
      (0..<steps).map { step in
        StepForecast(
          element: .gaussians(zip(forecast.means.row(step), forecast.deviations.row(step)).map { [(1, $0, $1)] }))
      }
    }
  }

  func add(to offers: inout Offers, of learner: StatisticsLearner<Self>) {
    learner.addForecasts(to: &offers)
    func drawn(_ count: Int, _ key: RandomKey) throws -> Matrix {
      var generator = RandomStream(key.at(tensor: NoiseStream.latent))
      return model.sample(count, try learner.learntParameters(), using: &generator)
    }
    offers.sampling = SamplingOffer(
      picture: { count, key, _ in
        let rows = try drawn(count, key)
        return seriesFigure("samples", title: "A new series", rows, columns)
      },
      rows: { count, key in
        GeneratedExamples.Rows(
          values: try drawn(count, key).elements.map { Float($0) }, shape: [count] + learner.data.train.array.shape)
      })
  }

  func figures(_ data: ExactData, _ parameters: LinearDynamics) throws -> [Figure] {
    try linearDynamicalFigures(self, parameters, data)
  }
}
