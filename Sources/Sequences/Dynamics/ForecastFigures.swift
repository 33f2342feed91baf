import Figures
import LinearAlgebra

/// Elements of a series that a picture shows at most, its last ones.
let shownSeriesLength = 240

/// What may follow a series: its end, and intervals of 50, 80 and 95 % of the next elements; of symbols the probabilities of
/// those that are likeliest.
///
/// - Parameters:
///   - rows: the end of the series.
///   - columns: their names.
///   - symbols: the names of symbols, where they have any.
func forecastFigure(
  _ rows: Matrix, first: Int, _ forecasts: [StepForecast], columns names: [String], symbols: [String] = []
) -> Figure {
  let content: Plot
  if case .symbols(let probabilities)? = forecasts.first?.element {
    content = Plot(symbolPanel(forecasts, probabilities.count, symbols), size: .init(width: 1000, height: 400))
  } else {
    let columns = forecasts.map { $0.element.columns! }
    content = columnPlot(rows.columns) { j in
      fanPanel(rows.column(j), first: first, columns.map { $0[j] }, names[j])
    }
  }
  return Figure("forecast", title: "What may follow the first sequence", .plot(content))
}

private func fanPanel(
  _ values: [Double], first: Int, _ steps: [(mean: Double, deviation: Double, quantiles: [Double])], _ name: String
) -> Panel {
  let x = steps.indices.map { Double(first + values.count + $0) }
  let levels = ElementForecast.levels
  let bands = [("50, 80, 95 %", 0), ("", 1), ("", 2)].map { label, level in
    Mark.band(
      Band(
        label, x: x, lower: steps.map { $0.quantiles[level] },
        upper: steps.map { $0.quantiles[levels.count - 1 - level] }, color: .palette(0), opacity: 0.22))
  }
  return Panel(
    x: Axis("element"), y: Axis(name),
    bands + [
      .line(
        Line("series", x: values.indices.map { Double(first + $0) }, y: values, color: .neutral)),
      .line(Line("median", x: x, y: steps.map { $0.quantiles[levels.count / 2] }, color: .palette(0))),
    ])
}

private func symbolPanel(_ forecasts: [StepForecast], _ symbols: Int, _ names: [String]) -> Panel {
  let rows = forecasts.map { forecast -> [Double] in
    if case .symbols(let probabilities) = forecast.element { probabilities } else { [] }
  }
  let greatest = (0..<symbols).map { symbol in rows.map { $0[symbol] }.max() ?? 0 }
  let shown = greatest.indices.sorted { greatest[$0] == greatest[$1] ? $0 < $1 : greatest[$0] > greatest[$1] }
    .prefix(20).sorted()
  return Panel(
    x: Axis("step", categories: rows.indices.map { "\($0 + 1)" }),
    y: Axis("symbol", categories: shown.map { $0 < names.count ? names[$0].printable : "\($0)" }, isReversed: true),
    [
      .heatMap(
        HeatMap(
          rows: shown.count, columns: rows.count, values: shown.flatMap { symbol in rows.map { $0[symbol] } }, lower: 0)
      )
    ])
}

/// A series, column over column.
func seriesFigure(_ name: String, title: String, _ rows: Matrix, _ names: [String]) -> Figure {
  Figure(
    name, title: title,
    .plot(
      columnPlot(rows.columns) { j in
        Panel(
          x: Axis("element"), y: Axis(names[j]),
          [.line(Line(x: (0..<rows.rows).map(Double.init), y: rows.column(j), color: .palette(j)))])
      }))
}

/// A panel for each of the first four columns of a series, one below the other.
func columnPlot(_ columns: Int, panel: (_ column: Int) -> Panel) -> Plot {
  Plot((0..<min(columns, 4)).map(panel), columns: 1, panelSize: .init(width: 1000, height: columns == 1 ? 400 : 280))
}
