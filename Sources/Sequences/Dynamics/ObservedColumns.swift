import Foundation
import LinearAlgebra
import Statistics

/// What the columns of an element that have a value say of its state, and of the noise in the others.
struct ObservedColumns {
  /// Ascending.
  let columns: [Int]
  /// L⁻¹ C of these columns, where L Lᵀ is their noise: numbers with independent noise of variance one.
  let rows: Matrix
  /// L
  let noise: Cholesky
  /// E[v | v of these columns] is this matrix times their noise, D × columns.
  let regression: Matrix
  /// The covariance of the noise given that of these columns, D × D: zero but for the columns without a value.
  let rest: Matrix

  init(_ columns: [Int], _ parameters: LinearDynamics) throws(ExactError) {
    self.columns = columns
    let (all, r) = (parameters.dimension, parameters.observationNoise)
    do {
      noise = try Cholesky(Matrix(columns.map { i in columns.map { r[i, $0] } }), jitter: .rounding)
    } catch {
      throw ExactError(error, doing: "factorising the noise of observation", remedy: "raise objective.noise_floor")
    }
    rows = noise.solveLower(Matrix(columns.map { parameters.observation.row($0) }))
    let cross = Matrix(columns.map { r.row($0) })
    var regression = noise.solve(cross).transposed
    var rest = r - regression * cross
    // Exact where nothing is left to rounding: a column that was seen is itself.
    for (index, column) in columns.enumerated() {
      for j in columns.indices { regression[column, j] = j == index ? 1 : 0 }
      for j in 0..<all { (rest[column, j], rest[j, column]) = (0, 0) }
    }
    (self.regression, self.rest) = (regression, rest)
  }

  var isComplete: Bool { columns.count == regression.rows }
}

/// The sets of columns with a value that elements have, each worked out once.
final class ObservedColumnSets {
  private let parameters: LinearDynamics
  private let complete: ObservedColumns
  private var others: [[Int]: ObservedColumns] = [:]

  init(_ parameters: LinearDynamics) throws(ExactError) {
    self.parameters = parameters
    complete = try ObservedColumns(Array(0..<parameters.dimension), parameters)
  }

  /// Nil: the element has no value.
  func columns(of rows: RowBlock, _ row: Int) throws(ExactError) -> ObservedColumns? {
    var isComplete = true
    for j in 0..<rows.dimension where rows[row, j].isNaN { isComplete = false }
    guard !isComplete else { return complete }
    let seen = (0..<rows.dimension).filter { !rows[row, $0].isNaN }
    guard !seen.isEmpty else { return nil }
    if let known = others[seen] { return known }
    let made = try ObservedColumns(seen, parameters)
    others[seen] = made
    return made
  }
}

/// The directions of a diffuse first state that the elements so far determine.
///
/// A number that determines a new one has a density that falls as 1 / √κ with the variance κ of that state. The diffuse
/// log-likelihood is the limit of what is left when ½ log κ is added for each of them (Durbin and Koopman 2012, section
/// 7.2.2).
struct DeterminedDirections {
  private let parameters: LinearDynamics
  private var basis: [[Double]] = []
  /// Aᵗ
  private var power: Matrix

  init(_ parameters: LinearDynamics) {
    self.parameters = parameters
    power = .identity(parameters.states)
  }

  /// Takes the next element; what is to be added to its log-density.
  mutating func see(_ columns: [Int]) -> Double {
    guard basis.count < parameters.states else { return 0 }
    var correction = 0.0
    let rows = parameters.observation * power
    for column in columns {
      let row = rows.row(column)
      var rest = row.scaled(by: 1 / dot(row, row).squareRoot())
      // Twice is enough for directions that are nearly those of the basis (Parlett 1980, section 6.9).
      for _ in 0..<2 {
        for direction in basis { rest = rest.adding(direction, factor: -dot(rest, direction)) }
      }
      let length = dot(rest, rest).squareRoot()
      guard length > 1e-9 else { continue }
      basis.append(rest.scaled(by: 1 / length))
      correction += 0.5 * log(parameters.initialCovariance[column, column])
    }
    return correction
  }

  mutating func advance() {
    if basis.count < parameters.states { power = parameters.transition * power }
  }
}
