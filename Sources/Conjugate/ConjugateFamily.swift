import Components
import Distributions
import Figures
import Foundation
import Learners
import LinearAlgebra

/// Parameters of a distribution by name, each one number or several.
public struct ConjugateParameters: Sendable {
  /// In the order of display.
  public private(set) var entries: [(name: String, values: [Double])] = []

  public init(_ entries: [(String, [Double])]) { self.entries = entries.map { (name: $0.0, values: $0.1) } }

  public subscript(name: String) -> [Double]? { entries.first { $0.name == name }?.values }
}

/// A conjugate model that the command knows: its parameters by name, and what it says of them.
protocol ConjugateFamily: Conjugate {
  /// The default parameters, for observations of so many numbers.
  static func defaults(width: Int) -> ConjugateParameters
  init(_ parameters: ConjugateParameters, width: Int) throws(ConjugateError)
  var parameters: ConjugateParameters { get }
  /// What is known of the unknowns: means and intervals of 95 %.
  var beliefs: ConjugateParameters { get }
  /// The next observation.
  var predictive: ConjugateParameters { get }
  /// Draws the beliefs before and after, and on the way.
  static func figure(_ path: [Self], names: [String], observations: [[Double]]) -> Figure
}

/// Values between which 95 % of a distribution lies.
private func interval(_ quantile: (Double) -> Double) -> [Double] { [quantile(0.025), quantile(0.975)] }

/// Densities of a number under each state of knowledge; the prior grey, those on the way dashed.
private func densities(
  _ label: String, _ range: ClosedRange<Double>, _ logDensities: [(Double) -> Double]
) -> Panel {
  let x = (0...400).map { range.lowerBound + (range.upperBound - range.lowerBound) * (Double($0) + 0.5) / 401 }
  let marks = logDensities.enumerated().map { index, logDensity in
    let isLast = index == logDensities.count - 1
    let label = index == 0 ? "prior" : isLast ? "posterior" : index == 1 ? "on the way" : ""
    return Mark.line(
      Line(
        label, x: x, y: x.map { exp(logDensity($0)) },
        color: index == 0 ? .neutral : .palette(0), shape: isLast && index > 0 ? .filled : .straight,
        stroke: index > 0 && !isLast ? .dashed : .solid))
  }
  return Panel(x: Axis(label), y: Axis("density", lower: 0), marks)
}

private func normal(_ x: Double, _ mean: Double, _ variance: Double) -> Double {
  -0.5 * (logTwoPi + log(variance) + (x - mean) * (x - mean) / variance)
}

/// Observations as a histogram, with the density of the next one.
private func predictivePanel(_ observations: [[Double]], _ logDensity: (Double) -> Double) -> Panel {
  let values = observations.map { $0[0] }
  let (least, most) = (values.min() ?? 0, values.max() ?? 1)
  let margin = 0.2 * (most > least ? most - least : 1)
  let x = (0...300).map { least - margin + (most - least + 2 * margin) * Double($0) / 300 }
  return Panel(
    x: Axis("observation"), y: Axis("density", lower: 0),
    [
      .histogram(Histogram("observations", of: values, bins: 30, isDensity: true, color: .neutral)),
      .line(Line("predictive", x: x, y: x.map { exp(logDensity($0)) }, color: .palette(0))),
    ])
}

// MARK: Beta

/// What the two models of a probability have in common.
protocol BetaFamily: ConjugateFamily {
  var a: Double { get }
  var b: Double { get }
  init(a: Double, b: Double) throws(ConjugateError)
}

extension BetaFamily {
  static func defaults(width: Int) -> ConjugateParameters { ConjugateParameters([("a", [1]), ("b", [1])]) }
  init(_ parameters: ConjugateParameters, width: Int) throws(ConjugateError) {
    try self.init(a: parameters["a"]![0], b: parameters["b"]![0])
  }
  var parameters: ConjugateParameters { ConjugateParameters([("a", [a]), ("b", [b])]) }
  var beliefs: ConjugateParameters {
    let beta = Beta(a: a, b: b)
    return ConjugateParameters([
      ("probability_mean", [beta.mean]), ("probability_std", [beta.variance.squareRoot()]),
      ("probability_95", interval(beta.quantile)),
    ])
  }
  var predictive: ConjugateParameters { ConjugateParameters([("probability_of_one", [a / (a + b)])]) }
  static func figure(_ path: [Self], names: [String], observations: [[Double]]) -> Figure {
    let panel = densities("probability", 0...1, path.map { state in { Beta(a: state.a, b: state.b).logDensity($0) } })
    return Figure("posterior", title: "The probability before and after the data", .plot(Plot(panel)))
  }
}

extension BetaBernoulli: BetaFamily {}
extension BetaBinomial: BetaFamily {}

// MARK: Dirichlet

protocol DirichletFamily: ConjugateFamily {
  var concentration: [Double] { get }
  var dirichlet: Dirichlet { get }
  init(concentration: [Double]) throws(ConjugateError)
}

extension DirichletFamily {
  static func defaults(width: Int) -> ConjugateParameters {
    ConjugateParameters([("concentration", Array(repeating: 1, count: width))])
  }
  /// One concentration is that of every category.
  init(_ parameters: ConjugateParameters, width: Int) throws(ConjugateError) {
    let values = parameters["concentration"]!
    try self.init(concentration: values.count == 1 ? Array(repeating: values[0], count: width) : values)
  }
  var parameters: ConjugateParameters { ConjugateParameters([("concentration", concentration)]) }
  private var marginals: [Beta] {
    let total = concentration.reduce(0, +)
    return concentration.map { Beta(a: $0, b: max(total - $0, Double.leastNormalMagnitude)) }
  }
  var beliefs: ConjugateParameters {
    let total = concentration.reduce(0, +)
    guard concentration.count > 1 else { return ConjugateParameters([("probabilities_mean", [1])]) }
    return ConjugateParameters([
      ("probabilities_mean", concentration.map { $0 / total }),
      ("probabilities_low_2.5", marginals.map { $0.quantile(0.025) }),
      ("probabilities_high_97.5", marginals.map { $0.quantile(0.975) }),
    ])
  }
  var predictive: ConjugateParameters {
    let total = concentration.reduce(0, +)
    return ConjugateParameters([("probabilities", concentration.map { $0 / total })])
  }
  static func figure(_ path: [Self], names: [String], observations: [[Double]]) -> Figure {
    func bars(_ label: String, _ state: Self, _ color: Color) -> Mark {
      let total = state.concentration.reduce(0, +)
      let means = state.concentration.map { $0 / total }
      // Two standard deviations of the marginal Beta distributions.
      return .bars(
        Bars(
          label, heights: means, errors: means.map { 2 * ($0 * (1 - $0) / (total + 1)).squareRoot() }, color: color))
    }
    let count = path[0].concentration.count
    let means = Panel(
      x: Axis("category", categories: (0..<count).map { $0 < names.count ? names[$0] : "\($0)" }),
      y: Axis("probability, ± 2 σ", lower: 0),
      [bars("prior", path.first!, .neutral), bars("posterior", path.last!, .palette(0))])
    var panels = [means]
    switch count {
    case 3:
      panels += simplexPanels(
        [("prior", path.first!.dirichlet), ("posterior", path.last!.dirichlet)], names: names)
    case 2, 4...8:
      panels.append(marginalPanel(prior: path.first!.dirichlet, posterior: path.last!.dirichlet, names: names))
    default: break
    }
    return Figure("posterior", title: "The probabilities before and after the data", .plot(Plot(panels)))
  }
}

extension DirichletCategorical: DirichletFamily {}
extension DirichletMultinomial: DirichletFamily {}

// MARK: Gaussians

extension GaussianMean: ConjugateFamily {
  static func defaults(width: Int) -> ConjugateParameters {
    ConjugateParameters([("mean", [0]), ("precision", [1]), ("noise_variance", [1])])
  }
  init(_ parameters: ConjugateParameters, width: Int) throws(ConjugateError) {
    try self.init(
      mean: parameters["mean"]![0], precision: parameters["precision"]![0],
      noiseVariance: parameters["noise_variance"]![0])
  }
  var parameters: ConjugateParameters {
    ConjugateParameters([("mean", [mean]), ("precision", [precision]), ("noise_variance", [noiseVariance])])
  }
  var beliefs: ConjugateParameters {
    ConjugateParameters([
      ("mean_mean", [mean]), ("mean_std", [1 / precision.squareRoot()]), ("mean_95", interval(quantile)),
    ])
  }
  var predictive: ConjugateParameters {
    let deviation = predictiveVariance.squareRoot()
    return ConjugateParameters([
      ("mean", [mean]), ("std", [deviation]), ("interval_95", interval { self.mean + normalQuantile($0) * deviation }),
    ])
  }
  static func figure(_ path: [GaussianMean], names: [String], observations: [[Double]]) -> Figure {
    let last = path.last!
    // The posterior and what led to it; of a wide prior only what falls there.
    let widths = path.dropFirst().map { 4 / $0.precision.squareRoot() } + [4 / last.precision.squareRoot()]
    let half = widths.max()! + (path.dropFirst().map { abs($0.mean - last.mean) }.max() ?? 0)
    let panels = [
      densities(
        "mean", (last.mean - half)...(last.mean + half),
        path.map { state in { normal($0, state.mean, 1 / state.precision) } }),
      predictivePanel(observations) { normal($0, last.mean, last.predictiveVariance) },
    ]
    return Figure("posterior", title: "The mean, and the next observation", .plot(Plot(panels)))
  }
}

extension GaussianGamma: ConjugateFamily {
  static func defaults(width: Int) -> ConjugateParameters {
    ConjugateParameters([("mean", [0]), ("mean_precision", [1]), ("shape", [1]), ("rate", [1])])
  }
  init(_ parameters: ConjugateParameters, width: Int) throws(ConjugateError) {
    try self.init(
      mean: parameters["mean"]![0], meanPrecision: parameters["mean_precision"]![0], shape: parameters["shape"]![0],
      rate: parameters["rate"]![0])
  }
  var parameters: ConjugateParameters {
    ConjugateParameters([
      ("mean", [mean]), ("mean_precision", [meanPrecision]), ("shape", [shape]), ("rate", [rate]),
    ])
  }
  var beliefs: ConjugateParameters {
    ConjugateParameters([
      ("mean_mean", [mean]), ("mean_95", interval(meanQuantile)), ("precision_mean", [shape / rate]),
      ("precision_95", interval(precisionQuantile)),
    ])
  }
  var predictive: ConjugateParameters {
    ConjugateParameters([
      ("location", [mean]), ("scale", [predictiveScale]), ("degrees", [2 * shape]),
      ("interval_95", interval(predictiveQuantile)),
    ])
  }
  static func figure(_ path: [GaussianGamma], names: [String], observations: [[Double]]) -> Figure {
    let last = path.last!
    let range = interval { last.meanQuantile($0 < 0.5 ? 1e-4 : 1 - 1e-4) }
    func meanDensity(_ state: GaussianGamma) -> (Double) -> Double {
      let scale = (state.rate / (state.shape * state.meanPrecision)).squareRoot()
      return { studentTLogDensity($0, degrees: 2 * state.shape, location: state.mean, scale: scale) }
    }
    let panels = [
      densities("mean", range[0]...max(range[1], range[0] + 1e-300), path.map(meanDensity)),
      predictivePanel(observations) {
        studentTLogDensity($0, degrees: 2 * last.shape, location: last.mean, scale: last.predictiveScale)
      },
    ]
    return Figure("posterior", title: "The mean, and the next observation", .plot(Plot(panels)))
  }
}

extension GaussianWishart: ConjugateFamily {
  static func defaults(width: Int) -> ConjugateParameters {
    ConjugateParameters([
      ("mean", Array(repeating: 0, count: width)), ("mean_precision", [1]), ("degrees", [Double(width)]),
      ("inverse_scale", Matrix.identity(width).elements),
    ])
  }
  /// One mean is that of every column, one inverse scale times the identity.
  init(_ parameters: ConjugateParameters, width: Int) throws(ConjugateError) {
    let (mean, inverse) = (parameters["mean"]!, parameters["inverse_scale"]!)
    guard [1, width].contains(mean.count), [1, width * width].contains(inverse.count) else {
      throw ConjugateError(
        .wrongParameter, doing: "taking a Gaussian-Wishart prior over \(width) columns",
        remedy: "give mean one number or \(width), and inverse_scale one or \(width * width)")
    }
    try self.init(
      mean: mean.count == 1 ? Array(repeating: mean[0], count: width) : mean,
      meanPrecision: parameters["mean_precision"]![0], degrees: parameters["degrees"]![0],
      inverseScale: inverse.count == 1 && width > 1
        ? Matrix(diagonal: Array(repeating: inverse[0], count: width))
        : Matrix(rows: width, columns: width, elements: inverse))
  }
  var parameters: ConjugateParameters {
    ConjugateParameters([
      ("mean", mean), ("mean_precision", [meanPrecision]), ("degrees", [degrees]),
      ("inverse_scale", inverseScale.elements),
    ])
  }
  /// E[Σ] = W⁻¹/(ν − D − 1), where it exists.
  var beliefs: ConjugateParameters {
    let left = degrees - Double(dimension) - 1
    let covariance = left > 0 ? [("covariance_mean", (1 / left * inverseScale).elements)] : []
    return ConjugateParameters([("mean_mean", mean)] + covariance)
  }
  var predictive: ConjugateParameters {
    let degrees = degrees + 1 - Double(dimension)
    let scale = ((1 + meanPrecision) / (meanPrecision * degrees)) * inverseScale
    return ConjugateParameters([("location", mean), ("degrees", [degrees]), ("scale_matrix", scale.elements)])
  }
  static func figure(_ path: [GaussianWishart], names: [String], observations: [[Double]]) -> Figure {
    let last = path.last!
    guard last.dimension >= 2 else {
      return Figure(
        "posterior", title: "The next observation",
        .plot(Plot(predictivePanel(observations) { last.logPredictiveDensity([$0]) })))
    }
    let shown = observations.prefix(ExactData.shownRows)
    let expected = Ellipses.Gaussian(mean: last.mean, covariance: (1 / last.degrees) * last.inverseScale)
    let panel = Panel(
      x: Axis(names.first ?? "column 0"), y: Axis(names.dropFirst().first ?? "column 1"),
      [
        .points(Points("observations", x: shown.map { $0[0] }, y: shown.map { $0[1] }, coloring: .single(.neutral))),
        .ellipses(Ellipses([expected], label: "E[precision]⁻¹, 1 and 2 σ", color: .palette(0))),
      ])
    return Figure("posterior", title: "The Gaussian after the data", .plot(Plot(panel)))
  }
}
