import Foundation
import LinearAlgebra

/// The beta distribution over a probability θ.
public struct Beta: Hashable, Sendable {
  public let a: Double
  public let b: Double

  public init(a: Double, b: Double) {
    precondition(a > 0 && b > 0, "both parameters of a beta distribution are positive")
    (self.a, self.b) = (a, b)
  }

  public var mean: Double { a / (a + b) }
  public var variance: Double { a * b / ((a + b) * (a + b) * (a + b + 1)) }

  public func logDensity(_ θ: Double) -> Double {
    guard θ >= 0, θ <= 1 else { return -.infinity }
    // 0 · log 0 is 0 here: the density of Beta(1, b) at 0 is b.
    let left = a == 1 ? 0 : (a - 1) * log(θ)
    let right = b == 1 ? 0 : (b - 1) * log1p(-θ)
    return left + right - logBeta(a, b)
  }

  public func cumulative(_ θ: Double) -> Double { regularizedBeta(a, b, θ).lower }
  public func quantile(_ p: Double) -> Double { betaQuantile(p, a, b) }
  public func sample(using generator: inout some RandomNumberGenerator) -> Double { generator.beta(a, b) }
}
