import LinearAlgebra

/// Counts, sums and products of rows of D numbers, relative to a pivot: what every Gaussian likelihood sees of data.
///
/// The pivot keeps the digits of data that is far from the origin. Any row of the data will do, and all parts of a data
/// set that are to be added must use the same one.
public struct GaussianMoments: ConjugateStatistics {
  public let pivot: [Double]
  /// Count, D sums of (x − pivot), then the lower triangle of Σ (x − pivot)(x − pivot)ᵀ, row by row.
  public var flat: [Double]

  public init(pivot: [Double]) {
    self.pivot = pivot
    flat = Array(repeating: 0, count: 1 + pivot.count + pivot.count * (pivot.count + 1) / 2)
  }

  /// The moments of rows, with the first one as pivot.
  public init(of rows: [[Double]]) throws(ConjugateError) {
    self.init(pivot: rows.first ?? [])
    for row in rows { try add(row) }
  }

  public var dimension: Int { pivot.count }

  public mutating func add(_ observation: [Double]) throws(ConjugateError) {
    guard observation.count == dimension, observation.allSatisfy({ $0.isFinite }) else {
      throw ConjugateError(
        .wrongObservation, doing: "observing \(observation)", remedy: "give \(dimension) finite numbers")
    }
    flat[0] += 1
    var index = 1 + dimension
    for i in 0..<dimension {
      let x = observation[i] - pivot[i]
      flat[1 + i] += x
      for j in 0...i {
        flat[index] += x * (observation[j] - pivot[j])
        index += 1
      }
    }
  }

  public var count: Double { flat[0] }

  private var shift: [Double] { (0..<dimension).map { count > 0 ? flat[1 + $0] / count : 0 } }

  /// The mean of the rows; the pivot when there are none.
  public var mean: [Double] { pivot.adding(shift) }

  /// Σ (x − mean)(x − mean)ᵀ.
  public var scatter: Matrix {
    var result = Matrix(rows: dimension, columns: dimension)
    let shift = shift
    var index = 1 + dimension
    for i in 0..<dimension {
      for j in 0...i {
        result[i, j] = flat[index] - count * shift[i] * shift[j]
        result[j, i] = result[i, j]
        index += 1
      }
      // Rounding must not make a variance negative.
      result[i, i] = max(result[i, i], 0)
    }
    return result
  }

  public static func + (a: GaussianMoments, b: GaussianMoments) -> GaussianMoments {
    precondition(a.pivot == b.pivot, "moments around one pivot")
    var sum = a
    for i in sum.flat.indices { sum.flat[i] += b.flat[i] }
    return sum
  }
}
