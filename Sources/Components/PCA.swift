import Datasets
import Figures
import Learners
import LinearAlgebra
import Recipes
import Statistics
import Tensors
import Training

/// Principal component analysis (Bishop 2006, section 12.1): one pass over the data.
public enum PCA: Model {
  public static let name = "pca"
  public static let summary = "principal components by the eigenvectors of the covariance, in one pass"
  public static var recipe: [UInt8] { PackageResources.pca_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let exact = try ExactData(data, recipe, seed: seed)
    let components = try recipe["network"].integer("components", default: 2, in: 1...100_000)
    return try saying {
      let model = try PrincipalComponents(
        components: components, dimension: exact.train.width, rows: exact.trainingCount)
      return try StatisticsLearner(model, exact, recipe, defaults: .init(iterations: 1))
    }
  }
}

extension PrincipalComponents: FlatStatisticsModel {
  package var parameterLayout: Layout {
    var layout = Layout()
    layout.add("mean", [dimension])
    layout.add("directions", [components, dimension])
    layout.add("variances", [components])
    layout.add("spectrum", [dimension])
    layout.add("pivot", [dimension])
    layout.add("rows", .scalar)
    return layout
  }

  package func write(_ parameters: PrincipalComponentsParameters, to buffer: FlatBuffer) {
    buffer.fill("mean", parameters.mean)
    buffer.fill("pivot", parameters.pivot)
    buffer.fill("rows", [parameters.count])
    // Before the pass nothing is known but the pivot.
    guard parameters.count > 0 else { return }
    buffer.fill("directions", parameters.directions.elements)
    buffer.fill("variances", parameters.variances)
    buffer.fill("spectrum", parameters.spectrum)
  }

  package func read(_ buffer: FlatBuffer) throws -> PrincipalComponentsParameters {
    let rows = buffer.numbers("rows")[0]
    guard rows > 0 else { return start(pivot: buffer.numbers("pivot")) }
    return PrincipalComponentsParameters(
      pivot: buffer.numbers("pivot"), mean: buffer.numbers("mean"), directions: buffer.matrix("directions"),
      variances: buffer.numbers("variances"), spectrum: buffer.numbers("spectrum"), count: rows)
  }

  package func start(
    from sample: Observations, restart: Int, using generator: inout RandomStream
  ) throws -> PrincipalComponentsParameters {
    // A pivot that is not finite would spoil all rows; the pass over the data then names the row.
    start(pivot: (0..<dimension).map { sample.inputs[0, $0] }.map { $0.isFinite ? $0 : 0 })
  }

  package var evaluationMetrics: [String] { ["squared_error"] }

  package func evaluate(_ rows: Observations, _ parameters: PrincipalComponentsParameters, into sums: inout Sums) throws
  {
    sums["squared_error"] += squaredErrors(rows.inputs, parameters).reduce(0, +)
  }

  /// Of reconstructing each row from its coordinates.
  private func squaredErrors(_ rows: RowBlock, _ parameters: PrincipalComponentsParameters) -> [Double] {
    let restored = parameters.rows(from: parameters.coordinates(of: rows))
    return (0..<rows.count).map { i in
      (0..<dimension).reduce(0) { sum, j in
        let difference = rows[i, j] - restored[i, j]
        return sum + difference * difference
      }
    }
  }

  package func report(_ parameters: PrincipalComponentsParameters, objective: Double, rows: Int) -> [String: Double] {
    ["squared_error": -objective / Double(rows), "explained_variance_ratio": parameters.varianceRatios.reduce(0, +)]
  }

  package func predict(_ rows: RowBlock, _ parameters: PrincipalComponentsParameters) throws -> [RowPrediction] {
    let coordinates = parameters.coordinates(of: rows)
    return [
      RowPrediction("scores", coordinates),
      RowPrediction("reconstruction", parameters.rows(from: coordinates), kind: .ofColumns),
      RowPrediction("squared_error", squaredErrors(rows, parameters)),
    ]
  }

  package func figures(_ data: ExactData, _ parameters: PrincipalComponentsParameters) throws -> [Figure] {
    let total = parameters.spectrum.reduce(0, +)
    let shares = parameters.spectrum.prefix(50).map { total > 0 ? $0 / total : 0 }
    var sum = 0.0
    let sums = shares.map { share in
      sum += share
      return sum
    }
    let numbers = shares.indices.map { Double($0 + 1) }
    var figures = [
      Figure(
        "spectrum", title: "Variance along each component",
        .plot(
          Plot(
            Panel(
              x: Axis("component"), y: Axis("share of the variance", lower: 0, upper: 1.02),
              [
                .line(Line("each", x: numbers, y: shares)), .line(Line("up to and with", x: numbers, y: sums)),
              ]))))
    ]
    figures += pictures(
      of: parameters.directions, like: data.train, "directions", title: "Mean directions of variance")
    guard components >= 2 else { return figures }
    let shown = try data.train.matrices(first: ExactData.shownRows).inputs
    let scores = shown.withRows { parameters.coordinates(of: $0) }
    let axes = (0..<2).map { componentName($0, parameters.varianceRatios) }
    figures.append(scatter(scores, labels: data.labels, axes: (axes[0], axes[1])))
    return figures
  }
}
