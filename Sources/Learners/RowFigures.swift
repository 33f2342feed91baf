import Datasets
import Figures
import LinearAlgebra

/// The first two columns of coordinates, coloured by class where there are classes.
package func scatter(
  _ scores: Matrix, labels: ClassLabels?, axes: (x: String, y: String), _ more: [Mark] = []
) -> Figure {
  let panel = Panel(
    x: Axis(axes.x), y: Axis(axes.y), equalAspect: true,
    [.points(Points(x: scores.column(0), y: scores.column(1), coloring: coloring(labels, of: scores.rows)))] + more)
  return Figure("scores", title: "Rows in two dimensions", .plot(Plot(panel)))
}

/// Rows as images where the data are images of bytes, or nothing.
package func pictures(of rows: Matrix, like data: ExactRows, _ name: String, title: String) -> [Figure] {
  guard let layout = ImageLayout(of: data.array), rows.rows > 0 else { return [] }
  // Directions and centres have scales of their own: each picture from its darkest to its brightest.
  var samples: [Float] = []
  for i in 0..<rows.rows {
    let row = rows.row(i)
    let (least, most) = (row.min()!, row.max()!)
    samples += row.map { Float(most > least ? ($0 - least) / (most - least) : 0) }
  }
  let grid = ImageGrid(
    .float(samples), height: layout.height, width: layout.width, channels: layout.channels,
    columns: min(rows.rows, 10))
  return [Figure(name, title: title, .images(grid))]
}
