import LinearAlgebra

/// How like generated examples are to real ones, by features of both: rows of two matrices with the same columns.
///
/// What the numbers mean depends on what the features are and on how many rows there are, so both belong beside them.
public struct FeatureComparison: Sendable {
  public let real: Matrix
  public let generated: Matrix

  /// At least two rows each.
  public init(real: Matrix, generated: Matrix) {
    precondition(real.columns == generated.columns && real.rows >= 2 && generated.rows >= 2)
    (self.real, self.generated) = (real, generated)
  }

  /// The real examples at even places beside those at odd ones: what two sets of one distribution come to, half as many
  /// each. At least four rows.
  public func floor() -> FeatureComparison {
    func half(_ first: Int) -> Matrix {
      let rows = stride(from: first, to: real.rows - real.rows % 2, by: 2)
      return Matrix(rows: real.rows / 2, columns: real.columns, elements: rows.flatMap { real.row($0) })
    }
    return FeatureComparison(real: half(0), generated: half(1))
  }

  // MARK: Fréchet distance

  /// ‖m₁ − m₂‖² + tr(S₁ + S₂ − 2 (S₁ S₂)^½), the squared 2-Wasserstein distance of two Gaussians with the features'
  /// means and (unbiased) covariances (Heusel et al. 2017, equation 6).
  ///
  /// The trace of the root is that of (S₁^½ S₂ S₁^½)^½, which is symmetric: two symmetric eigenproblems, no complex
  /// numbers, and no fault where a covariance is singular.
  public func frechetDistance() throws(LinearAlgebraError) -> Double {
    let (first, second) = (Moments(real), Moments(generated))
    var distance = 0.0
    for column in 0..<real.columns {
      let difference = first.mean[column] - second.mean[column]
      distance += difference * difference
    }
    let root = try SymmetricEigen(first.covariance).matrix { $0 > 0 ? $0.squareRoot() : 0 }
    let inner = Matrix.product(Matrix.product(root, second.covariance), root)
    let trace = try SymmetricEigen(inner).values.reduce(0) { $0 + ($1 > 0 ? $1.squareRoot() : 0) }
    return max(distance + first.covariance.trace + second.covariance.trace - 2 * trace, 0)
  }

  private struct Moments {
    let mean: [Double]
    let covariance: Matrix

    init(_ rows: Matrix) {
      var mean = [Double](repeating: 0, count: rows.columns)
      for row in 0..<rows.rows {
        for column in 0..<rows.columns { mean[column] += rows.elements[row * rows.columns + column] }
      }
      for column in mean.indices { mean[column] /= Double(rows.rows) }
      var centred = rows
      for row in 0..<rows.rows {
        for column in 0..<rows.columns { centred.elements[row * rows.columns + column] -= mean[column] }
      }
      var covariance = Matrix.product(centred, centred, transposed: .left)
      for index in covariance.elements.indices { covariance.elements[index] /= Double(rows.rows - 1) }
      (self.mean, self.covariance) = (mean, covariance)
    }
  }

  // MARK: Kernel distance

  /// The unbiased estimate of the squared maximum mean discrepancy under the kernel (x·y / d + 1)³ (Bińkowski,
  /// Sutherland, Arbel and Gretton 2018, section 4), over all pairs; it may fall below 0.
  public func kernelDistance() -> Double {
    let (m, n) = (Double(real.rows), Double(generated.rows))
    let within = pairs(real, real, leavingOutDiagonal: true) / (m * (m - 1))
    let other = pairs(generated, generated, leavingOutDiagonal: true) / (n * (n - 1))
    return within + other - 2 * pairs(real, generated, leavingOutDiagonal: false) / (m * n)
  }

  /// Σ k(xᵢ, yⱼ) over all pairs, or all with i ≠ j.
  private func pairs(_ x: Matrix, _ y: Matrix, leavingOutDiagonal: Bool) -> Double {
    var sum = 0.0
    forEachProduct(x, y) { row, products in
      for (column, product) in products.enumerated() where !leavingOutDiagonal || column != row {
        let base = product / Double(x.columns) + 1
        sum += base * base * base
      }
    }
    return sum
  }

  // MARK: Precision and recall

  public struct Coverage: Sendable, Hashable {
    /// The share of generated examples that lie among the real ones: how good samples are.
    public let precision: Double
    /// The share of real examples that lie among the generated ones: how much of the variety there is.
    public let recall: Double
  }

  /// Improved precision and recall (Kynkäänniemi, Karras, Laine, Lehtinen and Aila 2019, equations 1 and 2): a set's
  /// region is the union of balls around its rows, each reaching to the row's k-th nearest neighbour in the set.
  public func coverage(neighbours k: Int = 3) -> Coverage {
    let (real, generated) = (Ball(self.real, k), Ball(self.generated, k))
    return Coverage(precision: real.share(of: generated), recall: generated.share(of: real))
  }

  private struct Ball {
    let rows: Matrix
    let squares: [Double]
    /// Squared.
    let radii: [Double]

    init(_ rows: Matrix, _ k: Int) {
      let squares = (0..<rows.rows).map { row in rows.row(row).reduce(0) { $0 + $1 * $1 } }
      var radii: [Double] = []
      forEachProduct(rows, rows) { row, products in
        var nearest = [Double](repeating: .infinity, count: min(k, rows.rows - 1))
        for (column, product) in products.enumerated() where column != row {
          let distance = squares[row] + squares[column] - 2 * product
          guard distance < nearest.last! else { continue }
          let place = nearest.firstIndex { distance < $0 }!
          nearest.insert(distance, at: place)
          nearest.removeLast()
        }
        radii.append(max(nearest.last!, 0))
      }
      (self.rows, self.squares, self.radii) = (rows, squares, radii)
    }

    /// The share of another set's rows that lie in one of the balls.
    func share(of other: Ball) -> Double {
      var inside = 0
      forEachProduct(other.rows, rows) { row, products in
        for (column, product) in products.enumerated()
        where other.squares[row] + squares[column] - 2 * product <= radii[column] {
          inside += 1
          break
        }
      }
      return Double(inside) / Double(other.rows.rows)
    }
  }
}

/// Calls `body` with the products of each row of x with all rows of y; blocks of rows keep the memory small.
private func forEachProduct(_ x: Matrix, _ y: Matrix, _ body: (_ row: Int, _ products: ArraySlice<Double>) -> Void) {
  let block = 256
  for start in stride(from: 0, to: x.rows, by: block) {
    let end = min(start + block, x.rows)
    let part = Matrix(
      rows: end - start, columns: x.columns, elements: Array(x.elements[start * x.columns..<end * x.columns]))
    let products = Matrix.product(part, y, transposed: .right).elements
    for row in start..<end {
      body(row, products[(row - start) * y.rows..<(row - start + 1) * y.rows])
    }
  }
}
