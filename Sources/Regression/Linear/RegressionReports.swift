import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Metrics
import Statistics
import Training

/// How good predictive densities of numbers are, as sums over rows.
package enum RegressionScore {
  package static let names =
    ["squared_error", "target", "target_square", "reg/MAE", "reg/NLL"]
    + Regression.coverageLevels.map(Regression.coverageName)

  /// - Parameter centre: a number near the targets, such as the mean of those learned from.
  package static func add(
    _ rows: Observations, around centre: Double, to sums: inout Sums, _ predict: ([Double]) -> RegressionPrediction
  ) {
    for (x, row) in zip(rows.inputs.eachRow, 0..<rows.count) {
      let (target, prediction) = (rows.targets![row, 0], predict(x))
      sums["squared_error"] += (target - prediction.mean) * (target - prediction.mean)
      sums["target"] += target - centre
      sums["target_square"] += (target - centre) * (target - centre)
      sums["reg/MAE"] += abs(target - prediction.mean)
      sums["reg/NLL"] -= prediction.logDensity(target)
      for level in Regression.coverageLevels {
        let half = normalQuantile(0.5 + level / 2) * prediction.variance.squareRoot()
        if abs(target - prediction.mean) <= half { sums[Regression.coverageName(level)] += 1 }
      }
    }
  }

  /// - Parameter scale: what targets were divided by.
  package static func report(_ means: [String: Double], scale: Double = 1) -> [String: Double] {
    var result = means
    let (mean, square) = (result.removeValue(forKey: "target"), result.removeValue(forKey: "target_square"))
    if let error = result.removeValue(forKey: "squared_error") {
      result["reg/RMSE"] = error.squareRoot() * scale
      if let mean, let square {
        let variance = max(square - mean * mean, 0)
        result["reg/TargetStd"] = variance.squareRoot() * scale
        if variance > 0 { result["reg/R2"] = 1 - error / variance }
      }
    }
    if let distance = result["reg/MAE"] { result["reg/MAE"] = distance * scale }
    if let density = result["reg/NLL"] { result["reg/NLL"] = density + log(scale) }
    return result
  }
}

/// A model that predicts a number with a normal density.
package protocol RegressingModel: FlatStatisticsModel {}

extension RegressingModel {
  package func add(to offers: inout Offers, of learner: StatisticsLearner<Self>) {
    offers.scores = { _, crew in try learner.scored(with: crew) }
  }
}

extension StatisticsLearner where Model: RegressingModel {
  /// What each held-out row scores, in the units of the data.
  fileprivate func scored(with crew: Crew) throws -> HeldOutScores {
    guard case .values(let array) = data.test!.targets else { preconditionFailure("a regression has targets") }
    let predictions = try predict(data.test!, with: crew)
    let (means, deviations) = (predictions[0].values, predictions[1].values)
    let targets = array.doubles(0..<array.count)
    return HeldOutScores(
      means: means, targets: targets,
      ranks: targets.indices.map { normalCDF((targets[$0] - means[$0]) / deviations[$0]) },
      logDensities: targets.indices.map { row in
        RegressionPrediction(mean: means[row], noiseVariance: deviations[row] * deviations[row], modelVariance: 0)
          .logDensity(targets[row])
      })
  }
}

extension RowBlock {
  /// The rows as arrays.
  var eachRow: [[Double]] { (0..<count).map { row in (0..<dimension).map { self[row, $0] } } }
}

extension RowPrediction {
  /// Mean and standard deviation of what will be observed, its variance split into that of the noise (aleatoric) and that
  /// of the parameters (epistemic), and quantiles.
  package static func of(_ predictions: [RegressionPrediction]) -> [RowPrediction] {
    let levels = quantileLevels
    return [
      RowPrediction("mean", predictions.map(\.mean)),
      RowPrediction("std", predictions.map { $0.variance.squareRoot() }),
      RowPrediction("aleatoric_variance", predictions.map(\.noiseVariance)),
      RowPrediction("epistemic_variance", predictions.map(\.modelVariance)),
      RowPrediction(
        "quantiles", shape: [levels.count], predictions.flatMap { prediction in levels.map(prediction.quantile) }),
    ]
  }

  public static let quantileLevels = [0.025, 0.25, 0.5, 0.75, 0.975]
}

/// Bands of a prediction of one input, with the data and, if there are any, curves drawn from the posterior (Bishop 2006,
/// figures 3.8 and 3.9).
/// - Parameters:
///   - curves: functions drawn from the posterior, on a grid of inputs as the model sees them.
///   - ahead: how far beyond the data the grid goes, in parts of its range.
///   - period: of the inputs as the model sees them; a second panel then shows the last ten.
package func predictiveFigure(
  _ data: ExactData, target units: (offset: Double, scale: Double) = (0, 1), ahead: Double = 0.1,
  period: Double? = nil, curves: ([Double]) throws -> [[Double]], _ predict: ([Double]) throws -> [RegressionPrediction]
) throws -> Figure {
  let shown = try data.train.matrices(first: ExactData.shownRows)
  let inputs = shown.inputs.elements
  let (least, most) = (inputs.min()!, inputs.max()!)
  let length = most > least ? most - least : 1
  let (start, end) = (least - 0.1 * length, most + ahead * length)
  func natural(_ x: [Double]) -> [Double] { x.map { data.train.scaling?.restored($0, column: 0) ?? $0 } }
  func restored(_ y: Double) -> Double { y * units.scale + units.offset }
  var points: [Mark] = []
  if let targets = shown.targets {
    points.append(
      .points(
        Points(
          "training rows", x: natural(inputs), y: targets.elements.map(restored),
          coloring: .single(.foreground), symbol: .circle)))
  }
  if let test = try data.test?.matrices(first: ExactData.shownRows), let targets = test.targets {
    points.append(
      .points(
        Points(
          "test rows", x: natural(test.inputs.elements), y: targets.elements.map(restored),
          coloring: .single(.palette(2)), symbol: .cross)))
  }

  func panel(_ title: String, _ start: Double, _ end: Double, count: Int, _ targets: [Double]) throws -> Panel {
    let grid = (0...count).map { start + (end - start) * Double($0) / Double(count) }
    let (predictions, x) = (try predict(grid), natural(grid))
    func band(_ label: String, _ opacity: Double, _ variance: (RegressionPrediction) -> Double) -> Mark {
      let halves = predictions.map { 2 * max(variance($0), 0).squareRoot() }
      return .band(
        Band(
          label, x: x, lower: zip(predictions, halves).map { restored($0.mean - $1) },
          upper: zip(predictions, halves).map { restored($0.mean + $1) }, color: .palette(0), opacity: opacity))
    }
    var marks = [
      band("± 2 σ of observations", 0.15) { $0.variance }, band("± 2 σ of the mean", 0.3) { $0.modelVariance },
      .line(Line("mean", x: x, y: predictions.map { restored($0.mean) }, color: .palette(0))),
    ]
    for (index, curve) in try curves(grid).enumerated() {
      marks.append(
        .line(Line(index == 0 ? "draws" : "", x: x, y: curve.map(restored), color: .neutral, stroke: .dashed)))
    }
    // Far from the data bands may grow without bound; the picture is of the data, and of where its mean leads.
    let seen = targets.map(restored) + (period == nil ? [] : predictions.map { restored($0.mean) })
    let (low, high) = (seen.min() ?? 0, seen.max() ?? 1)
    let room = (period == nil ? 0.6 : 0.15) * (high > low ? high - low : 1)
    return Panel(
      title: title,
      x: Axis(data.name(of: 0), lower: x.first!, upper: x.last!),
      y: Axis(data.target, lower: low - room, upper: high + room), marks + points)
  }

  let targets = shown.targets?.elements ?? []
  guard let period, most - least > 12 * period else {
    return Figure(
      "predictive", title: "Predictive distribution", .plot(Plot(try panel("", start, end, count: 400, targets))))
  }
  // A season is seen when a period has some points of its own.
  let whole = min(max(Int((end - start) / period * 8), 400), 2000)
  let late = most - 8 * period
  let recent = zip(inputs, targets).filter { $0.0 >= late }.map { $0.1 }
  let panels = [
    try panel("", start, end, count: whole, targets),
    try panel("the last periods, and what comes", late, min(end, most + 6 * period), count: 400, recent),
  ]
  return Figure(
    "predictive", title: "Predictive distribution",
    .plot(Plot(panels, columns: 1, panelSize: .init(width: 1000, height: 420))))
}

/// Held-out targets against their predictions; training ones where nothing is held out.
package func observedFigure(
  _ data: ExactData, target units: (offset: Double, scale: Double) = (0, 1),
  _ predict: (RowBlock) throws -> [RegressionPrediction]
) throws -> Figure {
  let rows = try (data.test ?? data.train).matrices(first: 500)
  let predictions = try rows.inputs.withRows { try predict($0) }
  func restored(_ y: Double) -> Double { y * units.scale + units.offset }
  let panel = predictionsPanel(
    target: data.target, rows: data.test == nil ? "training rows" : "test rows",
    observed: (rows.targets?.elements ?? []).map(restored), predicted: predictions.map { restored($0.mean) },
    deviations: predictions.map { $0.variance.squareRoot() * units.scale })
  return Figure("predictions", title: "Predicted against observed", .plot(Plot(panel)))
}
