import Components
import Datasets
import Figures
import Learners
import LinearAlgebra

/// Each row colored by its responsibilities, with the components' ellipses.
func mixtureFigure(
  _ plane: Plane, _ rows: Matrix, _ responsibilities: Matrix, _ gaussians: [Ellipses.Gaussian]
) -> Figure {
  let panel = mixturePanel("", plane, rows, responsibilities, gaussians, legend: .automatic)
  return Figure("mixture", title: "Responsibilities and components, 1 and 2 σ", .plot(Plot(panel)))
}

func mixturePanel(
  _ title: String, _ plane: Plane, _ rows: Matrix, _ responsibilities: Matrix, _ gaussians: [Ellipses.Gaussian],
  legend: Panel.Legend = .none
) -> Panel {
  let (x, y) = plane.places(of: rows)
  return Panel(
    title: title, x: plane.x, y: plane.y, legend: legend,
    [
      .points(
        Points(
          x: x, y: y,
          coloring: .mixture(
            weights: responsibilities.elements, components: responsibilities.columns,
            names: numbered("component", responsibilities.columns)))),
      .ellipses(Ellipses(gaussians)),
    ])
}

extension Matrix {
  /// The index of the largest element of each row, the first of equals.
  var largestInRows: [Int] {
    (0..<rows).map { i in
      var best = 0
      for j in 1..<max(columns, 1) where self[i, j] > self[i, best] { best = j }
      return best
    }
  }
}
