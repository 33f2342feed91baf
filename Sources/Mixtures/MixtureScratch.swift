import CExact
import LinearAlgebra
import Statistics

/// The E- and M-step of Gaussian mixtures over blocks of rows: densities of a block under all components,
/// responsibilities, and weighted moments around the components' present centres.
///
/// Moments are taken around the centres, and not around the origin, so that a mixture far from the origin loses no
/// digits: the update subtracts the square of how far a centre moves, which is small.
///
/// N × K responsibilities exist for one block at a time.
public final class MixtureScratch {
  let components: Int
  let dimension: Int
  let kind: CovarianceKind
  let panels: Panels
  private let padded: Int
  /// log πₖ + log normaliser: the log-density of a row is constants[k] − ½ q.
  private let constants: AlignedBuffer
  private let centres: AlignedBuffer
  /// Packed whitening matrices (one for all when tied), or precisions of the columns.
  private let whitening: AlignedBuffer
  private let whiteningSize: Int
  private let centred: AlignedBuffer
  private let scaled: AlignedBuffer
  private let lanes: AlignedBuffer
  /// Log-densities, then responsibilities: K × capacity.
  private let densities: AlignedBuffer
  /// Squared distances of chosen rows.
  private let distances: AlignedBuffer
  /// Rows that are looked at, see `choose`.
  private var chosen: [Int32] = []
  /// Of each row, the component that looks best, and its log-density.
  private var guess: [Int32]
  private var nearest: [Double]
  private var pruning: Pruning
  private let counts: AlignedBuffer
  private let sums: AlignedBuffer
  private let squares: AlignedBuffer
  private let tiles: MomentTiles
  private var rows = 0.0
  private var logLikelihood = 0.0
  private var entropy = 0.0

  /// - Parameter prunes: whether densities that end as a responsibility of zero may be left out; it changes no result.
  package init(components: Int, dimension: Int, kind: CovarianceKind, prunes: Bool = true) {
    (self.components, self.dimension, self.kind) = (components, dimension, kind)
    panels = Panels(dimension: dimension)
    padded = panels.paddedDimension
    let hasMatrices = kind == .full || kind == .tied
    whiteningSize = hasMatrices ? padded * (padded + 8) / 2 : padded
    let matrices = kind == .full ? components : (kind == .tied ? 1 : 0)
    constants = AlignedBuffer(components)
    centres = AlignedBuffer(components * padded)
    whitening = AlignedBuffer((hasMatrices ? matrices : components) * whiteningSize)
    centred = AlignedBuffer(panels.capacity * padded)
    scaled = AlignedBuffer(panels.capacity * padded)
    lanes = AlignedBuffer(panels.capacity * 8)
    densities = AlignedBuffer(components * panels.capacity)
    distances = AlignedBuffer(panels.capacity)
    guess = Array(repeating: 0, count: panels.capacity)
    nearest = Array(repeating: 0, count: panels.capacity)
    pruning = Pruning(panelCount: prunes && hasMatrices && components > 1 ? panels.panelCount : 0)
    counts = AlignedBuffer(components)
    sums = AlignedBuffer(components * padded)
    squares = AlignedBuffer(hasMatrices ? 0 : components * padded)
    tiles = MomentTiles(dimension: dimension, count: matrices)
  }

  // MARK: Components

  /// Takes over the components whose densities and moments are wanted.
  /// - Parameters:
  ///   - constants: K log-densities at the centres, weights included; −∞ for a component without weight.
  ///   - means: K × D.
  func prepare(constants: [Double], means: Matrix, shape: ComponentShape) {
    for k in 0..<components {
      self.constants[k] = constants[k]
      for j in 0..<dimension { centres[k * padded + j] = means[k, j] }
    }
    switch shape {
    case .whitening(let matrices):
      for (k, matrix) in matrices.enumerated() {
        cexact_pack_lower(matrix.elements, dimension, whitening.base + k * whiteningSize)
      }
    case .precisions(let precisions):
      for k in 0..<components {
        for j in 0..<dimension { whitening[k * padded + j] = precisions[k, j] }
      }
    }
    clear()
  }

  func clear() {
    (rows, logLikelihood, entropy) = (0, 0, 0)
    counts.clear()
    sums.clear()
    squares.clear()
    tiles.clear()
  }

  // MARK: One block

  /// E: the responsibilities of the loaded block, whose first `count` rows are data.
  /// - Throws: `.notFinite` when a row is so far from all components that its density is zero in double.
  func evaluate(count: Int) throws(ExactError) {
    if pruning.isWorthTrying() { pruneLogDensities(count: count) } else { logDensities() }
    let lost = kernels.responsibilities(
      densities.base, components, count, panels.capacity, &logLikelihood, &entropy)
    guard lost < 0 else {
      throw ExactError(
        .notFinite, row: lost, doing: "evaluating the mixture's density",
        remedy: "scale the columns, or remove rows that are far beyond all others")
    }
  }

  /// log πₖ N(x | k) of the loaded block, K × capacity.
  func logDensities() {
    for k in 0..<components { logDensities(of: panels.everyRow[...], component: k, panelCount: panels.panelCount) }
  }

  /// log πₖ N(x | k) of some rows of the loaded block; with fewer panels than there are, an upper bound of it.
  private func logDensities(of rows: ArraySlice<Int32>, component k: Int, panelCount: Int) {
    let result = densities.base + k * panels.capacity
    rows.withUnsafeBufferPointer { rows in
      kernels.centre(
        panels.base, centres.base + k * padded, rows.baseAddress, rows.count, panels.capacity, panelCount, centred.base)
      switch kind {
      case .full, .tied:
        let matrix = whitening.base + (kind == .full ? k * whiteningSize : 0)
        kernels.whitened_squares(
          centred.base, matrix, rows.count, panels.capacity, panelCount, lanes.base, distances.base)
      case .diagonal, .spherical:
        kernels.weighted_squares(
          centred.base, whitening.base + k * whiteningSize, panels.capacity, panelCount, lanes.base, distances.base)
      }
      for (index, row) in rows.enumerated() { result[Int(row)] = constants[k] - 0.5 * distances[index] }
    }
  }

  /// The log-densities of the loaded block, but for those whose responsibility is zero in double whatever they are:
  /// they become −∞. The responsibilities are the same to the last bit, in a fraction of the work where components lie
  /// apart, as they do in many dimensions.
  ///
  /// The first columns of the whitened rows bound each density from above. The component that looks best of a row is
  /// evaluated in full; then those that could still come within 708 nats of it, where `responsibilities` ends.
  private func pruneLogDensities(count: Int) {
    let first = pruning.stages[0]
    for k in 0..<components { logDensities(of: panels.everyRow[..<count], component: k, panelCount: first) }
    for row in 0..<count {
      var best = 0
      for k in 1..<components where density(row: row, component: k) > density(row: row, component: best) { best = k }
      guess[row] = Int32(best)
    }
    for k in 0..<components {
      choose(count) { guess[$0] == k }
      logDensities(of: chosen[...], component: k, panelCount: panels.panelCount)
      for row in chosen { nearest[Int(row)] = density(row: Int(row), component: k) }
    }
    var evaluated = count
    for k in 0..<components {
      let bounds = densities.base + k * panels.capacity
      func isWithinReach(_ row: Int) -> Bool { !(bounds[row] - nearest[row] < -708) }
      choose(count) { guess[$0] != k && isWithinReach($0) }
      for panelCount in pruning.stages.dropFirst() {
        logDensities(of: chosen[...], component: k, panelCount: panelCount)
        chosen.removeAll { !isWithinReach(Int($0)) }
      }
      logDensities(of: chosen[...], component: k, panelCount: panels.panelCount)
      evaluated += chosen.count
      for row in 0..<count where guess[row] != k && !isWithinReach(row) { bounds[row] = -.infinity }
    }
    pruning.record(share: Double(evaluated) / Double(components * count))
  }

  /// Sets `chosen` to the rows among the first `count` that fulfil a condition.
  private func choose(_ count: Int, where condition: (Int) -> Bool) {
    chosen.removeAll(keepingCapacity: true)
    for row in 0..<count where condition(row) { chosen.append(Int32(row)) }
  }

  /// Responsibilities from elsewhere for the loaded block: K of each row in turn.
  func setResponsibilities(_ given: RowBlock) {
    for k in 0..<components {
      for row in 0..<panels.capacity {
        densities[k * panels.capacity + row] = row < given.count ? given[row, k] : 0
      }
    }
  }

  /// Of rows in any number, N × K, by the parameters that this was prepared for.
  func responsibilities(of rows: RowBlock) throws(ExactError) -> Matrix {
    var result = Matrix(rows: rows.count, columns: components)
    try panels.forEachBlock(of: rows) { (first, count) throws(ExactError) in
      try evaluate(count: count)
      for row in 0..<count {
        for k in 0..<components { result[first + row, k] = density(row: row, component: k) }
      }
    }
    return result
  }

  func density(row: Int, component: Int) -> Double { densities[component * panels.capacity + row] }

  /// M: adds the loaded block's moments under its responsibilities. Rows that a component has no part in add nothing
  /// to its matrices and are left out.
  func collect(count: Int) {
    let capacity = panels.capacity
    rows += Double(count)
    for k in 0..<components {
      let weights = densities.base + k * capacity
      counts[k] += sum(weights, capacity)
      switch kind {
      case .full, .tied:
        choose(count) { weights[$0] != 0 }
        weigh(k, chosen)
        kernels.second_moments(
          scaled.base, centred.base, chosen.count, capacity, panels.panelCount, tiles.base(kind == .full ? k : 0))
      case .diagonal, .spherical:
        weigh(k, panels.everyRow)
        kernels.column_squares(centred.base, weights, capacity, panels.panelCount, squares.base + k * padded)
      }
    }
  }

  private func weigh(_ k: Int, _ rows: [Int32]) {
    kernels.weigh(
      panels.base, centres.base + k * padded, densities.base + k * panels.capacity, rows, rows.count, panels.capacity,
      panels.panelCount, centred.base, scaled.base, sums.base + k * padded)
  }

  /// In four partial sums: one would wait for the latency of each addition.
  private func sum(_ values: UnsafePointer<Double>, _ count: Int) -> Double {
    var (a, b, c, d) = (0.0, 0.0, 0.0, 0.0)
    for i in stride(from: 0, to: count, by: 4) {
      a += values[i]
      b += values[i + 1]
      c += values[i + 2]
      d += values[i + 3]
    }
    return (a + b) + (c + d)
  }

  // MARK: Statistics

  /// Adds what was collected to flat statistics in the layout of `MixtureStatistics`, and forgets it.
  func flush(into statistics: UnsafeMutablePointer<Double>) {
    let layout = MixtureLayout(components: components, dimension: dimension, kind: kind)
    statistics[MixtureLayout.rows] += rows
    statistics[MixtureLayout.logLikelihood] += logLikelihood
    statistics[MixtureLayout.entropy] += entropy
    for k in 0..<components {
      statistics[layout.counts + k] += counts[k]
      for j in 0..<dimension { statistics[layout.first + k * dimension + j] += sums[k * padded + j] }
    }
    let second = statistics + layout.second
    switch kind {
    case .full: for k in 0..<components { tiles.add(k, to: second + k * packedCount(dimension)) }
    case .tied: tiles.add(0, to: second)
    case .diagonal:
      for k in 0..<components {
        for j in 0..<dimension { second[k * dimension + j] += squares[k * padded + j] }
      }
    case .spherical:
      for k in 0..<components {
        for j in 0..<dimension { second[k] += squares[k * padded + j] }
      }
    }
    clear()
  }
}
