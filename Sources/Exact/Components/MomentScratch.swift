import CExact
import Distributions
import LinearAlgebra

/// Counts, sums and second moments of rows around a pivot, block by block: what principal components and linear models
/// know of data. The flat layout is that of `GaussianMoments`.
public final class MomentScratch {
  let panels: Panels
  private let sums: AlignedBuffer
  private let tiles: MomentTiles

  init(dimension: Int) {
    panels = Panels(dimension: dimension)
    sums = AlignedBuffer(panels.paddedDimension)
    tiles = MomentTiles(dimension: dimension, count: 1)
  }

  /// Adds the moments of rows to statistics of 1 + D + D (D + 1) / 2 numbers.
  func accumulate(
    _ rows: RowBlock, pivot: [Double], into statistics: UnsafeMutablePointer<Double>
  ) throws(ExactError) {
    panels.setPivot(pivot)
    sums.clear()
    tiles.clear()
    try panels.forEachBlock(of: rows) { (_, count) throws(ExactError) in
      kernels.column_sums(panels.base, panels.capacity, panels.panelCount, sums.base)
      kernels.second_moments(panels.base, panels.base, panels.capacity, panels.panelCount, tiles.base(0))
      statistics[0] += Double(count)
    }
    for j in 0..<panels.dimension { statistics[1 + j] += sums[j] }
    tiles.add(0, to: statistics + 1 + panels.dimension)
  }
}
