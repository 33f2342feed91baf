import Components
import Datasets
import Figures
import Learners
import LinearAlgebra
import Recipes
import Statistics
import Tensors
import Training

/// K-means by Lloyd's iteration, from k-means++ starts (Bishop 2006, section 9.1).
public enum KMeansClustering: Model {
  public static let name = "kmeans"
  public static let summary = "K-means by Lloyd's iteration (k-means++ starts, restarts, empty clusters refilled)"
  public static var recipe: [UInt8] { PackageResources.kmeans_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let clusters = try recipe["network"].integer("clusters", default: 2, in: 1...1_000_000)
    let exact = try ExactData(data, recipe, seed: seed)
    return try saying {
      let model = try KMeans(clusters: clusters, dimension: exact.train.width)
      return try StatisticsLearner(
        model, exact, recipe, defaults: .init(restarts: exact.restarts, iterations: 300))
    }
  }
}

extension KMeans: FlatStatisticsModel {
  package var parameterLayout: Layout {
    var layout = Layout()
    layout.add("centres", [clusters, dimension])
    return layout
  }

  package func write(_ centres: Matrix, to buffer: FlatBuffer) { buffer.fill("centres", centres.elements) }
  package func read(_ buffer: FlatBuffer) throws -> Matrix { buffer.matrix("centres") }

  package func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Matrix {
    try start(from: sample.inputs, by: PartitionKind(restart: restart), using: &generator)
  }

  package var climbs: Bool { true }

  package func start(from sample: Observations, moving best: Matrix, move: Int) throws -> Matrix? {
    try start(from: sample.inputs, moving: best, move: move)
  }

  package func caution(_ centres: Matrix) -> String? {
    let distinct = Set((0..<clusters).map(centres.row)).count
    guard distinct < clusters else { return nil }
    return "the rows have fewer than \(clusters) distinct places, so \(clusters - distinct) of the clusters are empty; "
      + "set network.clusters to \(distinct)"
  }

  package var evaluationMetrics: [String] { ["distortion"] }

  package func evaluate(_ rows: Observations, _ centres: Matrix, into sums: inout Sums) throws {
    sums["distortion"] -= try update(centres, statistics: statistics(of: rows, parameters: centres)).objective
  }

  /// Inertia is the sum of the squared distances, distortion their mean.
  package func report(_ centres: Matrix, objective: Double, rows: Int) -> [String: Double] {
    ["inertia": -objective, "distortion": -objective / Double(rows)]
  }

  package func predict(_ rows: RowBlock, _ centres: Matrix) throws -> [RowPrediction] {
    let labels = try labels(of: rows, centres)
    var squares = Matrix(rows: rows.count, columns: clusters)
    for i in 0..<rows.count {
      for k in 0..<clusters {
        for j in 0..<dimension {
          let difference = rows[i, j] - centres[k, j]
          squares[i, k] += difference * difference
        }
      }
    }
    return [
      RowPrediction("cluster", whole: labels),
      RowPrediction("distances", shape: [clusters], squares.elements.map { $0.squareRoot() }),
    ]
  }

  package func figures(_ data: ExactData, _ centres: Matrix) throws -> [Figure] {
    var figures = pictures(of: data.train.restored(centres), like: data.train, "centres", title: "Centers")
    guard dimension >= 2 else { return figures }
    let shown = try data.train.matrices(first: ExactData.shownRows).inputs
    let panel = try panel("", Plane(data, of: shown), shown, centres, legend: .automatic)
    figures.append(Figure("clusters", title: "Clusters and their centers", .plot(Plot(panel))))
    return figures
  }

  package func stepFigures(_ data: ExactData, from start: Matrix, to end: Matrix) throws -> [Figure] {
    let shown = try data.train.matrices(first: ExactData.shownRows).inputs
    var figures = [try costFigure(shown, from: start)]
    guard dimension >= 2 else { return figures }
    let plane = Plane(data, of: shown)
    figures.append(
      try stepsFigure(self, shown, from: start, to: end) { try panel($0, plane, shown, $1, legend: .none) })
    return figures
  }

  /// The inertia after each half-step (Bishop 2006, figure 9.2).
  private func costFigure(_ rows: Matrix, from start: Matrix) throws -> Figure {
    var (centres, assigned, moved) = (start, [Double](), [Double]())
    try rows.withRows { block in
      for _ in 0..<10 {
        let statistics = try statistics(of: Observations(inputs: block), parameters: centres)
        let improvement = try update(centres, statistics: statistics)
        assigned.append(-improvement.objective)
        let labels = try labels(of: block, centres)
        centres = improvement.parameters
        moved.append(
          (0..<rows.rows).reduce(0) { sum, row in
            let difference = rows.row(row).subtracting(centres.row(labels[row]))
            return sum + dot(difference, difference)
          })
      }
    }
    let steps = assigned.indices.map(Double.init)
    let whole = zip(assigned, moved).flatMap { [$0, $1] }
    let panel = Panel(
      x: Axis("iteration"), y: Axis("sum of squared distances"),
      [
        .line(Line(x: whole.indices.map { Double($0) / 2 }, y: whole, color: .neutral)),
        .points(Points("rows assigned", x: steps, y: assigned)),
        .points(Points("centers moved", x: steps.map { $0 + 0.5 }, y: moved)),
      ])
    return Figure("cost", title: "The cost after each half-step", .plot(Plot(panel)))
  }

  private func panel(
    _ title: String, _ plane: Plane, _ rows: Matrix, _ centres: Matrix, legend: Panel.Legend
  ) throws -> Panel {
    let labels = try rows.withRows { try self.labels(of: $0, centres) }
    let (places, middles) = (plane.places(of: rows), plane.places(of: centres))
    return Panel(
      title: title, x: plane.x, y: plane.y, legend: legend,
      [
        .points(
          Points(
            x: places.x, y: places.y, coloring: .classes(labels, names: numbered("cluster", clusters)))),
        .points(
          Points(
            "centers", x: middles.x, y: middles.y, coloring: .single(.foreground), symbol: .cross, size: 2)),
      ])
  }
}
