import CExact
import Distributions
import LinearAlgebra

/// Counts, sums and second moments of rows around a pivot, block by block: what principal components and linear models
/// know of data. The flat layout is that of `GaussianMoments`.
public final class MomentScratch {
  package let panels: Panels
  private let sums: AlignedBuffer
  private let tiles: MomentTiles
  private var rows = 0.0

  package init(dimension: Int) {
    panels = Panels(dimension: dimension)
    sums = AlignedBuffer(panels.paddedDimension)
    tiles = MomentTiles(dimension: dimension, count: 1)
  }

  package func begin(pivot: [Double]) {
    panels.setPivot(pivot)
    sums.clear()
    tiles.clear()
    rows = 0
  }

  package func add(_ block: RowBlock) throws(ExactError) {
    try panels.forEachBlock(of: block) { (_, count) throws(ExactError) in
      kernels.column_sums(panels.base, panels.capacity, panels.panelCount, sums.base)
      kernels.second_moments(panels.base, panels.base, count, panels.capacity, panels.panelCount, tiles.base(0))
      rows += Double(count)
    }
  }

  /// Adds what was collected to 1 + D + D (D + 1) / 2 numbers.
  package func flush(into statistics: UnsafeMutablePointer<Double>) {
    statistics[0] += rows
    for j in 0..<panels.dimension { statistics[1 + j] += sums[j] }
    tiles.add(0, to: statistics + 1 + panels.dimension)
  }
}
