import Datasets
import Distributions
import Figures
import Learners
import LinearAlgebra
import Statistics
import Tensors
import Training

/// A model of sufficient statistics that is a density: rows can be drawn from it.
package protocol SamplingModel: FlatStatisticsModel {
  /// New rows, as the model sees them.
  func sample(_ count: Int, _ parameters: Parameters, using generator: inout RandomStream) throws -> Matrix
}

extension ProbabilisticPCA: SamplingModel {
  package func sample(
    _ count: Int, _ parameters: ProbabilisticPCAParameters, using generator: inout RandomStream
  ) throws -> Matrix { Matrix((0..<count).map { _ in parameters.sample(using: &generator) }) }
}

extension ClosedFormProbabilisticPCA: SamplingModel {
  package func sample(_ count: Int, _ parameters: Parameters, using generator: inout RandomStream) throws -> Matrix {
    Matrix((0..<count).map { _ in parameters.density!.sample(using: &generator) })
  }
}

extension SamplingModel {
  package func shownRows(of data: ExactData) throws -> FlatBuffer? { try data.shownRows() }

  package func add(to offers: inout Offers, of learner: StatisticsLearner<Self>) {
    offers.sampling = SamplingOffer(
      picture: { count, key, _ in try learner.sample(count: count, key: key) },
      rows: { count, key in try learner.rows(count: count, key: key) })
  }
}

extension StatisticsLearner where Model: SamplingModel {
  /// New rows in the units of the data, the same for the same key.
  func rows(count: Int, key: RandomKey) throws -> GeneratedExamples.Rows {
    let rows = data.train.restored(try drawn(count, key: key))
    return GeneratedExamples.Rows(values: rows.elements.map { Float($0) }, shape: [count] + data.train.array.shape)
  }

  /// New rows as the model sees them.
  private func drawn(_ count: Int, key: RandomKey) throws -> Matrix {
    var generator = RandomStream(key.at(tensor: NoiseStream.latent))
    let (model, parameters) = (try model(), try learntParameters())
    return try saying { try model.sample(count, parameters, using: &generator) }
  }

  /// Images where the data are images; else rows beside those of the data, in their plane, or a histogram of one column.
  func sample(count: Int, key: RandomKey) throws -> Figure {
    let drawn = try drawn(count, key: key)
    if let layout = ImageLayout(of: data.train.array) {
      let isBytes = data.train.array.kind == .uint8
      return Figure(
        "samples",
        .images(
          ImageGrid(
            .float(data.train.restored(drawn).elements.map { Float(isBytes ? $0 / 255 : $0) }),
            height: layout.height, width: layout.width, channels: layout.channels, columns: min(count, 8))))
    }
    return Figure(
      "samples", title: "Training rows and samples",
      .plot(Plot(drawn.columns > 1 ? planePanel(drawn) : histogramPanel(data.train.restored(drawn)))))
  }

  private func planePanel(_ drawn: Matrix) -> Panel {
    let (plane, rows) = (Plane(data, from: shown!), shown!.matrix("rows"))
    let (x, y) = plane.places(of: drawn)
    return Panel(
      x: plane.x, y: plane.y,
      [
        .points(Points("training rows", x: rows.column(0), y: rows.column(1), coloring: .single(.neutral))),
        .points(Points("samples", x: x, y: y, coloring: .single(.palette(0)), symbol: .cross)),
      ])
  }

  private func histogramPanel(_ rows: Matrix) -> Panel {
    let training = shown!.matrix("rows").column(0)
    return Panel(
      x: Axis(data.name(of: 0)), y: Axis("density", lower: 0),
      [
        .histogram(Histogram("training rows", of: training, isDensity: true, color: .neutral)),
        .histogram(Histogram("samples", of: rows.column(0), isDensity: true, color: .palette(0), style: .outline)),
      ])
  }
}
