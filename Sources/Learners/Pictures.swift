import Datasets
import Figures
import Tensors

// Pictures that several models draw.

/// Rows of a tensor as images; rows that are no image are drawn as a plot of numbers would be: one pixel high.
package func imageGrid(
  _ name: String, title: String, _ rows: Tensor, inputs: NetworkInputs, columns: Int, rowLabels: [String] = [],
  columnLabels: [String] = [], padding: Int = 2
) -> Figure {
  let layout = ImageLayout(shape: inputs.train.shape)
  return Figure(
    name, title: title,
    .images(
      ImageGrid(
        .float(rows.values), height: layout.height, width: layout.width, channels: layout.channels,
        columns: columns, rowLabels: rowLabels, columnLabels: columnLabels, padding: padding)))
}

/// Pairs of rows of images: originals above what a model made of them.
package func besideOriginals(_ originals: Tensor, _ restored: Tensor, inputs: NetworkInputs) -> Figure {
  let columns = 10
  let width = inputs.width
  var values: [Float] = []
  for start in stride(from: 0, to: originals.rows, by: columns) {
    let end = min(start + columns, originals.rows)
    let blank = [Float](repeating: 1, count: (columns - (end - start)) * width)
    for rows in [originals, restored] { values += rows.values[start * width..<end * width] + blank }
  }
  return imageGrid(
    "reconstructions", title: "Originals (odd rows) and reconstructions (even rows)",
    Tensor(values, [values.count / width, width]), inputs: inputs, columns: columns)
}

/// Points of a 2-D latent space, coloured by class, with the prior's ellipses.
package func latentScatter(_ points: Tensor, labels: ClassLabels?, title: String) -> Figure {
  let xy = points.values
  let x = (0..<points.rows).map { Double(xy[2 * $0]) }
  let y = (0..<points.rows).map { Double(xy[2 * $0 + 1]) }
  let panel = Panel(
    x: Axis("z₁"), y: Axis("z₂"), equalAspect: true,
    [
      .points(Points(x: x, y: y, coloring: coloring(labels, of: points.rows))),
      .ellipses(Ellipses([.standard], label: "standard Gaussian, 1 and 2 σ", color: .foreground)),
    ])
  return Figure("latent", title: title, .plot(Plot(panel)))
}

/// The first rows by class, with a legend.
package func coloring(_ labels: ClassLabels?, of rows: Int) -> Points.Coloring {
  labels.map { .classes($0.indices.prefix(rows).map { Int($0) }, names: $0.legend) } ?? .single(.automatic)
}

extension ClassLabels {
  /// Names of the classes for a legend, which are numbers where the data has none; nothing of so many that a legend would
  /// be larger than the picture.
  package var legend: [String] {
    guard count <= 2 * Color.paletteCount else { return [] }
    return names.isEmpty ? (0..<count).map(String.init) : names
  }
}

/// How the numbers of one example are laid out as a picture.
package struct ImageLayout {
  package let height: Int
  package let width: Int
  package let channels: Int

  package var count: Int { height * width * channels }

  /// Nothing for numbers that are no picture.
  package init?(of array: ExampleArray) {
    let side = Int(Double(array.elementsPerExample).squareRoot().rounded())
    let isSquare = array.kind == .uint8 && side >= 8 && side * side == array.elementsPerExample
    guard array.shape.count == 2 || array.shape.count == 3 || isSquare else { return nil }
    self.init(shape: array.shape)
  }

  package init(shape: [Int]) {
    switch shape.count {
    case 2: (height, width, channels) = (shape[0], shape[1], 1)
    case 3 where [1, 3, 4].contains(shape[2]): (height, width, channels) = (shape[0], shape[1], shape[2])
    default:
      let count = shape.reduce(1, *)
      let side = Int(Double(count).squareRoot().rounded())
      (height, width, channels) = side * side == count ? (side, side, 1) : (1, count, 1)
    }
  }
}
