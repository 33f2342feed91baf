import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Mixtures
import Recipes
import Regression
import Statistics
import Tensors
import Training

/// Gaussian process regression: exact, or through inducing inputs for many rows (Rasmussen and Williams 2006; Titsias 2009).
public enum GaussianProcessRegression: Model {
  public static let name = "gaussian-process"
  public static let summary =
    "Gaussian process regression: exact by Cholesky, or inducing points; sums and products of kernels"
  public static var recipe: [UInt8] { PackageResources.gaussian_process_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    let (network, objective) = (recipe["network"], recipe["objective"])
    let text = try network.text("kernel") ?? "rbf"
    let scalesEachColumn = try network.flag("length_scale_each_column", default: false)
    let noise = try network.number("noise_variance", default: 0.1, in: 1e-300...1e300)
    let inducing = try network.integer("inducing", default: 0, in: 0...100_000)
    let ahead = try network.number("figure_ahead", default: 0.1, in: 0...100)
    let searches = try objective.integer("search_iterations", default: 200, in: 0...1_000_000)
    let spread = try objective.number("restart_spread", default: 1, in: 0...20)

    var exact = try ExactData(data, recipe, seed: seed, normalization: .standard) {
      try .values(singleTarget($0, of: data))
    }
    let units = try TargetUnits(&exact, normalised: recipe["data"].flag("normalise_target", default: true))
    let kernel = try KernelText.kernel(text, columns: exact.train.width, scalesEachColumn: scalesEachColumn)
    return try saying {
      let presentation = ProcessPresentation(units: units, ahead: ahead, spread: spread)
      guard inducing > 0 else {
        let count = exact.trainingCount
        guard count <= GaussianProcess.maximumRows, !exact.isTrained || count * exact.train.width <= 1 << 30 else {
          throw TrainingError(
            .unsuitable, "\(count) rows are too many for an exact Gaussian process",
            advice: "set network.inducing to some hundreds, for a bound through inducing inputs")
        }
        @Sendable func process(_ inputs: Matrix, _ targets: [Double]) throws -> ExactProcess {
          ExactProcess(
            try GaussianProcessSearch(
              kernel, noiseVariance: noise, inputs: inputs, targets: targets, iterations: searches), presentation)
        }
        // What is predicted is a function of all training rows, so a checkpoint holds them.
        var layout = Layout()
        layout.add("inputs", [count, exact.train.width])
        layout.add("targets", [count])
        let points = FlatBuffer("points", layout, precision: .float64)
        if !exact.isTrained {
          let rows = try exact.train.matrices()
          points.fill("inputs", rows.inputs.elements)
          points.fill("targets", rows.targets!.elements)
        }
        return try StatisticsLearner(
          process(points.matrix("inputs"), points.numbers("targets")), exact, recipe,
          defaults: .init(iterations: 10_000),
          kept: KeptNumbers(buffers: [points]) { _ in
            try process(points.matrix("inputs"), points.numbers("targets"))
          })
      }
      // What has been trained searches for nothing.
      let key = RandomKey(seed: seed).at(tensor: NoiseStream.start)
      let sample = try exact.isTrained ? nil : exact.train.sample(of: 10_000, key: key.at(sample: 2))
      let spreads = sample.map { ProcessUnits(inputs: $0.inputs, targets: $0.targets!.elements, mean: 0) }
      @Sendable func sparse(_ places: Matrix) throws -> SparseProcess {
        SparseProcess(
          try SparseGaussianProcess(
            kernel, noiseVariance: noise, inducing: places, iterations: searches, units: spreads), presentation)
      }
      let defaults = StatisticsLearner<SparseProcess>.Defaults(iterations: 10_000)
      guard let sample = sample?.inputs else {
        return try StatisticsLearner(
          sparse(Matrix(rows: inducing, columns: exact.train.width)), exact, recipe, defaults: defaults,
          kept: KeptNumbers { try sparse($0.matrix("inducing")) })
      }
      // Inducing inputs spread like the rows: as k-means++ chooses centres, a function of the seed.
      guard inducing <= sample.rows else {
        throw RecipeError(
          "network.inducing is \(inducing), more than the \(sample.rows) rows: set it to \(sample.rows) or less")
      }
      var generator = RandomStream(key.at(sample: 3))
      let places = try sample.withRows { try kMeansPlusPlus($0, clusters: inducing, using: &generator) }
      return try StatisticsLearner(sparse(places), exact, recipe, defaults: defaults)
    }
  }
}

/// What targets are relative to: the process sees (t − offset)/scale.
struct TargetUnits: Sendable {
  private let kept: KeptScaling

  var offset: Double { kept.scaling.offset[0] }
  var scale: Double { kept.scaling.scale[0] }

  /// Mean and standard deviation of the training targets, with which the rows are taken from here on.
  /// - Parameter normalised: false takes the mean alone.
  init(_ data: inout ExactData, normalised: Bool) throws {
    guard case .values(let targets) = data.train.targets else { preconditionFailure("a regression has targets") }
    var scaling = ColumnScaling(identity: 1)
    if !data.isTrained {
      scaling = try ColumnScaling(.standard, of: targets)
      if !normalised { scaling = ColumnScaling(offset: scaling.offset, scale: [1]) }
    }
    kept = KeptScaling("targets", scaling)
    data.scaleTargets(kept)
  }
}

/// How a process is reported, and where its restarts begin.
struct ProcessPresentation: Sendable {
  let units: TargetUnits
  let ahead: Double
  let spread: Double

  /// Where a restart begins: around a point, by factors of exp(± spread).
  func start(_ point: [Double], using generator: inout RandomStream) -> [Double] {
    point.map { $0 + spread * generator.normal() }
  }

  func predictions(_ predictions: [RegressionPrediction]) -> [RegressionPrediction] {
    predictions.map {
      RegressionPrediction(
        mean: $0.mean * units.scale + units.offset, noiseVariance: $0.noiseVariance * units.scale * units.scale,
        modelVariance: $0.modelVariance * units.scale * units.scale)
    }
  }

  /// The parameters of a process by name, and its objective in the units of the targets.
  func metrics(_ point: [Double], objective: Double, name: String, rows: Int) -> [String: Double] {
    [name: objective - Double(rows) * log(units.scale), "noise_variance": exp(point.last!) * units.scale * units.scale]
  }

  func figures(
    _ data: ExactData, _ kernel: Kernel, draws: ([Double]) throws -> [[Double]],
    _ predict: (Matrix) throws -> [RegressionPrediction]
  ) throws -> [Figure] {
    let observed = try observedFigure(data, target: (units.offset, units.scale)) { try predict($0.matrix) }
    guard data.train.width == 1 else { return [observed] }
    return [
      observed,
      try predictiveFigure(
        data, target: (units.offset, units.scale), ahead: ahead, period: kernel.shortestPeriod, curves: draws
      ) {
        try predict(Matrix(rows: $0.count, columns: 1, elements: $0))
      },
    ]
  }
}

/// A process whose parameters are kept as logarithms: the kernel's in the order in which it is written, then the noise
/// variance.
protocol ProcessModel: RegressingModel {
  var presentation: ProcessPresentation { get }
  var objectiveName: String { get }
  func bestPoint(_ parameters: Parameters) -> [Double]
  func kernel(_ parameters: Parameters) throws -> Kernel
  func predict(_ x: Matrix, _ parameters: Parameters) throws -> [RegressionPrediction]
  func draws(_ grid: [Double], _ parameters: Parameters) throws -> [[Double]]
}

extension ProcessModel {
  var evaluationMetrics: [String] { RegressionScore.names }

  func evaluate(_ rows: Observations, _ parameters: Parameters, into sums: inout Sums) throws {
    let predictions = try predict(rows.inputs.matrix, parameters)
    var index = 0
    RegressionScore.add(rows, around: 0, to: &sums) { _ in
      defer { index += 1 }
      return predictions[index]
    }
  }

  func report(_ means: [String: Double]) -> [String: Double] {
    RegressionScore.report(means, scale: presentation.units.scale)
  }

  func report(_ parameters: Parameters, objective: Double, rows: Int) -> [String: Double] {
    presentation.metrics(bestPoint(parameters), objective: objective, name: objectiveName, rows: rows)
  }

  func predict(_ rows: RowBlock, _ parameters: Parameters) throws -> [RowPrediction] {
    RowPrediction.of(presentation.predictions(try predict(rows.matrix, parameters)))
  }

  func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure] {
    try presentation.figures(data, kernel(parameters), draws: { try draws($0, parameters) }) {
      try predict($0, parameters)
    }
  }
}

/// The exact process.
struct ExactProcess: ProcessModel, WrappingModel {
  typealias Parameters = GaussianProcessSearch.Parameters
  let search: GaussianProcessSearch
  let presentation: ProcessPresentation
  let objectiveName = "log_marginal_likelihood"

  init(_ search: GaussianProcessSearch, _ presentation: ProcessPresentation) {
    (self.search, self.presentation) = (search, presentation)
  }

  var wrapped: GaussianProcessSearch { search }

  var parameterLayout: Layout {
    var layout = Layout()
    layout.add("log_parameters", [search.parameterCount])
    return layout
  }
  var searchLayout: Layout {
    var layout = Layout()
    layout.add("search", [search.searchCount])
    return layout
  }
  func write(_ parameters: Parameters, to buffer: FlatBuffer) { buffer.fill("log_parameters", bestPoint(parameters)) }
  func read(_ buffer: FlatBuffer) throws -> Parameters {
    search.parameters(best: buffer.numbers("log_parameters"))
  }
  func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) {
    buffer.fill("search", search.searchNumbers(parameters))
  }
  func readSearch(_ buffer: FlatBuffer) throws -> Parameters {
    search.parameters(searchNumbers: buffer.numbers("search"))
  }

  func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters {
    let point = (search.kernel.parameters + [search.noiseVariance]).map { log($0) }
    return restart == 0 ? search.start : search.start(at: presentation.start(point, using: &generator))
  }

  func bestPoint(_ parameters: Parameters) -> [Double] { parameters.point ?? [] }
  func kernel(_ parameters: Parameters) throws -> Kernel { try parameters.process().kernel }

  func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure] {
    let process = try parameters.process()
    let whole = try presentation.figures(data, process.kernel, draws: { try draws($0, parameters) }) {
      try predict($0, parameters)
    }
    return whole + (try presentation.parts(data, process))
  }

  func predict(_ x: Matrix, _ parameters: Parameters) throws -> [RegressionPrediction] {
    try parameters.process().predict(x)
  }

  func draws(_ grid: [Double], _ parameters: Parameters) throws -> [[Double]] {
    var generator = RandomStream(RandomKey(seed: 0).at(tensor: NoiseStream.latent))
    let x = Matrix(rows: grid.count, columns: 1, elements: grid)
    let functions = try parameters.process().sample(3, at: x, using: &generator)
    return (0..<functions.rows).map(functions.row)
  }
}

/// The process through inducing inputs.
struct SparseProcess: ProcessModel, WrappingModel {
  typealias Parameters = SparseGaussianProcess.Parameters
  let sparse: SparseGaussianProcess
  let presentation: ProcessPresentation
  let objectiveName = "elbo_total"

  init(_ sparse: SparseGaussianProcess, _ presentation: ProcessPresentation) {
    (self.sparse, self.presentation) = (sparse, presentation)
  }

  var wrapped: SparseGaussianProcess { sparse }

  var parameterLayout: Layout {
    var layout = Layout()
    layout.add("log_parameters", [sparse.kernel.parameters.count + 1])
    layout.add("inducing", [sparse.inducing.rows, sparse.inducing.columns])
    layout.add("sums", [sparse.sumsCount])
    return layout
  }
  var searchLayout: Layout {
    var layout = Layout()
    layout.add("search", [sparse.searchCount])
    return layout
  }
  func write(_ parameters: Parameters, to buffer: FlatBuffer) {
    guard let best = parameters.best else { return }
    buffer.fill("log_parameters", best.point)
    buffer.fill("inducing", sparse.inducing.elements)
    buffer.fill("sums", Array(best.statistics.prefix(sparse.sumsCount)))
  }
  func read(_ buffer: FlatBuffer) throws -> Parameters {
    try sparse.parameters(best: buffer.numbers("log_parameters"), statistics: buffer.numbers("sums"))
  }
  func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) {
    buffer.fill("search", sparse.searchNumbers(parameters))
  }
  func readSearch(_ buffer: FlatBuffer) throws -> Parameters {
    sparse.parameters(searchNumbers: buffer.numbers("search"))
  }

  func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters {
    let point = (sparse.kernel.parameters + [sparse.noiseVariance]).map { log($0) }
    return restart == 0 ? sparse.start : sparse.start(at: presentation.start(point, using: &generator))
  }

  func bestPoint(_ parameters: Parameters) -> [Double] { parameters.best?.point ?? [] }
  func kernel(_ parameters: Parameters) throws -> Kernel { parameters.posterior!.kernel }

  func predict(_ x: Matrix, _ parameters: Parameters) throws -> [RegressionPrediction] {
    try parameters.posterior!.predict(x)
  }

  func draws(_ grid: [Double], _ parameters: Parameters) throws -> [[Double]] { [] }
}
