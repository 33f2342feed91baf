import LinearAlgebra
import Statistics

/// Means, deviations and lagged covariances of series, from which systems start. Missing numbers are left out, pair
/// by pair.
public struct SeriesMoments: Sendable {
  /// L: lags 0 … L are known.
  public let lags: Int
  public private(set) var means: [Double]
  /// The elements of the longest sequence.
  public private(set) var longest = 0
  /// Values of each column.
  private var counts: [Double]
  /// Sums over pairs and how many they are, by lag, D × D, the later element in the rows.
  private var sums, pairs: [Matrix]
  /// Elements that another one follows at each lag.
  private var followed: [Double]

  public init(dimension: Int, lags: Int) {
    self.lags = lags
    (means, counts) = ([Double](repeating: 0, count: dimension), [Double](repeating: 0, count: dimension))
    sums = Array(repeating: Matrix(rows: dimension, columns: dimension), count: lags + 1)
    (pairs, followed) = (sums, [Double](repeating: 0, count: lags + 1))
  }

  private var dimension: Int { means.count }

  /// The first pass: means.
  public mutating func addToMeans(_ observations: Observations) {
    for row in 0..<observations.count {
      for j in 0..<dimension where !observations.inputs[row, j].isNaN {
        counts[j] += 1
        means[j] += (observations.inputs[row, j] - means[j]) / counts[j]
      }
    }
    longest = max(longest, observations.sequences.map(\.count).max() ?? 0)
  }

  /// The second pass: products of what differs from the means.
  public mutating func addProducts(_ observations: Observations) {
    let rows = observations.inputs
    for sequence in observations.sequences {
      for lag in 0...lags where lag < sequence.count {
        followed[lag] += Double(sequence.count - lag)
        for t in sequence.dropLast(lag) {
          for i in 0..<dimension where !rows[t + lag, i].isNaN {
            for j in 0..<dimension where !rows[t, j].isNaN {
              sums[lag][i, j] += (rows[t + lag, i] - means[i]) * (rows[t, j] - means[j])
              pairs[lag][i, j] += 1
            }
          }
        }
      }
    }
  }

  /// Numbers that are there, in all columns.
  public var values: Int { Int(counts.reduce(0, +)) }
  /// The first column without a value.
  public var emptyColumn: Int? { counts.firstIndex(of: 0) }
  /// The first column all whose values are the same.
  public var constantColumn: Int? {
    (0..<dimension).first { sums[0][$0, $0] <= 1e-24 * means[$0] * means[$0] * counts[$0] }
  }

  /// Deviations of each column.
  public var deviations: [Double] { (0..<dimension).map { (sums[0][$0, $0] / counts[$0]).squareRoot() } }

  /// E[yₜ₊ₖ yₜᵀ] about the means; of few pairs less than they say, so that the matrix of all lags has no negative eigenvalue
  /// where every value is there.
  public func covariance(lag: Int) -> Matrix {
    let share = followed[0] > 0 ? followed[lag] / followed[0] : 0
    var result = sums[lag]
    for i in result.elements.indices {
      let count = pairs[lag].elements[i]
      result.elements[i] = count > 0 ? result.elements[i] / count * share : 0
    }
    return result
  }

  /// The variance of each column's steps from one element to the next; of columns that take none, of their values.
  public var stepVariances: [Double] {
    (0..<dimension).map { j in
      let variance = sums[0][j, j] / counts[j]
      guard pairs[1][j, j] > 0 else { return variance }
      let step = 2 * (variance - sums[1][j, j] / pairs[1][j, j])
      return step > 1e-6 * variance ? step : 1e-6 * variance
    }
  }
}
