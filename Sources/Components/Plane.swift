import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Statistics
import Tensors
import Training

/// The plane in which rows are drawn: their two columns, in the units of the data; of more columns, the plane of the first
/// two principal components of the training rows that a picture shows, as the model sees them.
package struct Plane {
  package let x: Axis
  package let y: Axis
  /// A row lies at directions · (row − middle) + origin.
  private let middle: [Double]
  private let directions: Matrix
  private let origin: [Double]
  /// The components' parts of the variance; zeros where the directions are those of columns.
  private let shares: [Double]

  /// Of more columns, the components are those of so many rows: the products of rows are then the smaller matrix.
  private static let mostColumns = 512
  private static let fewRows = 500

  /// - Parameter rows: training rows of two columns or more, as the model sees them. Those that lack values have no say.
  package init(_ data: ExactData, of rows: Matrix) {
    // Numbers too large for a covariance leave the first two columns: a picture is no reason to lose a fit.
    guard rows.columns > 2, let found = try? Plane.components(of: rows) else {
      let scaling = data.train.scaling ?? ColumnScaling(identity: rows.columns)
      var columns = Matrix(rows: 2, columns: rows.columns)
      for column in 0..<2 { columns[column, column] = scaling.scale[column] }
      self.init(
        data, middle: [Double](repeating: 0, count: rows.columns), directions: columns,
        origin: Array(scaling.offset.prefix(2)), shares: [0, 0])
      return
    }
    self.init(
      data, middle: found.mean, directions: found.directions, origin: [0, 0],
      shares: Array(found.varianceRatios.prefix(2)))
  }

  private init(_ data: ExactData, middle: [Double], directions: Matrix, origin: [Double], shares: [Double]) {
    (self.middle, self.directions, self.origin, self.shares) = (middle, directions, origin, shares)
    let names = shares[0] > 0 ? (0..<2).map { componentName($0, shares) } : (0..<2).map { data.name(of: $0) }
    (x, y) = (Axis(names[0]), Axis(names[1]))
  }

  private static func components(of rows: Matrix) throws -> PrincipalComponentsParameters {
    let whole = (0..<rows.rows).lazy.filter { row in (0..<rows.columns).allSatisfy { !rows[row, $0].isNaN } }
    let some = Matrix(whole.prefix(rows.columns > mostColumns ? fewRows : rows.rows).map(rows.row))
    let model = try PrincipalComponents(components: 2, dimension: rows.columns, rows: some.rows)
    return try some.withRows {
      try model.fit(Observations(inputs: $0), from: model.start(pivot: some.row(0))).parameters
    }
  }

  package func place(of row: [Double]) -> [Double] { (directions * row.subtracting(middle)).adding(origin) }

  package func places(of rows: Matrix) -> (x: [Double], y: [Double]) {
    let places = (0..<rows.rows).map { place(of: rows.row($0)) }
    return (places.map { $0[0] }, places.map { $0[1] })
  }

  /// What a covariance of all columns is in the plane.
  package func covariance(_ covariance: Matrix) -> Matrix {
    Matrix.product(directions * covariance, directions, transposed: .right)
  }

  /// What a Gaussian density over all columns is in the plane.
  package func gaussian(mean: [Double], covariance: Matrix) -> Ellipses.Gaussian {
    Ellipses.Gaussian(mean: place(of: mean), covariance: self.covariance(covariance))
  }
}

extension Plane {
  /// What a checkpoint keeps of a plane, so that rows can be drawn in it without the training data.
  package static func addSlots(to layout: inout Layout, columns: Int) {
    layout.add("middle", [columns])
    layout.add("directions", [2, columns])
    layout.add("origin", [2])
    layout.add("shares", [2])
  }

  package func write(to buffer: FlatBuffer) {
    buffer.fill("middle", middle)
    buffer.fill("directions", directions.elements)
    buffer.fill("origin", origin)
    buffer.fill("shares", shares)
  }

  package init(_ data: ExactData, from buffer: FlatBuffer) {
    self.init(
      data, middle: buffer.numbers("middle"), directions: buffer.matrix("directions"), origin: buffer.numbers("origin"),
      shares: buffer.numbers("shares"))
  }
}

/// The name of a principal component, with its share of the variance.
func componentName(_ index: Int, _ shares: [Double]) -> String {
  "component \(index + 1) (\(String(format: "%.3g", 100 * shares[index])) % of the variance)"
}

/// Names for a legend, of parts that are numbered; none of more than have colors of their own.
package func numbered(_ noun: String, _ count: Int) -> [String] {
  count <= Color.paletteCount ? (0..<count).map { "\(noun) \($0)" } : []
}

extension ExactData {
  /// The first training rows where a picture shows them: one column in the units of the data, or places in a plane with
  /// what the plane is; none of images.
  package func shownRows() throws -> FlatBuffer? {
    guard ImageLayout(of: train.array) == nil else { return nil }
    let count = min(trainingCount, ExactData.shownRows)
    var layout = Layout()
    layout.add("rows", [count, min(train.width, 2)])
    if train.width > 1 { Plane.addSlots(to: &layout, columns: train.width) }
    let buffer = FlatBuffer("shown", layout, precision: .float64)
    guard !isTrained else { return buffer }
    let rows = try train.matrices(first: ExactData.shownRows).inputs
    guard train.width > 1 else {
      buffer.fill("rows", train.restored(rows).elements)
      return buffer
    }
    let plane = Plane(self, of: rows)
    plane.write(to: buffer)
    let (x, y) = plane.places(of: rows)
    buffer.fill("rows", zip(x, y).flatMap { [$0, $1] })
    return buffer
  }
}

extension Ellipses.Gaussian {
  /// The marginal of the first two columns.
  package init(mean: [Double], covariance: Matrix) {
    self.init(
      meanX: mean[0], meanY: mean[1], varianceX: covariance[0, 0], varianceY: covariance[1, 1],
      covariance: covariance[0, 1])
  }
}

extension Matrix {
  /// The index of the largest element of each row, the first of equals, as numbers.
  package var largestInRows: [Double] {
    (0..<rows).map { i in
      var best = 0
      for j in 1..<max(columns, 1) where self[i, j] > self[i, best] { best = j }
      return Double(best)
    }
  }
}
