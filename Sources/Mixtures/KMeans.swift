import CExact
import Foundation
import LinearAlgebra
import Statistics

/// K-means by Lloyd's iteration: each row belongs to its nearest centre (the first of equals), each centre becomes the
/// mean of its rows. The objective is minus the inertia Σ ‖x − centre‖².
///
/// A cluster without rows takes a part of the cluster with the largest inertia: its centre is set beside that cluster's
/// mean, one standard deviation along the column that varies most. No other centre moves for it, so the inertia still
/// never rises; and it needs nothing but sums, as the rest does.
public struct KMeans: StatisticsModel {
  public let clusters: Int
  public let dimension: Int

  /// - Throws: `.wrongArgument` for no clusters or no columns.
  public init(clusters: Int, dimension: Int) throws(ExactError) {
    guard clusters > 0, dimension > 0 else {
      throw ExactError(
        .wrongArgument, doing: "making \(clusters) clusters of \(dimension) columns",
        remedy: "ask for at least one cluster and one column")
    }
    (self.clusters, self.dimension) = (clusters, dimension)
  }

  /// Rows, then per cluster its count, the sums of (x − centre) and of (x − centre)² by column.
  public var statisticsCount: Int { 1 + clusters * (1 + 2 * dimension) }
  private var sums: Int { 1 + clusters }
  private var squares: Int { sums + clusters * dimension }

  public func makeScratch() -> KMeansScratch { KMeansScratch(clusters: clusters, dimension: dimension) }

  public func accumulate(
    _ observations: Observations, parameters centres: Matrix, into statistics: UnsafeMutablePointer<Double>,
    scratch: KMeansScratch
  ) throws(ExactError) {
    precondition(centres.rows == clusters && centres.columns == dimension, "centres of this model")
    scratch.prepare(centres)
    try scratch.panels.forEachBlock(of: observations.inputs) { (_, count) throws(ExactError) in
      scratch.label()
      scratch.collect(count: count)
      statistics[0] += Double(count)
    }
    scratch.flush(
      counts: statistics + 1, sums: statistics + sums, squares: statistics + squares)
  }

  public func update(_ centres: Matrix, statistics: [Double]) throws(ExactError) -> Improvement<Matrix> {
    guard statistics[0] > 0 else {
      throw ExactError(.tooFewRows, doing: "clustering", remedy: "give at least one row")
    }
    var next = centres
    var inertias = [Double](repeating: 0, count: clusters)
    var variances = Matrix(rows: clusters, columns: dimension)
    for k in 0..<clusters where statistics[1 + k] > 0 {
      let n = statistics[1 + k]
      for j in 0..<dimension {
        let shift = statistics[sums + k * dimension + j] / n
        let square = statistics[squares + k * dimension + j]
        next[k, j] += shift
        inertias[k] += square
        variances[k, j] = max(square / n - shift * shift, 0)
      }
    }
    split(&next, variances: variances, counts: Array(statistics[1..<(1 + clusters)]))
    return Improvement(parameters: next, objective: -inertias.reduce(0, +))
  }

  /// Gives clusters without rows a part of those with the largest inertia; each cluster is split at most once.
  private func split(_ centres: inout Matrix, variances: Matrix, counts: [Double]) {
    var spread = (0..<clusters).map { k in counts[k] * variances.row(k).reduce(0, +) }
    for k in 0..<clusters where counts[k] == 0 {
      let widest = spread.indices.max { spread[$0] < spread[$1] }!
      // Rows that all lie on their centres leave nothing to split.
      guard spread[widest] > 0 else { return }
      spread[widest] = 0
      let row = variances.row(widest)
      let column = row.indices.max { row[$0] < row[$1] }!
      for j in 0..<dimension { centres[k, j] = centres[widest, j] }
      centres[k, column] += row[column].squareRoot()
    }
  }

  /// The cluster of each row.
  public func labels(of rows: RowBlock, _ centres: Matrix, scratch: KMeansScratch? = nil) throws(ExactError) -> [Int] {
    let scratch = scratch ?? makeScratch()
    scratch.prepare(centres)
    var result: [Int] = []
    result.reserveCapacity(rows.count)
    try scratch.panels.forEachBlock(of: rows) { (_, count) throws(ExactError) in
      scratch.label()
      result.append(contentsOf: (0..<count).map { scratch.label(row: $0) })
    }
    return result
  }

  /// The best of several runs on rows that fit in memory, each from its own k-means++ start.
  public func fit(
    _ observations: Observations, restarts: Int, stopping: Stopping = Stopping(iterations: 300, tolerance: 0),
    using generator: inout some RandomNumberGenerator
  ) throws(ExactError) -> Fit<Matrix> {
    precondition(restarts > 0, "at least one run")
    var best: Fit<Matrix>?
    for _ in 0..<restarts {
      let start = try kMeansPlusPlus(observations.inputs, clusters: clusters, using: &generator)
      let fit = try fit(observations, from: start, stopping: stopping)
      if best == nil || fit.objectives.last! > best!.objectives.last! { best = fit }
    }
    return best!
  }
}

/// Working memory of K-means. Rows are loaded relative to the mean of the centres: ‖c‖² − 2 x·c, which decides the
/// nearest centre, then keeps its digits however far the data is from the origin.
public final class KMeansScratch {
  let panels: Panels
  private let clusters: Int
  private let padded: Int
  private let centres: AlignedBuffer
  private let packed: AlignedBuffer
  private let offsets: AlignedBuffer
  private let scores: AlignedBuffer
  private var labels: [Int32]
  private let counts: AlignedBuffer
  private let sums: AlignedBuffer
  private let squares: AlignedBuffer

  init(clusters: Int, dimension: Int) {
    self.clusters = clusters
    panels = Panels(dimension: dimension)
    padded = panels.paddedDimension
    let blocks = (clusters + 7) / 8
    centres = AlignedBuffer(clusters * padded)
    packed = AlignedBuffer(8 * blocks * padded)
    offsets = AlignedBuffer(8 * blocks)
    scores = AlignedBuffer(8 * blocks * panels.capacity)
    labels = Array(repeating: 0, count: panels.capacity)
    counts = AlignedBuffer(clusters)
    sums = AlignedBuffer(clusters * padded)
    squares = AlignedBuffer(clusters * padded)
  }

  func prepare(_ points: Matrix) {
    var pivot = [Double](repeating: 0, count: points.columns)
    for k in 0..<clusters { pivot = pivot.adding(points.row(k), factor: 1 / Double(clusters)) }
    panels.setPivot(pivot)
    for k in 0..<offsets.count { offsets[k] = .infinity }
    for k in 0..<clusters {
      offsets[k] = 0
      for j in 0..<points.columns {
        let value = points[k, j] - pivot[j]
        centres[k * padded + j] = value
        offsets[k] += value * value
      }
    }
    cexact_pack_centres(centres.base, clusters, panels.panelCount, packed.base)
    counts.clear()
    sums.clear()
    squares.clear()
  }

  /// Finds the nearest centre of each row of the loaded block.
  func label() {
    kernels.nearest(
      panels.base, packed.base, offsets.base, clusters, panels.capacity, panels.panelCount, scores.base, &labels)
  }

  func label(row: Int) -> Int { Int(labels[row]) }

  func collect(count: Int) {
    kernels.accumulate_labelled(
      panels.base, labels, centres.base, count, panels.capacity, panels.panelCount, sums.base, squares.base,
      counts.base)
  }

  func flush(
    counts: UnsafeMutablePointer<Double>, sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
  ) {
    for k in 0..<clusters {
      counts[k] += self.counts[k]
      for j in 0..<panels.dimension {
        sums[k * panels.dimension + j] += self.sums[k * padded + j]
        squares[k * panels.dimension + j] += self.squares[k * padded + j]
      }
    }
  }
}
