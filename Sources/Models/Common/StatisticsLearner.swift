import Datasets
import Exact
import Figures
import Recipes
import Synchronization
import Tensors
import Training

/// A model of sufficient statistics whose parameters can be kept in a flat buffer of doubles.
protocol FlatStatisticsModel: StatisticsModel {
  /// The slots of the parameters.
  var parameterLayout: Layout { get }
  func write(_ parameters: Parameters, to buffer: FlatBuffer)
  /// - Throws: `ExactError` for numbers that are no parameters of this model.
  func read(_ buffer: FlatBuffer) throws -> Parameters
  /// Parameters to start from; another draw of the generator is another restart.
  func start(from sample: RowBlock, using generator: inout RandomStream) throws -> Parameters
  /// Σ over rows of the log-likelihood, or whatever else is evaluated on held-out rows, one sum for each name.
  var evaluationMetrics: [String] { get }
  func evaluate(_ rows: RowBlock, _ parameters: Parameters, into sums: inout [Double]) throws
  /// What else is told of a fit, from the objective at the parameters and the number of rows.
  func report(objective: Double, rows: Int) -> [String: Double]
  func figures(_ rows: ExactRows, labels: ClassLabels?, columns: [String], _ parameters: Parameters) throws -> [Figure]
}

/// A learner that is not a gradient: sufficient statistics are the contribution, the M-step the update.
///
/// Each step is one sweep over all rows. A restart begins from a start of its own and ends when the objective rises by
/// less than `tolerance`, relative to its size, or after `iterations`; the parameters are the best that any restart
/// has had so far, `current` those that are being improved.
final class StatisticsLearner<Model: FlatStatisticsModel>: Learner {
  let parameters: FlatBuffer
  let auxiliary: [FlatBuffer]
  let phases: [Phase]
  let order = Order.Kind.sweep
  private let model: Model
  private let data: Dataset
  private let rows: ExactRows
  private let test: ExactRows?
  private let seed: UInt64
  private let restarts: Int
  private let iterations: Int
  private let tolerance: Double
  private let sampleLength: Int
  /// The parameters of the step that is under way, decoded once for all shards.
  private let decoded = Mutex<Model.Parameters?>(nil)
  private let scratches: Mutex<[Int: Scratch]> = Mutex([:])

  /// A lane's working memory; it stays with its lane.
  private struct Scratch: @unchecked Sendable { let value: Model.Scratch }

  private var current: FlatBuffer { auxiliary[0] }
  private var progress: RestartProgress { RestartProgress(auxiliary[1]) }

  init(_ model: Model, _ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    self.model = model
    self.data = data
    self.seed = seed
    rows = ExactRows(array: data.train.inputs)
    test = data.test.map { ExactRows(array: $0.inputs) }
    let objective = recipe["objective"]
    restarts = try objective.integer("restarts", default: 1, in: 1...1_000_000)
    iterations = try objective.integer("iterations", default: 500, in: 1...1_000_000_000)
    tolerance = try objective.number("tolerance", default: 0, in: 0...1)
    sampleLength = try objective.integer("start_rows", default: 10_000, in: 1...10_000_000)
    parameters = FlatBuffer("parameters", model.parameterLayout, precision: .float64)
    auxiliary = [
      FlatBuffer("current", model.parameterLayout, precision: .float64),
      FlatBuffer("progress", RestartProgress.layout, precision: .float64),
    ]
    var layout = Layout()
    layout.add("statistics", [model.statisticsCount])
    phases = [Phase("statistics", layout: layout, precision: .float64, metrics: [])]
    progress.best = -.infinity
    progress.previous = -.infinity
  }

  var exampleCount: Int { rows.count }

  // MARK: A step

  func prepare(phase: Int, of step: Step, with crew: Crew) throws {
    if progress.iteration == 0 { model.write(try start(progress.restart), to: current) }
    let parameters = try model.read(current)
    decoded.withLock { $0 = parameters }
  }

  /// The start of a restart: from a sample of the rows that is a function of seed and restart.
  private func start(_ restart: Int) throws -> Model.Parameters {
    let key = RandomKey(seed: seed).at(tensor: NoiseStream.start).at(step: UInt32(restart))
    var generator = RandomStream(key)
    let chosen =
      rows.count <= sampleLength
      ? (0..<UInt32(rows.count)).map { $0 } : key.at(sample: 1).permutation(rows.count)[0..<sampleLength].sorted()
    let sample = ExactRows(array: try rows.sample(chosen))
    var result: Model.Parameters?
    // A sample is one block for all kinds of numbers but bytes, which are converted.
    let block = try DoubleRows(sample)
    try block.withRows { result = try model.start(from: $0, using: &generator) }
    return result!
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    guard case .range(let range) = shard.examples else { preconditionFailure("a sweep sees ranges") }
    let values = contribution.values.float64
    values.update(repeating: 0)
    let parameters = decoded.withLock { $0! }
    let scratch = scratch(of: lane)
    try rows.forEachBlock(range) { block in
      try model.accumulate(
        Observations(inputs: block), parameters: parameters, into: values.baseAddress!, scratch: scratch)
    }
  }

  private func scratch(of lane: Lane) -> Model.Scratch {
    scratches.withLock { scratches in
      if let scratch = scratches[lane.index] { return scratch }
      let scratch = Scratch(value: model.makeScratch())
      scratches[lane.index] = scratch
      return scratch
    }.value
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    let statistics = Array(total.float64().float64.prefix(model.statisticsCount))
    let improvement = try model.update(decoded.withLock { $0! }, statistics: statistics)
    let objective = improvement.objective
    guard objective.isFinite else {
      throw TrainingError(
        .diverged, "the objective became \(objective) at step \(step.number)",
        advice: "raise objective.covariance_floor, or ask for fewer components")
    }
    if objective > progress.best {
      progress.best = objective
      parameters.copy(from: current)
    }
    let rise = objective - progress.previous
    let hasSettled = progress.iteration > 0 && rise <= tolerance * max(abs(objective), 1)
    let restart = progress.restart
    var isConverged = false
    if hasSettled || progress.iteration + 1 >= iterations {
      progress.restart += 1
      progress.iteration = 0
      progress.previous = -.infinity
      isConverged = progress.restart >= restarts
    } else {
      model.write(improvement.parameters, to: current)
      progress.iteration += 1
      progress.previous = objective
    }
    var metrics = model.report(objective: progress.best, rows: rows.count)
    metrics["objective"] = objective
    metrics["restart"] = Double(restart)
    return Verdict(isConverged: isConverged, metrics: metrics)
  }

  // MARK: Evaluation and pictures

  var evaluationMetrics: [String] { model.evaluationMetrics }
  var evaluationCount: Int { test?.count ?? 0 }

  func evaluate(_ examples: Range<Int>, into sums: inout [Double], key: RandomKey, on lane: Lane) throws {
    let parameters = try model.read(parameters)
    try test!.forEachBlock(examples) { try model.evaluate($0, parameters, into: &sums) }
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try model.figures(rows, labels: data.train.labels, columns: data.columns, try model.read(parameters))
  }
}

/// Rows copied as doubles.
struct DoubleRows {
  private var values: [Double] = []
  private let width: Int

  init(_ rows: ExactRows) throws {
    width = rows.width
    values.reserveCapacity(rows.count * rows.width)
    try rows.forEachBlock(0..<rows.count) { block in
      for row in 0..<block.count {
        for column in 0..<block.dimension { values.append(block[row, column]) }
      }
    }
  }

  func withRows(_ body: (RowBlock) throws -> Void) rethrows {
    try values.withUnsafeBufferPointer {
      try body(RowBlock($0.baseAddress!, count: values.count / width, dimension: width))
    }
  }
}

/// How far the restarts are: a buffer of doubles, so that a checkpoint holds it.
private struct RestartProgress {
  static let layout: Layout = {
    var layout = Layout()
    for name in ["restart", "iteration", "previous", "best"] { layout.add(name, .scalar) }
    return layout
  }()

  private let buffer: FlatBuffer
  init(_ buffer: FlatBuffer) { self.buffer = buffer }

  private func number(_ slot: Int) -> UnsafeMutablePointer<Double> {
    buffer.doubles(RestartProgress.layout.slots[slot]).baseAddress!
  }
  var restart: Int {
    get { Int(number(0).pointee) }
    nonmutating set { number(0).pointee = Double(newValue) }
  }
  var iteration: Int {
    get { Int(number(1).pointee) }
    nonmutating set { number(1).pointee = Double(newValue) }
  }
  /// The objective one iteration ago, in this restart.
  var previous: Double {
    get { number(2).pointee }
    nonmutating set { number(2).pointee = newValue }
  }
  /// The objective at `parameters`.
  var best: Double {
    get { number(3).pointee }
    nonmutating set { number(3).pointee = newValue }
  }
}
