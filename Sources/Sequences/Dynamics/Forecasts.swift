import Datasets
import Foundation
import Learners
import LinearAlgebra
import Statistics
import Training

/// The distribution of one element that follows a sequence.
struct StepForecast {
  /// Probabilities of the hidden states, where there are some.
  var states: [Double] = []
  let element: ElementForecast
}

/// The distribution of an element: a mixture in each column, whose columns are taken one by one, or symbols.
enum ElementForecast {
  case gaussians([[(weight: Double, mean: Double, deviation: Double)]])
  case counts([[(weight: Double, rate: Double)]])
  case symbols([Double])

  /// The levels of the quantiles: the ends of intervals of 50, 80 and 95 %, and the median.
  static let levels = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975]

  /// Means, deviations and quantiles of each column; nil of symbols.
  var columns: [(mean: Double, deviation: Double, quantiles: [Double])]? {
    switch self {
    case .symbols: nil
    case .gaussians(let columns): columns.map(Self.summary)
    case .counts(let columns): columns.map(Self.summary)
    }
  }

  private static func summary(
    _ parts: [(weight: Double, mean: Double, deviation: Double)]
  ) -> (mean: Double, deviation: Double, quantiles: [Double]) {
    let mean = parts.reduce(0) { $0 + $1.weight * $1.mean }
    let variance = parts.reduce(0) {
      $0 + $1.weight * ($1.deviation * $1.deviation + ($1.mean - mean) * ($1.mean - mean))
    }
    let quantiles = levels.map { level -> Double in
      let ends = parts.filter { $0.weight > 0 }.map { $0.mean + $0.deviation * normalQuantile(level) }
      guard parts.count > 1 else { return ends[0] }
      // The quantile of a mixture lies between those of its parts.
      var (lower, upper) = (ends.min()!, ends.max()!)
      for _ in 0..<200 where upper > lower {
        let middle = lower + (upper - lower) / 2
        let below = parts.reduce(0) { $0 + $1.weight * normalCDF((middle - $1.mean) / $1.deviation) }
        guard middle > lower, middle < upper else { break }
        if below < level { lower = middle } else { upper = middle }
      }
      return upper
    }
    return (mean, variance.squareRoot(), quantiles)
  }

  private static func summary(
    _ parts: [(weight: Double, rate: Double)]
  ) -> (mean: Double, deviation: Double, quantiles: [Double]) {
    let mean = parts.reduce(0) { $0 + $1.weight * $1.rate }
    let variance = parts.reduce(0) { $0 + $1.weight * ($1.rate + ($1.rate - mean) * ($1.rate - mean)) }
    func below(_ count: Double) -> Double {
      parts.reduce(0) { $0 + $1.weight * ($1.rate > 0 ? regularizedGamma(count + 1, $1.rate).upper : 1) }
    }
    let quantiles = levels.map { level -> Double in
      var (lower, upper) = (-1.0, 1.0)
      while below(upper) < level { upper *= 2 }
      while upper - lower > 1 {
        let middle = ((lower + upper) / 2).rounded(.down)
        if below(middle) < level { lower = middle } else { upper = middle }
      }
      return upper
    }
    return (mean, variance.squareRoot(), quantiles)
  }
}

extension FlatEmission {
  /// The distribution of an element whose state has given probabilities, by parameters that are a point.
  func forecast(_ states: [Double], _ parameters: Parameters) -> ElementForecast {
    switch shape(parameters) {
    case .symbols(let probabilities): .symbols(probabilities.transposedProduct(states))
    case .rates(let rates):
      .counts((0..<rates.columns).map { j in states.indices.map { (states[$0], rates[$0, j]) } })
    case .gaussians(let parts):
      .gaussians(
        (0..<dimension).map { j in
          zip(states, parts).flatMap { state, parts in
            parts.map { (state * $0.weight, $0.mean[j], $0.covariance[j, j].squareRoot()) }
          }
        })
    }
  }
}

/// A model of sequences that says what may follow one.
protocol ForecastingModel: FlatStatisticsModel {
  /// The distributions of the elements that follow each sequence, step after step, sequence after sequence.
  func forecasts(after observations: Observations, steps: Int, _ parameters: Parameters) throws -> [StepForecast]
}

extension StatisticsLearner where Model: ForecastingModel {
  /// Offers forecasts as rows: one for each step after each sequence.
  func addForecasts(to offers: inout Offers) {
    offers.forecasting = ForecastingOffer(levels: ElementForecast.levels) { examples, steps in
      let (model, parameters) = (try self.model(), try self.learntParameters())
      var forecasts: [StepForecast] = []
      let rows = self.rows(of: examples)
      try rows.forEachBlock(0..<rows.count) { _, block in
        forecasts += try model.forecasts(after: block, steps: steps, parameters)
      }
      return forecastRows(forecasts, steps: steps, scaled: rows)
    }
  }
}

/// Forecasts as named columns, in the units of the data.
private func forecastRows(_ forecasts: [StepForecast], steps: Int, scaled rows: ExactRows) -> [RowPrediction] {
  var result = [
    RowPrediction("sequence", whole: forecasts.indices.map { $0 / steps }),
    RowPrediction("step", whole: forecasts.indices.map { $0 % steps + 1 }),
  ]
  if case .symbols(let probabilities)? = forecasts.first?.element {
    result.append(
      RowPrediction(
        "probabilities", shape: [probabilities.count],
        forecasts.flatMap { forecast -> [Double] in
          if case .symbols(let probabilities) = forecast.element { probabilities } else { [] }
        }))
  } else {
    let columns = forecasts.map { $0.element.columns! }
    func restored(_ value: Double, _ column: Int) -> Double {
      rows.scaling?.restored(value, column: column) ?? value
    }
    let width = [rows.width]
    result += [
      RowPrediction(
        "mean", shape: width, columns.flatMap { $0.enumerated().map { restored($1.mean, $0) } }, kind: .ofColumns),
      RowPrediction(
        "std", shape: width,
        columns.flatMap { $0.enumerated().map { restored($1.deviation, $0) - restored(0, $0) } },
        kind: .ofColumns),
      RowPrediction(
        "quantiles", shape: width + [ElementForecast.levels.count],
        columns.flatMap { $0.enumerated().flatMap { column, one in one.quantiles.map { restored($0, column) } } },
        kind: .ofColumns),
    ]
  }
  if let states = forecasts.first?.states.count, states > 0 {
    result.append(RowPrediction("states", shape: [states], forecasts.flatMap(\.states)))
  }
  return result
}
