import Datasets
import Figures
import Glibc
import Learners
import Tensors
import Training

/// Pictures of data of one or two numbers, where densities themselves can be seen.
extension AdversarialLearner {
  /// Training examples to show; zeros where a checkpoint holds them.
  static func shownRows(_ inputs: NetworkInputs, _ data: Dataset) -> FlatBuffer {
    let count = min(data.trainingCount, 5000)
    var layout = Layout()
    layout.add("rows", [count, inputs.width])
    let buffer = FlatBuffer("shown", layout)
    guard data.reference == nil else { return buffer }
    let rows = inputs.restored(inputs.trainRows(.range(0..<count), key: RandomKey(seed: 0)))
    buffer.float32.baseAddress!.update(from: rows.pointer, count: rows.count)
    return buffer
  }

  func points(_ name: String, title: String, of latents: Tensor, with crew: Crew) throws -> Figure {
    points(name, title: title, try generated(from: latents, with: crew))
  }

  /// Samples beside the data.
  func points(_ name: String, title: String, _ samples: Tensor) -> Figure {
    let known = shown!.tensor(shown!.layout.slots[0])
    let real = known.rows(0..<min(known.rows, max(samples.rows, 2000)))
    return Figure(
      name, title: title, .plot(Plot(inputs.width == 1 ? densities(real, samples) : scatter(real, samples))))
  }

  private func column(_ rows: Tensor, _ column: Int) -> [Double] {
    (0..<rows.rows).map { Double(rows.pointer[$0 * rows.columns + column]) }
  }

  private func scatter(_ real: Tensor, _ samples: Tensor) -> Panel {
    Panel(
      x: Axis("x₁"), y: Axis("x₂"), equalAspect: true, legend: .beside,
      [
        .points(Points("data", x: column(real, 0), y: column(real, 1), size: 0.4)),
        .points(Points("samples", x: column(samples, 0), y: column(samples, 1), size: 0.4)),
      ])
  }

  /// Densities of data and samples with what the discriminator says of each place (Goodfellow et al. 2014, figure 1).
  private func densities(_ real: Tensor, _ samples: Tensor) -> Panel {
    let (x, y) = (column(real, 0), column(samples, 0))
    let (low, high) = ((x + y).min()!, (x + y).max()!)
    let margin = max(0.1 * (high - low), 1e-6)
    let places = (0...200).map { low - margin + (high - low + 2 * margin) * Double($0) / 200 }
    var marks: [Mark] = [
      .line(Line("data", x: places, y: density(of: x, at: places), shape: .filled)),
      .line(Line("samples", x: places, y: density(of: y, at: places))),
    ]
    if let beliefs = beliefs(at: places) {
      marks.append(.line(Line("discriminator: P(real)", x: places, y: beliefs, stroke: .dashed)))
    }
    return Panel(x: Axis("x"), y: Axis("density, probability", lower: 0), legend: .beside, marks)
  }

  /// A Gaussian kernel estimate with Silverman's bandwidth.
  private func density(of sample: [Double], at places: [Double]) -> [Double] {
    let count = Double(sample.count)
    let mean = sample.reduce(0, +) / count
    let variance = sample.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let width = max(0.4 * variance.squareRoot() * pow(count, -0.2), 1e-6)
    let scale = 1 / (count * width * (2 * Double.pi).squareRoot())
    return places.map { place in
      scale
        * sample.reduce(0) { sum, point in
          let distance = (place - point) / width
          return abs(distance) > 6 ? sum : sum + exp(-0.5 * distance * distance)
        }
    }
  }
}
