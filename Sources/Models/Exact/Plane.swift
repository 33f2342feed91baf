import Datasets
import Exact
import Figures
import Foundation
import LinearAlgebra

/// The plane in which rows are drawn: their two columns, in the units of the data; of more columns, the plane of the first
/// two principal components of the training rows that a picture shows, as the model sees them.
struct Plane {
  let x: Axis
  let y: Axis
  /// A row lies at directions · (row − middle) + origin.
  private let middle: [Double]
  private let directions: Matrix
  private let origin: [Double]

  /// Of more columns, the components are those of so many rows: the products of rows are then the smaller matrix.
  private static let mostColumns = 512
  private static let fewRows = 500

  /// - Parameter rows: training rows of two columns or more, as the model sees them.
  init(_ data: ExactData, of rows: Matrix) {
    // Numbers too large for a covariance leave the first two columns: a picture is no reason to lose a fit.
    guard rows.columns > 2, let found = try? Plane.components(of: rows) else {
      let scaling = data.train.scaling ?? ColumnScaling(identity: rows.columns)
      var columns = Matrix(rows: 2, columns: rows.columns)
      for column in 0..<2 { columns[column, column] = scaling.scale[column] }
      (middle, directions) = ([Double](repeating: 0, count: rows.columns), columns)
      origin = Array(scaling.offset.prefix(2))
      (x, y) = (Axis(data.name(of: 0)), Axis(data.name(of: 1)))
      return
    }
    (middle, directions, origin) = (found.mean, found.directions, [0, 0])
    (x, y) = (Axis(componentName(0, found.varianceRatios)), Axis(componentName(1, found.varianceRatios)))
  }

  private static func components(of rows: Matrix) throws -> PrincipalComponentsParameters {
    let count = rows.columns > mostColumns ? min(rows.rows, fewRows) : rows.rows
    let some = Matrix(
      rows: count, columns: rows.columns, elements: Array(rows.elements.prefix(count * rows.columns)))
    let model = try PrincipalComponents(components: 2, dimension: rows.columns, rows: count)
    return try some.withRows {
      try model.fit(Observations(inputs: $0), from: model.start(pivot: some.row(0))).parameters
    }
  }

  func place(of row: [Double]) -> [Double] { (directions * row.subtracting(middle)).adding(origin) }

  func places(of rows: Matrix) -> (x: [Double], y: [Double]) {
    let places = (0..<rows.rows).map { place(of: rows.row($0)) }
    return (places.map { $0[0] }, places.map { $0[1] })
  }

  /// What a covariance of all columns is in the plane.
  func covariance(_ covariance: Matrix) -> Matrix {
    Matrix.product(directions * covariance, directions, transposed: .right)
  }

  /// What a Gaussian density over all columns is in the plane.
  func gaussian(mean: [Double], covariance: Matrix) -> Ellipses.Gaussian {
    Ellipses.Gaussian(mean: place(of: mean), covariance: self.covariance(covariance))
  }
}

/// The name of a principal component, with its share of the variance.
func componentName(_ index: Int, _ shares: [Double]) -> String {
  "component \(index + 1) (\(String(format: "%.3g", 100 * shares[index])) % of the variance)"
}

/// Names for a legend, of parts that are numbered; none of more than have colors of their own.
func numbered(_ noun: String, _ count: Int) -> [String] {
  count <= Color.paletteCount ? (0..<count).map { "\(noun) \($0)" } : []
}
