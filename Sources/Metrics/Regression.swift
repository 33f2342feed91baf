import Foundation

/// A predictive density as Monte Carlo samples give it: an equal mixture of Gaussians, in the units of the data.
public struct GaussianMixturePrediction: Sendable {
  public let means: [Double]
  public let variances: [Double]

  /// One mean and one variance a sample; variances are positive.
  public init(means: [Double], variances: [Double]) {
    precondition(means.count == variances.count && !means.isEmpty)
    self.means = means
    self.variances = variances
  }

  private var samples: Double { Double(means.count) }

  /// E[μ]: the mean of the density.
  public var mean: Double { means.reduce(0, +) / samples }

  /// E[σ²]: what noise in the data leaves uncertain.
  public var aleatoricVariance: Double { variances.reduce(0, +) / samples }

  /// Var[μ]: what the parameters leave uncertain. Divided by the number of samples less one; 0 for one sample.
  public var epistemicVariance: Double { sampleVariance(means) }

  /// The law of total variance (Kendall and Gal 2017, equation 9).
  public var variance: Double { aleatoricVariance + epistemicVariance }

  /// The standard error of `epistemicVariance`: of a mean of squared distances.
  public var epistemicVarianceError: Double {
    let mean = mean
    return standardError(means.map { ($0 - mean) * ($0 - mean) })
  }

  /// The standard error of a quantile: that of the distribution function there, over the density.
  public func quantileError(at y: Double) -> Double {
    let ranks = zip(means, variances).map { normalDistribution((y - $0) / $1.squareRoot()) }
    return standardError(ranks) / max(exp(logDensity(at: y)), .leastNormalMagnitude)
  }

  /// log 1/T Σ N(y; μ_t, σ_t²): of the mean density, not the mean of log densities.
  public func logDensity(at y: Double) -> Double {
    let terms = zip(means, variances).map { mean, variance in
      -0.5 * (log(2 * .pi * variance) + (y - mean) * (y - mean) / variance)
    }
    return logSumExp(terms) - log(samples)
  }

  /// P(Y ≤ y).
  public func distribution(at y: Double) -> Double {
    zip(means, variances).reduce(0) { $0 + normalDistribution((y - $1.0) / $1.1.squareRoot()) } / samples
  }

  /// The y with P(Y ≤ y) = p, for p in (0, 1): bisection between the outermost of the samples' own quantiles.
  public func quantile(_ p: Double) -> Double {
    let reach = zip(means, variances).map { ($0 - 40 * $1.squareRoot(), $0 + 40 * $1.squareRoot()) }
    var lower = reach.map(\.0).min()!
    var upper = reach.map(\.1).max()!
    for _ in 0..<64 {
      let middle = lower + (upper - lower) / 2
      if distribution(at: middle) < p { lower = middle } else { upper = middle }
    }
    return lower + (upper - lower) / 2
  }
}

public enum Regression {
  /// √ of the mean squared error.
  public static func rootMeanSquaredError(_ predictions: [Double], _ targets: [Double]) -> Double {
    precondition(predictions.count == targets.count && !targets.isEmpty)
    let sum = zip(predictions, targets).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (sum / Double(targets.count)).squareRoot()
  }

  /// Beside the RMSE: the mean absolute error (`reg/MAE`), the standard deviation of the targets (`reg/TargetStd`), which
  /// is the RMSE of their mean, and the share of their variance that is explained (`reg/R2`), where there is any.
  public static func summary(_ predictions: [Double], _ targets: [Double]) -> [String: Double] {
    precondition(predictions.count == targets.count && !targets.isEmpty)
    let count = Double(targets.count)
    let mean = targets.reduce(0) { $0 + ($1 - targets[0]) / count } + targets[0]
    let variance = targets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let error = rootMeanSquaredError(predictions, targets)
    var result = [
      "reg/MAE": zip(predictions, targets).reduce(0) { $0 + abs($1.0 - $1.1) } / count,
      "reg/TargetStd": variance.squareRoot(),
    ]
    if variance > 0 { result["reg/R2"] = 1 - error * error / variance }
    return result
  }

  /// The probabilities of the central intervals whose coverage is reported.
  public static let coverageLevels = [0.5, 0.8, 0.9, 0.95]

  /// The name of the share of targets that lie inside their central interval: `reg/Coverage90`.
  public static func coverageName(_ level: Double) -> String { "reg/Coverage\(Int((100 * level).rounded()))" }

  /// The share of targets inside their central interval.
  /// - Parameters:
  ///   - ranks: P(Y ≤ target) of each prediction.
  ///   - level: the interval's probability, 0.95 say.
  public static func coverage(ranks: [Double], level: Double) -> Double {
    precondition(!ranks.isEmpty)
    let inside = ranks.filter { abs($0 - 0.5) <= level / 2 }.count
    return Double(inside) / Double(ranks.count)
  }
}

/// Φ(x), accurate in both tails.
public func normalDistribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

/// log Σ exp, safe for any numbers.
public func logSumExp(_ values: [Double]) -> Double {
  guard let greatest = values.max(), greatest.isFinite else { return values.max() ?? -.infinity }
  return greatest + log(values.reduce(0) { $0 + exp($1 - greatest) })
}

/// The variance of a sample, divided by its size less one; 0 for one value.
public func sampleVariance(_ values: some Collection<Double>) -> Double {
  guard values.count > 1 else { return 0 }
  let mean = values.reduce(0, +) / Double(values.count)
  return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
}

/// The standard error of a sample's mean.
public func standardError(_ values: some Collection<Double>) -> Double {
  (sampleVariance(values) / Double(max(values.count, 1))).squareRoot()
}

/// A quantile of a sorted sample by linear interpolation, as numpy and R's type 7 do.
public func quantile(ofSorted values: [Double], _ p: Double) -> Double {
  precondition(!values.isEmpty && (0...1).contains(p))
  let place = p * Double(values.count - 1)
  let below = Int(place)
  guard below + 1 < values.count else { return values[below] }
  return values[below] + (place - Double(below)) * (values[below + 1] - values[below])
}
