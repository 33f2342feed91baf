import Figures
import Foundation
import Learners
import LinearAlgebra
import Statistics

/// The first series with what was found in it, what may follow it, and whether what could not be foretold is noise.
func linearDynamicalFigures(
  _ fit: LinearDynamicalFit, _ parameters: LinearDynamics, _ data: ExactData
) throws -> [Figure] {
  var shown: (rows: Matrix, paths: DynamicsPaths, forecasts: [StepForecast])?
  try data.train.forEachBlock(0..<1) { _, block in
    let steps = forecastLength(after: block.count, period: fit.period)
    shown = (
      block.inputs.matrix, try fit.model.paths(of: block, parameters),
      try fit.forecasts(after: block, steps: steps, parameters)
    )
  }
  guard let (rows, paths, forecasts) = shown else { return [] }
  let first = max(rows.rows - shownSeriesLength, 0)
  let end = Matrix((first..<rows.rows).map { rows.row($0) })
  return [
    Figure(
      "series", title: "The first series, smoothed, with intervals of 95 %",
      .plot(columnPlot(rows.columns) { seriesPanel(fit, parameters, end.column($0), paths, first: first, $0) })),
    forecastFigure(end, first: first, forecasts, columns: fit.columns), innovationFigure(fit, rows.column(0), paths),
  ].compactMap { $0 }
}

/// Elements that a picture of a forecast shows: two periods, or a fifth of what is seen of the series.
func forecastLength(after length: Int, period: Int? = nil) -> Int {
  min(max(2 * (period ?? 0), min(length, shownSeriesLength) / 5, 1), shownSeriesLength)
}

private func seriesPanel(
  _ fit: LinearDynamicalFit, _ parameters: LinearDynamics, _ values: [Double], _ paths: DynamicsPaths, first: Int,
  _ index: Int
) -> Panel {
  let x = values.indices.map { Double(first + $0) }
  func column(_ numbers: [Double], width: Int) -> [Double] {
    values.indices.map { numbers[(first + $0) * width + index] }
  }
  let (states, dimension) = (fit.model.states, fit.model.dimension)
  let fitted = column(paths.fitted, width: dimension)
  // A structural form begins with the levels of the columns; without a season the level is what is fitted.
  let hasSeason = fit.period != nil
  let line = hasSeason ? column(paths.smoothed, width: states) : fitted
  let deviation =
    hasSeason
    ? column(paths.smoothedDeviations, width: states) : column(paths.fittedDeviations, width: dimension)
  let color = Color.palette(0)
  return Panel(
    x: Axis("element"), y: Axis(fit.columns[index]),
    [
      .band(
        Band(
          x: x, lower: zip(line, deviation).map { $0 - 1.96 * $1 }, upper: zip(line, deviation).map { $0 + 1.96 * $1 },
          color: color)),
      .points(Points("observed", x: x, y: values, coloring: .single(.neutral))),
    ] + (hasSeason ? [.line(Line("level and season", x: x, y: fitted, color: .palette(1)))] : []) + [
      .line(Line(fit.isStructural ? "level" : "smoothed", x: x, y: line, color: color))
    ])
}

/// The autocorrelation of what the first column differed by from its predictions, in deviations: of a system that fits, 95 %
/// of the bars lie between the lines (Durbin and Koopman 2012, section 2.12).
private func innovationFigure(_ fit: LinearDynamicalFit, _ values: [Double], _ paths: DynamicsPaths) -> Figure? {
  let dimension = fit.model.dimension
  // The first elements set where a structural series begins; no prediction of them says anything.
  let skipped = fit.isStructural ? fit.model.states / dimension : 0
  let innovations = values.indices.map { t in
    t < skipped ? .nan : (values[t] - paths.predicted[t * dimension]) / paths.predictedDeviations[t * dimension]
  }
  let seen = innovations.filter { !$0.isNaN }
  let power = seen.reduce(0) { $0 + $1 * $1 }
  guard seen.count >= 8, power > 0 else { return nil }
  let lags = 1...min(max(2 * (fit.period ?? 0), 24), seen.count / 3)
  let correlations = lags.map { lag in
    zip(innovations.dropFirst(lag), innovations).reduce(0) { sum, pair in
      (pair.0 * pair.1).isNaN ? sum : sum + pair.0 * pair.1
    } / power
  }
  let bound = 1.96 / Double(seen.count).squareRoot()
  return Figure(
    "innovations", title: "Autocorrelation of the innovations",
    .plot(
      Plot(
        Panel(
          x: Axis("lag", categories: lags.map { $0 == 1 || $0 % 4 == 0 ? "\($0)" : "" }), y: Axis("autocorrelation"),
          legend: .none,
          [
            .bars(Bars(heights: correlations)), .rule(Rule(.horizontal(bound))), .rule(Rule(.horizontal(-bound))),
          ]), size: .init(width: 1000, height: 400))))
}

extension LinearDynamicalFit {
  fileprivate var isStructural: Bool {
    if case .structural = model.form { true } else { false }
  }

  /// Elements of a season.
  fileprivate var period: Int? {
    if case .structural(let form) = model.form { form.period } else { nil }
  }
}
