import Datasets
import Figures
import Learners
import LinearAlgebra
import Metrics
import Statistics

extension ClassifyingModel {
  package func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure] {
    let posterior = posterior(parameters)!
    var figures = weightFigures(data, posterior)
    if features.inputs == 2 { figures.append(try boundaryFigure(data, posterior)) }
    return figures + (try answerFigures(data, posterior))
  }

  private func names(_ data: ExactData) -> [String] {
    data.labels.flatMap { $0.names.isEmpty ? nil : $0.names } ?? (0..<classCount).map(String.init)
  }

  /// Weights with two standard deviations; nothing if there are more than a figure can distinguish.
  private func weightFigures(_ data: ExactData, _ posterior: Posterior) -> [Figure] {
    guard features.basis == .identity, features.weightCount <= 40, classCount <= Color.paletteCount else { return [] }
    let (means, deviations) = weights(posterior)
    let names = names(data)
    let columns = (features.hasIntercept ? ["intercept"] : []) + (0..<features.inputs).map(data.name)
    let scaled = data.train.inputScaling == nil ? "" : " of the scaled column"
    let panel = Panel(
      x: Axis(categories: columns),
      y: Axis((means.rows == 1 ? "weight for \(names[1])" : "weight") + scaled + ", ± 2 σ"),
      (0..<means.rows).map { k in
        .bars(
          Bars(
            means.rows == 1 ? "" : names[k], heights: means.row(k), errors: deviations.row(k).map { 2 * $0 },
            color: .palette(k)))
      })
    return [Figure("weights", title: "Weights", .plot(Plot(panel)))]
  }

  /// How sure the predictions of held-out rows are and how right; of training rows where nothing is held out.
  private func answerFigures(_ data: ExactData, _ posterior: Posterior) throws -> [Figure] {
    let rows = try (data.test ?? data.train).matrices(first: ExactData.shownRows)
    let truth = (rows.targets?.elements ?? []).map { Int($0) }
    let values = (0..<rows.inputs.rows).flatMap { probabilities(rows.inputs.row($0), posterior) }
    let predicted = ClassProbabilities(values, classes: classCount)
    let noun = data.test == nil ? "training rows" : "test rows"
    return [reliabilityFigure(Reliability(predicted, labels: truth), of: noun)]
      + confusionFigures(
        predicted.confusion(truth), names: names(data), given: "prediction",
        title: "What \(noun) of each class were taken for")
  }

  /// Where each class is likely, over the plane of the two inputs.
  private func boundaryFigure(_ data: ExactData, _ posterior: Posterior) throws -> Figure {
    let rows = try data.train.matrices(first: ExactData.shownRows)
    func natural(_ values: [Double], _ column: Int) -> [Double] {
      values.map { data.train.scaling?.restored($0, column: column) ?? $0 }
    }
    func grid(_ column: Int) -> [Double] {
      let values = rows.inputs.column(column)
      let (least, most) = (values.min()!, values.max()!)
      let margin = 0.1 * (most > least ? most - least : 1)
      return (0...80).map { least - margin + (most - least + 2 * margin) * Double($0) / 80 }
    }
    let (x, y) = (grid(0), grid(1))
    let cells = y.flatMap { b in x.map { a in probabilities([a, b], posterior) } }
    let (acrossX, acrossY) = (natural(x, 0), natural(y, 1))
    let names = names(data)
    func contours(_ label: String, _ k: Int, _ levels: [Double], _ color: Color) -> Mark {
      .contours(
        Contours(label, x: acrossX, y: acrossY, values: cells.map { $0[k] }, levels: levels, color: color))
    }
    let lines =
      classCount == 2
      ? [
        contours("p(\(names[1])) = 0.1, 0.25, 0.75, 0.9", 1, [0.1, 0.25, 0.75, 0.9], .neutral),
        contours("p(\(names[1])) = 0.5", 1, [0.5], .foreground),
      ] : (0..<classCount).map { contours("", $0, [0.5, 0.9], .palette($0)) }
    let points = Points(
      x: natural(rows.inputs.column(0), 0), y: natural(rows.inputs.column(1), 1),
      coloring: coloring(data.labels, of: rows.inputs.rows))
    let panel = Panel(
      x: Axis(data.name(of: 0), lower: acrossX.first!, upper: acrossX.last!),
      y: Axis(data.name(of: 1), lower: acrossY.first!, upper: acrossY.last!), lines + [.points(points)])
    return Figure(
      "probabilities", title: classCount == 2 ? "Predictive probability" : "Predictive probability 0.5 and 0.9",
      .plot(Plot(panel)))
  }
}
