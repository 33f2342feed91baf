import Foundation

/// ψ(x) = d/dx log Γ(x), for x > 0 to about 2e-15 of max(1, |ψ|): upward recurrence to x ≥ 12, then the asymptotic
/// series (Abramowitz & Stegun 6.3.18). Below zero by reflection; NaN at the poles 0, −1, −2, …
public func digamma(_ x: Double) -> Double {
  if x <= 0 {
    return x == x.rounded() ? .nan : digamma(1 - x) - .pi / tan(.pi * x)
  }
  var (argument, sum) = (x, 0.0)
  while argument < 12 {
    sum -= 1 / argument
    argument += 1
  }
  let inverse = 1 / argument
  let s = inverse * inverse
  let series =
    s
    * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s * (1.0 / 132 - s * (691.0 / 32760 - s / 12))))))
  return sum + log(argument) - inverse / 2 - series
}

/// ψ′(x) for x > 0, to about 1e-15 relative (Abramowitz & Stegun 6.4.12 after an upward recurrence); NaN for x ≤ 0.
public func trigamma(_ x: Double) -> Double {
  guard x > 0 else { return .nan }
  var (argument, sum) = (x, 0.0)
  while argument < 15 {
    sum += 1 / (argument * argument)
    argument += 1
  }
  let inverse = 1 / argument
  let s = inverse * inverse
  let series =
    s * (1.0 / 6 - s * (1.0 / 30 - s * (1.0 / 42 - s * (1.0 / 30 - s * (5.0 / 66 - s * (691.0 / 2730 - s * 7.0 / 6))))))
  return sum + inverse * (1 + inverse / 2 + series)
}

/// The derivative of ψ of an order above 0, for x > 0, to about 1e-14 relative (Abramowitz & Stegun 6.4.11 after an upward
/// recurrence); NaN for x ≤ 0.
public func polygamma(_ order: Int, _ x: Double) -> Double {
  precondition(order > 0, "digamma is the function of order 0")
  guard x > 0 else { return .nan }
  guard order > 1 else { return trigamma(x) }
  let n = Double(order)
  let factorial = exp(logGamma(n + 1))
  var (argument, sum) = (x, 0.0)
  while argument < 20 + n {
    sum += factorial / pow(argument, n + 1)
    argument += 1
  }
  let power = pow(argument, n)
  sum += factorial / n / power + factorial / (2 * power * argument)
  // B₂ₖ (2k + n − 1)! / (2k)! / x^(2k + n)
  var term = factorial * (n + 1) / 2 / (power * argument * argument)
  let bernoulli: [Double] = [1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6]
  var twice = 2.0
  for number in bernoulli {
    sum += number * term
    term *= (twice + n) * (twice + n + 1)
    term /= (twice + 1) * (twice + 2) * argument * argument
    twice += 2
  }
  return order % 2 == 0 ? -sum : sum
}

/// log |Γ(x)|; +∞ at the poles.
public func logGamma(_ x: Double) -> Double {
  // Not lgamma: it writes the sign to a global that all threads share.
  var sign: Int32 = 0
  return lgamma_r(x, &sign)
}

/// log B(a, b) for a, b > 0. By Stirling's formula with its remainder where an argument is large, so that nothing
/// cancels.
public func logBeta(_ a: Double, _ b: Double) -> Double {
  let (small, large) = (min(a, b), max(a, b))
  guard large >= 10 else { return logGamma(small) + (logGamma(large) - logGamma(large + small)) }
  let sum = small + large
  let shared = (large - 0.5) * -log1p(small / large) + stirlingRemainder(large) - stirlingRemainder(sum)
  guard small >= 10 else { return logGamma(small) + shared - small * log(sum) + small }
  return shared + stirlingRemainder(small) + (small - 0.5) * log(small / sum) + 0.5 * logTwoPi - 0.5 * log(sum)
}

/// log Γ_p(a) = p(p−1)/4 · log π + Σᵢ log Γ(a − i/2), i = 0 … p−1: the normaliser of the Wishart density. a > (p−1)/2.
public func logMultivariateGamma(_ a: Double, dimension p: Int) -> Double {
  var sum = Double(p) * Double(p - 1) / 4 * log(.pi)
  for i in 0..<p { sum += logGamma(a - Double(i) / 2) }
  return sum
}

/// log B(α) = Σ log Γ(αᵢ) − log Γ(Σ αᵢ): the normaliser of the Dirichlet density.
public func logMultivariateBeta(_ concentration: [Double]) -> Double {
  var (sum, total) = (0.0, 0.0)
  for a in concentration {
    sum += logGamma(a)
    total += a
  }
  return sum - logGamma(total)
}

/// The remainder of Stirling's formula: log Γ(x+1) − [x log x − x + ½ log 2πx], x > 0.
func stirlingRemainder(_ x: Double) -> Double {
  guard x >= 16 else { return logGamma(x + 1) - (x * log(x) - x + 0.5 * log(2 * .pi * x)) }
  let inverse = 1 / x
  let s = inverse * inverse
  return inverse
    * (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188 - s * 691 / 360360)))))
}

/// x log(x/m) + m − x, without cancellation for x near m (Loader 2000, "Fast and accurate computation of binomial
/// probabilities": bd0).
func devianceTerm(_ x: Double, _ m: Double) -> Double {
  guard abs(x - m) < 0.1 * (x + m) else { return x * log(x / m) + m - x }
  let v = (x - m) / (x + m)
  var sum = (x - m) * v
  var power = 2 * x * v
  var j = 1.0
  while true {
    power *= v * v
    let next = sum + power / (2 * j + 1)
    if next == sum { return next }
    sum = next
    j += 1
  }
}
