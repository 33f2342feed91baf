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

  /// Whether its metrics are made of sums over blocks, which shards can share.
  var isShared: Bool { learner.offers.evaluation == nil }
}

/// A learner that is measured on held-out examples in the last phase of every so many steps, and that may keep the best
/// parameters and end the training by what is measured.
///
/// The phase is one like any other, so lanes and nodes share its work, and a node that dies in it is replaced. The
/// examples are cut into blocks of fixed size, and the shards share the blocks. A contribution has one row for each
/// block: the shard of the block writes the row, all others leave zeros. So the total holds the rows as they were
/// computed, and the metrics are those of `Evaluation.run`, bit for bit, for every V. A learner that makes its metrics
/// otherwise (`Offers.evaluation`) is measured by every node when the phase is absorbed.
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
    for part in parts where part.isShared {
      layout.add(part.name, [Evaluation.blockCount(part.learner), 2 * part.learner.evaluationMetrics.count])
    }
    let blocks = layout.slots.reduce(0) { $0 + $1.shape[0] }
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
    if selector != nil { base.parameters.copy(from: parameters) }
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
    for (part, slot) in zip(parts.filter(\.isShared), self.phase.layout.slots) {
      let (blocks, width) = (slot.shape[0], slot.shape[1])
      for block in items.clamped(to: first..<first + blocks).map({ $0 - first }) {
        let row = contribution.values.doubles(slot)[block * width..<(block + 1) * width]
        try Evaluation.sums(ofBlock: block, part.learner, seed: seed, on: lane)
          .write(to: UnsafeMutableBufferPointer(rebasing: row))
      }
      first += blocks
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
      guard part.isShared, let slot = phase.layout[part.name] else {
        metrics.merge(try Evaluation.run(part.learner, as: part.name, seed: seed, crew: crew)) { $1 }
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

  public func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) throws {
    try base.evaluate(examples, into: &sums, key: key, on: lane)
  }

  public func report(_ means: [String: Double], examples: Int) -> [String: Double] {
    base.report(means, examples: examples)
  }

  public func figures(with crew: Crew, key: RandomKey) throws -> [Figure] { try base.figures(with: crew, key: key) }
}
