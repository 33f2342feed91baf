import LinearAlgebra

/// Small pieces of the images of one level of a pyramid, as points: each channel has mean 0 and standard deviation 1 over
/// all pieces of the set (Karras, Aila, Laine and Lehtinen 2018, section 5).
public struct PatchSet: Sendable {
  /// The side of a piece.
  public static let side = 7

  public let count: Int
  /// Numbers of a piece.
  public let width: Int
  fileprivate let values: [Float]

  /// - Parameters:
  ///   - images: of one level.
  ///   - corners: the row and column of the upper left pixel of each piece, as many pieces of each image, an image after
  ///     the other.
  public init(of images: ImageStack, corners: [(row: Int, column: Int)]) {
    let (side, channels) = (PatchSet.side, images.channels)
    precondition(images.count > 0 && !corners.isEmpty && corners.count % images.count == 0)
    precondition(
      corners.allSatisfy { 0...images.height - side ~= $0.row && 0...images.width - side ~= $0.column })
    (count, width) = (corners.count, side * side * channels)
    let perImage = corners.count / images.count
    var values: [Float] = []
    values.reserveCapacity(count * width)
    for (piece, corner) in corners.enumerated() {
      let image = piece / perImage * images.height
      for row in corner.row..<corner.row + side {
        let start = ((image + row) * images.width + corner.column) * channels
        values += images.values[start..<start + side * channels]
      }
    }
    for channel in 0..<channels { PatchSet.standardize(&values, from: channel, by: channels) }
    self.values = values
  }

  private static func standardize(_ values: inout [Float], from first: Int, by step: Int) {
    values.withUnsafeMutableBufferPointer { values in
      let places = stride(from: first, to: values.count, by: step)
      let count = Double(values.count / step)
      let mean = places.reduce(0) { $0 + Double(values[$1]) } / count
      let variance = places.reduce(0) { $0 + (Double(values[$1]) - mean) * (Double(values[$1]) - mean) } / count
      // A channel that is the same everywhere distinguishes nothing.
      let factor = variance > 0 ? 1 / variance.squareRoot() : 0
      for place in places { values[place] = Float((Double(values[place]) - mean) * factor) }
    }
  }

  /// The pieces' places along each of some directions, in rising order: a row a direction.
  fileprivate func sortedProjections(_ directions: Matrix) -> [[Float]] {
    var rows = (0..<directions.rows).map { _ in [Float](repeating: 0, count: count) }
    let block = 1024
    for start in stride(from: 0, to: count, by: block) {
      let end = min(start + block, count)
      let part = Matrix(
        rows: end - start, columns: width, elements: values[start * width..<end * width].map(Double.init))
      let products = Matrix.product(directions, part, transposed: .right)
      for row in rows.indices {
        for index in start..<end { rows[row][index] = Float(products[row, index - start]) }
      }
    }
    for row in rows.indices { rows[row].sortByRadix() }
    return rows
  }
}

/// The sliced Wasserstein distance of two sets of as many points: the mean distance of the points' places along a line, each
/// set's in order, averaged over directions (Rabin, Peyré, Delon and Bernot 2011).
public enum SlicedWasserstein {
  /// - Parameters:
  ///   - directions: a row each, of length 1.
  ///   - real, generated: as many pieces each.
  /// - Returns: the distance along each direction.
  public static func distances(_ directions: Matrix, _ real: PatchSet, _ generated: PatchSet) -> [Double] {
    precondition(real.count == generated.count && real.width == generated.width && real.width == directions.columns)
    return zip(real.sortedProjections(directions), generated.sortedProjections(directions)).map { real, generated in
      var sum = 0.0
      for index in real.indices { sum += Double(abs(real[index] - generated[index])) }
      return sum / Double(real.count)
    }
  }
}

extension [Float] {
  /// Sorts finite numbers in rising order, by eleven of their bits at a time: several times faster than comparisons for
  /// the hundred thousands of numbers of a projection.
  fileprivate mutating func sortByRadix() {
    let sign: UInt32 = 1 << 31
    // As bits that rise with the number: those of negative numbers turned over.
    var keys = map { $0.bitPattern & sign == 0 ? $0.bitPattern | sign : ~$0.bitPattern }
    var others = [UInt32](repeating: 0, count: count)
    for shift: UInt32 in [0, 11, 22] {
      var starts = [Int](repeating: 0, count: 2049)
      for key in keys { starts[Int(key >> shift & 2047) + 1] += 1 }
      for digit in 1..<2049 { starts[digit] += starts[digit - 1] }
      keys.withUnsafeBufferPointer { keys in
        others.withUnsafeMutableBufferPointer { others in
          starts.withUnsafeMutableBufferPointer { starts in
            for key in keys {
              let digit = Int(key >> shift & 2047)
              others[starts[digit]] = key
              starts[digit] += 1
            }
          }
        }
      }
      swap(&keys, &others)
    }
    for index in indices {
      let key = keys[index]
      self[index] = Float(bitPattern: key & sign == 0 ? ~key : key & ~sign)
    }
  }
}
