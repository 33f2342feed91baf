import Figures
import Foundation
import Metrics
import Synchronization
import Tensors

/// What a training does beside improving the parameters.
public struct TrainingPlan: Sendable {
  public var seed: UInt64
  public var shards: Int
  /// How many steps there are in all, earlier starts counted in.
  public var steps: Int
  /// Report means over the steps since the last report every so many steps.
  public var reportEvery: Int
  /// Report also every so many steps, after which an `EvaluatedLearner` is measured on held-out examples; 0: never.
  public var evaluateEvery: Int
  /// Write a checkpoint every so many steps; 0: only at the end.
  public var checkpointEvery: Int
  /// Write a checkpoint also when the last one is so old; nil: never because of the time. With nodes it is their
  /// coordinator that looks at a clock: nodes have to write the same moment.
  public var checkpointInterval: Duration?
  /// Have a learner that offers it show how it comes along every so many steps; 0: not at all.
  public var figureEvery: Int
  /// How exact the numbers are that the exchange adds.
  public var precision: ExchangePrecision

  public init(
    seed: UInt64, shards: Int, steps: Int, reportEvery: Int, evaluateEvery: Int = 0, checkpointEvery: Int = 0,
    checkpointInterval: Duration? = nil, figureEvery: Int = 0, precision: ExchangePrecision = .float32
  ) {
    self.seed = seed
    self.shards = shards
    self.steps = steps
    self.reportEvery = reportEvery
    self.evaluateEvery = evaluateEvery
    self.checkpointEvery = checkpointEvery
    self.checkpointInterval = checkpointInterval
    self.figureEvery = figureEvery
    self.precision = precision
  }

  /// Reports are made after the steps that one of these divides, and after the last one.
  public var reportPeriods: [Int] { evaluateEvery > 0 ? [reportEvery, evaluateEvery] : [reportEvery] }
}

/// How far a training is.
public struct TrainingReport: Sendable {
  /// Steps done.
  public let step: Int
  public let steps: Int
  /// Epochs done, as a fraction.
  public let epoch: Double
  public let epochs: Double
  /// Seconds of training, those of earlier starts counted in.
  public let seconds: Double
  /// Examples that this report is about.
  public let examples: Int
  public let examplesPerSecond: Double
  /// `train/…` and `test/…`.
  public let metrics: [String: Double]
  /// Whether this process has seen every step that the means are over; a node that joined late has not, at first.
  public let isWhole: Bool

  package init(
    step: Int, steps: Int, epoch: Double, epochs: Double, seconds: Double, examples: Int, examplesPerSecond: Double,
    metrics: [String: Double], isWhole: Bool
  ) {
    self.step = step
    self.steps = steps
    self.epoch = epoch
    self.epochs = epochs
    self.seconds = seconds
    self.examples = examples
    self.examplesPerSecond = examplesPerSecond
    self.metrics = metrics
    self.isWhole = isWhole
  }
}

/// Hears how a training goes. Called on the thread that computes: it must return at once.
public protocol TrainingObserver: Sendable {
  /// After every step; `metrics` are the step's own means.
  func step(_ report: TrainingReport)
  /// Means since the last report.
  func report(_ report: TrainingReport) throws
  /// A moment at which a checkpoint is to be written.
  func checkpoint(_ moment: Trainer.Moment) throws
  /// Pictures of a moment, to be drawn elsewhere.
  func figures(_ figures: [Figure], at step: Int)
  /// Something is wrong since this step: the cause, in one line.
  func alarm(_ cause: String, at step: Int)
  /// Whether a checkpoint is to be written before the next one is due: the last one could not be. Asked after every step.
  var wantsCheckpoint: Bool { get }
}

extension TrainingObserver {
  public func figures(_ figures: [Figure], at step: Int) {}
  public func alarm(_ cause: String, at step: Int) {}
  public var wantsCheckpoint: Bool { false }
}

/// Asks a training to end after the step that it is in.
public final class StopRequest: Sendable {
  private let flag = Atomic<Bool>(false)
  public init() {}
  public func request() { flag.store(true, ordering: .releasing) }
  public var isRequested: Bool { flag.load(ordering: .acquiring) }
}

/// The training loop, the same for everything: for each step and each phase, the total of the shards' contributions,
/// which the learner absorbs.
///
/// It runs on a thread of its own, which is also lane 0.
public actor Trainer {
  /// Where a training stands.
  public struct Moment: Sendable {
    /// The number of the next step.
    public let step: Int
    public let epoch: Int
    public let seconds: Double
    public let converged: Bool

    package init(step: Int, epoch: Int, seconds: Double, converged: Bool) {
      self.step = step
      self.epoch = epoch
      self.seconds = seconds
      self.converged = converged
    }
  }

  public enum Ending: Sendable {
    case finished(Moment)
    case interrupted(Moment)

    public var isFinished: Bool {
      if case .finished = self { true } else { false }
    }

    public var moment: Moment {
      switch self {
      case .finished(let moment), .interrupted(let moment): moment
      }
    }
  }

  private let executor = ThreadExecutor(name: "trainer")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let learner: any Learner
  private let plan: TrainingPlan
  private let crew: Crew
  private let observer: any TrainingObserver
  private let clock: ContinuousClock = .init()
  private let time: @Sendable () -> Duration

  /// - Parameters:
  ///   - learner: what to train.
  ///   - plan: how long, and what is reported on the way.
  ///   - crew: the lanes to compute on.
  ///   - observer: hears how the training goes.
  ///   - time: since any moment, for checkpoints that are due by time; it decides nothing else.
  public init(
    _ learner: any Learner, plan: TrainingPlan, crew: Crew, observer: any TrainingObserver,
    time: @escaping @Sendable () -> Duration = Trainer.uptime
  ) {
    self.time = time
    self.learner = learner
    self.plan = plan
    self.crew = crew
    self.observer = observer
  }

  deinit { executor.stop() }

  private static let origin = ContinuousClock.now
  /// The time since the first question, by a clock that is never set.
  public static let uptime: @Sendable () -> Duration = { ContinuousClock.now - origin }

  /// Does something with the learner and the crew on the trainer's thread, while no step runs.
  public func perform<Result: Sendable>(
    _ body: @Sendable (any Learner, Crew) throws -> Result
  ) throws -> Result { try body(learner, crew) }

  /// Trains from a step on until the plan's last step, convergence, or a request to stop.
  /// - Parameters:
  ///   - first: the number of the first step to do.
  ///   - seconds: how long earlier starts took.
  ///   - stop: asked after every step whether to end there.
  public func train(from first: Int = 0, after seconds: Double = 0, until stop: StopRequest) throws -> Ending {
    try run(
      LocalExchange(learner, shards: plan.shards, precision: plan.precision), from: first, after: seconds, until: stop,
      checkpoints: CheckpointTimer(plan.checkpointInterval))
  }

  /// Trains with others: until the exchange says that this node's part is over.
  public func train(with exchange: any Exchange & Sendable, from first: Int, until stop: StopRequest) throws -> Ending {
    try run(exchange, from: first, after: 0, until: stop, checkpoints: CheckpointTimer(nil))
  }

  private func run(
    _ exchange: any Exchange, from first: Int, after earlier: Double, until stop: StopRequest,
    checkpoints: CheckpointTimer
  ) throws -> Ending {
    let order = Order(learner.order, exampleCount: learner.exampleCount, seed: plan.seed)
    var cursor = Order.Cursor(order, total: plan.steps)
    // Made once: a learner may put its phases together each time that it is asked.
    let phases = learner.phases
    precondition(phases[0].period == 1, "every step has the first phase")
    var meter = Meter(phases: phases)
    let start = clock.now
    // Time of training proper: reports, evaluations and checkpoints are not the steps' doing.
    var aside = Duration.zero
    var place = ExchangeOutcome.Place(step: first, phase: 0, converged: false)
    var alarm: String?
    var checkpoints = checkpoints
    _ = checkpoints.isDue(at: time())

    func seconds() -> Double { earlier + (clock.now - start - aside).seconds }
    func moment() -> Moment {
      Moment(
        step: place.step, epoch: place.step / order.stepsPerEpoch, seconds: seconds(), converged: place.converged)
    }
    func move(to other: ExchangeOutcome.Place) {
      place = other
      meter = Meter(phases: phases)
      let isReported = plan.reportPeriods.contains { other.step.isMultiple(of: $0) }
      meter.clear(at: seconds(), isWhole: other.phase == 0 && isReported)
      meter.lastStep = seconds()
    }

    training: while true {
      guard place.step < plan.steps && !(place.converged && place.phase == 0) else {
        guard case .moved(let other) = try exchange.conclude() else { return .finished(moment()) }
        move(to: other)
        continue
      }
      if stop.isRequested { return .interrupted(moment()) }
      let step = cursor.step(place.step)
      meter.begin(step)
      let last = phases.lastIndex { $0.belongs(to: place.step) }!
      var (evaluation, isBest) = ([String: Double]?.none, false)
      for phase in place.phase...last where phases[phase].belongs(to: place.step) {
        let began = clock.now
        try learner.prepare(phase: phase, of: step, with: crew)
        switch try exchange.total(of: phase, in: step, crew: crew) {
        case .total(let total):
          try meter.add(total, phase: phase, step: place.step)
          let verdict = try learner.absorb(total, phase: phase, of: step, with: crew)
          meter.add(verdict)
          if verdict.isConverged { place.converged = true }
          if let metrics = verdict.evaluation { (evaluation, isBest) = (metrics, verdict.isBest) }
          if phase == last, verdict.alarm != alarm {
            alarm = verdict.alarm
            if let alarm { observer.alarm(alarm, at: place.step) }
          }
        case .moved(let other):
          move(to: other)
          continue training
        case .stopped: return .interrupted(moment())
        }
        let isLast = phase == last && (place.step + 1 == plan.steps || place.converged)
        exchange.absorbed(phase, of: step, converged: place.converged, last: isLast)
        if phases[phase].items != nil { aside += clock.now - began }
      }
      place.step += 1
      place.phase = 0

      let now = seconds()
      let number = place.step
      func report(_ metrics: [String: Double], examples: Int, over duration: Double) -> TrainingReport {
        TrainingReport(
          step: number, steps: plan.steps, epoch: Double(number) / Double(order.stepsPerEpoch),
          epochs: Double(plan.steps) / Double(order.stepsPerEpoch), seconds: now, examples: examples,
          examplesPerSecond: duration > 0 ? Double(examples) / duration : 0, metrics: metrics, isWhole: meter.isWhole)
      }
      let pause = clock.now
      let isLast = number == plan.steps || place.converged
      observer.step(report(meter.ofStep, examples: meter.stepExamples, over: now - meter.lastStep))
      meter.lastStep = now
      if number % plan.reportEvery == 0 || isLast || evaluation != nil {
        // A curve for each class would hide the others.
        let metrics = meter.means.merging((evaluation ?? [:]).filter { !ClassMetric.isOne($0.key) }) { $1 }
        try observer.report(report(metrics, examples: meter.examples, over: now - meter.lastReport(first: earlier)))
        meter.clear(at: now, isWhole: true)
      }
      let isDue = checkpoints.isDue(at: time())
      let isDueByStep = plan.checkpointEvery > 0 && number % plan.checkpointEvery == 0
      if !isLast, isDue || isDueByStep || isBest || observer.wantsCheckpoint {
        try observer.checkpoint(moment())
        checkpoints.restart(at: time())
      }
      if plan.figureEvery > 0, number % plan.figureEvery == 0, let progress = learner.offers.progress {
        let key = RandomKey(seed: plan.seed).at(step: .max)
        observer.figures(try progress(number, key, crew), at: number)
      }
      aside += clock.now - pause
    }
  }

  /// Means over the held-out examples with the current parameters: `test/…`.
  public func evaluate() throws -> [String: Double] { try Evaluation.run(learner, seed: plan.seed, crew: crew) }

  /// Means over the held-out examples of another learner of the same recipe, which is given the parameters: `part/…`.
  package func score(_ other: any Learner, as part: String) throws -> [String: Double] {
    other.copyNumbers(from: learner)
    return try Evaluation.run(other, as: part, seed: plan.seed, crew: crew)
  }
}

/// Sums of metrics since the last report.
private struct Meter {
  private let names: [[String]]
  private var sums: [[Double]]
  private var phaseExamples: [Int]
  private var latest: [String: Double] = [:]
  private(set) var ofStep: [String: Double] = [:]
  private(set) var stepExamples = 0
  /// Examples of the steps since the last report.
  private(set) var examples = 0
  var lastStep = 0.0
  private var lastReport: Double?
  /// Whether every step since the last report was seen.
  private(set) var isWhole = true

  init(phases: [Phase]) {
    names = phases.map { $0.metrics.map { "train/" + $0 } }
    sums = phases.map { Array(repeating: 0, count: $0.metrics.count) }
    phaseExamples = Array(repeating: 0, count: phases.count)
  }

  mutating func begin(_ step: Step) {
    stepExamples = step.examples.count
    examples += stepExamples
  }

  /// - Throws: `TrainingError` when a sum is not a finite number: training has diverged.
  mutating func add(_ total: Total, phase: Int, step: Int) throws(TrainingError) {
    phaseExamples[phase] += total.examples
    for (index, sum) in total.metrics.values.enumerated() {
      guard sum.isFinite else {
        throw TrainingError(
          .diverged, "\(names[phase][index]) became \(sum) at step \(step)",
          advice: "try a lower optimizer.learning_rate, or optimizer.clip_norm")
      }
      sums[phase][index] += sum
      ofStep[names[phase][index]] = sum / Double(max(total.examples, 1))
    }
  }

  mutating func add(_ verdict: Verdict) {
    for (name, value) in verdict.metrics {
      latest["train/" + name] = value
      ofStep["train/" + name] = value
    }
  }

  var means: [String: Double] {
    var means = latest
    for phase in names.indices where phaseExamples[phase] > 0 {
      for (name, sum) in zip(names[phase], sums[phase]) { means[name] = sum / Double(phaseExamples[phase]) }
    }
    return means
  }

  func lastReport(first: Double) -> Double { lastReport ?? first }

  mutating func clear(at seconds: Double, isWhole: Bool) {
    self.isWhole = isWhole
    examples = 0
    for phase in sums.indices {
      phaseExamples[phase] = 0
      for index in sums[phase].indices { sums[phase][index] = 0 }
    }
    lastReport = seconds
  }
}

extension Duration {
  package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
