import Foundation
import LinearAlgebra

/// Λ ~ Wishart(W, ν), μ | Λ ~ N(m, (β Λ)⁻¹), x | μ, Λ ~ N(μ, Λ⁻¹): mean and precision matrix both unknown. An observation
/// is D numbers. W is given by its inverse, which is what data adds to; E[Λ] = ν W.
public struct GaussianWishart: Conjugate {
  /// m
  public let mean: [Double]
  /// β > 0: how many observations the mean is worth.
  public let meanPrecision: Double
  /// ν > D − 1
  public let degrees: Double
  /// W⁻¹, positive definite.
  public let inverseScale: Matrix
  /// Of W⁻¹. Rounding errors are met with jitter, 1e-12 to 1e-6 of the mean diagonal element.
  public let factor: Cholesky

  public var dimension: Int { mean.count }

  /// - Throws: `.wrongParameter` for β ≤ 0 or ν ≤ D − 1; `.singular` when W⁻¹ is not positive definite.
  public init(
    mean: [Double], meanPrecision: Double, degrees: Double, inverseScale: Matrix
  ) throws(ConjugateError) {
    let doing = "taking a Gaussian-Wishart distribution over \(mean.count) columns"
    guard meanPrecision > 0, meanPrecision.isFinite, degrees > Double(mean.count) - 1, degrees.isFinite,
      mean.allSatisfy({ $0.isFinite }), inverseScale.rows == mean.count, inverseScale.isSquare
    else {
      throw ConjugateError(
        .wrongParameter, doing: doing,
        remedy:
          "give a finite mean, a positive mean precision, more than D − 1 degrees of freedom and a D × D inverse scale")
    }
    do {
      factor = try Cholesky(inverseScale, jitter: .rounding)
    } catch {
      throw ConjugateError(.singular, doing: "\(doing) (\(error.doing))", remedy: error.remedy)
    }
    (self.mean, self.meanPrecision, self.degrees) = (mean, meanPrecision, degrees)
    self.inverseScale = inverseScale
  }

  public var noStatistics: GaussianMoments { GaussianMoments(pivot: mean) }

  public func posterior(_ statistics: GaussianMoments) throws(ConjugateError) -> GaussianWishart {
    try posterior(count: statistics.count, mean: statistics.mean, scatter: statistics.scatter)
  }

  /// The posterior given `count` observations, not necessarily a whole number of them, with their mean and their scatter
  /// Σ (x − x̄)(x − x̄)ᵀ (Bishop 2006, equations 10.60 to 10.63).
  public func posterior(
    count: Double, mean observed: [Double], scatter: Matrix
  ) throws(ConjugateError) -> GaussianWishart {
    guard count > 0 else { return self }
    let precision = meanPrecision + count
    let difference = observed.subtracting(mean)
    var inverse = inverseScale + scatter
    inverse.addOuterProduct(difference, factor: meanPrecision * count / precision)
    return try GaussianWishart(
      mean: mean.adding(difference, factor: count / precision), meanPrecision: precision, degrees: degrees + count,
      inverseScale: inverse)
  }

  public func logEvidence(_ statistics: GaussianMoments) throws(ConjugateError) -> Double {
    let after = try posterior(statistics)
    return logWishartNormaliser - after.logWishartNormaliser
      + 0.5 * Double(dimension) * (log(meanPrecision / after.meanPrecision) - statistics.count * logTwoPi)
  }

  /// log |W|.
  public var logScaleDeterminant: Double { -factor.logDeterminant }

  /// E[log |Λ|] (Bishop 2006, equation 10.65).
  public var expectedLogDeterminant: Double {
    (0..<dimension).reduce(Double(dimension) * log(2) + logScaleDeterminant) { sum, i in
      sum + digamma((degrees - Double(i)) / 2)
    }
  }

  /// log B(W, ν), the normaliser of the Wishart density (Bishop 2006, equation B.79).
  public var logWishartNormaliser: Double {
    -0.5 * degrees * logScaleDeterminant - 0.5 * degrees * Double(dimension) * log(2)
      - logMultivariateGamma(degrees / 2, dimension: dimension)
  }

  /// KL(self ‖ other) in nats.
  public func divergence(from other: GaussianWishart) -> Double {
    let d = Double(dimension)
    let ratio = other.meanPrecision / meanPrecision
    let means =
      0.5
      * (d * (ratio - 1 - log(ratio)) + other.meanPrecision * degrees
        * factor.quadraticForm(mean.subtracting(other.mean)))
    // tr(W₀⁻¹ W) = ‖L⁻¹ L₀‖² with W⁻¹ = L Lᵀ, W₀⁻¹ = L₀ L₀ᵀ.
    let trace = factor.solveLower(other.factor.lower).elements.reduce(0) { $0 + $1 * $1 }
    let precisions =
      logWishartNormaliser - other.logWishartNormaliser
      + 0.5 * (degrees - other.degrees) * expectedLogDeterminant + 0.5 * degrees * (trace - d)
    return means + precisions
  }

  /// Student's t with ν + 1 − D degrees of freedom (Bishop 2006, equation 10.81).
  public func logPredictive(_ observation: [Double]) throws(ConjugateError) -> Double {
    var one = noStatistics
    try one.add(observation)
    return logPredictiveDensity(observation)
  }

  /// The same of an observation that is known to be D finite numbers.
  public func logPredictiveDensity(_ x: [Double]) -> Double {
    let d = Double(dimension)
    let ν = degrees + 1 - d
    // The precision of the t is ν β/(1 + β) W.
    let share = meanPrecision / (1 + meanPrecision)
    let distance = share * factor.quadraticForm(x.subtracting(mean))
    return logGamma((ν + d) / 2) - logGamma(ν / 2) - 0.5 * d * log(.pi) + 0.5 * d * log(share)
      - 0.5 * factor.logDeterminant - 0.5 * (ν + d) * log1p(distance)
  }

  /// A mean and a precision matrix. A draw of the precision that rounding makes singular is drawn again.
  public func sample(using generator: inout some RandomNumberGenerator) -> (mean: [Double], precision: Matrix) {
    // Λ = (L⁻ᵀ A)(L⁻ᵀ A)ᵀ with W⁻¹ = L Lᵀ and A Aᵀ a standard Wishart draw, so that W itself is never formed.
    while true {
      let standard = generator.wishart(degrees: degrees, scale: Cholesky(lower: .identity(dimension)))
      guard let root = try? Cholesky(standard) else { continue }
      let whitened = root.solveTransposed((0..<dimension).map { _ in generator.normal() })
      let deviation = (factor.lower * whitened).scaled(by: 1 / meanPrecision.squareRoot())
      let half = factor.solveTransposed(root.lower)
      return (mean.adding(deviation), Matrix.product(half, half, transposed: .right))
    }
  }
}
