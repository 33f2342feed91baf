import CExact
import LinearAlgebra

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
  private let counts: AlignedBuffer
  private let sums: AlignedBuffer
  private let squares: AlignedBuffer
  private let tiles: MomentTiles
  private var rows = 0.0
  private var logLikelihood = 0.0
  private var entropy = 0.0

  init(components: Int, dimension: Int, kind: CovarianceKind) {
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
    logDensities()
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
    let capacity = panels.capacity
    for k in 0..<components {
      kernels.centre(panels.base, centres.base + k * padded, capacity, panels.panelCount, centred.base)
      let result = densities.base + k * capacity
      switch kind {
      case .full, .tied:
        let matrix = whitening.base + (kind == .full ? k * whiteningSize : 0)
        kernels.whitened_squares(centred.base, matrix, capacity, panels.panelCount, lanes.base, result)
      case .diagonal, .spherical:
        kernels.weighted_squares(
          centred.base, whitening.base + k * whiteningSize, capacity, panels.panelCount, lanes.base, result)
      }
      let constant = constants[k]
      for row in 0..<capacity { result[row] = constant - 0.5 * result[row] }
    }
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

  /// M: adds the loaded block's moments under its responsibilities.
  func collect(count: Int) {
    let capacity = panels.capacity
    rows += Double(count)
    for k in 0..<components {
      let weights = densities.base + k * capacity
      counts[k] += sum(weights, capacity)
      kernels.weigh(
        panels.base, centres.base + k * padded, weights, capacity, panels.panelCount, centred.base, scaled.base,
        sums.base + k * padded)
      switch kind {
      case .full, .tied:
        let index = kind == .full ? k : 0
        kernels.second_moments(scaled.base, centred.base, capacity, panels.panelCount, tiles.base(index))
      case .diagonal, .spherical:
        kernels.column_squares(centred.base, weights, capacity, panels.panelCount, squares.base + k * padded)
      }
    }
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

/// What turns a centred row into its squared distance: whitening matrices L⁻¹ (lower triangular; one when tied), or
/// precisions of the columns, K × D.
enum ComponentShape: Hashable, Sendable {
  case whitening([Matrix])
  case precisions(Matrix)
}

/// Where the statistics of a mixture lie in their flat buffer.
struct MixtureLayout {
  let components: Int
  let dimension: Int
  let kind: CovarianceKind

  static let rows = 0
  static let logLikelihood = 1
  static let entropy = 2
  var counts: Int { 3 }
  var first: Int { counts + components }
  var second: Int { first + components * dimension }
  var count: Int { second + kind.momentCount(components: components, dimension: dimension) }
}

/// The statistics of a mixture, read from their flat buffer. Moments are around the centres at which they were taken.
struct MixtureStatistics {
  let layout: MixtureLayout
  private let values: [Double]

  init(_ values: [Double], _ layout: MixtureLayout) {
    precondition(values.count == layout.count, "statistics of this mixture")
    (self.values, self.layout) = (values, layout)
  }

  var rows: Double { values[MixtureLayout.rows] }
  /// Σ log Σₖ exp(log-density).
  var logLikelihood: Double { values[MixtureLayout.logLikelihood] }
  /// −Σ r log r.
  var entropy: Double { values[MixtureLayout.entropy] }
  /// Nₖ = Σ r.
  func count(_ k: Int) -> Double { values[layout.counts + k] }
  var counts: [Double] { (0..<layout.components).map(count) }

  /// Σ r (x − centre) of component k.
  func first(_ k: Int) -> [Double] {
    Array(values[(layout.first + k * layout.dimension)..<(layout.first + (k + 1) * layout.dimension)])
  }

  /// Σ r (x − centre)(x − centre)ᵀ of component k (full), or over all components (tied, k = 0).
  func secondMatrix(_ k: Int) -> Matrix {
    let start = layout.second + k * packedCount(layout.dimension)
    return Matrix(packedLower: values[start..<(start + packedCount(layout.dimension))], dimension: layout.dimension)
  }

  /// Σ r (x − centre)² of component k by column (diagonal).
  func secondDiagonal(_ k: Int) -> [Double] {
    let start = layout.second + k * layout.dimension
    return Array(values[start..<(start + layout.dimension)])
  }

  /// Σ r ‖x − centre‖² of component k (spherical).
  func secondTrace(_ k: Int) -> Double { values[layout.second + k] }
}
