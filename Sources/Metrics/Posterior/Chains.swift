import Foundation
import LinearAlgebra

/// Draws of one number by several chains: how far the chains agree, and how many independent draws theirs are worth
/// (Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, Rank-normalization, folding, and localization).
///
/// ```swift
/// let chains = Chains([[0.1, 0.4, …], [0.3, −0.2, …]])
/// guard chains.splitRHat < 1.01, chains.bulkSampleSize > 400 else { … }
/// ```
public struct Chains: Sendable {
  /// Draws, chain by chain.
  public let draws: [[Double]]

  /// - Parameter draws: chain by chain, all of one length, which is four at least.
  public init(_ draws: [[Double]]) {
    precondition(
      draws.count > 0 && draws[0].count >= 4 && draws.allSatisfy { $0.count == draws[0].count },
      "chains have one length, of four draws at least")
    self.draws = draws
  }

  /// Rank-normalized split-R̂: the greater of those of the draws and of their distances from the median. Near 1 where the
  /// halves of all chains agree; NaN for draws that do not differ or are not finite.
  public var splitRHat: Double {
    let halves = halves(of: draws)
    let sorted = halves.joined().sorted()
    let median = quantile(ofSorted: sorted, 0.5)
    let folded = halves.map { $0.map { abs($0 - median) } }
    return max(rHat(normalScores(halves)), rHat(normalScores(folded)))
  }

  /// The effective sample size of the middle of the distribution.
  public var bulkSampleSize: Double { effectiveSampleSize(normalScores(halves(of: draws))) }

  /// The effective sample size of the tails: the smaller of those of the quantiles of 5 and 95 %.
  public var tailSampleSize: Double {
    let sorted = draws.joined().sorted()
    return [0.05, 0.95].map { level in
      let bound = quantile(ofSorted: sorted, level)
      return effectiveSampleSize(halves(of: draws.map { $0.map { $0 <= bound ? 1 : 0 } }))
    }.min()!
  }
}

/// The first and the last half of each chain; of an odd number of draws the middle one is left out.
private func halves(of chains: [[Double]]) -> [[Double]] {
  chains.flatMap { [Array($0.prefix($0.count / 2)), Array($0.suffix($0.count / 2))] }
}

/// Normal quantiles of the draws' ranks among all, equal draws sharing the mean of theirs (equation 14).
private func normalScores(_ chains: [[Double]]) -> [[Double]] {
  let values = Array(chains.joined())
  let order = values.indices.sorted { values[$0] < values[$1] }
  var scores = [Double](repeating: 0, count: values.count)
  var first = 0
  while first < order.count {
    var last = first
    while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
    let rank = Double(first + last) / 2 + 1
    let score = normalQuantile((rank - 0.375) / (Double(values.count) + 0.25))
    for place in first...last { scores[order[place]] = score }
    first = last + 1
  }
  let length = chains[0].count
  return chains.indices.map { Array(scores[$0 * length..<($0 + 1) * length]) }
}

private func mean(_ values: some Collection<Double>) -> Double { values.reduce(0, +) / Double(values.count) }

/// Equations 1 to 4.
private func rHat(_ chains: [[Double]]) -> Double {
  let length = Double(chains[0].count)
  let within = mean(chains.map { sampleVariance($0) })
  let between = length * sampleVariance(chains.map { mean($0) })
  return ((between / within + length - 1) / length).squareRoot()
}

/// Equations 10 to 13: the autocorrelations are summed as long as those of two neighboring lags are positive together,
/// and made to fall (Geyer 1992).
private func effectiveSampleSize(_ chains: [[Double]]) -> Double {
  let (count, length) = (chains.count, chains[0].count)
  let values = chains.joined()
  guard values.allSatisfy(\.isFinite) else { return .nan }
  guard values.max()! - values.min()! >= 1e-15 else { return Double(count * length) }
  let centered = chains.map { chain in
    let center = mean(chain)
    return chain.map { $0 - center }
  }
  func covariance(_ lag: Int) -> Double {
    mean(
      centered.map { chain in
        (0..<length - lag).reduce(0) { $0 + chain[$1] * chain[$1 + lag] } / Double(length)
      })
  }
  let within = covariance(0) * Double(length) / Double(length - 1)
  let whole =
    within * Double(length - 1) / Double(length) + (count > 1 ? sampleVariance(chains.map { mean($0) }) : 0)
  func correlation(_ lag: Int) -> Double { 1 - (within - covariance(lag)) / whole }

  var pairs = [(even: 1.0, odd: correlation(1))]
  // The even lag behind those that are summed as pairs.
  var rest = 1.0
  var lag = 2
  var goesOn = pairs[0].even + pairs[0].odd > 0
  while lag < length - 2, goesOn {
    let pair = (even: correlation(lag), odd: correlation(lag + 1))
    goesOn = pair.even + pair.odd > 0
    rest = goesOn ? pair.even : max(pair.even, 0)
    pairs.append(pair)
    lag += 2
  }
  var (sum, bound) = (0.0, Double.infinity)
  for pair in pairs.dropLast() {
    bound = min(bound, pair.even + pair.odd)
    sum += bound
  }
  let draws = Double(count * length)
  return draws / max(-1 + 2 * sum + rest, 1 / log10(draws))
}
