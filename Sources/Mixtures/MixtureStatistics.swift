import LinearAlgebra
import Statistics

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
