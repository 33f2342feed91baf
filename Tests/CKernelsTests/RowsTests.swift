import CKernels
import Foundation
import Testing

/// Shapes around every vector width, and the degenerate ones.
let shapes: [(rows: Int, cols: Int)] = [
  (0, 5), (5, 0), (1, 1), (3, 1), (1, 7), (7, 10), (4, 16), (5, 31), (3, 32), (2, 33), (6, 63), (3, 64), (2, 65),
  (9, 100), (33, 129), (65, 20), (2, 784),
]

@Suite struct RowsTests {
  /// Runs the body for every shape with a matrix of it, and for extra vectors of both lengths.
  private func forShapes(
    _ level: Level, _ range: ClosedRange<Float> = -3...3,
    _ body: (_ rows: Int, _ cols: Int, _ x: [Float], _ row: [Float], _ col: [Float]) -> Void
  ) {
    var numbers = Numbers(11)
    for (rows, cols) in shapes {
      let x = numbers.floats(rows * cols, range), row = numbers.floats(cols), col = numbers.floats(rows)
      level.run { body(rows, cols, x, row, col) }
    }
  }

  @Test(arguments: Level.all) func vectorsApplyToRowsAndColumns(_ level: Level) {
    forShapes(level) { rows, cols, x, b, c in
      var y = [Float](repeating: 0, count: rows * cols)
      func expect(_ name: String, _ want: (Int, Int) -> Float) {
        #expect(y == (0..<rows).flatMap { i in (0..<cols).map { want(i, $0) } }, "\(name) \(rows)×\(cols)")
      }
      elbo_add_row(x, b, &y, rows, cols)
      expect("add_row") { x[$0 * cols + $1] + b[$1] }
      elbo_mul_row(x, b, &y, rows, cols)
      expect("mul_row") { x[$0 * cols + $1] * b[$1] }
      elbo_add_col(x, c, &y, rows, cols)
      expect("add_col") { x[$0 * cols + $1] + c[$0] }
      elbo_mul_col(x, c, &y, rows, cols)
      expect("mul_col") { x[$0 * cols + $1] * c[$0] }
      elbo_transpose(x, &y, rows, cols)
      #expect(y == (0..<cols).flatMap { j in (0..<rows).map { x[$0 * cols + j] } }, "transpose \(rows)×\(cols)")
    }
  }

  @Test(arguments: Level.all) func sumsAreThoseOfDoubles(_ level: Level) {
    forShapes(level) { rows, cols, x, _, _ in
      let wide = x.map(Double.init)
      var y = [Float](repeating: -5, count: rows)
      elbo_sum_rows(x, &y, rows, cols)
      for i in 0..<rows {
        let want = wide[i * cols..<(i + 1) * cols].reduce(0, +)
        #expect(abs(Double(y[i]) - want) <= 1e-6 * max(1, abs(want)), "sum_rows \(rows)×\(cols)")
      }
      elbo_max_rows(x, &y, rows, cols)
      #expect(y == (0..<rows).map { x[$0 * cols..<($0 + 1) * cols].max() ?? -.infinity })
      var sums = [Float](repeating: 3, count: cols)
      elbo_sum_cols(x, &sums, rows, cols)
      let columns = (0..<cols).map { j in (0..<rows).reduce(0.0) { $0 + wide[$1 * cols + j] } }
      // Rows are added from the first to the last, in double: the rounding to float is the only one that shows.
      #expect(sums == columns.map { Float($0) }, "sum_cols \(rows)×\(cols)")
      var accumulated = [Float](repeating: 3, count: cols)
      elbo_sum_cols_acc(x, &accumulated, rows, cols)
      #expect(accumulated == sums.map { 3 + $0 }, "sum_cols_acc \(rows)×\(cols)")
    }
  }

  @Test(arguments: Level.all) func softmaxAndItsRelativesAreThoseOfDoubles(_ level: Level) {
    for scale: Float in [1, 30, 3000] {
      forShapes(level, -scale...scale) { rows, cols, x, _, _ in
        var logSum = [Float](repeating: 0, count: rows)
        var soft = [Float](repeating: 0, count: rows * cols), logSoft = soft
        elbo_logsumexp_rows(x, &logSum, rows, cols)
        elbo_softmax_rows(x, &soft, rows, cols)
        elbo_log_softmax_rows(x, &logSoft, rows, cols)
        for i in 0..<rows {
          let row = x[i * cols..<(i + 1) * cols].map(Double.init)
          let m = row.max() ?? 0
          let want = m + log(row.reduce(0) { $0 + exp($1 - m) })
          #expect(cols == 0 ? logSum[i] == -.infinity : abs(Double(logSum[i]) - want) <= 3e-7 * max(1, abs(want)))
          for j in 0..<cols {
            // x - max is rounded to float, which the exponential makes a relative error.
            let relative = 4e-7 + 0x1p-24 * (m - row[j]), p = exp(row[j] - want)
            #expect(abs(Double(soft[i * cols + j]) - p) <= relative * p + 1e-44)
            #expect(abs(Double(logSoft[i * cols + j]) - (row[j] - want)) <= 2e-7 * max(2, abs(row[j] - want)))
          }
        }
        // In place.
        var y = x
        y.withUnsafeMutableBufferPointer { elbo_softmax_rows($0.baseAddress, $0.baseAddress, rows, cols) }
        #expect(y.bits == soft.bits)
        y = x
        y.withUnsafeMutableBufferPointer { elbo_log_softmax_rows($0.baseAddress, $0.baseAddress, rows, cols) }
        #expect(y.bits == logSoft.bits)
      }
    }
  }

  @Test(arguments: Level.all) func softmaxOfInfinitiesIsWhatItsSumsSay(_ level: Level) {
    let inf = Float.infinity
    func logSum(_ x: [Float]) -> Float {
      var y: Float = 0
      level.run { elbo_logsumexp_rows(x, &y, 1, x.count) }
      return y
    }
    #expect(logSum([-inf, -inf]) == -inf)
    #expect(logSum([1, inf]) == inf)
    #expect(logSum([0, -inf]) == 0)
    #expect(logSum([1, .nan]).isNaN)
    var y = [Float](repeating: 0, count: 3)
    level.run { elbo_softmax_rows([2, -inf, 2], &y, 1, 3) }
    #expect(y == [0.5, 0, 0.5])
    level.run { elbo_max_rows([1, .nan, 2], &y, 1, 3) }
    #expect(y[0].isNaN)
  }

  /// Other code computes narrow rows: a row has the same bits as one of 40 columns whose other columns add nothing.
  @Test(arguments: Level.all, 1...31) func narrowRowsHaveTheBitsOfWideOnes(_ level: Level, _ cols: Int) {
    var numbers = Numbers(UInt64(cols))
    let (rows, wide) = (3, 40)
    let x = numbers.floats(rows * cols, -20...20), z = numbers.floats(rows * cols, -3...3)
    func widened(_ x: [Float], _ filling: Float) -> [Float] {
      (0..<rows * wide).map { $0 % wide < cols ? x[$0 / wide * cols + $0 % wide] : filling }
    }
    func results(_ x: [Float], _ masked: [Float], _ z: [Float], _ width: Int) -> [[UInt32]] {
      level.run {
        var of = [[Float]]()
        func elements(_ kernel: (UnsafeMutablePointer<Float>) -> Void) {
          let y = [Float](unsafeUninitializedCapacity: rows * width) {
            kernel($0.baseAddress!); $1 = rows * width
          }
          of.append((0..<rows * cols).map { y[$0 / cols * width + $0 % cols] })
        }
        func values(_ kernel: (UnsafeMutablePointer<Float>) -> Void) {
          of.append(
            [Float](unsafeUninitializedCapacity: rows) {
              kernel($0.baseAddress!); $1 = rows
            })
        }
        elements { elbo_softmax_rows(masked, $0, rows, width) }
        elements { elbo_log_softmax_rows(masked, $0, rows, width) }
        elements { elbo_softmax_rows_grad(x, z, $0, rows, width) }
        elements { elbo_add_row(x, z, $0, rows, width) }
        elements { elbo_gaussian_kl_rows(x, z, nil, nil, $0, rows, width) }
        values { elbo_logsumexp_rows(masked, $0, rows, width) }
        values { elbo_max_rows(masked, $0, rows, width) }
        values { elbo_sum_rows(x, $0, rows, width) }
        values { elbo_gaussian_kl_rows(x, z, $0, nil, nil, rows, width) }
        return of.map(\.bits)
      }
    }
    #expect(
      results(x, x, z, cols) == results(widened(x, 0), widened(x, -.infinity), widened(z, 0), wide))
  }

  @Test(arguments: Level.all) func softmaxDerivativeIsThatOfFiniteDifferences(_ level: Level) {
    let rows = 3, cols = 11
    var numbers = Numbers(12)
    let x = numbers.floats(rows * cols), dy = numbers.floats(rows * cols)
    func loss(_ x: [Double], _ row: Int) -> Double {
      let r = x[row * cols..<(row + 1) * cols].map { exp($0) }
      let total = r.reduce(0, +)
      return (0..<cols).reduce(0) { $0 + r[$1] / total * Double(dy[row * cols + $1]) }
    }
    level.run {
      var y = x, dx = x
      elbo_softmax_rows(x, &y, rows, cols)
      elbo_softmax_rows_grad(y, dy, &dx, rows, cols)
      for k in x.indices {
        var up = x.map(Double.init), down = up
        up[k] += 1e-6
        down[k] -= 1e-6
        let want = (loss(up, k / cols) - loss(down, k / cols)) / 2e-6
        #expect(abs(Double(dx[k]) - want) < 1e-6)
      }
    }
  }

  @Test(arguments: [0, 1, 5, 31, 32, 33, 64, 100, 1000, 4097]) func reductionsAreTheSameOnEveryLevel(_ n: Int) {
    var numbers = Numbers(UInt64(n))
    let a = numbers.floats(n), b = numbers.floats(n)
    // The lanes and their tree, as the header describes them.
    func lanes(_ value: (Int) -> Double) -> Double {
      var s = [Double](repeating: 0, count: 32)
      for i in 0..<n { s[i % 32] += value(i) }
      var width = 16
      while width >= 1 {
        for i in 0..<width { s[i] += s[i + width] }
        width /= 2
      }
      return s[0]
    }
    for level in Level.all {
      level.run {
        #expect(elbo_sum(a, n) == lanes { Double(a[$0]) }, "\(level.name)")
        #expect(elbo_dot(a, b, n) == lanes { Double(a[$0]) * Double(b[$0]) }, "\(level.name)")
        #expect(elbo_sum_squares(a, n) == lanes { Double(a[$0]) * Double(a[$0]) }, "\(level.name)")
        #expect(elbo_max_value(a, n) == a.max() ?? -.infinity, "\(level.name)")
        #expect(elbo_all_finite(a, n) == 1, "\(level.name)")
        for position in [0, n / 2, n - 1] where n > 0 {
          for bad in [Float.nan, .infinity, -.infinity] {
            var x = a
            x[position] = bad
            #expect(elbo_all_finite(x, n) == 0, "\(level.name)")
            let m = elbo_max_value(x, n)
            #expect(bad.isNaN ? m.isNaN : bad > 0 ? m == .infinity : m == (x.max() ?? 0), "\(level.name)")
          }
        }
      }
    }
  }
}

@Suite struct SumTreeTests {
  private static func tree<Value: BinaryFloatingPoint>(_ parts: ArraySlice<[Value]>, _ i: Int) -> Value {
    if parts.count == 1 { return parts.first![i] }
    var half = 1
    while half * 2 < parts.count { half *= 2 }
    let middle = parts.startIndex + half
    return tree(parts[..<middle], i) + tree(parts[middle...], i)
  }

  @Test(arguments: Level.all, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 17, 31, 64])
  func isTheTreeOfTheIndex(_ level: Level, _ count: Int) {
    for n in [0, 1, 5, 33, 1024, 1025, 3001] {
      var numbers = Numbers(UInt64(count))
      let parts = (0..<count).map { _ in numbers.floats(n) }
      let want = (0..<n).map { Self.tree(parts[...], $0) }
      let wide = parts.map { $0.map { Double($0) * 1.1 } }
      let wideWant = (0..<n).map { Self.tree(wide[...], $0) }
      level.run {
        // Into a buffer of its own, and into each of the parts.
        for target in [nil, 0, count / 2, count - 1] {
          let buffers = parts.map { part in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: n + 1)
            _ = buffer.initialize(from: part)
            return buffer
          }
          let extra = UnsafeMutableBufferPointer<Float>.allocate(capacity: n + 1)
          let y = target.map { buffers[$0] } ?? extra
          y[n] = -9
          elbo_sum_tree(buffers.map { UnsafePointer($0.baseAddress) }, count, y.baseAddress, n)
          #expect((0..<n).map { y[$0].bitPattern } == want.bits)
          #expect(y[n] == -9)
          for buffer in buffers + [extra] { buffer.deallocate() }
        }
        let buffers = wide.map { part in
          let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: n + 1)
          _ = buffer.initialize(from: part)
          return buffer
        }
        let y = buffers[count - 1]
        elbo_sum_tree_f64(buffers.map { UnsafePointer($0.baseAddress) }, count, y.baseAddress, n)
        #expect((0..<n).map { y[$0] } == wideWant)
        for buffer in buffers { buffer.deallocate() }
      }
    }
  }

  @Test func alignedSubtreesCanBeSummedElsewhere() {
    var numbers = Numbers(20)
    let n = 100
    let parts = (0..<12).map { _ in numbers.floats(n) }
    func sum(_ parts: [[Float]]) -> [Float] {
      var y = [Float](repeating: 0, count: n)
      withPointers(parts) { elbo_sum_tree($0.map { $0 }, parts.count, &y, n) }
      return y
    }
    let whole = sum(parts)
    for width in [1, 2, 4, 8] {
      let partial = stride(from: 0, to: 12, by: width).map { sum(Array(parts[$0..<min($0 + width, 12)])) }
      #expect(sum(partial).bits == whole.bits)
    }
    // And the tree is not the plain sum from left to right, or the test would show nothing.
    #expect(parts.dropFirst().reduce(parts[0]) { zip($0, $1).map(+) }.bits != whole.bits)
  }

  @Test func noPartsGiveZeros() {
    var y: [Float] = [1, 2]
    elbo_sum_tree([], 0, &y, 2)
    #expect(y == [0, 0])
  }
}
