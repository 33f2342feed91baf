import Datasets
import Learners
import Recipes
import Training

/// Linear dynamical systems and structural time series, by Kalman filter, smoother and expectation maximization (Shumway and
/// Stoffer 1982; Harvey 1989).
public enum LDS: Model {
  public static let name = "lds"
  public static let summary =
    "linear dynamical system of series (general, local level, local trend, seasonal; EM, missing values, forecasts)"
  public static var recipe: [UInt8] { PackageResources.lds_yaml }
  public static var learnsSequences: Bool { true }

  private enum FormName: String, CaseIterable {
    case general
    case localLevel = "local-level"
    case localTrend = "local-trend"
  }

  private enum NoiseKind: String, CaseIterable { case full, diagonal }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let (network, objective) = (recipe["network"], recipe["objective"])
    let exact = try ExactData(data, recipe, seed: seed).asSequences
    guard exact.train.inputScaling == nil else {
      throw RecipeError("data.normalisation must be none: a dynamical system has the units of its columns")
    }
    let states = try network.integer("states", default: 2, in: 1...256)
    let period = try network.optionalInteger("period", in: 2...1000)
    let form: LinearDynamicalSystem.Form
    switch try network.choice("form", default: FormName.general) {
    case .general:
      guard period == nil else {
        throw RecipeError("network.period needs network.form local-level or local-trend; general finds seasons itself")
      }
      form = .general(states: states)
    case .localLevel: form = .structural(StructuralForm(period: period))
    case .localTrend: form = .structural(StructuralForm(hasSlope: true, period: period))
    }
    let model = LinearDynamicalSystem(
      form, dimension: exact.train.width,
      hasDiagonalNoise: try network.choice("noise", default: NoiseKind.full) == .diagonal,
      floor: try objective.number("noise_floor", default: 1e-8, in: 1e-15...1))
    let columns = (0..<exact.train.width).map(exact.name(of:))
    let moments = exact.isTrained ? nil : try moments(of: exact.train, for: model)
    if let moments { try saying { try model.validate(moments, names: columns) } }
    return try StatisticsLearner(
      LinearDynamicalFit(model: model, moments: moments, columns: columns), exact, recipe,
      defaults: .init(restarts: 4, iterations: 1000, tolerance: 1e-9))
  }

  /// What systems start from: two passes over the series, in one order.
  private static func moments(of rows: ExactRows, for model: LinearDynamicalSystem) throws -> SeriesMoments {
    var moments = SeriesMoments(
      dimension: rows.width, lags: LinearDynamicalSystem.lags(model.form, dimension: rows.width))
    try rows.forEachBlock(0..<rows.count) { _, block in moments.addToMeans(block) }
    try rows.forEachBlock(0..<rows.count) { _, block in moments.addProducts(block) }
    return moments
  }
}
