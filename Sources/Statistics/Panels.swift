import CExact
import LinearAlgebra

/// The kernels that this process uses: the best for its processor. The same kind of processor always chooses the same
/// ones, which is what bit-equal results rest on. A constant table of functions without state, hence safe to share.
package nonisolated(unsafe) let kernels: cexact_kernels = cexact_best().pointee

/// A block of rows in the layout of the block kernels (see CExact.h): eight columns to a panel, `capacity` rows.
package final class Panels {
  package let dimension: Int
  /// ⌈dimension / 8⌉
  package let panelCount: Int
  /// Rows of a block. Small dimensions get more rows, so that per-block costs vanish; large ones fewer, so that a few
  /// blocks fit in a core's second-level cache.
  package let capacity: Int
  /// 0 … capacity − 1, for kernels that take a choice of rows.
  package let everyRow: [Int32]
  private let elements: AlignedBuffer
  private let pivot: AlignedBuffer

  package init(dimension: Int) {
    self.dimension = dimension
    panelCount = (dimension + 7) / 8
    let group = Int(CEXACT_ROW_GROUP)
    let rows = 49152 / max(8 * panelCount, 1)
    capacity = min(max(rows / group, 2), 16) * group
    everyRow = Array(0..<Int32(capacity))
    elements = AlignedBuffer(panelCount * capacity * 8)
    pivot = AlignedBuffer(panelCount * 8)
  }

  package var base: UnsafeMutablePointer<Double> { elements.base }
  /// Columns with their padding: what vectors over columns are as long as.
  package var paddedDimension: Int { 8 * panelCount }

  /// The point that every loaded row is taken relative to.
  package func setPivot(_ point: [Double]?) {
    pivot.clear()
    for (column, value) in (point ?? []).enumerated() { pivot[column] = value }
  }

  /// Loads rows, at most `capacity` of them.
  /// - Throws: `.notFinite` with the first row that holds an infinity or a NaN.
  package func load(_ rows: RowBlock) throws(ExactError) {
    precondition(rows.count <= capacity && rows.dimension == dimension, "a block holds rows of its dimension")
    let spoilt =
      switch rows.base {
      case .double(let base):
        kernels.gather_double(base, rows.count, dimension, rows.stride, pivot.base, capacity, elements.base)
      case .float(let base):
        kernels.gather_float(base, rows.count, dimension, rows.stride, pivot.base, capacity, elements.base)
      }
    guard spoilt < 0 else {
      throw ExactError(
        .notFinite, row: spoilt, doing: "reading data", remedy: "remove or impute values that are infinite or NaN")
    }
  }

  /// Calls `body` with each block's first row and count, after loading it.
  package func forEachBlock(
    of rows: RowBlock, _ body: (_ first: Int, _ count: Int) throws(ExactError) -> Void
  ) throws(ExactError) {
    guard rows.dimension == dimension else {
      throw ExactError(
        .wrongShape, doing: "reading rows of \(rows.dimension) numbers",
        remedy: "give rows of \(dimension) numbers, as the model was made for")
    }
    var first = 0
    while first < rows.count {
      let count = min(capacity, rows.count - first)
      do throws(ExactError) {
        try load(rows.rows(first..<(first + count)))
        try body(first, count)
      } catch {
        throw ExactError(error.code, row: error.row.map { $0 + first }, doing: error.doing, remedy: error.remedy)
      }
      first += count
    }
  }
}

/// Weighted second moments Σ w x xᵀ in the tiles of the block kernels, to be added to packed lower triangles.
package struct MomentTiles {
  package let dimension: Int
  package let count: Int
  private let tiles: AlignedBuffer

  /// `count` matrices of dimension × dimension.
  package init(dimension: Int, count: Int) {
    self.dimension = dimension
    self.count = count
    tiles = AlignedBuffer(count * MomentTiles.size(dimension))
  }

  private static func size(_ dimension: Int) -> Int {
    let panels = (dimension + 7) / 8
    return 32 * panels * (panels + 1)
  }

  package func base(_ index: Int) -> UnsafeMutablePointer<Double> { tiles.base + index * MomentTiles.size(dimension) }

  package func clear() { tiles.clear() }

  /// Adds matrix `index` to a lower triangle, packed row by row: dimension · (dimension + 1) / 2 elements.
  package func add(_ index: Int, to lower: UnsafeMutablePointer<Double>) {
    cexact_add_tiles(base(index), dimension, lower)
  }
}

extension Matrix {
  /// The symmetric matrix of a lower triangle that is packed row by row.
  package init(packedLower lower: some RandomAccessCollection<Double>, dimension: Int) {
    self.init(rows: dimension, columns: dimension)
    var index = lower.startIndex
    for i in 0..<dimension {
      for j in 0...i {
        self[i, j] = lower[index]
        self[j, i] = lower[index]
        lower.formIndex(after: &index)
      }
    }
  }
}

/// Elements of a packed lower triangle.
package func packedCount(_ dimension: Int) -> Int { dimension * (dimension + 1) / 2 }
