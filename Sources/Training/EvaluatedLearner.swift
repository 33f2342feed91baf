import Figures
import Tensors

/// A part of the data that a training is measured on while it goes on: `validation` or `test`.
public struct HeldOutPart: Sendable {
  /// In front of each metric's name.
  public let name: String
  /// Whose held-out examples the part is.
  public let learner: any Learner

  /// Nil where the learner measures nothing.
  public init?(_ name: String, _ learner: any Learner) {
    let isMeasured = learner.offers.evaluation != nil || !learner.evaluationMetrics.isEmpty
    guard learner.evaluationCount > 0, isMeasured else { return nil }
    (self.name, self.learner) = (name, learner)
  }

  /// What shards write of it.
  fileprivate enum Sharing {
    /// A row of sums for each block of examples.
    case sums
    /// Some numbers for each example.
    case numbers(SharedEvaluation)
    /// Nothing: every node measures all of it.
    case nothing
  }

  fileprivate var sharing: Sharing {
    let offers = learner.offers
    if let shared = offers.sharedEvaluation, shared.isWorthwhile(learner.evaluationCount) { return .numbers(shared) }
    return offers.evaluation == nil ? .sums : .nothing
  }

  /// The shape of what shards write; nil: nothing.
  fileprivate var shape: [Int]? {
    switch sharing {
    case .sums: [blockCount, 2 * learner.evaluationMetrics.count]
    case .numbers(let shared): [learner.evaluationCount, shared.width]
    case .nothing: nil
    }
  }

  fileprivate var blockCount: Int { Evaluation.blockCount(learner) }
}

/// A learner that is measured on held-out examples in the last phase of every so many steps, and that may keep the best
/// parameters and end the training by what is measured.
///
/// The phase is one like any other, so lanes and nodes share its work, and a node that dies in it is replaced. The
/// examples are cut into blocks of fixed size, and the shards share the blocks. A contribution has one row of sums for each
/// block, or one row for each example (`Offers.sharedEvaluation`): the shard of the block writes its rows, all others leave
/// zeros. So the total holds the rows as they were computed, and the metrics are those of `Evaluation.run`, bit for bit, for
/// every V. A learner that makes its metrics otherwise (`Offers.evaluation`), or has few examples, is measured by every
/// node when the phase is absorbed.
///
/// Where the training selects, `parameters` are the best ones so far, and those that are being trained belong to
/// `auxiliary`. So a checkpoint, and a node that joins, have both. Until a value has been measured the newest parameters
/// are the best.
public final class EvaluatedLearner: Learner {
  private let base: any Learner
  private let parts: [HeldOutPart]
  private let seed: UInt64
  private let phase: Phase
  /// The number of the phase.
  private let number: Int
  private let selector: Selector?
  public let parameters: FlatBuffer
  public let auxiliary: [FlatBuffer]

  /// - Parameters:
  ///   - base: what is trained.
  ///   - parts: what it is measured on; a part's learner other than `base` is given the parameters.
  ///   - period: steps from one evaluation to the next.
  ///   - seed: of the noise of evaluations.
  ///   - rule: what to select by; nil: the newest parameters are the result.
  public init(
    _ base: any Learner, on parts: [HeldOutPart], every period: Int, seed: UInt64,
    selectingBy rule: SelectionRule? = nil
  ) {
    (self.base, self.parts, self.seed) = (base, parts, seed)
    number = base.phases.count
    var layout = Layout()
    var blocks = 0
    for part in parts {
      guard let shape = part.shape else { continue }
      layout.add(part.name, Shape(shape))
      blocks += part.blockCount
    }
    // An exchange adds one number at least.
    if blocks == 0 { layout.add("none", [1, 1]) }
    phase = Phase(
      "evaluation", layout: layout, precision: .float64, metrics: [], period: period, offset: period - 1,
      items: max(blocks, 1))
    guard let rule else {
      (selector, parameters, auxiliary) = (nil, base.parameters, base.auxiliary)
      return
    }
    let selector = Selector(rule)
    let trained = base.parameters
    let best = FlatBuffer(trained.name, trained.layout, precision: trained.precision)
    best.copy(from: trained)
    (self.selector, parameters) = (selector, best)
    auxiliary = base.auxiliary + [FlatBuffer("trained", trained.layout, of: trained, from: 0), selector.numbers]
  }

  /// Where the selection stands; nil where the training does not select.
  public var selection: Selection? { selector?.selection }

  /// Gives the trained learner the best parameters: the training is over.
  public func finish() {
    guard selector != nil else { return }
    base.parameters.copy(from: parameters)
    base.numbersWereReplaced()
  }

  // MARK: A step

  public var phases: [Phase] { base.phases + [phase] }

  public func prepare(phase: Int, of step: Step, with crew: Crew) throws {
    guard phase == number else { return try base.prepare(phase: phase, of: step, with: crew) }
    for part in parts where part.learner !== base { part.learner.copyNumbers(from: base) }
  }

  public func contribute(
    _ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane
  ) throws {
    guard phase == number else {
      return try base.contribute(contribution, phase: phase, shard: shard, of: step, on: lane)
    }
    contribution.values.float64.update(repeating: 0)
    guard case .range(let items) = shard.examples else { preconditionFailure("items are a range") }
    var first = 0
    for part in parts {
      guard let slot = self.phase.layout[part.name] else { continue }
      let mine = items.clamped(to: first..<first + part.blockCount)
      first += part.blockCount
      guard !mine.isEmpty else { continue }
      let blocks = mine.lowerBound - (first - part.blockCount)..<mine.upperBound - (first - part.blockCount)
      try write(part, blocks, to: contribution.values.doubles(slot), width: slot.shape[1], on: lane)
    }
  }

  /// Writes the rows of some blocks of a part.
  private func write(
    _ part: HeldOutPart, _ blocks: Range<Int>, to rows: UnsafeMutableBufferPointer<Double>, width: Int, on lane: Lane
  ) throws {
    switch part.sharing {
    case .sums:
      for block in blocks {
        try Evaluation.sums(ofBlock: block, part.learner, seed: seed, on: lane)
          .write(to: UnsafeMutableBufferPointer(rebasing: rows[block * width..<(block + 1) * width]))
      }
    case .numbers(let shared):
      let length = Evaluation.blockLength
      let examples =
        blocks.lowerBound * length..<min(blocks.upperBound * length, part.learner.evaluationCount)
      // The lane is one of many already: a crew of one computes on this thread.
      let numbers = try shared.numbers(examples, RandomKey(seed: seed), Crew(lanes: 1))
      precondition(numbers.count == examples.count * width, "a learner gives the numbers that it says")
      _ = UnsafeMutableBufferPointer(rebasing: rows[(examples.lowerBound * width)...]).update(fromContentsOf: numbers)
    case .nothing: break
    }
  }

  public func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    guard phase == number else {
      let verdict = try base.absorb(total, phase: phase, of: step, with: crew)
      if let selector, selector.selection.step == 0 { parameters.copy(from: base.parameters) }
      return verdict
    }
    var verdict = Verdict.goOn
    let metrics = try metrics(total, crew)
    verdict.evaluation = metrics
    guard let selector else { return verdict }
    guard let value = metrics[selector.rule.metric] else {
      throw TrainingError(
        .unsuitable, "train.select is \(selector.rule.metric), which is not measured here",
        advice: "select on one of \(SelectionRule.choices(among: metrics.keys).joined(separator: ", "))")
    }
    verdict.isBest = selector.take(value, after: step.number + 1)
    if verdict.isBest { parameters.copy(from: base.parameters) }
    verdict.isConverged = selector.selection.isOutOfPatience
    return verdict
  }

  /// Of all parts.
  private func metrics(_ total: Total, _ crew: Crew) throws -> [String: Double] {
    let rows = total.float64()
    var metrics: [String: Double] = [:]
    for part in parts {
      guard let slot = phase.layout[part.name] else {
        metrics.merge(try Evaluation.run(part.learner, as: part.name, seed: seed, crew: crew)) { $1 }
        continue
      }
      if case .numbers(let shared) = part.sharing {
        metrics.merge(Evaluation.metrics(ofNumbers: Array(rows[slot.range]), shared, as: part.name)) { $1 }
        continue
      }
      let (names, width) = (part.learner.evaluationMetrics, slot.shape[1])
      let sums = stride(from: slot.range.lowerBound, to: slot.range.upperBound, by: width).map {
        Sums(names, row: UnsafeBufferPointer(rebasing: rows[$0..<$0 + width]))
      }
      metrics.merge(Evaluation.metrics(of: sums, part.learner, as: part.name)) { $1 }
    }
    return metrics
  }

  // MARK: As the trained learner

  public var learntCount: Int { base.learntCount }
  public var dataStatistics: [FlatBuffer] { base.dataStatistics }
  public var order: Order.Kind { base.order }
  public var exampleCount: Int { base.exampleCount }
  public var allowsEmptyShards: Bool { base.allowsEmptyShards }
  public var evaluationMetrics: [String] { base.evaluationMetrics }
  public var evaluationCount: Int { base.evaluationCount }
  public var offers: Offers { base.offers }

  public func numbersWereReplaced() { base.numbersWereReplaced() }

  public func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) throws {
    try base.evaluate(examples, into: &sums, key: key, on: lane)
  }

  public func report(_ means: [String: Double], examples: Int) -> [String: Double] {
    base.report(means, examples: examples)
  }

  public func figures(with crew: Crew, key: RandomKey) throws -> [Figure] { try base.figures(with: crew, key: key) }
}
