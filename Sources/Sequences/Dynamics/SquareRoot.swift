import LinearAlgebra

/// Steps of a filter that holds a covariance P as a factor S with P = S Sᵀ: it stays symmetric and positive semidefinite
/// whatever is rounded. Matrices are row-major and contiguous.
enum SquareRoot {
  /// Turns an n × m matrix, m ≥ n, into a lower triangular one with the same M Mᵀ, zeros behind (reflections from the right;
  /// Golub and Van Loan 2013, section 5.2).
  static func triangularize(_ n: Int, _ m: Int, _ matrix: UnsafeMutablePointer<Double>) {
    for i in 0..<n {
      let row = matrix + i * m
      var tail = 0.0
      for j in i + 1..<m { tail += row[j] * row[j] }
      guard tail > 0 else { continue }
      let norm = (row[i] * row[i] + tail).squareRoot()
      let pivot = row[i] >= 0 ? row[i] + norm : row[i] - norm
      let factor = 2 / (pivot * pivot + tail)
      for k in i + 1..<max(n, i + 1) {
        let other = matrix + k * m
        var sum = other[i] * pivot
        for j in i + 1..<m { sum += other[j] * row[j] }
        sum *= factor
        other[i] -= sum * pivot
        for j in i + 1..<m { other[j] -= sum * row[j] }
      }
      row[i] = row[i] >= 0 ? -norm : norm
      for j in i + 1..<m { row[j] = 0 }
    }
  }

  /// Conditions a state on a number c x + ε, ε ~ N(0, 1), that differs from its mean by `innovation` (Potter's update; Bierman
  /// 1977, section II.3).
  /// - Parameter work: 2 n numbers.
  /// - Returns: the variance of the number before it was seen.
  static func observe(
    _ n: Int, _ c: UnsafePointer<Double>, innovation: Double, mean: UnsafeMutablePointer<Double>,
    factor: UnsafeMutablePointer<Double>, work: UnsafeMutablePointer<Double>
  ) -> Double {
    let (projected, gain) = (work, work + n)
    projected.update(repeating: 0, count: n)
    for i in 0..<n {
      for j in 0..<n { projected[j] += c[i] * factor[i * n + j] }
    }
    var variance = 1.0
    for j in 0..<n { variance += projected[j] * projected[j] }
    for i in 0..<n {
      var sum = 0.0
      for j in 0..<n { sum += factor[i * n + j] * projected[j] }
      gain[i] = sum
    }
    let shrinkage = 1 / (variance + variance.squareRoot())
    for i in 0..<n {
      mean[i] += gain[i] / variance * innovation
      for j in 0..<n { factor[i * n + j] -= shrinkage * gain[i] * projected[j] }
    }
    return variance
  }

  /// Solves L Lᵀ X = B in place, L lower triangular in a matrix with rows of n, B n × n.
  static func solve(_ n: Int, _ lower: UnsafePointer<Double>, _ b: UnsafeMutablePointer<Double>) {
    for i in 0..<n {
      let row = b + i * n
      for k in 0..<i {
        let (weight, other) = (lower[i * n + k], b + k * n)
        for j in 0..<n { row[j] -= weight * other[j] }
      }
      for j in 0..<n { row[j] /= lower[i * n + i] }
    }
    for i in stride(from: n - 1, through: 0, by: -1) {
      let row = b + i * n
      for k in i + 1..<max(n, i + 1) {
        let (weight, other) = (lower[k * n + i], b + k * n)
        for j in 0..<n { row[j] -= weight * other[j] }
      }
      for j in 0..<n { row[j] /= lower[i * n + i] }
    }
  }

  /// A lower triangular factor of a positive semidefinite matrix; a direction without variance has a column of zeros.
  static func factor(_ matrix: Matrix) -> Matrix {
    let n = matrix.rows
    var lower = Matrix(rows: n, columns: n)
    for j in 0..<n {
      var pivot = matrix[j, j]
      for k in 0..<j { pivot -= lower[j, k] * lower[j, k] }
      guard pivot > 1e-14 * matrix[j, j] else { continue }
      lower[j, j] = pivot.squareRoot()
      for i in j + 1..<max(n, j + 1) {
        var sum = matrix[i, j]
        for k in 0..<j { sum -= lower[i, k] * lower[j, k] }
        lower[i, j] = sum / lower[j, j]
      }
    }
    return lower
  }
}
