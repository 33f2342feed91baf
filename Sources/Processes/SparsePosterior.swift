import Foundation
import LinearAlgebra
import Regression
import Statistics

/// The sums over rows that a sparse Gaussian process needs.
struct SparseSums {
  let count: Double
  /// Σ (t − mean)²
  let targetSquares: Double
  /// ψ₀ = Σ k(x, x)
  let variances: Double
  /// b = Σ k(Z, x)(t − mean)
  let targets: [Double]
  /// Φ = Σ k(Z, x) k(x, Z)
  let products: Matrix

  init(_ statistics: [Double], inducing m: Int) {
    (count, targetSquares, variances) = (statistics[0], statistics[1], statistics[2])
    targets = Array(statistics[3..<(3 + m)])
    products = Matrix(packedLower: statistics[(3 + m)..<(3 + m + packedCount(m))], dimension: m)
  }
}

/// A Gaussian process conditioned on data through its inducing inputs.
public struct SparsePosterior: Sendable {
  public let kernel: Kernel
  public let noiseVariance: Double
  public let mean: Double
  /// Z, M × D.
  public let inducing: Matrix
  /// The lower bound of log p(t) (Titsias 2009, equation 9).
  public let bound: Double
  /// Of S = k(Z, Z) + j I, j being `jitter` of the mean variance of the inducing inputs.
  private let prior: Cholesky
  /// Of B = I + L⁻¹ Φ L⁻ᵀ/σ², with S = L Lᵀ: its eigenvalues are at least one however close the inducing inputs are.
  private let gain: Cholesky
  /// Q⁻¹ b/σ², with Q = S + Φ/σ²: what the mean at x is k(x, Z) times.
  private let weights: [Double]

  /// The inducing variables are f(Z) with so much noise, relative to their mean variance: the bound stays one, and rounding
  /// errors, which grow with the inverse of S, stay far below it. Without it a search finds parameters at which S is
  /// singular and the errors look like evidence.
  private static let jitter = 1e-6

  init(
    _ kernel: Kernel, noiseVariance: Double, mean: Double, inducing: Matrix, _ sums: SparseSums
  ) throws(ExactError) {
    let whitened: Matrix
    do {
      var covariance = kernel.matrix(inducing)
      covariance.addToDiagonal(Self.jitter * covariance.trace / Double(inducing.rows))
      prior = try Cholesky(covariance, jitter: .rounding)
      // L⁻¹ Φ L⁻ᵀ/σ²
      whitened = (1 / noiseVariance) * prior.solveLower(prior.solveLower(sums.products).transposed)
      gain = try Cholesky(Matrix.identity(inducing.rows) + whitened, jitter: .rounding)
    } catch {
      throw ExactError(
        error, doing: "conditioning a Gaussian process on \(inducing.rows) inducing inputs",
        remedy: "use fewer or more distant inducing inputs, or raise the noise variance")
    }
    let projected = gain.solveLower(prior.solveLower(sums.targets)).scaled(by: 1 / noiseVariance)
    weights = prior.solveTransposed(gain.solveTransposed(projected))
    bound =
      -0.5 * sums.count * (logTwoPi + log(noiseVariance)) - 0.5 * gain.logDeterminant
      - 0.5 * (sums.targetSquares + sums.variances) / noiseVariance + 0.5 * dot(projected, projected)
      + 0.5 * whitened.trace
    (self.kernel, self.noiseVariance, self.mean, self.inducing) = (kernel, noiseVariance, mean, inducing)
  }

  /// The derivatives of F = −½ N log 2πσ² − ½ log |Q| + ½ log |S| − (Σt² + ψ₀)/2σ² + bᵀ Q⁻¹ b/2σ⁴ + tr(S⁻¹ Φ)/2σ².
  func adjoints(_ sums: SparseSums) -> SparseGaussianProcess.Adjoints {
    let β = 1 / noiseVariance
    let priorInverse = prior.inverse
    // Q⁻¹ = L⁻ᵀ B⁻¹ L⁻¹
    let half = gain.solveLower(prior.lowerInverse)
    let inverse = half.gram
    var posteriorMoments = inverse
    posteriorMoments.addOuterProduct(weights)
    // Σ of the posterior over f(Z), seen through S: with w = Q⁻¹ b/σ², F_Φ = ½ β (S⁻¹ − Q⁻¹ − w wᵀ).
    let products = (0.5 * β) * (priorInverse - posteriorMoments)
    let priorProducts = Matrix.product(Matrix.product(priorInverse, sums.products), priorInverse)
    let priorAdjoint = 0.5 * (priorInverse - posteriorMoments - β * priorProducts)
    let noise =
      0.5 * sums.count / β - 0.5 * Matrix.inner(inverse, sums.products)
      - 0.5 * (sums.targetSquares + sums.variances) + dot(sums.targets, weights)
      - 0.5 * sums.products.quadraticForm(weights) + 0.5 * Matrix.inner(priorInverse, sums.products)
    // The jitter goes with the variances.
    let share = Self.jitter * priorAdjoint.trace / Double(inducing.rows)
    let variances = Array(repeating: share, count: inducing.rows)
    let direct = kernel.contraction(priorAdjoint, KernelInputs(inducing))
      .adding(kernel.diagonalContraction(variances, inducing))
    return SparseGaussianProcess.Adjoints(
      products: products, targets: weights.scaled(by: β), variance: -0.5 * β, direct: direct + [-β * noise],
      bound: bound)
  }

  /// The function at new inputs, with its variance, and that of the noise.
  public func predict(_ x: Matrix) throws(ExactError) -> [RegressionPrediction] {
    guard x.columns == inducing.columns else {
      throw ExactError(
        .wrongShape, doing: "predicting from rows of \(x.columns) numbers",
        remedy: "give rows of \(inducing.columns) numbers")
    }
    let cross = kernel.matrix(inducing, x)
    let means = cross.transposedProduct(weights)
    let explained = prior.solveLower(cross)
    let left = gain.solveLower(explained)
    var variances = kernel.diagonal(x)
    for i in 0..<explained.rows {
      for j in 0..<explained.columns {
        variances[j] += left[i, j] * left[i, j] - explained[i, j] * explained[i, j]
      }
    }
    return means.indices.map { i in
      RegressionPrediction(mean: mean + means[i], noiseVariance: noiseVariance, modelVariance: max(variances[i], 0))
    }
  }
}
