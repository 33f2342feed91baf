import Foundation
import LinearAlgebra
import Statistics

/// Centres to start from: k-means++ (Arthur and Vassilvitskii 2007), in the greedy form that tries 2 + ⌊log K⌋ rows for
/// each centre and keeps the best, or tries fewer. Rows must fit in memory; of a data set that does not, hand in a sample.
///
/// With fewer distinct rows than clusters, the centres that are left over repeat rows.
/// - Returns: clusters × dimension.
/// - Throws: `.tooFewRows` without rows, `.notFinite` for rows with infinities or NaN.
public func kMeansPlusPlus(
  _ rows: RowBlock, clusters: Int, trials: Int? = nil, using generator: inout some RandomNumberGenerator
) throws(ExactError) -> Matrix {
  guard rows.count > 0 else {
    throw ExactError(.tooFewRows, doing: "choosing centres", remedy: "give at least one row")
  }
  let data = rows.matrix
  if let row = data.firstRowNotFinite {
    throw ExactError(
      .notFinite, row: row, doing: "choosing centres", remedy: "remove or impute values that are infinite or NaN")
  }
  let trials = trials ?? 2 + Int(log(Double(clusters)))
  var centres = Matrix(rows: clusters, columns: rows.dimension)
  var nearest = [Double](repeating: .infinity, count: rows.count)
  for k in 0..<clusters {
    let total = k == 0 ? 0 : nearest.reduce(0, +)
    var best: (row: Int, distances: [Double], sum: Double)?
    for _ in 0..<(k == 0 ? 1 : trials) {
      let row = total > 0 ? generator.categorical(nearest) : generator.index(below: rows.count)
      let distances = data.squaredDistances(toRow: row).enumerated().map { min($1, nearest[$0]) }
      let sum = distances.reduce(0, +)
      if best == nil || sum < best!.sum { best = (row, distances, sum) }
    }
    nearest = best!.distances
    for j in 0..<rows.dimension { centres[k, j] = data[best!.row, j] }
  }
  return centres
}

/// What mixtures start from: a few iterations of K-means from k-means++ on a sample.
/// - Returns: each row's cluster as responsibilities of 0 and 1, N × K, and the centres, K × D.
func kMeansPartition(
  _ sample: RowBlock, by kMeans: KMeans, using generator: inout some RandomNumberGenerator
) throws(ExactError) -> (responsibilities: Matrix, centres: Matrix) {
  let centres = try kMeansPlusPlus(sample, clusters: kMeans.clusters, using: &generator)
  let fit = try kMeans.fit(
    Observations(inputs: sample), from: centres, stopping: Stopping(iterations: 10, tolerance: 0))
  var assigned = Matrix(rows: sample.count, columns: kMeans.clusters)
  for (row, label) in try kMeans.labels(of: sample, fit.parameters).enumerated() { assigned[row, label] = 1 }
  return (assigned, fit.parameters)
}

extension Matrix {
  fileprivate func squaredDistances(toRow index: Int) -> [Double] {
    elements.withUnsafeBufferPointer { all in
      (0..<rows).map { i in
        var sum = 0.0
        for j in 0..<columns {
          let difference = all[i * columns + j] - all[index * columns + j]
          sum += difference * difference
        }
        return sum
      }
    }
  }
}

extension GaussianMixture {
  /// A mixture to start from: the moments of a sample under given responsibilities, N × K. What no row belongs to
  /// stays at its row of `centres`, with the covariance of the whole sample.
  public func start(
    from sample: RowBlock, responsibilities: Matrix, centres: Matrix
  ) throws(ExactError) -> GaussianMixtureParameters {
    let whole = try GaussianMixture(
      components: 1, dimension: dimension, covariance: covariance, floor: floor,
      floorIsRelative: floorIsRelative)
    let single = try whole.moments(
      of: sample, responsibilities: Matrix(rows: sample.count, columns: 1, repeating: 1),
      around: Matrix(rows: 1, columns: dimension, elements: sample.count > 0 ? sample.matrix.row(0) : []),
      covariances: whole.unit)
    let shared: MixtureCovariances =
      switch single.covariances {
      case .full(let matrices): .full(Array(repeating: matrices[0], count: components))
      case .tied(let matrix): .tied(matrix)
      case .diagonal(let variances): .diagonal(Matrix(Array(repeating: variances.row(0), count: components)))
      case .spherical(let variances): .spherical(Array(repeating: variances[0], count: components))
      }
    return try moments(of: sample, responsibilities: responsibilities, around: centres, covariances: shared)
  }

  /// Unit covariances.
  private var unit: MixtureCovariances {
    switch covariance {
    case .full: .full(Array(repeating: .identity(dimension), count: components))
    case .tied: .tied(.identity(dimension))
    case .diagonal: .diagonal(Matrix(rows: components, columns: dimension, repeating: 1))
    case .spherical: .spherical(Array(repeating: 1, count: components))
    }
  }

  private func moments(
    of sample: RowBlock, responsibilities: Matrix, around centres: Matrix, covariances: MixtureCovariances
  ) throws(ExactError) -> GaussianMixtureParameters {
    let parameters = try GaussianMixtureParameters(
      weights: Array(repeating: 1 / Double(components), count: components), means: centres, covariances: covariances,
      floor: floor)
    var statistics = [Double](repeating: 0, count: statisticsCount)
    let scratch = makeScratch()
    try responsibilities.withRows { (given) throws(ExactError) in
      try accumulate(
        Observations(inputs: sample), responsibilities: given, parameters: parameters, into: &statistics,
        scratch: scratch)
    }
    return try update(parameters, statistics: statistics).parameters
  }
}
