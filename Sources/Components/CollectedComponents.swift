import LinearAlgebra
import Statistics

/// Principal components of few rows with many columns: the statistics are a count and the N × D rows, relative to the
/// pivot. A shard fills in its own; the sum of all shards is the data.
extension PrincipalComponents {
  func collect(
    _ observations: Observations, pivot: [Double], into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    statistics[0] += Double(observations.count)
    for i in 0..<observations.count {
      let row = statistics + 1 + (observations.first + i) * dimension
      for j in 0..<dimension {
        let value = observations.inputs[i, j]
        guard value.isFinite else {
          throw ExactError(
            .notFinite, row: i, doing: "reading data", remedy: "remove or impute values that are infinite or NaN")
        }
        row[j] = value - pivot[j]
      }
    }
  }

  /// The components of N × D rows, each minus the pivot, by the singular values of what lies around their mean.
  func components(of rows: Matrix, pivot: [Double]) throws(ExactError) -> PrincipalComponentsParameters {
    var centred = rows
    var mean = [Double](repeating: 0, count: dimension)
    for i in 0..<rows.rows {
      for j in 0..<dimension { mean[j] += rows[i, j] }
    }
    mean = mean.scaled(by: 1 / Double(rows.rows))
    for i in 0..<rows.rows {
      for j in 0..<dimension { centred[i, j] -= mean[j] }
    }
    let singular: SingularValues
    do {
      singular = try SingularValues(centred)
    } catch {
      throw ExactError(error, doing: "finding principal components", remedy: "scale the columns to similar magnitudes")
    }
    let variances = singular.values.map { $0 * $0 / Double(max(rows.rows - 1, 1)) }
    return PrincipalComponentsParameters(
      pivot: pivot, mean: pivot.adding(mean),
      directions: Matrix((0..<components).map { singular.rightTransposed.row($0) }),
      variances: Array(variances.prefix(components)),
      spectrum: variances + Array(repeating: 0, count: dimension - variances.count), count: Double(rows.rows))
  }
}
