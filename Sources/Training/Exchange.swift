import Tensors

/// Adds the contributions of all shards in a fixed binary tree over the shard index and gives everyone the total.
public protocol Exchange: AnyObject {
  /// Computes the contributions that this node is to compute, each on one lane, and returns the total of all shards.
  func total(of phase: Int, in step: Step, crew: Crew) throws -> ExchangeOutcome
  /// The learner has absorbed the total of the phase; `converged` says whether it has converged, `last` whether that
  /// was the last phase of the training.
  func absorbed(_ phase: Int, of step: Step, converged: Bool, last: Bool)
  /// After the last phase: waits until no node needs this one any more.
  func conclude() throws -> ExchangeOutcome
}

/// What an exchange came to.
public enum ExchangeOutcome {
  case total(Total)
  /// The learner's buffers hold another state now, that of peers that are further: the training goes on there.
  case moved(Place)
  /// This node takes no further part.
  case stopped

  public struct Place: Sendable {
    public var step: Int
    public var phase: Int
    public var converged: Bool

    public init(step: Int, phase: Int, converged: Bool) {
      self.step = step
      self.phase = phase
      self.converged = converged
    }
  }
}

extension Exchange {
  public func absorbed(_ phase: Int, of step: Step, converged: Bool, last: Bool) {}
  public func conclude() throws -> ExchangeOutcome { .stopped }
}

/// The exchange of one process: all shards are computed here.
public final class LocalExchange: Exchange {
  private let learner: any Learner
  private let shards: Int
  private let precision: ExchangePrecision
  private let phases: [Phase]
  private let contributions: [[Contribution]]

  public init(_ learner: any Learner, shards: Int, precision: ExchangePrecision = .float32) {
    self.learner = learner
    self.shards = shards
    self.precision = precision
    phases = learner.phases
    contributions = phases.map { phase in (0..<shards).map { _ in Contribution(phase) } }
  }

  public func total(of phase: Int, in step: Step, crew: Crew) throws -> ExchangeOutcome {
    .total(try sum(of: phase, in: step, crew: crew))
  }

  /// The total itself: in one process there is no other outcome.
  public func sum(of phase: Int, in step: Step, crew: Crew) throws -> Total {
    let (learner, shards, contributions, precision) = (learner, shards, contributions[phase], precision)
    let part = phases[phase]
    try crew.forEach(shards) { index, lane in
      let shard = part.shard(index, of: shards, in: step)
      try contributions[index].compute(learner, phase: phase, shard: shard, of: step, on: lane)
      contributions[index].round(to: precision)
    }
    return Total(of: contributions[...], precision: precision)
  }
}

extension Contribution {
  /// Has a learner write this contribution.
  public func compute(_ learner: any Learner, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    metrics.clear()
    examples = shard.examples.count
    guard examples > 0 else {
      // A short last batch may leave a shard without examples: it adds nothing.
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
      return
    }
    statistics.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    try learner.contribute(self, phase: phase, shard: shard, of: step, on: lane)
  }
}
