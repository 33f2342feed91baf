import Foundation

/// log density at x of Student's t with ν > 0 degrees of freedom, location m and scale s (variance s²ν/(ν−2)).
public func studentTLogDensity(_ x: Double, degrees ν: Double, location m: Double = 0, scale s: Double = 1) -> Double {
  let z = (x - m) / s
  return -logBeta(0.5, ν / 2) - 0.5 * log(ν) - log(s) - (ν + 1) / 2 * log1p(z * z / ν)
}

/// Distribution function of the standard Student's t with ν > 0 degrees of freedom.
public func studentTCDF(_ x: Double, degrees ν: Double) -> Double {
  guard x.isFinite else { return x.isNaN ? .nan : (x < 0 ? 0 : 1) }
  let square = x * x
  let (_, tails) = regularizedBeta(0.5, ν / 2, square / (ν + square), complement: ν / (ν + square))
  return x < 0 ? tails / 2 : 1 - tails / 2
}

/// Quantile of the standard Student's t with ν > 0 degrees of freedom, 0 < p < 1.
public func studentTQuantile(_ p: Double, degrees ν: Double) -> Double {
  guard p > 0, p < 1 else { return p == 0 ? -.infinity : (p == 1 ? .infinity : .nan) }
  if p > 0.5 { return -studentTQuantile(1 - p, degrees: ν) }
  if p == 0.5 { return 0 }
  // In the far tail the density falls as a power, so Newton works on log(−x).
  let root = increasingRoot(low: -800, high: 800, start: log(max(-normalQuantile(p), 1e-300))) { u in
    let x = -exp(u)
    let cdf = studentTCDF(x, degrees: ν)
    return (log(p) - log(cdf), exp(studentTLogDensity(x, degrees: ν) + u) / cdf)
  }
  return -exp(root)
}

/// Quantile of the beta distribution, 0 ≤ p ≤ 1.
public func betaQuantile(_ p: Double, _ a: Double, _ b: Double) -> Double {
  guard p > 0, p < 1 else { return p == 0 || p == 1 ? p : .nan }
  let normaliser = logBeta(a, b)
  // Newton on the logit of x, where both ends are far away.
  let root = increasingRoot(low: -800, high: 800, start: log(a / b)) { u in
    let (x, y) = (1 / (1 + exp(-u)), 1 / (1 + exp(u)))
    let slope = exp(a * log(x) + b * log(y) - normaliser)
    let (lower, upper) = regularizedBeta(a, b, x, complement: y)
    return (p < 0.5 ? lower - p : (1 - p) - upper, slope)
  }
  return 1 / (1 + exp(-root))
}

/// Quantile of the gamma distribution with shape a and rate 1, 0 ≤ p ≤ 1.
public func gammaQuantile(_ p: Double, shape a: Double) -> Double {
  guard p > 0, p < 1 else { return p == 0 ? 0 : (p == 1 ? .infinity : .nan) }
  let root = increasingRoot(low: -745, high: 709, start: log(a)) { u in
    let x = exp(u)
    let (lower, upper) = regularizedGamma(a, x)
    return (p < 0.5 ? lower - p : (1 - p) - upper, exp(a * u - x - logGamma(a)))
  }
  return exp(root)
}

/// log Σ exp(xᵢ), without overflow; −∞ of no terms or when all are −∞.
public func logSumExp(_ x: some Collection<Double>) -> Double {
  guard let largest = x.max(), largest > -.infinity else { return -.infinity }
  guard largest < .infinity else { return .infinity }
  return largest + log(x.reduce(0) { $0 + exp($1 - largest) })
}

/// σ(x) = 1/(1 + e^−x).
public func sigmoid(_ x: Double) -> Double {
  if x >= 0 { return 1 / (1 + exp(-x)) }
  let e = exp(x)
  return e / (1 + e)
}

/// log(1 + eˣ), for every x.
public func softplus(_ x: Double) -> Double { x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)) }
