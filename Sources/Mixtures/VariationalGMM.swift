import Components
import Datasets
import Distributions
import Figures
import Foundation
import Learners
import LinearAlgebra
import Recipes
import Statistics
import Tensors
import Training

/// The mixture of Gaussians with a prior over all its parameters, by variational Bayes (Bishop 2006, section 10.2).
public enum VariationalGMM: Model {
  public static let name = "variational-gmm"
  public static let summary =
    "mixture of Gaussians by variational Bayes (Dirichlet or Dirichlet process; unused components die)"
  public static var recipe: [UInt8] { PackageResources.variational_gmm_yaml }

  private enum WeightPrior: String, CaseIterable {
    case dirichlet
    case dirichletProcess = "dirichlet-process"
  }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let network = recipe["network"]
    let objective = recipe["objective"]
    let components = try network.integer("components", default: 6, in: 1...1_000_000)
    let concentration = try objective.number("concentration", default: 1e-3, in: 1e-12...1e12)
    let weights: WeightPrior = try objective.choice("weight_prior", default: .dirichlet)
    let meanPrecision = try objective.number("mean_precision", default: 1, in: 1e-12...1e12)
    let exact = try ExactData(data, recipe, seed: seed)
    let degrees = try objective.optionalNumber("degrees", in: Double(exact.train.width) - 1 + 1e-9...1e12)
    let weightPrior: MixtureWeightPrior =
      weights == .dirichlet ? .dirichlet(concentration) : .dirichletProcess(concentration)
    let defaults = StatisticsLearner<VariationalMixture>.Defaults(
      restarts: exact.restarts, iterations: 1000, tolerance: 1e-10)
    guard !exact.isTrained else {
      // What has been learnt does not ask for the prior again.
      let width = exact.train.width
      return try saying {
        let prior = try GaussianWishart(
          mean: [Double](repeating: 0, count: width), meanPrecision: meanPrecision, degrees: degrees ?? Double(width),
          inverseScale: Matrix(diagonal: [Double](repeating: 1, count: width)))
        return try StatisticsLearner(
          VariationalMixture(components: components, weights: weightPrior, prior: prior), exact, recipe,
          defaults: defaults)
      }
    }
    // The prior is as wide as a sample of the data, a function of the seed.
    let sample = try exact.train.sample(
      of: 10_000, key: RandomKey(seed: seed).at(tensor: NoiseStream.start).at(sample: 2))
    return try saying {
      let prior = try sample.inputs.withRows {
        try GaussianWishart(asWideAs: $0, meanPrecision: meanPrecision, degrees: degrees)
      }
      return try StatisticsLearner(
        VariationalMixture(components: components, weights: weightPrior, prior: prior), exact, recipe,
        defaults: defaults)
    }
  }
}

extension GaussianWishart {
  /// Adds the slots that hold some posteriors.
  package static func addSlots(to layout: inout Layout, count: Int, dimension: Int) {
    layout.add("means", [count, dimension])
    layout.add("mean_precisions", [count])
    layout.add("degrees", [count])
    layout.add("inverse_scales", [count, dimension, dimension])
  }

  package static func write(_ posteriors: [GaussianWishart], to buffer: FlatBuffer) {
    buffer.fill("means", posteriors.flatMap(\.mean))
    buffer.fill("mean_precisions", posteriors.map(\.meanPrecision))
    buffer.fill("degrees", posteriors.map(\.degrees))
    buffer.fill("inverse_scales", posteriors.flatMap(\.inverseScale.elements))
  }

  package static func read(_ buffer: FlatBuffer) throws -> [GaussianWishart] {
    let (means, precisions, degrees) = (
      buffer.matrix("means"), buffer.numbers("mean_precisions"), buffer.numbers("degrees")
    )
    let scales = buffer.numbers("inverse_scales").squareMatrices(means.rows, size: means.columns)
    do {
      return try (0..<means.rows).map { k in
        try GaussianWishart(
          mean: means.row(k), meanPrecision: precisions[k], degrees: degrees[k], inverseScale: scales[k])
      }
    } catch let error as ConjugateError {
      throw ExactError(error, doing: "reading posteriors")
    }
  }
}

extension VariationalMixture: FlatStatisticsModel {
  package var parameterLayout: Layout {
    var layout = Layout()
    switch weightPrior {
    case .dirichlet: layout.add("concentrations", [components])
    case .dirichletProcess:
      layout.add("stick_beginnings", [components])
      layout.add("stick_ends", [components])
    }
    GaussianWishart.addSlots(to: &layout, count: components, dimension: dimension)
    return layout
  }

  package func write(_ parameters: VariationalMixtureParameters, to buffer: FlatBuffer) {
    switch parameters.weights {
    case .dirichlet(let concentrations): buffer.fill("concentrations", concentrations)
    case .sticks(let beginnings, let ends):
      buffer.fill("stick_beginnings", beginnings)
      buffer.fill("stick_ends", ends)
    }
    GaussianWishart.write(parameters.components, to: buffer)
  }

  package func read(_ buffer: FlatBuffer) throws -> VariationalMixtureParameters {
    let weights: MixtureWeightPosterior =
      switch weightPrior {
      case .dirichlet: .dirichlet(buffer.numbers("concentrations"))
      case .dirichletProcess: .sticks(buffer.numbers("stick_beginnings"), buffer.numbers("stick_ends"))
      }
    return VariationalMixtureParameters(weights: weights, components: try GaussianWishart.read(buffer))
  }

  package func start(
    from sample: Observations, restart: Int, using generator: inout RandomStream
  ) throws -> VariationalMixtureParameters {
    try start(from: sample.inputs, by: PartitionKind(restart: restart), using: &generator)
  }

  package var climbs: Bool { true }

  package func start(
    from sample: Observations, moving best: VariationalMixtureParameters, move: Int
  ) throws -> VariationalMixtureParameters? { try start(from: sample.inputs, moving: best, move: move) }

  package var evaluationMetrics: [String] { ["log_predictive"] }

  package func evaluate(_ rows: Observations, _ parameters: VariationalMixtureParameters, into sums: inout Sums) throws
  {
    sums["log_predictive"] += logPredictives(of: rows.inputs, parameters).reduce(0, +)
  }

  /// Rows that belong to each component.
  private func counts(_ parameters: VariationalMixtureParameters) -> [Double] {
    switch parameters.weights {
    case .dirichlet(let concentrations): concentrations.map { $0 - weightPrior.concentration }
    case .sticks(let beginnings, _): beginnings.map { $0 - 1 }
    }
  }

  package func report(_ parameters: VariationalMixtureParameters, objective: Double, rows: Int) -> [String: Double] {
    [
      "elbo": objective / Double(rows), "total_elbo": objective,
      "components": Double(counts(parameters).count { $0 >= 1 }),
    ]
  }

  package func predict(_ rows: RowBlock, _ parameters: VariationalMixtureParameters) throws -> [RowPrediction] {
    let weights = try responsibilities(of: rows, parameters)
    return [
      RowPrediction("responsibilities", weights), RowPrediction("component", whole: weights.largestInRows),
      RowPrediction("log_density", logPredictives(of: rows, parameters)),
    ]
  }

  package func figures(_ data: ExactData, _ parameters: VariationalMixtureParameters) throws -> [Figure] {
    let weights = parameters.weights.means
    var figures = [
      Figure(
        "weights", title: "Expected weights of the components",
        .plot(
          Plot(
            Panel(
              x: Axis("component", categories: weights.indices.map { "\($0)" }), y: Axis("E[π]", lower: 0),
              [.bars(Bars(heights: weights))]))))
    ]
    guard dimension >= 2 else { return figures }
    let shown = try data.train.matrices(first: ExactData.shownRows).inputs
    let responsibilities = try shown.withRows { try self.responsibilities(of: $0, parameters) }
    let plane = Plane(data, of: shown)
    figures.append(mixtureFigure(plane, shown, responsibilities, gaussians(of: parameters, in: plane)))
    return figures
  }

  package func stepFigures(
    _ data: ExactData, from start: VariationalMixtureParameters, to end: VariationalMixtureParameters
  ) throws -> [Figure] {
    // The pictures are of some rows in a plane, their cost is of all columns: of many it would be more than the fit's.
    guard dimension >= 2, dimension <= 32 else { return [] }
    let shown = try data.train.matrices(first: 1000).inputs
    let plane = Plane(data, of: shown)
    func panel(_ title: String, _ model: VariationalMixture, _ parameters: VariationalMixtureParameters) throws -> Panel
    {
      let weights = try shown.withRows { try model.responsibilities(of: $0, parameters) }
      let alive = model.counts(parameters).count { $0 >= 1 }
      return mixturePanel(
        "\(title): \(alive) of \(components)", plane, shown, weights,
        model.gaussians(of: parameters, in: plane))
    }
    let steps = try stepsFigure(self, shown, from: start, to: end) { try panel($0, self, $1) }
    // What the prior over weights does: from a start of its own, since parts of a posterior belong to its prior.
    let panels = try [1e-3, 1, 10, 100].map { concentration in
      let model = try VariationalMixture(
        components: components, weights: weightPrior.with(concentration: concentration), prior: prior)
      var generator = RandomStream(RandomKey(seed: data.seed).at(tensor: NoiseStream.start))
      let fit = try shown.withRows { rows in
        try model.fit(
          Observations(inputs: rows), from: model.start(from: rows, using: &generator),
          stopping: Stopping(iterations: 100, tolerance: 1e-9))
      }
      return try panel("concentration \(String(format: "%g", concentration))", model, fit.parameters)
    }
    return [
      steps,
      Figure("concentrations", title: "Components that the prior over weights lets live", .plot(Plot(panels))),
    ]
  }

  /// Components that died are not drawn.
  private func gaussians(of parameters: VariationalMixtureParameters, in plane: Plane) -> [Ellipses.Gaussian] {
    zip(parameters.components, counts(parameters)).map { component, count in
      guard count >= 1 else {
        return Ellipses.Gaussian(meanX: .nan, meanY: .nan, varianceX: .nan, varianceY: .nan)
      }
      return plane.gaussian(mean: component.mean, covariance: (1 / component.degrees) * component.inverseScale)
    }
  }
}
