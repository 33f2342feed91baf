import LinearAlgebra

/// Exact Bayesian linear regression of an action's rewards on the last hidden layer of a network (Riquelme, Tucker and Snoek
/// 2018, NeuralLinear):
///
///     y = z·w + ε,  ε ~ N(0, σ²),  w | σ² ~ N(μ, σ² Λ⁻¹),  σ² ~ IG(a, b)
///
/// with Λ = λ I + Σ z zᵀ, μ = Λ⁻¹ Σ z y, a = a₀ + n/2 and b = b₀ + ½ (Σ y² − μᵀ Λ μ).
package struct LastLayerPosterior {
  private var precision: Matrix
  private var products: [Double]
  private var squares = 0.0
  private var shape: Double
  private let scale: Double
  /// Of Λ, made when it is first asked for after an observation.
  private var factor: Cholesky?

  /// The reference's: λ ¼, a₀ 6, b₀ 6 for rewards in their own unit.
  /// - Parameters:
  ///   - width: the numbers of z.
  ///   - unit: of the rewards that `observe` receives.
  package init(width: Int, unit: Double) {
    precision = 0.25 * Matrix.identity(width)
    products = Array(repeating: 0, count: width)
    (shape, scale) = (6, 6 / (unit * unit))
  }

  package mutating func observe(_ z: [Double], reward y: Double) {
    precision.addOuterProduct(z)
    products = products.adding(z, factor: y)
    squares += y * y
    shape += 0.5
    factor = nil
  }

  /// The reward that a draw of the posterior expects of z.
  package mutating func draw(_ z: [Double], using generator: inout some RandomNumberGenerator) throws -> Double {
    let factor = try self.factor ?? Cholesky(precision, jitter: .rounding)
    self.factor = factor
    let mean = factor.solve(products)
    let rate = scale + 0.5 * max(squares - dot(mean, products), 0)
    let variance = rate / generator.gamma(shape: shape)
    return dot(z, mean) + (variance * factor.quadraticForm(z)).squareRoot() * generator.normal()
  }
}
