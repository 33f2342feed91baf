import Datasets
import Figures
import Learners
import LinearAlgebra
import Recipes
import Statistics
import Tensors
import Training

/// Probabilistic PCA (Tipping and Bishop 1999; Bishop 2006, section 12.2): in closed form, or by EM, which takes missing
/// values and finds how many components the data needs.
public enum PPCA: Model {
  public static let name = "ppca"
  public static let summary = "probabilistic PCA in closed form or by EM (missing values, relevance of components)"
  public static var recipe: [UInt8] { PackageResources.ppca_yaml }

  private enum Method: String, CaseIterable {
    case closedForm = "closed-form"
    case em
  }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let exact = try ExactData(data, recipe, seed: seed)
    let dimension = exact.train.width
    let latent = try recipe["network"].integer("latent", default: 2, in: 1...100_000)
    let objective = recipe["objective"]
    let method: Method = try objective.choice("method", default: .closedForm)
    let floor = try objective.number("noise_floor", default: 1e-12, in: 1e-300...1e12)
    let relevance = try objective.flag("relevance", default: false)
    let limit = try objective.number("relevance_limit", default: 1e6, in: 1e-300...1e300)
    let missing = try objective.flag("missing", default: false)
    guard method == .em || !(relevance || missing) else {
      throw RecipeError("objective.relevance and objective.missing need EM: set objective.method=em")
    }
    return try saying {
      guard method == .em else {
        let model = try ClosedFormProbabilisticPCA(latentDimension: latent, dimension: dimension)
        return try StatisticsLearner(model, exact, recipe, defaults: .init(iterations: 1))
      }
      let model = try ProbabilisticPCA(
        latentDimension: latent, dimension: dimension, allowsMissing: missing,
        relevance: relevance ? .init(limit: limit) : nil, noiseFloor: floor, limitsAreRelative: true)
      return try StatisticsLearner(model, exact, recipe, defaults: .init(iterations: 2000, tolerance: 1e-9))
    }
  }
}

/// What both ways to fit a probabilistic PCA have in common.
protocol ProbabilisticPCAModel: FlatStatisticsModel {
  var dimension: Int { get }
  var latentDimension: Int { get }
  var relevance: ProbabilisticPCA.Relevance? { get }
  func relevantCount(_ density: ProbabilisticPCAParameters) -> Int?
}

extension ProbabilisticPCAModel {
  /// Mean, loadings and noise; with relevance the precisions of the loadings' columns.
  var densityLayout: Layout {
    var layout = Layout()
    layout.add("mean", [dimension])
    layout.add("loadings", [dimension, latentDimension])
    layout.add("noise_variance", .scalar)
    if relevance != nil { layout.add("relevance", [latentDimension]) }
    return layout
  }

  func writeDensity(_ parameters: ProbabilisticPCAParameters, to buffer: FlatBuffer) {
    buffer.fill("mean", parameters.mean)
    buffer.fill("loadings", parameters.loadings.elements)
    buffer.fill("noise_variance", [parameters.noiseVariance])
    if let relevance = parameters.relevance { buffer.fill("relevance", relevance) }
  }

  func readDensity(_ buffer: FlatBuffer) throws -> ProbabilisticPCAParameters {
    try ProbabilisticPCAParameters(
      mean: buffer.numbers("mean"), loadings: buffer.matrix("loadings"),
      noiseVariance: buffer.numbers("noise_variance")[0], relevance: relevance.map { _ in buffer.numbers("relevance") })
  }

  package var evaluationMetrics: [String] { ["log_likelihood"] }

  package func report(density: ProbabilisticPCAParameters, objective: Double, rows: Int) -> [String: Double] {
    var metrics = ["noise_variance": density.noiseVariance]
    metrics[relevance == nil ? "log_likelihood" : "log_joint"] = objective / Double(rows)
    metrics["components"] = relevantCount(density).map(Double.init)
    return metrics
  }

  /// Latent means and standard deviations, densities, and rows with their missing values filled in.
  func predictions(_ rows: RowBlock, _ density: ProbabilisticPCAParameters) throws -> [RowPrediction] {
    var latent = RowPrediction("latent_mean", shape: [latentDimension], [])
    var deviation = RowPrediction("latent_std", shape: [latentDimension], [])
    var densities = RowPrediction("log_density", [])
    var imputed = RowPrediction("imputed", shape: [dimension], [], kind: .ofColumns)
    for i in 0..<rows.count {
      let x = (0..<dimension).map { rows[i, $0] }
      let posterior = try density.latentPosterior(x)
      latent.values += posterior.mean
      deviation.values += posterior.covariance.diagonal.map { $0.squareRoot() }
      densities.values.append(try density.logDensity(x))
      imputed.values += try density.imputed(x)
    }
    return [latent, deviation, densities, imputed]
  }

  package func figures(_ data: ExactData, density: ProbabilisticPCAParameters) throws -> [Figure] {
    let rotated = try density.rotated()
    var figures = pictures(
      of: rotated.loadings.transposed, like: data.train, "loadings", title: "Loadings of the latent columns")
    guard latentDimension >= 2 else { return figures }
    let shown = try data.train.matrices(first: ExactData.shownRows).inputs
    let means = try (0..<shown.rows).map { try rotated.latentPosterior(shown.row($0)).mean }
    figures.append(
      scatter(
        Matrix(means), labels: data.labels, axes: ("latent column 1", "latent column 2"),
        [.ellipses(Ellipses([.standard], label: "prior, 1 and 2 σ", color: .foreground))]))
    return figures
  }
}

extension ProbabilisticPCA: ProbabilisticPCAModel {
  package var parameterLayout: Layout { densityLayout }
  package func write(_ parameters: ProbabilisticPCAParameters, to buffer: FlatBuffer) {
    writeDensity(parameters, to: buffer)
  }
  package func read(_ buffer: FlatBuffer) throws -> ProbabilisticPCAParameters { try readDensity(buffer) }

  package func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws
    -> ProbabilisticPCAParameters
  {
    try start(from: sample.inputs, using: &generator)
  }

  package func evaluate(_ rows: Observations, _ parameters: ProbabilisticPCAParameters, into sums: inout Sums) throws {
    sums["log_likelihood"] += try parameters.logLikelihood(rows.inputs)
  }

  package func report(_ parameters: ProbabilisticPCAParameters, objective: Double, rows: Int) -> [String: Double] {
    report(density: parameters, objective: objective, rows: rows)
  }

  package func predict(_ rows: RowBlock, _ parameters: ProbabilisticPCAParameters) throws -> [RowPrediction] {
    try predictions(rows, parameters)
  }

  package func stepFigures(
    _ data: ExactData, from start: ProbabilisticPCAParameters, to end: ProbabilisticPCAParameters
  ) throws -> [Figure] {
    // Updates with relevance turn the latent columns, which the bound does not take into account.
    guard relevance == nil else { return [] }
    return [try decompositionFigure(self, data, from: start) { bound($0, statistics: $1, takenWith: $2) }]
  }

  package func figures(_ data: ExactData, _ parameters: ProbabilisticPCAParameters) throws -> [Figure] {
    try figures(data, density: parameters)
  }
}

extension ClosedFormProbabilisticPCA: ProbabilisticPCAModel {
  var relevance: ProbabilisticPCA.Relevance? { nil }
  func relevantCount(_ density: ProbabilisticPCAParameters) -> Int? { nil }

  package var parameterLayout: Layout { densityLayout }
  /// Before the pass there is only a pivot, and afterwards nothing to go on from.
  package var searchLayout: Layout {
    var layout = Layout()
    layout.add("pivot", [dimension])
    return layout
  }

  package func write(_ parameters: Parameters, to buffer: FlatBuffer) {
    if let density = parameters.density { writeDensity(density, to: buffer) }
  }
  package func read(_ buffer: FlatBuffer) throws -> Parameters {
    Parameters(pivot: buffer.numbers("mean"), density: try readDensity(buffer))
  }
  package func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) { buffer.fill("pivot", parameters.pivot) }
  package func readSearch(_ buffer: FlatBuffer) throws -> Parameters { Parameters(pivot: buffer.numbers("pivot")) }

  package func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters
  {
    Parameters(pivot: (0..<dimension).map { sample.inputs[0, $0] }.map { $0.isFinite ? $0 : 0 })
  }

  package func evaluate(_ rows: Observations, _ parameters: Parameters, into sums: inout Sums) throws {
    sums["log_likelihood"] += try parameters.density!.logLikelihood(rows.inputs)
  }

  package func report(_ parameters: Parameters, objective: Double, rows: Int) -> [String: Double] {
    report(density: parameters.density!, objective: objective, rows: rows)
  }

  package func predict(_ rows: RowBlock, _ parameters: Parameters) throws -> [RowPrediction] {
    try predictions(rows, parameters.density!)
  }

  package func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure] {
    try figures(data, density: parameters.density!)
  }
}
