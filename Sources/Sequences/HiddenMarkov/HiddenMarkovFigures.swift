import Components
import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Statistics

/// Elements of a sequence that a picture shows at most.
private let shownElements = 120

/// States over time with their probabilities, transitions, and what each state emits.
func hiddenMarkovFigures<Emission: FlatEmission>(
  _ model: HiddenMarkovModel<Emission>, _ parameters: HiddenMarkovModel<Emission>.Parameters, _ data: ExactData,
  _ vocabulary: [String]?
) throws -> [Figure] {
  let names = (0..<model.states).map { "\($0)" }
  var figures = [
    Figure(
      "transitions", title: "Transitions between states",
      .plot(
        Plot(
          Panel(
            x: Axis("next state", categories: names), y: Axis("state", categories: names, isReversed: true),
            [
              .heatMap(
                HeatMap(
                  rows: model.states, columns: model.states, values: parameters.transitions.elements, lower: 0,
                  upper: 1, showsValues: model.states <= 12))
            ]))))
  ]
  var shown: (values: [Double], paths: StatePaths)?
  try data.train.forEachBlock(0..<1) { _, block in
    guard shown == nil else { return }
    let count = min(block.count, shownElements)
    // What comes later says something about the states too: the whole sequence is followed.
    shown = ((0..<count).map { block.inputs[$0, 0] }, try model.paths(of: block, parameters))
  }
  if let (values, paths) = shown {
    let isText = vocabulary != nil
    let smoothed = Array(paths.smoothed.prefix(values.count * model.states))
    figures.append(
      Figure(
        "states", title: "The first sequence and its states",
        .plot(
          Plot(
            [
              seriesPanel(values, smoothed, model.states, isText ? "token" : data.column(0)),
              probabilityPanel(smoothed, model.states),
            ], columns: 1, panelSize: Plot.PixelSize(width: 1000, height: 320)))))
  }
  let first = try data.train.matrices(first: ExactData.shownRows).inputs
  if let panel = emissionPanel(model.emission.shape(parameters.emission), first, data, vocabulary, paths: shown?.paths)
  {
    figures.append(Figure("emissions", title: "What the states emit", .plot(Plot(panel))))
  }
  return figures
}

/// A new sequence, each element with the color of its state.
func sampleFigure(_ values: [Double], _ path: [Int], states: Int, _ data: ExactData) -> Figure {
  var weights = [Double](repeating: 0, count: values.count * states)
  for (index, state) in path.enumerated() { weights[index * states + state] = 1 }
  return Figure(
    "samples", title: "A new sequence",
    .plot(
      Plot(seriesPanel(values, weights, states, data.columns.first ?? "value"), size: .init(width: 1000, height: 400))))
}

/// A sequence's first column over time, colored by the probabilities of its states.
private func seriesPanel(_ values: [Double], _ smoothed: [Double], _ states: Int, _ name: String) -> Panel {
  let seen = values.indices.filter { !values[$0].isNaN }
  let (x, y) = (seen.map(Double.init), seen.map { values[$0] })
  return Panel(
    x: Axis("element"), y: Axis(name), legend: .none,
    [
      .line(Line(x: x, y: y, color: .neutral)),
      .points(
        Points(
          x: x, y: y,
          coloring: .mixture(
            weights: seen.flatMap { row in (0..<states).map { smoothed[row * states + $0] } }, components: states))),
    ])
}

private func probabilityPanel(_ smoothed: [Double], _ states: Int) -> Panel {
  let x = (0..<smoothed.count / states).map(Double.init)
  return Panel(
    x: Axis("element"), y: Axis("p(state | sequence)", lower: 0, upper: 1), legend: states > 8 ? .none : .beside,
    (0..<states).map { k in
      .line(
        Line("state \(k)", x: x, y: x.indices.map { smoothed[$0 * states + k] }, color: .palette(k)))
    })
}

private func emissionPanel(
  _ shape: EmissionShape, _ rows: Matrix, _ data: ExactData, _ vocabulary: [String]?, paths: StatePaths?
) -> Panel? {
  switch shape {
  case .symbols(let probabilities):
    // Of many symbols those that some state emits most.
    let states = probabilities.rows
    let greatest = (0..<probabilities.columns).map { probabilities.column($0).max() ?? 0 }
    let shown = greatest.indices.sorted { greatest[$0] == greatest[$1] ? $0 < $1 : greatest[$0] > greatest[$1] }
      .prefix(40).sorted()
    return Panel(
      x: Axis("symbol", categories: shown.map { vocabulary?[$0].printable ?? "\($0)" }),
      y: Axis("state", categories: (0..<states).map { "\($0)" }, isReversed: true),
      [
        .heatMap(
          HeatMap(
            rows: states, columns: shown.count,
            values: (0..<states).flatMap { state in shown.map { probabilities[state, $0] } }, lower: 0,
            showsValues: shown.count * states <= 40))
      ])
  case .rates(let all):
    let rates = all.column(0)
    let values = rows.column(0).filter { !$0.isNaN }
    let greatest = Int(min(max(values.max() ?? 1, (rates.max() ?? 1) * 1.5), 1000))
    let x = (0...greatest).map(Double.init)
    return Panel(
      x: Axis(data.column(0)), y: Axis("probability", lower: 0),
      [
        .histogram(
          Histogram(
            "elements", of: values, bins: min(greatest + 1, 40), isDensity: true, color: .neutral))
      ]
        + rates.enumerated().map { k, rate in
          .line(
            Line(
              "state \(k)", x: x, y: x.map { exp($0 * log(rate) - rate - logGamma($0 + 1)) }, color: .palette(k)))
        })
  case .gaussians(let states): return gaussianPanel(states, rows, data)
  }
}

/// Densities over a histogram of one column, or ellipses in the plane of more.
private func gaussianPanel(
  _ states: [[(weight: Double, mean: [Double], covariance: Matrix)]], _ rows: Matrix, _ data: ExactData
) -> Panel {
  let whole = (0..<rows.rows).filter { row in (0..<rows.columns).allSatisfy { !rows[row, $0].isNaN } }
  guard rows.columns == 1 else {
    let plane = Plane(data, of: rows)
    let (x, y) = plane.places(of: Matrix(rows: whole.count, columns: rows.columns, elements: whole.flatMap(rows.row)))
    return Panel(
      x: plane.x, y: plane.y,
      [.points(Points(x: x, y: y, coloring: .single(.neutral)))]
        + states.enumerated().map { k, components in
          .ellipses(
            Ellipses(
              components.map { plane.gaussian(mean: $0.mean, covariance: $0.covariance) }, label: "state \(k)",
              color: .palette(k)))
        })
  }
  let values = whole.map { rows[$0, 0] }
  let (lower, upper) = (values.min() ?? 0, values.max() ?? 1)
  let x = (0...200).map { lower + (upper - lower) * Double($0) / 200 }
  return Panel(
    x: Axis(data.column(0)), y: Axis("density", lower: 0),
    [.histogram(Histogram("elements", of: values, isDensity: true, color: .neutral))]
      + states.enumerated().map { k, components in
        .line(
          Line(
            "state \(k)", x: x,
            y: x.map { x in
              components.reduce(0) { sum, part in
                let (variance, difference) = (part.covariance[0, 0], x - part.mean[0])
                return sum + part.weight * exp(-0.5 * difference * difference / variance)
                  / (2 * Double.pi * variance).squareRoot()
              }
            }, color: .palette(k)))
      })
}

extension String {
  /// A token that can be seen: white space by its name.
  var printable: String {
    switch self {
    case " ": "space"
    case "\n": "newline"
    case "\t": "tab"
    default: count > 12 ? prefix(11) + "…" : self
    }
  }
}
