import Statistics
import CExact
import LinearAlgebra

/// The pairs of inputs that a covariance is wanted for.
struct KernelInputs {
  /// N × D and M × D.
  let x: Matrix
  let y: Matrix
  /// Whether both are the same inputs: then an input meets itself, which white noise notices.
  let isSelf: Bool

  init(_ x: Matrix) { (self.x, y, isSelf) = (x, x, true) }
  init(_ x: Matrix, _ y: Matrix) { (self.x, self.y, isSelf) = (x, y, false) }

  /// Σ over columns of ((x − y)/ℓ)², N × M. Differences, not |x|² + |y|² − 2 x·y: inputs that lie close together keep
  /// their digits.
  func squaredDistances(_ scales: [Double]) -> Matrix {
    let (a, b) = (x.divided(by: scales), y.divided(by: scales).transposed)
    var result = Matrix(rows: x.rows, columns: y.rows)
    kernels.squared_distances(a.elements, b.elements, x.rows, y.rows, x.columns, &result.elements)
    return result
  }

  /// Σᵢⱼ weightᵢⱼ ((x − y)/ℓ)² for each column.
  func squaredDistancesByColumn(_ scales: [Double], weights: Matrix) -> [Double] {
    let (a, b) = (x.divided(by: scales), y.divided(by: scales).transposed)
    // A sum for each column and each of the inputs y: additions that do not wait for each other.
    var sums = Matrix(rows: x.columns, columns: y.rows)
    kernels.weighted_distances(a.elements, b.elements, weights.elements, x.rows, y.rows, x.columns, &sums.elements)
    return (0..<x.columns).map { sums.row($0).reduce(0, +) }
  }
}

extension Matrix {
  /// Each column divided by its scale, or all by the only one.
  fileprivate func divided(by scales: [Double]) -> Matrix {
    var result = self
    for i in 0..<rows {
      for column in 0..<columns { result[i, column] /= scales.count == 1 ? scales[0] : scales[column] }
    }
    return result
  }

  /// f of every element.
  @inline(__always)  // so that each function is compiled into its loop
  func mapped(_ f: (Double) -> Double) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: elements.map(f))
  }

  /// g(s, exp f(s)) of every element s, with vectors of exponentials.
  @inline(__always)
  func mapped(exponentOf f: (Double) -> Double, _ g: (Double, Double) -> Double) -> Matrix {
    let (count, length) = (elements.count, 512)
    var powers = [Double](repeating: 0, count: length)
    var exponents = powers
    let result = [Double](unsafeUninitializedCapacity: count) { target, initialized in
      for start in stride(from: 0, to: count, by: length) {
        let part = start..<min(start + length, count)
        for place in part { exponents[place - start] = f(elements[place]) }
        kernels.exponentials(exponents, (part.count + 7) / 8, &powers)
        for place in part { target[place] = g(elements[place], powers[place - start]) }
      }
      initialized = count
    }
    return Matrix(rows: rows, columns: columns, elements: result)
  }

  static func elementwise(_ a: Matrix, _ b: Matrix) -> Matrix {
    Matrix(rows: a.rows, columns: a.columns, elements: zip(a.elements, b.elements).map { $0 * $1 })
  }

  /// Σᵢⱼ aᵢⱼ bᵢⱼ.
  static func inner(_ a: Matrix, _ b: Matrix) -> Double { dot(a.elements, b.elements) }
}
