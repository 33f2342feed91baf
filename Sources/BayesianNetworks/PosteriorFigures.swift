import CKernels
import Datasets
import Figures
import Foundation
import Learners
import Metrics
import Networks
import Tensors
import Training

/// What a posterior over weights looks like: Blundell et al. 2015, figures 3 and 4.
enum PosteriorFigures {
  /// Weights that are drawn: more would not change a curve that is seen.
  private static let limit = 200_000

  static func all(_ posterior: VariationalPosterior, _ parameters: FlatBuffer) -> [Figure] {
    let weights = Posteriors(posterior, parameters, limit: limit)
    return [signalToNoise(weights), histogram(weights)]
  }

  /// Means and deviations of the weights, every k-th of them.
  private struct Posteriors {
    var means: [Double] = []
    var deviations: [Double] = []

    init(_ posterior: VariationalPosterior, _ parameters: FlatBuffer, limit: Int) {
      let every = max(posterior.weightCount / limit, 1)
      let start = parameters.float32.baseAddress!
      for entry in posterior.entries {
        guard let rho = entry.rho else { continue }
        for element in stride(from: 0, to: entry.weight.shape.count, by: every) {
          means.append(Double(start[entry.mean.offset + element]))
          let r = Double(start[rho.offset + element])
          deviations.append(max(r, 0) + log1p(exp(-abs(r))))
        }
      }
    }
  }

  private static func signalToNoise(_ weights: Posteriors) -> Figure {
    let decibels = zip(weights.means, weights.deviations).map { mean, deviation in
      10 * log10(max(abs(mean), 1e-30) / max(deviation, 1e-30))
    }.sorted()
    let low = max(quantile(ofSorted: decibels, 0.001), -60)
    let high = max(quantile(ofSorted: decibels, 0.9995), low + 1)
    let ratio = Axis("signal-to-noise ratio (dB)", lower: low, upper: high)
    let density = Histogram(of: decibels, bins: 80, range: low...high, isDensity: true, style: .outline)
    let shares = (0...200).map { Double($0) / 200 }
    let values = shares.map { quantile(ofSorted: decibels, $0) }
    return Figure(
      "signal-to-noise", title: "Signal-to-noise ratio |μ| / σ of the weights",
      .plot(
        Plot(
          [
            Panel(x: ratio, y: Axis("density", lower: 0), [.histogram(density)]),
            Panel(
              x: ratio, y: Axis("CDF", lower: 0, upper: 1),
              [.line(Line(x: values, y: shares)), .rule(Rule(.horizontal(0.75), label: "75 % removed"))]),
          ])))
  }

  /// Densities are logarithmic: a mixture prior leaves nearly all weights in one spike, and what matters beside it.
  private static func histogram(_ weights: Posteriors) -> Figure {
    let sorted = weights.means.map(abs).sorted()
    let reach = max(quantile(ofSorted: sorted, 0.999), 1e-6)
    let deviations = weights.deviations.sorted()
    return Figure(
      "weights", title: "Weights after training",
      .plot(
        Plot(
          [
            Panel(
              x: Axis("μ"), y: Axis("density", scale: .log),
              [.histogram(Histogram(of: weights.means, bins: 100, range: -reach...reach, isDensity: true))]),
            Panel(
              x: Axis("σ"), y: Axis("density", scale: .log),
              [
                .histogram(
                  Histogram(
                    of: deviations, bins: 100, range: 0...max(quantile(ofSorted: deviations, 0.999), 1e-9),
                    isDensity: true))
              ]),
          ])))
  }
}

/// A regression of one input on one target: the median with its quartiles and outer bands (Blundell et al. 2015,
/// figure 5), and what of the spread is noise and what is ignorance. Nothing for other data.
func curveFigure(
  _ learner: some Predicting, _ supervision: Supervision, key: RandomKey, with crew: Crew
) throws -> [Figure] {
  guard !learner.isClassifier, supervision.inputs.width == 1, supervision.width == 1 else { return [] }
  let train = supervision.inputs.train
  let x = (0..<train.count).map { train.number($0) }
  let (low, high) = (x.min()!, x.max()!)
  let margin = max((high - low) * 0.3, 1e-9)
  let grid = (0...200).map { low - margin + (high - low + 2 * margin) * Double($0) / 200 }
  let y = supervision.targets((0..<UInt32(train.count)).map { $0 }).values
    .map { Double($0) * supervision.targetDeviations[0] + supervision.targetMeans[0] }
  let inputs: ExampleArray =
    train.kind == .float64 ? ExampleArray(grid, shape: [1]) : ExampleArray(grid.map { Float($0) }, shape: [1])
  guard train.kind != .uint8 else { return [] }
  var levels: [[Double]] = []
  var (aleatoric, epistemic) = ([Double](), [Double]())
  let samples = learner.sampleCount(200)
  try Prediction.run(learner, on: inputs, samples: samples, key: key, with: crew) { samples in
    let mixtures = try crew.map(samples.examples.count, atATime: 64) {
      GaussianMixturePrediction.all(of: samples, example: $0)[0]
    }
    levels += try crew.map(mixtures.count, atATime: 64) { index in
      [0.025, 0.25, 0.5, 0.75, 0.975].map(mixtures[index].quantile)
    }
    aleatoric += mixtures.map { $0.aleatoricVariance.squareRoot() }
    epistemic += mixtures.map { $0.epistemicVariance.squareRoot() }
  }
  func level(_ index: Int) -> [Double] { levels.map { $0[index] } }
  let (input, target) = (supervision.name(of: 0), supervision.target(0))
  let panels = [
    Panel(
      x: Axis(input), y: Axis(target),
      [
        .band(Band("95 %", x: grid, lower: level(0), upper: level(4), color: .palette(0), opacity: 0.15)),
        .band(Band("quartiles", x: grid, lower: level(1), upper: level(3), color: .palette(0), opacity: 0.35)),
        .points(Points("training data", x: x, y: y, coloring: .single(.foreground), symbol: .cross)),
        .line(Line("median", x: grid, y: level(2), color: .palette(0))),
      ]),
    Panel(
      x: Axis(input), y: Axis("standard deviation of \(target)", lower: 0),
      [
        .line(Line("aleatoric", x: grid, y: aleatoric)), .line(Line("epistemic", x: grid, y: epistemic)),
      ]),
  ]
  return [Figure("regression", title: "Prediction and its uncertainty", .plot(Plot(panels)))]
}

/// Targets that were observed against their predictions, of the first held-out examples, or of the first training examples
/// where nothing is held out.
package func observedFigure(
  _ learner: some Predicting, _ supervision: Supervision, key: RandomKey, with crew: Crew
) throws -> Figure {
  let part: Supervision.Part = supervision.testCount > 0 ? .test : .train
  let rows = part == .test ? supervision.inputs.test! : supervision.inputs.train
  // A whole number of blocks.
  let shown = 0..<min(rows.count, 5 * Prediction.blockLength)
  let (samples, width) = (learner.sampleCount(100), learner.predictionWidth)
  let values = try Prediction.samples(
    0..<samples, of: shown, rows: rows, from: 0, learner, storage: learner.makeSampleStorage(), key: key, with: crew)
  let found = PredictionSamples(examples: shown, count: samples, width: width, values: values)
  let mixtures = try crew.map(shown.count, atATime: 64) { GaussianMixturePrediction.all(of: found, example: $0) }
  let targets = supervision.targets(shown.map(UInt32.init), of: part, isStandardized: false).values
  // More panels than these are no picture.
  let panels = (0..<min(supervision.width, 9)).map { column in
    let observed = shown.map { Double(targets[$0 * supervision.width + column]) }
    let predicted = mixtures.map { $0[column].mean }
    let variances = mixtures.map { $0[column].aleatoricVariance + $0[column].epistemicVariance }
    return predictionsPanel(
      target: supervision.target(column), rows: part == .test ? "test rows" : "training rows", observed: observed,
      predicted: predicted, deviations: variances.map { $0.squareRoot() })
  }
  return Figure("predictions", title: "Predicted against observed", .plot(Plot(panels)))
}
