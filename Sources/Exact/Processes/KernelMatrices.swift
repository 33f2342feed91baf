import Foundation
import LinearAlgebra

/// Which pairs of inputs a covariance is wanted for.
struct KernelInputs {
  /// N × D and M × D.
  let x: Matrix
  let y: Matrix
  /// Whether both are the same inputs: then an input meets itself, which white noise notices.
  let isSelf: Bool

  init(_ x: Matrix) { (self.x, y, isSelf) = (x, x, true) }
  init(_ x: Matrix, _ y: Matrix) { (self.x, self.y, isSelf) = (x, y, false) }
}

extension Kernel {
  /// The covariances of inputs among themselves, N × N.
  public func matrix(_ x: Matrix) -> Matrix { matrix(KernelInputs(x)) }

  /// The covariances of inputs with others, N × M.
  public func matrix(_ x: Matrix, _ y: Matrix) -> Matrix { matrix(KernelInputs(x, y)) }

  /// The variance of each input.
  public func diagonal(_ x: Matrix) -> [Double] {
    switch self {
    case .rbf(let variance, _), .matern12(let variance, _), .matern32(let variance, _), .matern52(let variance, _),
      .rationalQuadratic(let variance, _, _), .periodic(let variance, _, _), .constant(let variance),
      .white(let variance):
      Array(repeating: variance, count: x.rows)
    case .linear(let variance): (0..<x.rows).map { variance * dot(x.row($0), x.row($0)) }
    case .sum(let parts): parts.dropFirst().reduce(parts[0].diagonal(x)) { $0.adding($1.diagonal(x)) }
    case .product(let parts):
      parts.dropFirst().reduce(parts[0].diagonal(x)) { zip($0, $1.diagonal(x)).map { $0 * $1 } }
    case .fixed(let inner): inner.diagonal(x)
    }
  }

  func matrix(_ inputs: KernelInputs) -> Matrix {
    switch self {
    case .sum(let parts):
      return parts.dropFirst().reduce(parts[0].matrix(inputs)) { $0 + $1.matrix(inputs) }
    case .product(let parts):
      return parts.dropFirst().reduce(parts[0].matrix(inputs)) { Matrix.elementwise($0, $1.matrix(inputs)) }
    case .fixed(let inner): return inner.matrix(inputs)
    case .constant(let variance):
      return Matrix(rows: inputs.x.rows, columns: inputs.y.rows, repeating: variance)
    case .white(let variance):
      guard inputs.isSelf else { return Matrix(rows: inputs.x.rows, columns: inputs.y.rows) }
      return Matrix(diagonal: Array(repeating: variance, count: inputs.x.rows))
    case .linear(let variance):
      return variance * Matrix.product(inputs.x, inputs.y, transposed: .right)
    default:
      return inputs.squaredDistances(lengthScales).mapped { ofSquaredDistance($0) }
    }
  }

  /// The scales of a kernel of distance.
  private var lengthScales: [Double] {
    switch self {
    case .rbf(_, let scales), .matern12(_, let scales), .matern32(_, let scales), .matern52(_, let scales),
      .rationalQuadratic(_, let scales, _):
      scales
    default: [1]
    }
  }

  /// A kernel of distance by the squared distance s, in units of its length scales.
  private func ofSquaredDistance(_ s: Double) -> Double {
    switch self {
    case .rbf(let variance, _): return variance * exp(-0.5 * s)
    case .matern12(let variance, _): return variance * exp(-s.squareRoot())
    case .matern32(let variance, _):
      let r = (3 * s).squareRoot()
      return variance * (1 + r) * exp(-r)
    case .matern52(let variance, _):
      let r = (5 * s).squareRoot()
      return variance * (1 + r + 5 * s / 3) * exp(-r)
    case .rationalQuadratic(let variance, _, let alpha):
      return variance * exp(-alpha * log1p(s / (2 * alpha)))
    case .periodic(let variance, let scale, let period):
      let sine = sin(.pi * s.squareRoot() / period) / scale
      return variance * exp(-2 * sine * sine)
    default: preconditionFailure("not a kernel of distance")
    }
  }

  /// How a kernel of distance falls with the squared distance along one column: its derivative by log ℓ is this times
  /// the column's part of s.
  private func lengthSlope(_ s: Double) -> Double {
    switch self {
    case .rbf(let variance, _): return variance * exp(-0.5 * s)
    case .matern12(let variance, _):
      let r = s.squareRoot()
      return r > 0 ? variance * exp(-r) / r : 0
    case .matern32(let variance, _): return 3 * variance * exp(-(3 * s).squareRoot())
    case .matern52(let variance, _):
      let r = (5 * s).squareRoot()
      return 5.0 / 3 * variance * (1 + r) * exp(-r)
    case .rationalQuadratic(let variance, _, let alpha):
      return variance * exp(-(alpha + 1) * log1p(s / (2 * alpha)))
    default: preconditionFailure("not a kernel with length scales")
    }
  }

  // MARK: Derivatives

  /// Σᵢⱼ adjointᵢⱼ ∂kᵢⱼ/∂log θ for each free parameter θ.
  func contraction(_ adjoint: Matrix, _ inputs: KernelInputs) -> [Double] {
    switch self {
    case .fixed: return []
    case .sum(let parts): return parts.flatMap { $0.contraction(adjoint, inputs) }
    case .product(let parts):
      let values = parts.map { $0.matrix(inputs) }
      return parts.indices.flatMap { i in
        let others = values.indices.filter { $0 != i }.reduce(adjoint) { Matrix.elementwise($0, values[$1]) }
        return parts[i].contraction(others, inputs)
      }
    case .linear, .constant, .white: return [Matrix.inner(adjoint, matrix(inputs))]
    case .periodic(_, let scale, let period):
      let distances = inputs.squaredDistances([1])
      var result = [0.0, 0.0, 0.0]
      for (a, s) in zip(adjoint.elements, distances.elements) {
        let (weighted, u) = (a * ofSquaredDistance(s), .pi * s.squareRoot() / period)
        let (sine, cosine) = (sin(u), cos(u))
        result[0] += weighted
        result[1] += weighted * 4 * sine * sine / (scale * scale)
        result[2] += weighted * 4 * sine * cosine * u / (scale * scale)
      }
      return result
    default: return distanceContraction(adjoint, inputs)
    }
  }

  private func distanceContraction(_ adjoint: Matrix, _ inputs: KernelInputs) -> [Double] {
    let distances = inputs.squaredDistances(lengthScales)
    var variance = 0.0
    var slopes = adjoint
    for i in adjoint.elements.indices {
      variance += adjoint.elements[i] * ofSquaredDistance(distances.elements[i])
      slopes.elements[i] *= lengthSlope(distances.elements[i])
    }
    var result = [variance]
    if lengthScales.count == 1 {
      result.append(Matrix.inner(slopes, distances))
    } else {
      for (column, scale) in lengthScales.enumerated() {
        result.append(Matrix.inner(slopes, inputs.squaredDistances(column: column, scale)))
      }
    }
    if case .rationalQuadratic(_, _, let alpha) = self {
      result.append(
        zip(adjoint.elements, distances.elements).reduce(0) { sum, pair in
          let (a, s) = pair
          let b = 1 + s / (2 * alpha)
          return sum + a * ofSquaredDistance(s) * (s / (2 * b) - alpha * log(b))
        })
    }
    return result
  }

  /// Σᵢ adjointᵢ ∂k(xᵢ, xᵢ)/∂log θ for each free parameter θ. Only variances move the diagonal.
  func diagonalContraction(_ adjoint: [Double], _ x: Matrix) -> [Double] {
    switch self {
    case .fixed: return []
    case .sum(let parts): return parts.flatMap { $0.diagonalContraction(adjoint, x) }
    case .product(let parts):
      let values = parts.map { $0.diagonal(x) }
      return parts.indices.flatMap { i in
        let others = values.indices.filter { $0 != i }.reduce(adjoint) { zip($0, values[$1]).map { $0 * $1 } }
        return parts[i].diagonalContraction(others, x)
      }
    default:
      return [dot(adjoint, diagonal(x))] + Array(repeating: 0, count: parameters.count - 1)
    }
  }
}

extension KernelInputs {
  /// Σ over columns of ((x − y)/ℓ)², N × M.
  func squaredDistances(_ scales: [Double]) -> Matrix {
    var result = Matrix(rows: x.rows, columns: y.rows)
    for column in 0..<x.columns {
      add(column, scales.count == 1 ? scales[0] : scales[column], to: &result)
    }
    return result
  }

  func squaredDistances(column: Int, _ scale: Double) -> Matrix {
    var result = Matrix(rows: x.rows, columns: y.rows)
    add(column, scale, to: &result)
    return result
  }

  private func add(_ column: Int, _ scale: Double, to result: inout Matrix) {
    let others = y.column(column)
    let count = others.count
    result.elements.withUnsafeMutableBufferPointer { target in
      for i in 0..<x.rows {
        let value = x[i, column]
        for j in 0..<count {
          let difference = (value - others[j]) / scale
          target[i * count + j] += difference * difference
        }
      }
    }
  }
}

extension Matrix {
  func mapped(_ f: (Double) -> Double) -> Matrix { Matrix(rows: rows, columns: columns, elements: elements.map(f)) }

  static func elementwise(_ a: Matrix, _ b: Matrix) -> Matrix {
    Matrix(rows: a.rows, columns: a.columns, elements: zip(a.elements, b.elements).map { $0 * $1 })
  }

  /// Σᵢⱼ aᵢⱼ bᵢⱼ.
  static func inner(_ a: Matrix, _ b: Matrix) -> Double { dot(a.elements, b.elements) }
}
