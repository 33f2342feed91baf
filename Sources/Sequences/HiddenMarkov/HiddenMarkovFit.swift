import Datasets
import Figures
import Foundation
import Learners
import LinearAlgebra
import Statistics
import Tensors
import Training

/// A hidden Markov model as the statistics learner trains it: where it starts, in what order its states are written, and
/// what it says.
struct HiddenMarkovFit<Emission: FlatEmission>: ForecastingModel, WrappingModel {
  typealias Parameters = HiddenMarkovModel<Emission>.Parameters

  let model: HiddenMarkovModel<Emission>
  let chain: ChainStart
  let estimation: Estimation
  /// What the first restart starts from, where states follow each other in time.
  let segmented: Emission.Parameters?
  /// Elements of all training sequences.
  let elements: Int
  /// Names of the symbols, where the elements are some.
  let vocabulary: [String]?

  var wrapped: HiddenMarkovModel<Emission> { model }
  var learnsSequences: Bool { true }

  // MARK: Parameters

  var parameterLayout: Layout {
    var layout = Layout()
    layout.add("start", [1, model.states])
    layout.add("transitions", [model.states, model.states])
    model.emission.addSlots(to: &layout)
    return layout
  }

  func write(_ parameters: Parameters, to buffer: FlatBuffer) {
    // Labels of states are arbitrary; where nothing ties them to a place they come in the order of their means.
    writeSearch(chain.isOrdered ? parameters : (try? model.ordered(parameters)) ?? parameters, to: buffer)
  }

  func writeSearch(_ parameters: Parameters, to buffer: FlatBuffer) {
    buffer.fill("start", parameters.start.elements)
    buffer.fill("transitions", parameters.transitions.elements)
    model.emission.write(parameters.emission, to: buffer)
  }

  func read(_ buffer: FlatBuffer) throws -> Parameters {
    Parameters(
      start: buffer.matrix("start"), transitions: buffer.matrix("transitions"),
      emission: try model.emission.read(buffer))
  }

  func start(from sample: Observations, restart: Int, using generator: inout RandomStream) throws -> Parameters {
    let rows = sample.inputs.matrix
    let seen = (0..<rows.rows).filter { row in rows.row(row).allSatisfy { !$0.isNaN } }
    guard !seen.isEmpty else {
      throw ExactError(.tooFewRows, doing: "starting a hidden Markov model", remedy: "give elements with values")
    }
    let drawn = try Matrix(seen.map { rows.row($0) }).withRows { (rows) throws(ExactError) in
      try model.emission.start(from: rows, using: &generator)
    }
    let emission = restart == 0 ? segmented ?? drawn : drawn
    let (start, transitions) = chain.drawn(restart: restart, using: &generator)
    return model.parameters(start: start, transitions: transitions, emission: emission, elements: elements)
  }

  // MARK: What it says

  var evaluationMetrics: [String] { ["log_likelihood"] }

  func evaluate(_ rows: Observations, _ parameters: Parameters, into sums: inout Sums) throws {
    let (point, values) = try model.point(parameters)
    sums.add(try point.logLikelihood(of: rows, values), to: "log_likelihood", over: rows.count)
  }

  func report(_ means: [String: Double]) -> [String: Double] {
    guard model.emission is CategoricalEmission, let mean = means["log_likelihood"] else { return means }
    return means.merging(["perplexity": exp(-mean)]) { $1 }
  }

  func report(_ parameters: Parameters, objective: Double, rows: Int) -> [String: Double] {
    let penalty = model.penalty(parameters)
    switch estimation {
    case .variational: return ["lower_bound": objective]
    case .posterior:
      return [
        "penalized_log_likelihood": objective, "total_log_likelihood": objective - penalty,
        "log_likelihood": (objective - penalty) / Double(rows),
      ]
    case .likelihood:
      let free = Double(model.freeParameters(parameters))
      return [
        "log_likelihood": objective / Double(rows), "total_log_likelihood": objective,
        "aic": 2 * free - 2 * objective, "bic": free * log(Double(rows)) - 2 * objective,
      ]
    }
  }

  func predict(_ rows: RowBlock, _ parameters: Parameters) throws -> [RowPrediction] {
    try predict(Observations(inputs: rows), parameters)
  }

  func predict(_ observations: Observations, _ parameters: Parameters) throws -> [RowPrediction] {
    let (point, values) = try model.point(parameters)
    let paths = try point.paths(of: observations, values)
    return [
      RowPrediction("state", whole: paths.best),
      RowPrediction("smoothed", shape: [model.states], paths.smoothed),
      RowPrediction("filtered", shape: [model.states], paths.filtered),
      RowPrediction("log_density", paths.logDensities),
    ]
  }

  func forecasts(after observations: Observations, steps: Int, _ parameters: Parameters) throws -> [StepForecast] {
    let (point, values) = try model.point(parameters)
    return try point.stateForecasts(after: observations, steps: steps, values).flatMap { states in
      (0..<steps).map { step in
        let states = states.row(step)
        return StepForecast(states: states, element: point.emission.forecast(states, values.emission))
      }
    }
  }

  func add(to offers: inout Offers, of learner: StatisticsLearner<Self>) {
    learner.addForecasts(to: &offers)
    func drawn(_ count: Int, _ key: RandomKey) throws -> (rows: Matrix, states: [Int]) {
      var generator = RandomStream(key.at(tensor: NoiseStream.latent))
      let (point, values) = try model.point(learner.learntParameters())
      var made = try saying { try point.sample(count, values, using: &generator) }
      if let scaling = learner.data.train.scaling {
        for i in 0..<made.rows.rows {
          for j in 0..<made.rows.columns { made.rows[i, j] = scaling.restored(made.rows[i, j], column: j) }
        }
      }
      return made
    }
    offers.sampling = SamplingOffer(
      picture: { count, key, _ in
        let made = try drawn(count, key)
        return sampleFigure(made.rows.column(0), made.states, states: model.states, learner.data)
      },
      rows: { count, key in
        let made = try drawn(count, key)
        return GeneratedExamples.Rows(
          values: made.rows.elements.map { Float($0) }, shape: [count] + learner.data.train.array.shape)
      })
  }

  func figures(_ data: ExactData, _ parameters: Parameters) throws -> [Figure] {
    let (point, values) = try model.point(parameters)
    var figures = try hiddenMarkovFigures(point, values, data, vocabulary)
    try data.train.forEachBlock(0..<1) { _, block in
      let first = max(block.count - shownSeriesLength, 0)
      let steps = min(forecastLength(after: block.count), 24)
      figures.append(
        forecastFigure(
          block.inputs.rows(first..<block.count).matrix, first: first,
          try forecasts(after: block, steps: steps, parameters),
          columns: (0..<data.train.width).map(data.column), symbols: vocabulary ?? []))
    }
    return figures
  }
}

/// Where the first state and the transitions start from, and which of them are possible.
struct ChainStart: Sendable {
  enum Topology: String, CaseIterable, Sendable {
    /// Every state may follow every other.
    case ergodic
    /// A sequence begins in the first state; a state is followed by itself or the next one.
    case leftRight = "left-right"
  }

  let states: Int
  var topology = Topology.ergodic
  /// Probabilities that the recipe gives, K and K × K.
  var start: [Double]?
  var transitions: [Double]?

  /// Whether the states have an order of their own.
  var isOrdered: Bool { topology == .leftRight || start != nil || transitions != nil }

  /// Probabilities to start from: those of the recipe; else, of the first restart, states that stay with probability one
  /// half more than they would by chance, and of others draws around that.
  func drawn(restart: Int, using generator: inout RandomStream) -> (start: Matrix, transitions: Matrix) {
    let uniform = [Double](repeating: 1 / Double(states), count: states)
    var first = uniform
    var rows = (0..<states).map { i in
      let weights = (0..<states).map { $0 == i ? Double(states) + 1 : 1 }
      guard restart > 0 else { return weights.map { $0 / Double(2 * states) } }
      return generator.dirichlet(weights)
    }
    if topology == .leftRight {
      first = (0..<states).map { $0 == 0 ? 1 : 0 }
      rows = (0..<states).map { i in
        (0..<states).map { j in i == states - 1 ? (j == i ? 1 : 0) : j == i ? 0.75 : j == i + 1 ? 0.25 : 0 }
      }
    }
    return (
      Matrix([start ?? first]),
      transitions.map { Matrix(rows: states, columns: states, elements: $0) } ?? Matrix(rows)
    )
  }
}
