import Components
import Datasets
import Figures
import Learners
import LinearAlgebra
import Recipes
import Statistics
import Tensors
import Training

/// The mixture of Gaussians, fitted by expectation maximisation (Bishop 2006, section 9.2).
public enum GMM: Model {
  public static let name = "gmm"
  public static let summary = "mixture of Gaussians by EM (full, diagonal, tied and spherical covariances, restarts)"
  public static var recipe: [UInt8] { PackageResources.gmm_yaml }

  private enum FloorRule: String, CaseIterable { case clipped, added }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let network = recipe["network"]
    let objective = recipe["objective"]
    let components = try network.integer("components", default: 2, in: 1...1_000_000)
    let covariance: CovarianceKind = try network.choice("covariance", default: .full)
    let floor = try objective.number("covariance_floor", default: 1e-6, in: 0...1e12)
    let rule: FloorRule = try objective.choice("floor_rule", default: .clipped)
    guard components <= data.trainingCount else {
      throw RecipeError(
        "network.components is \(components), more than the \(data.trainingCount) rows: set it to \(data.trainingCount) or less"
      )
    }
    let model = try GaussianMixture(
      components: components, dimension: data.train.inputs.elementsPerExample, covariance: covariance,
      floor: rule == .clipped ? .clipped(floor) : .added(floor), floorIsRelative: true)
    let exact = try ExactData(data, recipe, seed: seed)
    return try StatisticsLearner(model, exact, recipe, defaults: .init(restarts: exact.restarts))
  }
}

extension CovarianceKind {
  /// Adds the slot that holds covariances of this kind.
  package func addSlot(to layout: inout Layout, components: Int, dimension: Int) {
    switch self {
    case .full: layout.add("covariances", [components, dimension, dimension])
    case .tied: layout.add("covariance", [dimension, dimension])
    case .diagonal: layout.add("variances", [components, dimension])
    case .spherical: layout.add("variances", [components])
    }
  }
}

extension MixtureCovariances {
  /// All numbers, in the order of their slot.
  package var numbers: [Double] {
    switch self {
    case .full(let matrices): matrices.flatMap(\.elements)
    case .tied(let matrix): matrix.elements
    case .diagonal(let variances): variances.elements
    case .spherical(let variances): variances
    }
  }

  package init(_ kind: CovarianceKind, _ numbers: [Double], components: Int, dimension: Int) {
    switch kind {
    case .full: self = .full(numbers.squareMatrices(components, size: dimension))
    case .tied: self = .tied(Matrix(rows: dimension, columns: dimension, elements: numbers))
    case .diagonal: self = .diagonal(Matrix(rows: components, columns: dimension, elements: numbers))
    case .spherical: self = .spherical(numbers)
    }
  }
}

extension [Double] {
  /// The numbers as square matrices, one behind the other.
  func squareMatrices(_ count: Int, size: Int) -> [Matrix] {
    (0..<count).map { k in
      Matrix(rows: size, columns: size, elements: Array(self[k * size * size..<(k + 1) * size * size]))
    }
  }
}

extension GaussianMixture: FlatStatisticsModel {
  package var parameterLayout: Layout {
    var layout = Layout()
    layout.add("weights", [components])
    layout.add("means", [components, dimension])
    covariance.addSlot(to: &layout, components: components, dimension: dimension)
    return layout
  }

  package func write(_ parameters: GaussianMixtureParameters, to buffer: FlatBuffer) {
    let slots = buffer.layout.slots
    func fill(_ slot: Int, _ values: [Double]) { _ = buffer.doubles(slots[slot]).update(fromContentsOf: values) }
    fill(0, parameters.weights)
    fill(1, parameters.means.elements)
    fill(2, parameters.covariances.numbers)
  }

  package func read(_ buffer: FlatBuffer) throws -> GaussianMixtureParameters {
    let slots = buffer.layout.slots
    return try GaussianMixtureParameters(
      weights: Array(buffer.doubles(slots[0])),
      means: Matrix(rows: components, columns: dimension, elements: Array(buffer.doubles(slots[1]))),
      covariances: MixtureCovariances(
        covariance, Array(buffer.doubles(slots[2])), components: components, dimension: dimension), floor: floor)
  }

  package func start(
    from sample: Observations, restart: Int, using generator: inout RandomStream
  ) throws -> GaussianMixtureParameters {
    try start(from: sample.inputs, by: PartitionKind(restart: restart), using: &generator)
  }

  package var climbs: Bool { true }

  package func start(
    from sample: Observations, moving best: GaussianMixtureParameters, move: Int
  ) throws -> GaussianMixtureParameters? { try start(from: sample.inputs, moving: best, move: move) }

  package func caution(_ parameters: GaussianMixtureParameters) -> String? {
    let floored = flooredComponents(parameters)
    guard !floored.isEmpty else { return nil }
    let (which, whose) =
      floored.count == 1 ? ("component \(floored[0])", "its") : ("\(floored.count) components", "their")
    return
      "objective.covariance_floor alone keeps \(which) from being narrower: \(whose) rows lie in a plane or on a point; "
      + "ask for fewer components, or drop columns that are constant or depend on others"
  }

  package var evaluationMetrics: [String] { ["log_likelihood"] }

  package func evaluate(_ rows: Observations, _ parameters: GaussianMixtureParameters, into sums: inout Sums) throws {
    sums["log_likelihood"] += try logDensities(of: rows.inputs, parameters).reduce(0, +)
  }

  package func report(_ parameters: GaussianMixtureParameters, objective: Double, rows: Int) -> [String: Double] {
    [
      "log_likelihood": objective / Double(rows), "total_log_likelihood": objective,
      "aic": akaikeCriterion(logLikelihood: objective),
      "bic": bayesianCriterion(logLikelihood: objective, rows: rows),
    ]
  }

  package func predict(_ rows: RowBlock, _ parameters: GaussianMixtureParameters) throws -> [RowPrediction] {
    let weights = try responsibilities(of: rows, parameters)
    return [
      RowPrediction("responsibilities", weights), RowPrediction("component", whole: weights.largestInRows),
      RowPrediction("log_density", try logDensities(of: rows, parameters)),
    ]
  }

  package func figures(_ data: ExactData, _ parameters: GaussianMixtureParameters) throws -> [Figure] {
    let means = pictures(of: data.train.restored(parameters.means), like: data.train, "means", title: "Means")
    guard dimension >= 2 else { return means }
    let shown = try data.train.matrices(first: ExactData.shownRows).inputs
    let weights = try shown.withRows { try self.responsibilities(of: $0, parameters) }
    let plane = Plane(data, of: shown)
    // A picture that cannot be drawn is no reason to lose the fit.
    let planar = try? PlanarMixture(
      weights: parameters.weights, means: (0..<components).map { plane.place(of: parameters.means.row($0)) },
      covariances: (0..<components).map {
        plane.covariance(parameters.covariances.matrix($0, dimension: dimension))
      })
    let divergences = try? planar.map { try divergenceFigure($0, x: plane.x, y: plane.y) }
    return means + [mixtureFigure(plane, shown, weights, gaussians(of: parameters, in: plane))] + (divergences ?? [])
  }

  package func stepFigures(
    _ data: ExactData, from start: GaussianMixtureParameters, to end: GaussianMixtureParameters
  ) throws -> [Figure] {
    var figures = [
      try decompositionFigure(self, data, from: start) { bound($0, statistics: $1, takenWith: $2) }
    ]
    guard dimension >= 2 else { return figures }
    let shown = try data.train.matrices(first: ExactData.shownRows).inputs
    let plane = Plane(data, of: shown)
    figures.append(
      try stepsFigure(self, shown, from: start, to: end) { title, parameters in
        let weights = try shown.withRows { try self.responsibilities(of: $0, parameters) }
        return mixturePanel(title, plane, shown, weights, gaussians(of: parameters, in: plane))
      })
    return figures
  }

  private func gaussians(of parameters: GaussianMixtureParameters, in plane: Plane) -> [Ellipses.Gaussian] {
    (0..<components).map { k in
      plane.gaussian(
        mean: parameters.means.row(k), covariance: parameters.covariances.matrix(k, dimension: dimension))
    }
  }
}
