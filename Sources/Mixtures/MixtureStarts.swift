import Distributions
import Foundation
import LinearAlgebra
import Statistics

/// What the rows of a sample belong to at the start of an iteration. Starts of several kinds end in different optima, where
/// many of one kind may all end in the same (Biernacki, Celeux and Govaert 2003).
public enum PartitionKind: CaseIterable, Hashable, Sendable {
  /// K-means from k-means++, a few iterations.
  case kMeans
  /// The nearest of points drawn by k-means++.
  case points
  /// Responsibilities drawn from the uniform distribution over the simplex.
  case random

  /// The kinds in turns.
  public init(restart: Int) { self = Self.allCases[restart % Self.allCases.count] }
}

/// Responsibilities of the rows of a sample, N × K, and centres, K × D.
struct Partition {
  var responsibilities: Matrix
  var centres: Matrix

  init(
    _ kind: PartitionKind, of sample: RowBlock, clusters: Int, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) {
    let kMeans = try KMeans(clusters: clusters, dimension: sample.dimension)
    switch kind {
    case .kMeans:
      (responsibilities, centres) = try kMeansPartition(sample, by: kMeans, using: &generator)
    case .points:
      centres = try kMeansPlusPlus(sample, clusters: clusters, trials: 1, using: &generator)
      responsibilities = Matrix(rows: sample.count, columns: clusters)
      for (row, label) in try kMeans.labels(of: sample, centres).enumerated() { responsibilities[row, label] = 1 }
    case .random:
      responsibilities = Matrix(rows: sample.count, columns: clusters)
      for row in 0..<sample.count {
        let weights = generator.dirichlet([Double](repeating: 1, count: clusters))
        for k in 0..<clusters { responsibilities[row, k] = weights[k] }
      }
      centres = try kMeansPlusPlus(sample, clusters: clusters, trials: 1, using: &generator)
    }
  }

  /// Two components become one, and a third becomes two, its rows parted across its longest axis (Ueda, Nakano, Ghahramani
  /// and Hinton 2000): a way out of an optimum with too many components in one place and too few in another. Merged are
  /// those with the most similar responsibilities, split is that whose rows have the smallest densities.
  ///
  /// - Parameters:
  ///   - logDensities: of each row under the whole mixture.
  ///   - move: which of the candidates, the most promising first.
  /// - Returns: nil with fewer than three components.
  init?(
    moving responsibilities: Matrix, centres: Matrix, logDensities: [Double], of sample: RowBlock, move: Int
  ) throws(ExactError) {
    let clusters = responsibilities.columns
    let columns = (0..<clusters).map(responsibilities.column)
    let counts = columns.map { $0.reduce(0, +) }
    func similarity(_ i: Int, _ j: Int) -> Double {
      let lengths = (dot(columns[i], columns[i]) * dot(columns[j], columns[j])).squareRoot()
      // What no row belongs to can go anywhere.
      return lengths > 0 ? dot(columns[i], columns[j]) / lengths : 1
    }
    let misfits = (0..<clusters).map { counts[$0] > 0 ? -dot(columns[$0], logDensities) / counts[$0] : -.infinity }
    guard
      let chosen = SplitAndMerge(
        move: move, clusters: clusters, merging: { -similarity($0, $1) }, splitting: { misfits[$0] }),
      let axis = try longestAxis(of: sample, weights: columns[chosen.split])
    else { return nil }
    (self.responsibilities, self.centres) = (responsibilities, centres)
    for row in 0..<sample.count {
      self.responsibilities[row, chosen.kept] += responsibilities[row, chosen.freed]
      let side = (0..<sample.dimension).reduce(0) { $0 + (sample[row, $1] - axis.mean[$1]) * axis.direction[$1] }
      let weight = responsibilities[row, chosen.split]
      self.responsibilities[row, chosen.split] = side > 0 ? 0 : weight
      self.responsibilities[row, chosen.freed] = side > 0 ? weight : 0
    }
    for j in 0..<sample.dimension { self.centres[chosen.freed, j] = axis.mean[j] }
  }
}

/// Which two clusters to merge, into `kept`, and which to split, `freed` taking a half.
struct SplitAndMerge {
  let kept: Int
  let freed: Int
  let split: Int

  /// The candidate of a number: pairs by rising cost and splits by falling gain, those first whose ranks add to least.
  init?(move: Int, clusters: Int, merging cost: (Int, Int) -> Double, splitting gain: (Int) -> Double) {
    guard clusters >= 3 else { return nil }
    var pairs: [(Int, Int, Double)] = []
    for i in 0..<clusters {
      for j in (i + 1)..<max(clusters, i + 1) { pairs.append((i, j, cost(i, j))) }
    }
    pairs.sort { ($0.2, $0.0, $0.1) < ($1.2, $1.0, $1.1) }
    let gains = (0..<clusters).map(gain)
    let splits = (0..<clusters).sorted { (-gains[$0], $0) < (-gains[$1], $1) }
    var left = move % (pairs.count * (clusters - 2))
    for sum in 0..<(pairs.count + clusters) {
      for rank in max(0, sum - clusters + 1)...min(sum, pairs.count - 1) {
        let (pair, third) = (pairs[rank], splits[sum - rank])
        guard third != pair.0, third != pair.1 else { continue }
        guard left > 0 else {
          (kept, freed, split) = (pair.0, pair.1, third)
          return
        }
        left -= 1
      }
    }
    return nil
  }
}

/// The mean of weighted rows, the direction in which they vary most, and their variance along it; nil without variance.
func longestAxis(
  of rows: RowBlock, weights: [Double]
) throws(ExactError) -> (mean: [Double], direction: [Double], variance: Double)? {
  let d = rows.dimension
  let total = weights.reduce(0, +)
  guard total > 0, let pivot = weights.firstIndex(where: { $0 > 0 }) else { return nil }
  var mean = [Double](repeating: 0, count: d)
  for (row, weight) in weights.enumerated() where weight > 0 {
    for j in 0..<d { mean[j] += weight / total * (rows[row, j] - rows[pivot, j]) }
  }
  mean = (0..<d).map { rows[pivot, $0] + mean[$0] }
  var centred = Matrix(rows: weights.count { $0 > 0 }, columns: d)
  var next = 0
  for (row, weight) in weights.enumerated() where weight > 0 {
    for j in 0..<d { centred[next, j] = (weight / total).squareRoot() * (rows[row, j] - mean[j]) }
    next += 1
  }
  do {
    // Of few rows with many columns, such as pictures, the products of the rows have the same largest eigenvalue as the
    // covariance, and are a far smaller matrix.
    let isWide = 2 * centred.rows <= d
    let eigen = try SymmetricEigen(isWide ? Matrix.product(centred, centred, transposed: .right) : centred.gram)
    guard let variance = eigen.values.last, variance > 0 else { return nil }
    let top = eigen.vectors.row(eigen.vectors.rows - 1)
    let direction = isWide ? centred.transposedProduct(top).scaled(by: 1 / variance.squareRoot()) : top
    return (mean, direction, variance)
  } catch {
    throw ExactError(error, doing: "splitting a cluster", remedy: "scale the columns to similar magnitudes")
  }
}

extension GaussianMixture {
  /// A mixture to start from: the moments of a partition of a sample. Clusters without rows of their own get the covariance
  /// of the whole sample.
  public func start(
    from sample: RowBlock, by kind: PartitionKind = .kMeans, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> GaussianMixtureParameters {
    let partition = try Partition(kind, of: sample, clusters: components, using: &generator)
    return try start(from: sample, responsibilities: partition.responsibilities, centres: partition.centres)
  }

  /// A mixture with two components merged and a third split; nil with fewer than three.
  /// - Parameter move: which of the candidates, the most promising first.
  public func start(
    from sample: RowBlock, moving parameters: GaussianMixtureParameters, move: Int
  ) throws(ExactError) -> GaussianMixtureParameters? {
    guard
      let partition = try Partition(
        moving: responsibilities(of: sample, parameters), centres: parameters.means,
        logDensities: logDensities(of: sample, parameters), of: sample, move: move)
    else { return nil }
    return try start(from: sample, responsibilities: partition.responsibilities, centres: partition.centres)
  }
}

extension VariationalMixture {
  /// A posterior to start from: one update from a partition of a sample.
  public func start(
    from sample: RowBlock, by kind: PartitionKind = .kMeans, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> VariationalMixtureParameters {
    let partition = try Partition(kind, of: sample, clusters: components, using: &generator)
    return try start(from: sample, responsibilities: partition.responsibilities, centres: partition.centres)
  }

  /// A posterior with two components merged and a third split; nil with fewer than three.
  /// - Parameter move: which of the candidates, the most promising first.
  public func start(
    from sample: RowBlock, moving parameters: VariationalMixtureParameters, move: Int
  ) throws(ExactError) -> VariationalMixtureParameters? {
    guard
      let partition = try Partition(
        moving: responsibilities(of: sample, parameters), centres: Matrix(parameters.components.map(\.mean)),
        logDensities: logPredictives(of: sample, parameters), of: sample, move: move)
    else { return nil }
    return try start(from: sample, responsibilities: partition.responsibilities, centres: partition.centres)
  }
}

extension KMeans {
  /// Centres to start from: k-means++ in its greedy form, in its plain form, or the means of random groups.
  public func start(
    from sample: RowBlock, by kind: PartitionKind, using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> Matrix {
    switch kind {
    case .kMeans: return try kMeansPlusPlus(sample, clusters: clusters, using: &generator)
    case .points: return try kMeansPlusPlus(sample, clusters: clusters, trials: 1, using: &generator)
    case .random:
      var centres = try kMeansPlusPlus(sample, clusters: clusters, trials: 1, using: &generator)
      var counts = [Double](repeating: 0, count: clusters)
      for row in 0..<sample.count {
        let k = generator.index(below: clusters)
        counts[k] += 1
        for j in 0..<dimension {
          let before = counts[k] == 1 ? sample[row, j] : centres[k, j]
          centres[k, j] = before + (sample[row, j] - before) / counts[k]
        }
      }
      return centres
    }
  }
}
