import Foundation

/// P(a, x) = γ(a, x)/Γ(a), the distribution function of the gamma distribution with shape a > 0 and rate 1, and its
/// complement Q = 1 − P, each without cancellation. Series below x = a + 1, Lentz's continued fraction above (Numerical
/// Recipes 6.2), with Loader's form of the common factor. About 1e-13 relative.
public func regularizedGamma(_ a: Double, _ x: Double) -> (lower: Double, upper: Double) {
  guard a > 0, !x.isNaN else { return (.nan, .nan) }
  guard x > 0 else { return (0, 1) }
  guard x < .infinity else { return (1, 0) }
  // x^a e^−x / Γ(a + 1)
  let factor = exp(-stirlingRemainder(a) - devianceTerm(a, x)) / sqrt(2 * .pi * a)
  if x < a + 1 {
    var (term, sum, n) = (1.0, 1.0, a)
    while term > sum * 1e-17 {
      n += 1
      term *= x / n
      sum += term
    }
    let lower = min(factor * sum, 1)
    return (lower, 1 - lower)
  }
  var b = x + 1 - a
  var c = 1 / 1e-300
  var d = 1 / b
  var h = d
  for i in 1..<incompleteIterations {
    let term = -Double(i) * (Double(i) - a)
    b += 2
    d = 1 / nonzero(term * d + b)
    c = nonzero(b + term / c)
    let change = d * c
    h *= change
    if abs(change - 1) < 1e-16 { break }
  }
  let upper = min(factor * a * h, 1)
  return (1 - upper, upper)
}

/// I_x(a, b), the distribution function of the beta distribution, and its complement I_{1−x}(b, a), each without
/// cancellation; `complement` is 1 − x, for callers that know it better than by subtraction. a, b > 0. Lentz's
/// continued fraction (Numerical Recipes 6.4) with Loader's form of the common factor. About 1e-13 relative.
public func regularizedBeta(
  _ a: Double, _ b: Double, _ x: Double, complement: Double? = nil
) -> (lower: Double, upper: Double) {
  guard a > 0, b > 0, !x.isNaN else { return (.nan, .nan) }
  let y = complement ?? 1 - x
  guard x > 0 else { return (0, 1) }
  guard y > 0 else { return (1, 0) }
  if x > (a + 1) / (a + b + 2) {
    let (upper, lower) = regularizedBeta(b, a, y, complement: x)
    return (lower, upper)
  }
  // x^a y^b / (a B(a, b))
  let n = a + b
  let factor =
    exp(
      stirlingRemainder(n) - stirlingRemainder(a) - stirlingRemainder(b) - devianceTerm(a, n * x)
        - devianceTerm(b, n * y)) * sqrt(b / (2 * .pi * a * n))
  var c = 1.0
  var d = 1 / nonzero(1 - n * x / (a + 1))
  var h = d
  for i in 1..<incompleteIterations {
    let m = Double(i)
    for term in [
      m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (n + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
    ] {
      d = 1 / nonzero(1 + term * d)
      c = nonzero(1 + term / c)
      h *= d * c
    }
    if abs(d * c - 1) < 1e-16 { break }
  }
  let lower = min(factor * h, 1)
  return (lower, 1 - lower)
}

/// Enough for parameters up to about 10¹⁰: the fractions converge in O(√parameter) steps.
private let incompleteIterations = 1_000_000

private func nonzero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }

/// The x at which an increasing function reaches zero within (low, high), by Newton's steps kept inside a shrinking
/// bracket; `f` gives value and slope.
func increasingRoot(
  low: Double, high: Double, start: Double, _ f: (Double) -> (value: Double, slope: Double)
) -> Double {
  var (low, high, x) = (low, high, start)
  for _ in 0..<200 {
    let (value, slope) = f(x)
    if value == 0 { return x }
    if value < 0 { low = x } else { high = x }
    var next = x - value / slope
    if !(next > low && next < high) { next = low + (high - low) / 2 }
    if abs(next - x) <= 1e-15 * abs(next) || next == low || next == high { return next }
    x = next
  }
  return x
}
