import Foundation
import LinearAlgebra

/// The largest evidence over both precisions.
///
/// For a ratio r = α/β the best β is known, β = A/(½ E(r) + r b_w + b_n) with A = ½ N + a_w + a_n and the penalised error
/// E(r) = min over w of Σ (t − w·φ)² + r ‖w‖², so that the evidence is a function of r alone, which may have several
/// maxima. A grid over its logarithm, far beyond the singular values on both sides, finds the highest; bisection of the
/// derivative finds its place.
struct EvidenceSearch {
  let problem: EvidenceProblem
  let hyperpriors: EvidenceObjective

  struct Point {
    let logRatio: Double
    let weightPrecision: Double
    let noisePrecision: Double
    let objective: Double
    /// Of the objective, by the logarithm of the ratio.
    let slope: Double
  }

  private var strength: Double { 0.5 * problem.count + hyperpriors.weight.shape + hyperpriors.noise.shape }

  private func point(_ logRatio: Double) -> Point {
    let ratio = exp(logRatio)
    var (penalised, growth, determined, logDeterminant) = (problem.leastSquares, 0.0, 0.0, 0.0)
    for (value, response) in zip(problem.values, problem.responses) where value > 0 {
      let kept = value / (value + ratio)
      let square = response * response * (ratio / (value + ratio))
      penalised += square
      growth += square * kept
      determined += kept
      logDeterminant += log1p(value / ratio)
    }
    let cost = 0.5 * penalised + hyperpriors.weight.rate * ratio + hyperpriors.noise.rate
    let noise = strength / max(cost, 0.5 * problem.leastError)
    return Point(
      logRatio: logRatio, weightPrecision: min(ratio * noise, 1e300), noisePrecision: noise,
      objective: strength * log(noise) - noise * cost + hyperpriors.weight.shape * logRatio - 0.5 * logDeterminant,
      slope: 0.5 * determined + hyperpriors.weight.shape
        - noise * (0.5 * growth + hyperpriors.weight.rate * ratio))
  }

  /// Four points to a factor of ten.
  private var grid: [Double] {
    let positive = problem.values.filter { $0 > 0 }
    // A target without noise is fitted with a ratio as small as the error that counts as none.
    let signal = dot(problem.responses, problem.responses)
    let least = log(positive.min()!) + log(problem.leastError / (problem.leastError + signal)) - log(1e3)
    let most = log(positive.max()!) + log(1e12)
    let count = Int(((most - least) / log(10) * 4).rounded(.up))
    return (0...count).map { least + (most - least) * Double($0) / Double(count) }
  }

  /// The best point of the grid.
  func coarse() -> Point { points().best }

  /// The maximum.
  func maximum() -> Point {
    let (best, low, high) = points()
    var bounds = (low, high)
    // A maximum at the end of the grid is flat.
    while true {
      let middle = 0.5 * (bounds.0 + bounds.1)
      guard middle > bounds.0, middle < bounds.1 else { break }
      let slope = point(middle).slope
      if slope > 0 { bounds.0 = middle } else { bounds.1 = middle }
    }
    let found = point(bounds.0)
    return found.objective >= best.objective ? found : best
  }

  private func points() -> (best: Point, low: Double, high: Double) {
    guard problem.values.contains(where: { $0 > 0 }) else {
      let only = point(0)
      return (only, 0, 0)
    }
    let grid = grid
    var (best, place) = (point(grid[0]), 0)
    for (index, logRatio) in grid.enumerated().dropFirst() {
      let next = point(logRatio)
      if next.objective > best.objective { (best, place) = (next, index) }
    }
    return (best, grid[max(place - 1, 0)], grid[min(place + 1, grid.count - 1)])
  }
}
