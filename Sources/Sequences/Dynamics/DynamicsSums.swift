import LinearAlgebra
import Statistics

/// The statistics of an E-step of a linear dynamical system, over all sequences. They are taken of what the parameters at the
/// time leave over, so that nothing cancels when little is left: of the disturbances w = xₜ₊₁ − A xₜ and of the noise
/// v = y − C x − d.
struct DynamicsSums {
  let n, dimension: Int
  private let start: UnsafeMutablePointer<Double>

  /// How many numbers they are.
  static func count(states n: Int, dimension: Int) -> Int {
    4 + n + 4 * n * n + (n + 1) * (n + 1) + dimension * (n + 1) + dimension * dimension
  }

  init(_ start: UnsafeMutablePointer<Double>, states: Int, dimension: Int) {
    (self.start, n, self.dimension) = (start, states, dimension)
  }

  var logLikelihood: UnsafeMutablePointer<Double> { start }
  /// Elements with a value.
  var elements: UnsafeMutablePointer<Double> { start + 1 }
  /// Pairs of an element and the next one.
  var transitions: UnsafeMutablePointer<Double> { start + 2 }
  var sequences: UnsafeMutablePointer<Double> { start + 3 }
  /// Σ E[x₁ − μ], n.
  var firsts: UnsafeMutablePointer<Double> { start + 4 }
  /// Σ E[(x₁ − μ)(x₁ − μ)ᵀ], n × n.
  var firstSquares: UnsafeMutablePointer<Double> { firsts + n }
  /// Σ E[xₜ xₜᵀ] of states that another one follows, n × n.
  var states: UnsafeMutablePointer<Double> { firstSquares + n * n }
  /// Σ E[wₜ wₜᵀ], n × n.
  var disturbances: UnsafeMutablePointer<Double> { states + n * n }
  /// Σ E[wₜ xₜᵀ], n × n.
  var disturbancesWithStates: UnsafeMutablePointer<Double> { disturbances + n * n }
  /// Σ E[zₜ zₜᵀ] of elements with a value, z being the state and behind it 1, (n + 1) × (n + 1).
  var observedStates: UnsafeMutablePointer<Double> { disturbancesWithStates + n * n }
  /// Σ E[vₜ zₜᵀ], D × (n + 1).
  var noiseWithStates: UnsafeMutablePointer<Double> { observedStates + (n + 1) * (n + 1) }
  /// Σ E[vₜ vₜᵀ], D × D.
  var noise: UnsafeMutablePointer<Double> { noiseWithStates + dimension * (n + 1) }

  /// Adds a state that another one follows and the mean of the disturbance between them; its covariances are added apart.
  func add(
    transition mean: UnsafeMutablePointer<Double>, _ covariance: UnsafeMutablePointer<Double>,
    _ disturbance: UnsafeMutablePointer<Double>
  ) {
    transitions.pointee += 1
    for i in 0..<n {
      for j in 0..<n {
        states[i * n + j] += mean[i] * mean[j] + covariance[i * n + j]
        disturbances[i * n + j] += disturbance[i] * disturbance[j]
        disturbancesWithStates[i * n + j] += disturbance[i] * mean[j]
      }
    }
  }

  /// Adds the first state of a sequence.
  func add(
    first mean: UnsafeMutablePointer<Double>, _ covariance: UnsafeMutablePointer<Double>, around initial: [Double]
  ) {
    sequences.pointee += 1
    for i in 0..<n {
      firsts[i] += mean[i] - initial[i]
      for j in 0..<n {
        firstSquares[i * n + j] += (mean[i] - initial[i]) * (mean[j] - initial[j]) + covariance[i * n + j]
      }
    }
  }

  /// Adds an element with a value in some columns, and its state.
  func add(
    _ rows: RowBlock, _ row: Int, _ seen: ObservedColumns, _ parameters: LinearDynamics,
    mean: UnsafeMutablePointer<Double>, _ covariance: UnsafeMutablePointer<Double>
  ) {
    elements.pointee += 1
    for i in 0..<n {
      for j in 0..<n { observedStates[i * (n + 1) + j] += mean[i] * mean[j] + covariance[i * n + j] }
      observedStates[i * (n + 1) + n] += mean[i]
      observedStates[n * (n + 1) + i] += mean[i]
    }
    observedStates[n * (n + 1) + n] += 1
    // Of the columns with a value: E[v], Cov(C x, x) and Cov(C x, C x).
    let (count, c) = (seen.columns.count, parameters.observation)
    var residuals = [Double](repeating: 0, count: count)
    var cross = Matrix(rows: count, columns: n + 1)
    for (index, column) in seen.columns.enumerated() {
      var residual = rows[row, column] - parameters.offset[column]
      for i in 0..<n { residual -= c[column, i] * mean[i] }
      residuals[index] = residual
      for j in 0..<n {
        var sum = 0.0
        for i in 0..<n { sum += c[column, i] * covariance[i * n + j] }
        cross[index, j] = sum
      }
    }
    var squares = Matrix(rows: count, columns: count)
    for a in 0..<count {
      for (b, column) in seen.columns.enumerated() {
        var sum = residuals[a] * residuals[b]
        for i in 0..<n { sum += cross[a, i] * c[column, i] }
        squares[a, b] = sum
      }
      for j in 0..<n { cross[a, j] = residuals[a] * mean[j] - cross[a, j] }
      cross[a, n] = residuals[a]
    }
    guard !seen.isComplete else { return add(cross, squares) }
    let b = seen.regression
    add(b * cross, Matrix.product(b * squares, b, transposed: .right) + seen.rest)
  }

  private func add(_ cross: Matrix, _ squares: Matrix) {
    for (index, value) in cross.elements.enumerated() { noiseWithStates[index] += value }
    for (index, value) in squares.elements.enumerated() { noise[index] += value }
  }

  /// Numbers as a matrix.
  func matrix(_ numbers: UnsafeMutablePointer<Double>, _ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: Array(UnsafeBufferPointer(start: numbers, count: rows * columns)))
  }
}
