import Foundation
import LinearAlgebra
import ReferenceSupport
import Regression
import Statistics

/// How many random problems each property is tried on: 50, or as many as ELBO_PROPERTY_PROBLEMS says.
let propertyProblems = ProcessInfo.processInfo.environment["ELBO_PROPERTY_PROBLEMS"].flatMap(Int.init) ?? 50

/// A random table with a target and two classes, and the same in other units.
struct UnitsProblem {
  let rows: Matrix
  let targets: [Double]
  let classes: [Double]
  /// Rows that were not learned from.
  let points: Matrix
  /// What columns and target are multiplied by, and then moved by.
  let factors: [Double]
  let shifts: [Double]
  let targetFactor: Double
  let targetShift: Double
  var generator: SplitMix64

  init(seed: Int) {
    var generator = SplitMix64(seed: UInt64(seed) &* 7919 &+ 1)
    let d = 1 + generator.index(below: 4)
    let n = 3 * d + 6 + generator.index(below: 40)
    let clusters = 1 + generator.index(below: 3)
    let centres = (0..<clusters).map { _ in (0..<d).map { _ in 4 * generator.normal() } }
    let weights = (0..<d).map { _ in generator.normal() }
    let noise = pow(10, -2 * generator.uniform())
    func row() -> [Double] { centres[generator.index(below: clusters)].map { $0 + generator.normal() } }
    let rows = Matrix((0..<n).map { _ in row() })
    points = Matrix((0..<5).map { _ in row() })
    let targets = (0..<n).map { dot(weights, rows.row($0)) + 1 + noise * generator.normal() }
    classes = targets.map { $0 + generator.normal() > 1 ? 1 : 0 }
    (self.rows, self.targets) = (rows, targets)
    // Powers of ten from 1e-6 to 1e6, and places up to a thousand deviations away.
    func factor() -> Double { pow(10, Double(generator.index(below: 13)) - 6) }
    factors = (0..<d).map { _ in factor() }
    shifts = factors.map { $0 * 1000 * generator.normal() }
    targetFactor = factor()
    targetShift = targetFactor * 1000 * generator.normal()
    self.generator = generator
  }

  var dimension: Int { rows.columns }

  /// Each column by its own factor, and moved.
  func moved(_ matrix: Matrix) -> Matrix { changed(matrix, factors, shifts) }
  /// All columns by the first factor, and moved.
  func movedTogether(_ matrix: Matrix) -> Matrix {
    changed(matrix, factors.map { _ in factors[0] }, zip(shifts, factors).map { $0 / $1 * factors[0] })
  }
  /// All columns by the first factor.
  func scaledTogether(_ matrix: Matrix) -> Matrix {
    changed(matrix, factors.map { _ in factors[0] }, shifts.map { _ in 0 })
  }
  var movedTargets: [Double] { targets.map { targetFactor * $0 + targetShift } }
  var scaledTargets: [Double] { targets.map { targetFactor * $0 } }

  private func changed(_ matrix: Matrix, _ factors: [Double], _ shifts: [Double]) -> Matrix {
    var result = matrix
    for i in 0..<matrix.rows {
      for j in 0..<matrix.columns { result[i, j] = factors[j] * matrix[i, j] + shifts[j] }
    }
    return result
  }
}

func observing<R>(_ inputs: Matrix, _ targets: [Double], _ body: (Observations) throws -> R) rethrows -> R {
  try inputs.withRows { x in
    try Matrix(rows: targets.count, columns: 1, elements: targets).withRows { t in
      try body(Observations(inputs: x, targets: t))
    }
  }
}

/// What two descriptions of one problem make of the same points, in deviations of the prediction, and their evidences.
func disagreement(
  _ a: [RegressionPrediction], _ b: [RegressionPrediction], factor: Double, shift: Double
) -> Double {
  zip(a, b).reduce(0) { largest, pair in
    let deviation = factor * pair.0.variance.squareRoot()
    let mean = abs(factor * pair.0.mean + shift - pair.1.mean) / deviation
    return max(largest, mean, abs(pair.1.variance.squareRoot() / deviation - 1))
  }
}
