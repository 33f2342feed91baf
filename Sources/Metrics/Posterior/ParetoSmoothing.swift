import Foundation

/// Importance weights whose largest are replaced by quantiles of a generalized Pareto distribution that is fitted to them
/// (Vehtari, Simpson, Gelman, Yao and Gabry 2024, Pareto smoothed importance sampling).
public struct ParetoSmoothing: Sendable {
  /// Logarithms of the weights, which sum to 1.
  public let logWeights: [Double]
  /// The tail's shape k̂: the weights have 1/k̂ moments. Above 0.7 estimates by them are not to be trusted; infinite where
  /// the tail is too short to be fitted.
  public let shape: Double

  /// - Parameter logRatios: logarithms of the raw weights, up to a constant; one at least.
  public init(logRatios: [Double]) {
    let greatest = logRatios.max()!
    var weights = logRatios.map { $0 - greatest }
    let count = Double(weights.count)
    let order = weights.indices.sorted { weights[$0] < weights[$1] }
    let length = Int(min(count / 5, 3 * count.squareRoot()).rounded(.up))
    let cutoff = max(weights[order[max(order.count - 1 - length, 0)]], log(Double.leastNormalMagnitude))
    let tail = order.filter { weights[$0] > cutoff }
    if tail.count > 4 {
      let fit = GeneralizedPareto(sorted: tail.map { exp(weights[$0]) - exp(cutoff) })
      shape = fit.shape
      if shape.isFinite {
        for (place, index) in tail.enumerated() {
          let excess = fit.quantile((Double(place) + 0.5) / Double(tail.count))
          weights[index] = min(log(excess + exp(cutoff)), 0)
        }
      }
    } else {
      shape = .infinity
    }
    let total = logSumExp(weights)
    logWeights = weights.map { $0 - total }
  }
}

/// A generalized Pareto distribution from 0 on, estimated by the posterior mean of Zhang and Stephens (2009), the shape drawn
/// towards ½ as by ten more observations.
private struct GeneralizedPareto {
  let shape: Double
  let scale: Double

  init(sorted values: [Double]) {
    let n = Double(values.count)
    let candidates = 30 + Int(n.squareRoot())
    let quartile = values[Int(n / 4 + 0.5) - 1]
    func meanLog(_ b: Double) -> Double { values.reduce(0) { $0 + log1p(-b * $1) } / n }
    let rates = (1...candidates).map { index in
      (1 - (Double(candidates) / (Double(index) - 0.5)).squareRoot()) / (3 * quartile) + 1 / values.last!
    }
    let likelihoods = rates.map { rate in
      let shape = meanLog(rate)
      return n * (log(-(rate / shape)) - shape - 1)
    }
    let weights = likelihoods.map { own in 1 / likelihoods.reduce(0) { $0 + exp($1 - own) } }
    let kept = zip(rates, weights).filter { $0.1 >= 10 * Double.ulpOfOne }
    let rate = kept.reduce(0) { $0 + $1.0 * $1.1 } / kept.reduce(0) { $0 + $1.1 }
    let raw = meanLog(rate)
    scale = -raw / rate
    shape = (n * raw + 5) / (n + 10)
  }

  func quantile(_ p: Double) -> Double {
    abs(shape) < Double.ulpOfOne ? -scale * log1p(-p) : scale * expm1(-shape * log1p(-p)) / shape
  }
}

/// log Σ exp.
func logSumExp(_ values: some Collection<Double>) -> Double {
  let greatest = values.max()!
  guard greatest.isFinite else { return greatest }
  return greatest + log(values.reduce(0) { $0 + exp($1 - greatest) })
}
