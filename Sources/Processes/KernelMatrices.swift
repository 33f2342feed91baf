import Foundation
import LinearAlgebra

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
      return covariances(ofSquaredDistances: inputs.squaredDistances(lengthScales))
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
    default: return distanceContraction(adjoint, inputs)
    }
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
