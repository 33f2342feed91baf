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
    let (columns, count) = (x.columns, y.rows)
    var result = Matrix(rows: x.rows, columns: count)
    result.elements.withUnsafeMutableBufferPointer { result in
      a.elements.withUnsafeBufferPointer { a in
        b.elements.withUnsafeBufferPointer { b in
          // A row of the result stays in the nearest cache while the columns pass.
          for i in 0..<x.rows {
            for column in 0..<columns {
              let value = a[i * columns + column]
              for j in 0..<count {
                let difference = value - b[column * count + j]
                result[i * count + j] += difference * difference
              }
            }
          }
        }
      }
    }
    return result
  }

  /// Σᵢⱼ weightᵢⱼ ((x − y)/ℓ)² for each column.
  func squaredDistancesByColumn(_ scales: [Double], weights: Matrix) -> [Double] {
    let (a, b) = (x.divided(by: scales), y.divided(by: scales).transposed)
    let (columns, count) = (x.columns, y.rows)
    // A sum for each column and each of the inputs y: additions that do not wait for each other.
    var sums = Matrix(rows: columns, columns: count)
    sums.elements.withUnsafeMutableBufferPointer { sums in
      weights.elements.withUnsafeBufferPointer { weights in
        a.elements.withUnsafeBufferPointer { a in
          b.elements.withUnsafeBufferPointer { b in
            for i in 0..<x.rows {
              for column in 0..<columns {
                let value = a[i * columns + column]
                for j in 0..<count {
                  let difference = value - b[column * count + j]
                  sums[column * count + j] += weights[i * count + j] * difference * difference
                }
              }
            }
          }
        }
      }
    }
    return (0..<columns).map { sums.row($0).reduce(0, +) }
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

  static func elementwise(_ a: Matrix, _ b: Matrix) -> Matrix {
    Matrix(rows: a.rows, columns: a.columns, elements: zip(a.elements, b.elements).map { $0 * $1 })
  }

  /// Σᵢⱼ aᵢⱼ bᵢⱼ.
  static func inner(_ a: Matrix, _ b: Matrix) -> Double { dot(a.elements, b.elements) }
}
