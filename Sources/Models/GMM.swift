import Datasets
import Exact
import Figures
import LinearAlgebra
import Recipes
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
    guard components <= data.train.count else {
      throw RecipeError(
        "network.components is \(components), more than the \(data.train.count) rows: set it to \(data.train.count) or less")
    }
    let model = try GaussianMixture(
      components: components, dimension: data.train.inputs.elementsPerExample, covariance: covariance,
      floor: rule == .clipped ? .clipped(floor) : .added(floor))
    return try StatisticsLearner(model, recipe, data: data, seed: seed)
  }
}

extension GaussianMixture: FlatStatisticsModel {
  var parameterLayout: Layout {
    var layout = Layout()
    layout.add("weights", [components])
    layout.add("means", [components, dimension])
    switch covariance {
    case .full: layout.add("covariances", [components, dimension, dimension])
    case .tied: layout.add("covariance", [dimension, dimension])
    case .diagonal: layout.add("variances", [components, dimension])
    case .spherical: layout.add("variances", [components])
    }
    return layout
  }

  func write(_ parameters: GaussianMixtureParameters, to buffer: FlatBuffer) {
    let slots = buffer.layout.slots
    func fill(_ slot: Int, _ values: [Double]) { _ = buffer.doubles(slots[slot]).update(fromContentsOf: values) }
    fill(0, parameters.weights)
    fill(1, parameters.means.elements)
    switch parameters.covariances {
    case .full(let matrices): fill(2, matrices.flatMap(\.elements))
    case .tied(let matrix): fill(2, matrix.elements)
    case .diagonal(let variances): fill(2, variances.elements)
    case .spherical(let variances): fill(2, variances)
    }
  }

  func read(_ buffer: FlatBuffer) throws -> GaussianMixtureParameters {
    let slots = buffer.layout.slots
    let numbers = Array(buffer.doubles(slots[2]))
    let covariances: MixtureCovariances
    switch covariance {
    case .full:
      let size = dimension * dimension
      covariances = .full(
        (0..<components).map { k in
          Matrix(rows: dimension, columns: dimension, elements: Array(numbers[k * size..<(k + 1) * size]))
        })
    case .tied: covariances = .tied(Matrix(rows: dimension, columns: dimension, elements: numbers))
    case .diagonal: covariances = .diagonal(Matrix(rows: components, columns: dimension, elements: numbers))
    case .spherical: covariances = .spherical(numbers)
    }
    return try GaussianMixtureParameters(
      weights: Array(buffer.doubles(slots[0])),
      means: Matrix(rows: components, columns: dimension, elements: Array(buffer.doubles(slots[1]))),
      covariances: covariances, floor: floor)
  }

  var evaluationMetrics: [String] { ["log_likelihood"] }

  func evaluate(_ rows: RowBlock, _ parameters: GaussianMixtureParameters, into sums: inout [Double]) throws {
    sums[0] += try logDensities(of: rows, parameters).reduce(0, +)
  }

  func report(objective: Double, rows: Int) -> [String: Double] {
    [
      "log_likelihood": objective / Double(rows), "total_log_likelihood": objective,
      "aic": akaikeCriterion(logLikelihood: objective),
      "bic": bayesianCriterion(logLikelihood: objective, rows: rows),
    ]
  }

  /// The first two columns, each row coloured by its responsibilities, with the components' ellipses.
  func figures(
    _ rows: ExactRows, labels: ClassLabels?, columns: [String], _ parameters: GaussianMixtureParameters
  ) throws -> [Figure] {
    guard dimension >= 2 else { return [] }
    let shown = min(rows.count, 5000)
    var (x, y, weights): ([Double], [Double], [Double]) = ([], [], [])
    try rows.forEachBlock(0..<shown) { block in
      for row in 0..<block.count {
        x.append(block[row, 0])
        y.append(block[row, 1])
      }
      weights += try responsibilities(of: block, parameters).elements
    }
    let ellipses = (0..<components).map { k in
      let covariance = parameters.covariances.matrix(k, dimension: dimension)
      return Ellipses.Gaussian(
        meanX: parameters.means[k, 0], meanY: parameters.means[k, 1], varianceX: covariance[0, 0],
        varianceY: covariance[1, 1], covariance: covariance[0, 1])
    }
    let panel = Panel(
      x: Axis(columns.first ?? "column 0"), y: Axis(columns.dropFirst().first ?? "column 1"),
      [
        .points(Points(x: x, y: y, coloring: .mixture(weights: weights, components: components))),
        .ellipses(Ellipses(ellipses, label: "1 and 2 σ")),
      ])
    return [Figure("mixture", title: "Responsibilities and components", .plot(Plot(panel)))]
  }
}
