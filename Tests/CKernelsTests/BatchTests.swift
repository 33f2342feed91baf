import CKernels
import Testing

/// Normalisation of columns against the same in double, on every instruction set.
@Suite struct BatchTests {
  @Test(arguments: Level.all) func momentsAreThoseOfDoubles(_ level: Level) {
    var numbers = Numbers(17)
    for (rows, cols) in shapes where rows > 0 {
      // An offset that a sum of squares in float would drown in.
      let x = numbers.floats(rows * cols, 999...1001)
      var mean = [Float](repeating: -1, count: cols), variance = mean
      level.run { elbo_column_moments(x, &mean, &variance, rows, cols) }
      for j in 0..<cols {
        let column = (0..<rows).map { Double(x[$0 * cols + j]) }
        let m = column.reduce(0, +) / Double(rows)
        let v = column.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(rows)
        #expect(mean[j] == Float(m), "\(rows)×\(cols)")
        #expect(abs(Double(variance[j]) - v) <= 1e-6 * v + 1e-9, "\(rows)×\(cols)")
      }
    }
  }

  @Test(arguments: Level.all, [1, 0.25, 0] as [Float]) func passesAreThoseOfDoubles(_ level: Level, _ slope: Float) {
    var numbers = Numbers(18)
    for (rows, cols) in shapes {
      let x = numbers.floats(rows * cols), dy = numbers.floats(rows * cols)
      let mean = numbers.floats(cols), scale = numbers.floats(cols), shift = numbers.floats(cols)
      let along = numbers.floats(cols), constant = numbers.floats(cols)
      var y = [Float](repeating: 9, count: rows * cols), dx = y
      var sum = [Float](repeating: 9, count: cols), product = sum
      level.run {
        elbo_normalise_columns(x, mean, scale, shift, slope, &y, rows, cols)
        elbo_normalise_columns_sums(x, mean, scale, shift, slope, dy, &sum, &product, rows, cols)
        elbo_normalise_columns_grad(x, mean, scale, shift, slope, dy, along, constant, &dx, rows, cols)
      }
      var sums = [Double](repeating: 0, count: cols), products = sums
      for i in 0..<rows {
        for j in 0..<cols {
          let centred = x[i * cols + j] - mean[j]
          let z = Double(centred) * Double(scale[j]) + Double(shift[j])
          let d = (z > 0 ? 1 : Double(slope)) * Double(dy[i * cols + j])
          sums[j] += d
          products[j] += d * Double(centred)
          #expect(abs(Double(y[i * cols + j]) - (z > 0 ? z : Double(slope) * z)) <= 4e-6)
          let derivative = Double(scale[j]) * d + Double(along[j]) * Double(centred) + Double(constant[j])
          #expect(abs(Double(dx[i * cols + j]) - derivative) <= 6e-6)
        }
      }
      for j in 0..<cols {
        #expect(abs(Double(sum[j]) - sums[j]) <= 1e-6 * max(1, abs(sums[j])))
        #expect(abs(Double(product[j]) - products[j]) <= 4e-6 * max(1, abs(products[j])))
      }
    }
  }

  /// The bits of an element do not depend on the instruction set, where both have a fused multiply-add, nor on where a
  /// block of columns begins.
  @Test func levelsAgree() {
    let fused = Level.all.filter(\.isFused)
    var numbers = Numbers(19)
    for (rows, cols) in shapes where rows > 0 {
      let x = numbers.floats(rows * cols), dy = numbers.floats(rows * cols)
      let mean = numbers.floats(cols), scale = numbers.floats(cols), shift = numbers.floats(cols)
      let results = fused.map { level in
        level.run {
          var y = [Float](repeating: 0, count: rows * cols), dx = y
          var m = [Float](repeating: 0, count: cols), v = m, sum = m, product = m
          elbo_column_moments(x, &m, &v, rows, cols)
          elbo_normalise_columns(x, mean, scale, shift, 0.25, &y, rows, cols)
          elbo_normalise_columns_sums(x, mean, scale, shift, 0.25, dy, &sum, &product, rows, cols)
          elbo_normalise_columns_grad(x, mean, scale, shift, 0.25, dy, m, v, &dx, rows, cols)
          return [y, dx, m, v, sum, product].map(\.bits)
        }
      }
      for result in results { #expect(result == results[0], "\(rows)×\(cols)") }
    }
  }
}
