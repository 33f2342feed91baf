import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Statistics
import Tensors

/// A line learnt row by row: the likelihood of the last row seen, the posterior over intercept and slope, and lines
/// drawn from it, after none, one, two and all rows (Bishop 2006, figure 3.7). The plane of the weights zooms with the
/// posterior, which would soon be a point.
///
/// The rows come in an order that the seed decides, since tables are often sorted.
/// - Parameter weightPrecision: of the prior over both weights.
func lineFigure(
  _ data: ExactData, _ features: Features, weightPrecision: Double, noisePrecision: Double
) throws -> Figure {
  let shown = try data.train.matrices(first: ExactData.shownRows)
  let order = RandomKey(seed: data.seed).at(tensor: NoiseStream.latent).permutation(shown.inputs.rows).map { Int($0) }
  let (x, t) = (order.map { shown.inputs[$0, 0] }, order.map { shown.targets![$0, 0] })
  let states = try posteriors(features, x, t, weightPrecision: weightPrecision, noisePrecision: noisePrecision)
  let last = states.last!.posterior
  let truth = Mark.points(
    Points(
      "", x: [last.mean[0]], y: [last.mean[1]], coloring: .single(.rgb(red: 255, green: 255, blue: 255)),
      symbol: .cross, size: 1.4))
  var generator = RandomStream(RandomKey(seed: data.seed).at(tensor: NoiseStream.latent).at(sample: 1))
  var panels: [Panel] = []
  for (count, posterior) in states {
    let grid = LineGrid(x: x, t: t, posterior, final: last.mean)
    func map(_ logs: [Double]) -> Mark {
      let top = logs.max()!
      return .heatMap(
        HeatMap(x: grid.intercepts, y: grid.slopes, values: logs.map { exp($0 - top) }, showsScale: false))
    }
    func weights(_ title: String, _ marks: [Mark]) -> Panel {
      Panel(
        title: title, x: Axis("intercept", lower: grid.intercepts.first!, upper: grid.intercepts.last!),
        y: Axis("slope", lower: grid.slopes.first!, upper: grid.slopes.last!), legend: .none, marks)
    }
    let seen = count == 1 ? "1 row" : "\(count) rows"
    if count == 0 {
      panels.append(weights("likelihood", []))
    } else {
      let likelihood = grid.cells { intercept, slope in
        let z = t[count - 1] - intercept - slope * x[count - 1]
        return -0.5 * noisePrecision * z * z
      }
      panels.append(weights("likelihood of row \(count)", [map(likelihood), truth]))
    }
    let density = grid.cells { intercept, slope in
      -0.5 * posterior.precision.quadraticForm([intercept - posterior.mean[0], slope - posterior.mean[1]])
    }
    panels.append(weights(count == 0 ? "prior" : "posterior after \(seen)", [map(density), truth]))
    panels.append(grid.lines(data, posterior, x: Array(x.prefix(count)), t: Array(t.prefix(count)), &generator))
  }
  return Figure("line", title: "A line learnt row by row", .plot(Plot(panels, columns: 3)))
}

/// The posteriors after none, one, two, … and all rows, each from the one before (Bishop 2006, section 3.3.1).
private func posteriors(
  _ features: Features, _ x: [Double], _ t: [Double], weightPrecision: Double, noisePrecision: Double
) throws -> [(count: Int, posterior: BayesianLinearRegression)] {
  let prior = try BayesianLinearRegression(
    features, weightPrecision: weightPrecision, noisePrecision: noisePrecision)
  let estimator = try ConjugateRegression(
    features, weightPrecision: weightPrecision, noisePrecision: noisePrecision)
  var (result, done) = ([(count: 0, posterior: prior)], 0)
  for count in Set([1, 2, min(20, x.count), x.count]).sorted() where count <= x.count {
    let rows = Matrix(rows: count - done, columns: 1, elements: Array(x[done..<count]))
    let targets = Matrix(rows: count - done, columns: 1, elements: Array(t[done..<count]))
    let moments = try rows.withRows { inputs in
      try targets.withRows { try estimator.fit(Observations(inputs: inputs, targets: $0)).moments! }
    }
    result.append((count, try result.last!.posterior.posterior(moments)))
    done = count
  }
  return result
}

/// Where lines and their weights are drawn.
private struct LineGrid {
  let intercepts: [Double]
  let slopes: [Double]
  let inputs: (least: Double, most: Double)
  let targets: (least: Double, most: Double)

  /// Three standard deviations of a posterior around its mean, and as far as the mean of the final one.
  init(x: [Double], t: [Double], _ posterior: BayesianLinearRegression, final: [Double]) {
    let deviations = posterior.covariance.diagonal.map { $0.squareRoot() }
    func axis(_ index: Int) -> [Double] {
      let (mean, deviation) = (posterior.mean[index], deviations[index])
      let half = max(3 * deviation, abs(final[index] - mean) + 0.5 * deviation)
      return (0...80).map { mean + half * (Double($0) / 40 - 1) }
    }
    (intercepts, slopes) = (axis(0), axis(1))
    inputs = LineGrid.range(x, room: 0.1)
    targets = LineGrid.range(t, room: 0.8)
  }

  private static func range(_ values: [Double], room: Double) -> (least: Double, most: Double) {
    let (least, most) = (values.min()!, values.max()!)
    let margin = room * (most > least ? most - least : 1)
    return (least - margin, most + margin)
  }

  /// A number for each cell, the slopes row by row.
  func cells(_ value: (_ intercept: Double, _ slope: Double) -> Double) -> [Double] {
    slopes.flatMap { slope in intercepts.map { value($0, slope) } }
  }

  /// Six lines drawn from a posterior, with the rows that it has seen.
  func lines(
    _ data: ExactData, _ posterior: BayesianLinearRegression, x: [Double], t: [Double], _ generator: inout RandomStream
  ) -> Panel {
    func natural(_ x: Double) -> Double { data.train.scaling?.restored(x, column: 0) ?? x }
    let ends = [inputs.least, inputs.most]
    var marks: [Mark] = (0..<6).map { _ in
      let weights = posterior.sampleWeights(using: &generator)
      return .line(Line(x: ends.map(natural), y: ends.map { weights[0] + weights[1] * $0 }, color: .palette(1)))
    }
    marks.append(
      .points(Points(x: x.map(natural), y: t, coloring: .single(.palette(0)), symbol: .circle)))
    return Panel(
      title: x.isEmpty ? "lines of the prior" : "lines of the posterior",
      x: Axis(data.name(of: 0)),
      y: Axis(data.target, lower: targets.least, upper: targets.most), legend: .none, marks)
  }
}
