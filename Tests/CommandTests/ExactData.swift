import Foundation

/// Small tables and arrays that the tests of exact models train on: numbers of a fixed generator, so that every run of
/// the tests sees the same.
struct SmallTable {
  /// 2⁶⁴ numbers of a linear congruential generator, uniform in 0 … 1 (Knuth's MMIX constants).
  private static func numbers(_ count: Int, seed: UInt64) -> [Double] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) * 0x1p-53
    }
  }

  /// Rows around three middles in the plane, with the number of the middle.
  static func blobs(_ count: Int) -> [(x: Double, y: Double, label: Int)] {
    let noise = numbers(2 * count, seed: 1)
    let middles = [(0.0, 0.0), (4.0, 1.0), (1.0, 5.0)]
    return (0..<count).map { row in
      let middle = middles[row % 3]
      return (middle.0 + noise[2 * row] - 0.5, middle.1 + noise[2 * row + 1] - 0.5, row % 3)
    }
  }

  /// A table of two columns of blobs.
  static let plane = "a,b\n" + blobs(90).map { "\($0.x),\($0.y)\n" }.joined()

  /// Nine sequences of two to eighteen rows of two columns: fewer than the shards that a test asks for.
  static let series: String = {
    let rows = (2...10).flatMap { length in (0..<2 * length - 2).map { _ in "s\(length)" } }
    return "id,a,b\n" + zip(rows, blobs(rows.count)).map { "\($0),\($1.x),\($1.y)\n" }.joined()
  }()

  /// A table of two columns and their class, as a word.
  static let classes =
    "a,b,kind\n" + blobs(90).map { "\($0.x),\($0.y),\(["red", "green", "blue"][$0.label])\n" }.joined()

  /// A table of one input and a target that is nearly a line of it.
  static let line: String = {
    let noise = numbers(80, seed: 2)
    return "x,t\n"
      + (0..<40).map { row in
        let x = 4 * noise[2 * row] - 2
        return "\(x),\(0.5 * x - 0.3 + 0.4 * (noise[2 * row + 1] - 0.5))\n"
      }.joined()
  }()

  /// An NPY file of float64 rows.
  static func npy(_ rows: Int, _ columns: Int, _ values: [Double]) -> [UInt8] {
    PredictionTests.npy("<f8", [rows, columns], values.withUnsafeBytes { Array($0) })
  }

  /// An NPY file of `rows` × 32 numbers, uniform around sixteen middles.
  static func large(rows: Int) -> [UInt8] {
    var values = numbers(rows * 32, seed: 3)
    for row in 0..<rows { values[row * 32 + row % 16] += 3 }
    return npy(rows, 32, values)
  }
}
