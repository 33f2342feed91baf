import Datasets
import Figures
import LinearAlgebra
import Recipes
import Statistics
import Synchronization
import Tensors
import Training

/// A learner that is not a gradient: sufficient statistics are the contribution, the M-step the update.
///
/// Each step is one sweep over all rows, or over all sequences of them, which no shard cuts. A restart begins from a start of its own and ends when the objective rises by
/// less than `tolerance`, relative to its size, or after `iterations`; the parameters are the best that any restart
/// has had so far, `current` those that are being improved. Of a model that climbs to one of several optima, restarts are
/// compared where they end; the last two fifths of them begin a move away from the best so far.
package final class StatisticsLearner<Model: FlatStatisticsModel>: Learner {
  package let parameters: FlatBuffer
  package let auxiliary: [FlatBuffer]
  package let phases: [Phase]
  package let order = Order.Kind.sweep
  /// The model; of one that has been trained the outline, which has the sizes of what the training data fixed.
  private let outline: Model
  private let kept: KeptNumbers<Model>?
  /// Nil until it is made of what a checkpoint holds.
  private let made: Mutex<Model?>
  package let data: ExactData
  /// The first training rows, in the units of the data, that a picture shows beside samples.
  package let shown: FlatBuffer?
  private let seed: UInt64
  private let restarts: Int
  private let iterations: Int
  private let tolerance: Double
  private let sampleLength: Int
  /// The parameters of the step that is under way, decoded once for all shards.
  private let decoded = Mutex<Model.Parameters?>(nil)
  /// What `parameters` says, decoded once for all that look at it; nil when it may have changed since.
  private let learnt = Mutex<Model.Parameters?>(nil)
  private let scratches: Mutex<[Int: Scratch]> = Mutex([:])

  /// A lane's working memory; it stays with its lane.
  private struct Scratch: @unchecked Sendable { let value: Model.Scratch }

  private var current: FlatBuffer { auxiliary[0] }
  private var progress: RestartProgress { RestartProgress(auxiliary[1]) }
  /// How many restarts ended at the objective of the best, of a model that climbs.
  private var endsAtBest: UnsafeMutablePointer<Double> {
    auxiliary[2].doubles(auxiliary[2].layout.slots[0]).baseAddress!
  }
  private var rows: ExactRows { data.train }

  /// - Parameter kept: what the training data fixed beside scalings and parameters.
  package init(
    _ model: Model, _ data: ExactData, _ recipe: Recipe, defaults: Defaults = Defaults(),
    kept: KeptNumbers<Model>? = nil
  ) throws {
    outline = model
    self.kept = kept
    made = Mutex(data.isTrained && kept != nil ? nil : model)
    self.data = data
    shown = try model.shownRows(of: data)
    seed = data.seed
    let objective = recipe["objective"]
    restarts =
      try objective.optionalInteger(
        "restarts", default: model.climbs ? nil : defaults.restarts, in: 1...1_000_000) ?? defaults.restarts
    iterations = try objective.integer("iterations", default: defaults.iterations, in: 1...1_000_000_000)
    tolerance = try objective.number("tolerance", default: defaults.tolerance, in: 0...1)
    sampleLength = try objective.integer("start_rows", default: 10_000, in: 1...10_000_000)
    parameters = FlatBuffer("parameters", model.parameterLayout, precision: .float64)
    var ends = Layout()
    ends.add("at_best", .scalar)
    auxiliary =
      [
        FlatBuffer("current", model.searchLayout, precision: .float64),
        FlatBuffer("progress", RestartProgress.layout, precision: .float64),
      ] + (model.climbs ? [FlatBuffer("ends", ends, precision: .float64)] : [])
    var layout = Layout()
    layout.add("statistics", [model.statisticsCount])
    phases = [Phase("statistics", layout: layout, precision: .float64, metrics: [])]
    progress.best = -.infinity
    progress.previous = -.infinity
  }

  /// What a recipe that does not speak of it means.
  package struct Defaults {
    let restarts: Int
    let iterations: Int
    let tolerance: Double

    package init(restarts: Int = 1, iterations: Int = 500, tolerance: Double = 0) {
      (self.restarts, self.iterations, self.tolerance) = (restarts, iterations, tolerance)
    }
  }

  package var exampleCount: Int { rows.count }
  /// A shard without rows contributes zeros, so that few rows or sequences need no fewer shards.
  package var allowsEmptyShards: Bool { true }
  package var dataStatistics: [FlatBuffer] {
    [rows.inputScaling, rows.targetScaling].compactMap { $0?.buffer } + (kept?.buffers ?? [])
      + (shown.map { [$0] } ?? [])
  }

  /// The model, made of what the training data fixed when it is first asked for.
  package func model() throws -> Model {
    if let known = made.withLock({ $0 }) { return known }
    let model = try saying { try kept!.model(parameters) }
    made.withLock { $0 = model }
    return model
  }

  /// What has been learnt.
  package func learntParameters() throws -> Model.Parameters {
    if let known = learnt.withLock({ $0 }) { return known }
    let model = try model()
    let found = try saying { try model.read(parameters) }
    learnt.withLock { $0 = found }
    return found
  }

  package func numbersWereReplaced() { learnt.withLock { $0 = nil } }

  // MARK: A step

  package func prepare(phase: Int, of step: Step, with crew: Crew) throws {
    let model = try model()
    let parameters = try saying {
      if progress.iteration == 0 { model.writeSearch(try start(progress.restart), to: current) }
      return try model.readSearch(current)
    }
    decoded.withLock { $0 = parameters }
  }

  /// The start of a restart: from a sample of the rows that is a function of seed and restart.
  package func start(_ restart: Int) throws -> Model.Parameters {
    let key = RandomKey(seed: seed).at(tensor: NoiseStream.start).at(step: UInt32(restart))
    var generator = RandomStream(key)
    let sample = try rows.sample(of: sampleLength, key: key.at(sample: 1))
    let model = try model()
    let fresh = (3 * restarts + 4) / 5
    let best = model.climbs && restart >= fresh ? try saying { try model.read(parameters) } : nil
    return try sample.inputs.withRows { inputs in
      guard let targets = sample.targets else {
        let rows = Observations(inputs: inputs)
        return try saying {
          if let best, let moved = try model.start(from: rows, moving: best, move: restart - fresh) { return moved }
          return try model.start(from: rows, restart: restart, using: &generator)
        }
      }
      return try targets.withRows { targets in
        try saying {
          try model.start(
            from: Observations(inputs: inputs, targets: targets), restart: restart, using: &generator)
        }
      }
    }
  }

  package func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    guard case .range(let range) = shard.examples else { preconditionFailure("a sweep sees ranges") }
    let values = contribution.values.float64
    values.update(repeating: 0)
    let parameters = decoded.withLock { $0! }
    let model = try model()
    let scratch = scratch(of: lane)
    try rows.forEachBlock(range) { first, block in
      var block = block
      block.first = first
      try model.accumulate(block, parameters: parameters, into: values.baseAddress!, scratch: scratch)
    }
  }

  private func scratch(of lane: Lane) -> Model.Scratch {
    scratches.withLock { scratches in
      if let scratch = scratches[lane.index] { return scratch }
      let scratch = Scratch(value: outline.makeScratch())
      scratches[lane.index] = scratch
      return scratch
    }.value
  }

  package func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    let model = try model()
    let statistics = Array(total.float64().prefix(model.statisticsCount))
    // What large models are decoded to is let go as soon as it can be: it would be held three times over.
    let before = decoded.withLock { decoded in
      defer { decoded = nil }
      return decoded!
    }
    learnt.withLock { $0 = nil }
    let improvement = try saying { try model.update(before, statistics: statistics) }
    let objective = improvement.objective
    guard objective.isFinite || improvement.isRetry else {
      throw TrainingError(
        .diverged, "the objective became \(objective) at step \(step.number)",
        advice: "raise the floor of variances, or ask for fewer components")
    }
    let judged = improvement.judged == .after ? improvement.parameters : before
    let restart = progress.restart
    let rise = objective - progress.previous
    let hasSettled = !improvement.isRetry && rise <= tolerance * max(abs(objective), 1)
    let ends = improvement.isFinal || hasSettled || progress.iteration + 1 >= iterations
    if !improvement.isRetry {
      let isBetter = try isBetter(judged, objective, model, ends: ends)
      let isSame = abs(objective - progress.best) <= 1e-6 * max(abs(objective), 1)
      if model.climbs, restart == 0 || isBetter && !isSame { endsAtBest.pointee = 1 }
      if model.climbs, restart > 0, ends, isSame { endsAtBest.pointee += 1 }
      if isBetter {
        progress.best = objective
        model.write(judged, to: parameters)
        learnt.withLock { $0 = nil }
      }
    }
    var isConverged = false
    if ends {
      progress.restart += 1
      progress.iteration = 0
      progress.previous = -.infinity
      isConverged = progress.restart >= restarts
    } else {
      model.writeSearch(improvement.parameters, to: current)
      progress.iteration += 1
      if !improvement.isRetry { progress.previous = objective }
    }
    var metrics: [String: Double] = [:]
    var caution: String?
    if progress.best.isFinite {
      let best = try learntParameters()
      metrics = model.report(best, objective: progress.best, rows: rows.array.count)
      caution = model.caution(best)
    }
    if objective.isFinite { metrics["objective"] = objective }
    if restarts > 1 { metrics["restart"] = Double(restart) }
    if restarts > 1, model.climbs { metrics["restarts_at_best"] = endsAtBest.pointee }
    return Verdict(isConverged: isConverged, metrics: metrics, alarm: caution)
  }

  /// Whether parameters take the place of the best so far.
  private func isBetter(
    _ candidate: Model.Parameters, _ objective: Double, _ model: Model, ends: Bool
  ) throws -> Bool {
    guard model.climbs, progress.restart > 0 else { return objective > progress.best }
    guard ends else { return false }
    let isDegenerate = model.isDegenerate(candidate, rows: rows.count)
    let wasDegenerate = try model.isDegenerate(learntParameters(), rows: rows.count)
    return isDegenerate == wasDegenerate ? objective > progress.best : wasDegenerate
  }

  // MARK: Evaluation, predictions and pictures

  package var offers: Offers {
    var offers = Offers()
    offers.closedFormPrediction = self
    outline.add(to: &offers, of: self)
    return offers
  }

  package var evaluationMetrics: [String] { outline.evaluationMetrics }
  package var evaluationCount: Int { data.test?.count ?? 0 }

  package func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) throws {
    let (model, parameters) = (try model(), try learntParameters())
    try data.test!.forEachBlock(examples) { _, block in try model.evaluate(block, parameters, into: &sums) }
  }

  package func report(_ means: [String: Double], examples: Int) -> [String: Double] { outline.report(means) }

  package func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    let (model, parameters) = (try model(), try learntParameters())
    return try saying { try model.figures(data, parameters) + model.stepFigures(data, from: start(0), to: parameters) }
  }
}

/// What a model computes with that the training data fixed, beside scalings and parameters. It is stored with every
/// checkpoint, and a model that has been trained is made of it.
package struct KeptNumbers<Model>: Sendable {
  package var buffers: [FlatBuffer]
  /// Makes the model of what the buffers hold, given the parameters.
  package let model: @Sendable (_ parameters: FlatBuffer) throws -> Model

  package init(buffers: [FlatBuffer] = [], model: @escaping @Sendable (_ parameters: FlatBuffer) throws -> Model) {
    (self.buffers, self.model) = (buffers, model)
  }
}

extension StatisticsLearner: RowPredicting {
  package func mismatch(_ array: ExampleArray) -> String? {
    array.elementsPerExample == rows.width
      ? nil : "its rows have \(array.elementsPerExample) numbers, the training data's have \(rows.width)"
  }

  package func predict(_ array: ExampleArray, with crew: Crew) throws -> [RowPrediction] {
    try predict(ExactRows(array: array, inputScaling: rows.inputScaling), with: crew)
  }

  package func predict(_ examples: ExampleSet, with crew: Crew) throws -> [RowPrediction] {
    try predict(rows(of: examples), with: crew)
  }

  /// Other examples as the model sees them.
  package func rows(of examples: ExampleSet) -> ExactRows {
    var rows = ExactRows(array: examples.inputs, inputScaling: rows.inputScaling)
    if outline.learnsSequences { rows.sequences = examples.sequences ?? Sequences(whole: examples.inputs.count) }
    return rows
  }

  package func predict(_ rows: ExactRows, with crew: Crew) throws -> [RowPrediction] {
    let (model, parameters) = (try model(), try learntParameters())
    let length = 512
    let blocks = (rows.count + length - 1) / length
    let results = Mutex([[RowPrediction]](repeating: [], count: blocks))
    try crew.forEach(blocks) { block, _ in
      var parts: [[RowPrediction]] = []
      try rows.forEachBlock(block * length..<min((block + 1) * length, rows.count)) { _, part in
        parts.append(try model.predict(part, parameters))
      }
      let whole = RowPrediction.joined(parts)
      results.withLock { $0[block] = whole }
    }
    return RowPrediction.joined(results.withLock { $0 })
  }
}

extension RowPrediction {
  /// Predictions of rows, one part after the other.
  fileprivate static func joined(_ parts: [[RowPrediction]]) -> [RowPrediction] {
    guard var result = parts.first else { return [] }
    for part in parts.dropFirst() {
      for index in result.indices { result[index].values += part[index].values }
    }
    return result
  }
}

extension ExactRows {
  /// At most `length` rows, which ones is a function of the key; copied as doubles.
  package func sample(of length: Int, key: RandomKey) throws -> (inputs: Matrix, targets: Matrix?) {
    guard array.count > length else { return try matrices() }
    var generator = RandomStream(key)
    return try gathering(generator.distinct(length, below: UInt32(clamping: array.count)))
  }
}

extension RandomStream {
  /// `count` different numbers below a bound, ascending, each set of them equally likely; in memory for those alone
  /// (Floyd's algorithm; Bentley and Floyd 1987, "A sample of brilliance").
  package mutating func distinct(_ count: Int, below bound: UInt32) -> [UInt32] {
    precondition(count <= Int(bound), "so many different numbers")
    var chosen = Set<UInt32>(minimumCapacity: count)
    for last in (bound - UInt32(count))..<bound {
      let number = next(below: last + 1)
      if !chosen.insert(number).inserted { chosen.insert(last) }
    }
    return chosen.sorted()
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
