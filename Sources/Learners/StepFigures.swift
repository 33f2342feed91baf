import Figures
import LinearAlgebra
import Statistics
import Tensors

/// The variational view of EM, drawn at every half-step: log p = bound + KL (Bishop 2006, section 9.4). The E-step closes
/// the gap, the M-step raises the bound, and the likelihood by more.
/// - Parameter bound: of parameters, under the responsibilities of the statistics that were taken with others.
package func decompositionFigure<Model: FlatStatisticsModel>(
  _ model: Model, _ data: ExactData, from start: Model.Parameters,
  bound: (Model.Parameters, [Double], Model.Parameters) -> Double
) throws -> Figure {
  let rows = try data.train.matrices(first: ExactData.shownRows).inputs
  var (parameters, likelihoods, bounds, steps) = (start, [Double](), [Double](), [Double]())
  try rows.withRows { block in
    for iteration in 0..<12 {
      let statistics = try model.statistics(of: Observations(inputs: block), parameters: parameters)
      let improvement = try model.update(parameters, statistics: statistics)
      // After the E-step the bound is the log-likelihood.
      steps.append(Double(iteration))
      likelihoods.append(improvement.objective)
      bounds.append(bound(parameters, statistics, parameters))
      let next = improvement.parameters
      let after = try model.update(
        next, statistics: model.statistics(of: Observations(inputs: block), parameters: next))
      steps.append(Double(iteration) + 0.5)
      likelihoods.append(after.objective)
      bounds.append(bound(next, statistics, parameters))
      parameters = next
    }
  }
  let gaps = zip(likelihoods, bounds).map { max($0 - $1, 0) }
  let panels = [
    Panel(
      x: Axis("iteration (E-step at whole numbers, M-step between)"), y: Axis("nats"), legend: .bottomRight,
      [
        .line(Line("log p", x: steps, y: likelihoods)), .line(Line("lower bound", x: steps, y: bounds)),
        .points(Points(x: steps, y: bounds, coloring: .single(.palette(1)))),
      ]),
    Panel(x: Axis("iteration"), y: Axis("KL(q ‖ posterior) (nats)", lower: 0), [.line(Line(x: steps, y: gaps))]),
  ]
  return Figure("decomposition", title: "log p = lower bound + KL, at every half-step", .plot(Plot(panels)))
}

/// A picture of the parameters after 0, 1, 2, 5 and 20 iterations from a start (Bishop 2006, figures 9.1 and 9.8), and of
/// those that were learnt, from whichever start.
package func stepsFigure<Model: FlatStatisticsModel>(
  _ model: Model, _ rows: Matrix, from start: Model.Parameters, to end: Model.Parameters,
  _ panel: (_ title: String, Model.Parameters) throws -> Panel
) throws -> Figure {
  var (parameters, panels) = (start, [try panel("start", start)])
  try rows.withRows { block in
    for iteration in 1...20 {
      let statistics = try model.statistics(of: Observations(inputs: block), parameters: parameters)
      parameters = try model.update(parameters, statistics: statistics).parameters
      if [1, 2, 5, 20].contains(iteration) {
        panels.append(try panel("\(iteration) iteration\(iteration == 1 ? "" : "s")", parameters))
      }
    }
  }
  panels.append(try panel("the end", end))
  return Figure("steps", title: "On the way from the first start, and the end", .plot(Plot(panels, columns: 3)))
}
