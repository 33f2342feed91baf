import Components
import Figures
import Foundation
import LinearAlgebra
import Statistics

/// A mixture of Gaussians p in the plane, and what one Gaussian makes of it under the two forms of the Kullback-Leibler
/// divergence (Bishop 2006, figures 10.2 and 10.3).
///
/// KL(p ‖ q) is least for the mean and covariance of p, which cover all of it; minimising KL(q ‖ p) leaves q in one
/// component, whichever is nearest to where it starts. And of a correlated Gaussian the independent one with the least
/// KL(p ‖ q) has its variances, that with the least KL(q ‖ p) the inverses of its precisions, which are smaller.
struct PlanarMixture {
  let weights: [Double]
  /// Of the plane, one for each weight.
  let means: [[Double]]
  let covariances: [Matrix]
  private let precisions: [Matrix]
  private let constants: [Double]

  /// - Throws: `LinearAlgebraError` for a covariance that is not positive definite.
  init(weights: [Double], means: [[Double]], covariances: [Matrix]) throws {
    (self.weights, self.means, self.covariances) = (weights, means, covariances)
    let factors = try covariances.map { try Cholesky($0, jitter: .rounding) }
    precisions = factors.map(\.inverse)
    constants = zip(weights, factors).map { log($0) - log(2 * .pi) - 0.5 * $1.logDeterminant }
  }

  /// log p and its gradient.
  func logDensity(_ x: Double, _ y: Double) -> (value: Double, dx: Double, dy: Double) {
    var (logs, moves) = ([Double](), [(Double, Double)]())
    for k in weights.indices {
      let (a, b) = (x - means[k][0], y - means[k][1])
      let move = (
        precisions[k][0, 0] * a + precisions[k][0, 1] * b, precisions[k][1, 0] * a + precisions[k][1, 1] * b
      )
      logs.append(constants[k] - 0.5 * (a * move.0 + b * move.1))
      moves.append(move)
    }
    let value = logSumExp(logs)
    var (dx, dy) = (0.0, 0.0)
    for (log, move) in zip(logs, moves) {
      let share = exp(log - value)
      dx -= share * move.0
      dy -= share * move.1
    }
    return (value, dx, dy)
  }

  /// The Gaussian of the least KL(p ‖ q): mean and covariance of the mixture.
  var inclusive: (mean: [Double], covariance: Matrix) {
    let mean = (0..<2).map { axis in zip(weights, means).reduce(0) { $0 + $1.0 * $1.1[axis] } }
    var covariance = Matrix(rows: 2, columns: 2)
    for (k, weight) in weights.enumerated() {
      let away = means[k].subtracting(mean)
      for i in 0..<2 {
        for j in 0..<2 { covariance[i, j] += weight * (covariances[k][i, j] + away[i] * away[j]) }
      }
    }
    return (mean, covariance)
  }

  /// The Gaussian to which minimising KL(q ‖ p) leads from a component, by L-BFGS in the mean and the Cholesky factor.
  /// Expectations under q are sums over a grid of standard deviations, which for smooth functions of a Gaussian are exact
  /// to many digits, so that the search is over a function without noise.
  func exclusive(from component: Int) throws -> (mean: [Double], covariance: Matrix, divergence: Double) {
    let factor = try Cholesky(covariances[component], jitter: .rounding).lower
    let steps = (-24...24).map { Double($0) / 4 }
    let shares = steps.map { exp(-0.5 * $0 * $0) / (4 * (2 * .pi).squareRoot()) }
    func divergence(_ p: [Double]) -> (value: Double, gradient: [Double]) {
      let (l11, l21, l22) = (exp(p[2]), p[3], exp(p[4]))
      // −½ log |Σ| and E[log q] without it.
      var value = -p[2] - p[4] - log(2 * .pi) - 1
      var gradient = [0, 0, -1, 0, -1.0]
      for (u, shareU) in zip(steps, shares) {
        for (v, shareV) in zip(steps, shares) {
          let share = shareU * shareV
          let density = logDensity(p[0] + l11 * u, p[1] + l21 * u + l22 * v)
          value -= share * density.value
          gradient[0] -= share * density.dx
          gradient[1] -= share * density.dy
          gradient[2] -= share * density.dx * l11 * u
          gradient[3] -= share * density.dy * u
          gradient[4] -= share * density.dy * l22 * v
        }
      }
      return (value, gradient)
    }
    var search = LBFGS(
      from: [means[component][0], means[component][1], log(factor[0, 0]), factor[1, 0], log(factor[1, 1])],
      maximumIterations: 100)
    while !search.isFinished {
      let (value, gradient) = divergence(search.point)
      search.tell(value, gradient)
    }
    let p = search.point
    let lower = Matrix([[exp(p[2]), 0], [p[3], exp(p[4])]])
    return ([p[0], p[1]], Matrix.product(lower, lower, transposed: .right), search.value)
  }
}

/// The two forms of the divergence of a mixture in the plane; nothing where it has one component.
func divergenceFigure(_ mixture: PlanarMixture, x: Axis, y: Axis) throws -> [Figure] {
  guard mixture.weights.count >= 2 else { return [] }
  let heaviest = mixture.weights.indices.sorted {
    (mixture.weights[$0], $1) > (mixture.weights[$1], $0)
  }
  let modes = try heaviest.prefix(2).map { try mixture.exclusive(from: $0) }
  let covering = mixture.inclusive
  func correlation(_ k: Int) -> Double {
    let covariance = mixture.covariances[k]
    return abs(covariance[0, 1]) / (covariance[0, 0] * covariance[1, 1]).squareRoot()
  }
  let most = mixture.weights.indices.max { correlation($0) < correlation($1) }!
  let correlated = mixture.covariances[most]
  let precision = try Cholesky(correlated, jitter: .rounding).inverse
  func gaussian(_ label: String, _ mean: [Double], _ covariance: Matrix, _ color: Color) -> Mark {
    .ellipses(
      Ellipses([Ellipses.Gaussian(mean: mean, covariance: covariance)], label: label, color: color))
  }
  let spread = covering.covariance.diagonal.map { 3 * $0.squareRoot() }
  let middle = covering.mean
  let axes = (
    Axis(x.label, lower: middle[0] - spread[0], upper: middle[0] + spread[0]),
    Axis(y.label, lower: middle[1] - spread[1], upper: middle[1] + spread[1])
  )
  let p = contours(mixture, axes)
  let panels =
    [
      Panel(
        title: "A correlated component by an independent q", x: x, y: y,
        [
          gaussian("p", mixture.means[most], correlated, .neutral),
          gaussian(
            "least KL(p ‖ q)", mixture.means[most], Matrix(diagonal: correlated.diagonal), .palette(1)),
          gaussian(
            "least KL(q ‖ p)", mixture.means[most], Matrix(diagonal: precision.diagonal.map { 1 / $0 }), .palette(0)),
        ]),
      Panel(
        title: "least KL(p ‖ q)", x: axes.0, y: axes.1,
        [p, gaussian("q", covering.mean, covering.covariance, .palette(1))]),
    ]
    + modes.enumerated().map { index, mode in
      Panel(
        title: "KL(q ‖ p) = \(twoDigits(mode.divergence)) nats, from component \(heaviest[index])", x: axes.0,
        y: axes.1,
        [p, gaussian("q", mode.mean, mode.covariance, .palette(0))])
    }
  return [
    Figure("divergences", title: "One Gaussian for the mixture: the two forms of KL", .plot(Plot(panels, columns: 2)))
  ]
}

private func twoDigits(_ value: Double) -> String { String(format: "%.2f", value) }

/// Lines of equal density.
private func contours(_ mixture: PlanarMixture, _ axes: (x: Axis, y: Axis)) -> Mark {
  func grid(_ axis: Axis) -> [Double] { (0...120).map { axis.lower! + (axis.upper! - axis.lower!) * Double($0) / 120 } }
  let (x, y) = (grid(axes.x), grid(axes.y))
  let values = y.flatMap { b in x.map { a in exp(mixture.logDensity(a, b).value) } }
  let top = values.max()!
  return .contours(
    Contours("p", x: x, y: y, values: values, levels: [0.02, 0.1, 0.25, 0.5, 0.75].map { $0 * top }, color: .neutral))
}
