import Foundation
import LinearAlgebra

/// Kernels that are functions of a distance, by the squared distances s in units of their length scales.
extension Kernel {
  var lengthScales: [Double] {
    switch self {
    case .rbf(_, let scales), .matern12(_, let scales), .matern32(_, let scales), .matern52(_, let scales),
      .rationalQuadratic(_, let scales, _):
      scales
    default: [1]
    }
  }

  /// k(s). The case is chosen once for all elements.
  func covariances(ofSquaredDistances distances: Matrix) -> Matrix {
    switch self {
    case .rbf(let variance, _):
      return distances.mapped(exponentOf: { -0.5 * $0 }) { variance * $1 }
    case .matern12(let variance, _):
      return distances.mapped(exponentOf: { -$0.squareRoot() }) { variance * $1 }
    case .matern32(let variance, _):
      return distances.mapped(exponentOf: { -(3 * $0).squareRoot() }) { variance * (1 + (3 * $0).squareRoot()) * $1 }
    case .matern52(let variance, _):
      return distances.mapped(exponentOf: { -(5 * $0).squareRoot() }) { s, power in
        variance * (1 + (5 * s).squareRoot() + 5 * s / 3) * power
      }
    case .rationalQuadratic(let variance, _, let alpha):
      return distances.mapped(exponentOf: { -alpha * log1p($0 / (2 * alpha)) }) { variance * $1 }
    case .periodic(let variance, let scale, let period):
      return distances.mapped(exponentOf: { s in
        let sine = sin(.pi * s.squareRoot() / period) / scale
        return -2 * sine * sine
      }) { variance * $1 }
    default: preconditionFailure("not a kernel of distance")
    }
  }

  /// −2 dk/ds: the derivative of k by log ℓ is this times the column's part of s.
  private func lengthSlopes(ofSquaredDistances distances: Matrix) -> Matrix {
    switch self {
    case .rbf(let variance, _):
      return distances.mapped(exponentOf: { -0.5 * $0 }) { variance * $1 }
    case .matern12(let variance, _):
      return distances.mapped(exponentOf: { -$0.squareRoot() }) { $0 > 0 ? variance * $1 / $0.squareRoot() : 0 }
    case .matern32(let variance, _):
      return distances.mapped(exponentOf: { -(3 * $0).squareRoot() }) { 3 * variance * $1 }
    case .matern52(let variance, _):
      return distances.mapped(exponentOf: { -(5 * $0).squareRoot() }) {
        5.0 / 3 * variance * (1 + (5 * $0).squareRoot()) * $1
      }
    case .rationalQuadratic(let variance, _, let alpha):
      return distances.mapped(exponentOf: { -(alpha + 1) * log1p($0 / (2 * alpha)) }) { variance * $1 }
    default: preconditionFailure("not a kernel with length scales")
    }
  }

  /// Σᵢⱼ adjointᵢⱼ ∂kᵢⱼ/∂log θ for each free parameter θ.
  func distanceContraction(_ adjoint: Matrix, _ inputs: KernelInputs) -> [Double] {
    let distances = inputs.squaredDistances(lengthScales)
    let weighted = Matrix.elementwise(adjoint, covariances(ofSquaredDistances: distances))
    let variance = weighted.elements.reduce(0, +)
    if case .periodic(_, let scale, let period) = self {
      return [variance] + periodicContraction(weighted, distances, scale: scale, period: period)
    }
    let slopes = Matrix.elementwise(adjoint, lengthSlopes(ofSquaredDistances: distances))
    var result = [variance]
    if lengthScales.count == 1 {
      result.append(Matrix.inner(slopes, distances))
    } else {
      result += inputs.squaredDistancesByColumn(lengthScales, weights: slopes)
    }
    if case .rationalQuadratic(_, _, let alpha) = self {
      result.append(
        Matrix.inner(
          weighted,
          distances.mapped { s in
            let b = 1 + s / (2 * alpha)
            return s / (2 * b) - alpha * log(b)
          }))
    }
    return result
  }

  /// The derivatives by the logarithms of the length scale and of the period.
  private func periodicContraction(
    _ weighted: Matrix, _ distances: Matrix, scale: Double, period: Double
  ) -> [Double] {
    var result = [0.0, 0.0]
    for (w, s) in zip(weighted.elements, distances.elements) {
      let u = .pi * s.squareRoot() / period
      let slope = w * 4 * sin(u) / (scale * scale)
      result[0] += slope * sin(u)
      result[1] += slope * cos(u) * u
    }
    return result
  }
}
