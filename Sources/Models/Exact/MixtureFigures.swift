import Figures
import LinearAlgebra

/// The first two columns, each row coloured by its responsibilities, with the components' ellipses.
func mixtureFigure(
  _ data: ExactData, _ rows: Matrix, _ responsibilities: Matrix, _ gaussians: [Ellipses.Gaussian]
) -> Figure {
  let panel = Panel(
    x: Axis(data.column(0)), y: Axis(data.column(1)),
    [
      .points(
        Points(
          x: rows.column(0), y: rows.column(1),
          coloring: .mixture(weights: responsibilities.elements, components: responsibilities.columns))),
      .ellipses(Ellipses(gaussians, label: "1 and 2 σ")),
    ])
  return Figure("mixture", title: "Responsibilities and components", .plot(Plot(panel)))
}

extension Ellipses.Gaussian {
  /// The marginal of the first two columns.
  init(mean: [Double], covariance: Matrix) {
    self.init(
      meanX: mean[0], meanY: mean[1], varianceX: covariance[0, 0], varianceY: covariance[1, 1],
      covariance: covariance[0, 1])
  }
}

extension Matrix {
  /// The index of the largest element of each row, the first of equals, as numbers.
  var largestInRows: [Double] {
    (0..<rows).map { i in
      var best = 0
      for j in 1..<max(columns, 1) where self[i, j] > self[i, best] { best = j }
      return Double(best)
    }
  }
}
