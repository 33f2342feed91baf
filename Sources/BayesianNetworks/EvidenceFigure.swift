import Figures
import Tensors

/// What evidence says of a turned image (Sensoy et al. 2018, figure 1, right): the expected probabilities of some classes at
/// each angle, and the uncertainty u, which is 1 where there is no evidence.
/// - Parameters:
///   - outputs: [angles, classes].
///   - names: of the classes.
func evidencePanel(
  _ outputs: Tensor, _ likelihood: EvidentialLikelihood, angles: [Int], classes: [Int], names: [String]
) -> Panel {
  let concentrations = likelihood.concentrations(outputs)
  let totals = concentrations.sumOfRows()
  let x = angles.map(Double.init)
  let probabilities = classes.enumerated().map { place, label in
    Mark.line(
      Line(
        names[place], x: x,
        y: angles.indices.map { row in
          Double(concentrations.pointer[row * outputs.columns + label] / totals.pointer[row])
        }, color: .palette(place)))
  }
  let uncertainty = Mark.line(
    Line(
      "uncertainty u", x: x, y: angles.indices.map { Double(Float(outputs.columns) / totals.pointer[$0]) },
      color: .neutral))
  return Panel(
    title: "Evidence", x: Axis("rotation (degrees)"), y: Axis("expected probability, u", lower: 0, upper: 1),
    legend: .beside, probabilities + [uncertainty])
}
