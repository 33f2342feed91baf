import Datasets
import Exact
import Recipes
import Training

/// Examples as rows of numbers for the exact models: as they lie in memory or in a mapped file where their kind allows
/// it, converted piece by piece where it does not, so that data larger than memory can be swept.
struct ExactRows: Sendable {
  let array: ExampleArray

  /// Rows that are converted at a time: bytes become doubles in a scratch of this many rows.
  private static let pieceLength = 4096

  var count: Int { array.count }
  var width: Int { array.elementsPerExample }

  /// Hands the rows of a range to `body`, in order, in one block or several.
  func forEachBlock(_ range: Range<Int>, _ body: (RowBlock) throws -> Void) throws {
    guard !range.isEmpty else { return }
    switch array.kind {
    case .float64:
      try array.withUnsafeBufferPointer(as: Double.self) { values in
        try body(RowBlock(values.baseAddress! + range.lowerBound * width, count: range.count, dimension: width))
      }
    case .float32:
      try array.withUnsafeBufferPointer(as: Float.self) { values in
        try body(RowBlock(values.baseAddress! + range.lowerBound * width, count: range.count, dimension: width))
      }
    case .uint8:
      try array.withUnsafeBufferPointer(as: UInt8.self) { values in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: ExactRows.pieceLength) {
          let end = min(start + ExactRows.pieceLength, range.upperBound)
          let piece = values[start * width..<end * width].map(Float.init)
          try piece.withUnsafeBufferPointer {
            try body(RowBlock($0.baseAddress!, count: end - start, dimension: width))
          }
        }
      }
    }
    array.releaseResident(range)
  }

  /// Rows chosen by their numbers, copied: for starts from a sample.
  func sample(_ rows: [UInt32]) throws -> ExampleArray { try array.gathering(rows) }
}
