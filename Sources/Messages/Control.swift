/// What a node is doing.
public enum Stage: UInt32, Sendable, CaseIterable {
  case preparing = 1
  case joining, computing, exchanging, evaluating, saving, finished
}

/// Who is waited for, and for what.
public struct Wait: Hashable, Sendable {
  public enum Cause: UInt32, Sendable, CaseIterable {
    case sync = 1
    case partials, totals, position, state
  }
  public var node: NodeNumber
  public var cause: Cause

  public init(node: NodeNumber, cause: Cause) {
    self.node = node
    self.cause = cause
  }
}

/// Sign of life and progress. Alive and getting on are two things.
public struct Heartbeat: Hashable, Sendable {
  public var view: ViewNumber
  /// From 1, grows by one.
  public var sequence: UInt64
  public var position: PhaseIndex
  public var chain: Chain
  public var stage: Stage
  /// Of the phase `position`, contributed in full by this node.
  public var shardsDone: Intervals
  public var waits: [Wait]
  public var waitingMilliseconds: Int
  /// Recent time a step; 0 before the first.
  public var stepMicroseconds: UInt64
  /// On its data sockets, since its start.
  public var bytesReceived: UInt64
  public var bytesSent: UInt64
  /// Last reported training objective; NaN before the first.
  public var objective: Double
  /// Of the whole job, as this node sees it.
  public var examplesPerSecond: Double

  public init(
    view: ViewNumber, sequence: UInt64, position: PhaseIndex, chain: Chain, stage: Stage,
    shardsDone: Intervals = Intervals(), waits: [Wait] = [], waitingMilliseconds: Int = 0,
    stepMicroseconds: UInt64 = 0, bytesReceived: UInt64 = 0, bytesSent: UInt64 = 0, objective: Double = .nan,
    examplesPerSecond: Double = 0
  ) {
    self.view = view
    self.sequence = sequence
    self.position = position
    self.chain = chain
    self.stage = stage
    self.shardsDone = shardsDone
    self.waits = waits
    self.waitingMilliseconds = waitingMilliseconds
    self.stepMicroseconds = stepMicroseconds
    self.bytesReceived = bytesReceived
    self.bytesSent = bytesSent
    self.objective = objective
    self.examplesPerSecond = examplesPerSecond
  }
}

public struct HeartbeatReply: Hashable, Sendable {
  /// Of the heartbeat it answers.
  public var sequence: UInt64
  /// The newest announced view.
  public var view: ViewNumber
  /// Reports up to this step are kept.
  public var recorded: UInt64
  /// The step of the newest state that is kept, 0 with none.
  public var saved: UInt64

  public init(sequence: UInt64, view: ViewNumber, recorded: UInt64 = 0, saved: UInt64 = 0) {
    self.sequence = sequence
    self.view = view
    self.recorded = recorded
    self.saved = saved
  }
}

/// A sum is overdue.
public struct Late: Hashable, Sendable {
  public var view: ViewNumber
  public var position: PhaseIndex
  /// Shards whose partial sums it lacks, as owner of a range.
  public var missing: Intervals
  /// Its own, contributed in full.
  public var shardsDone: Intervals
  public var waitingMilliseconds: Int

  public init(
    view: ViewNumber, position: PhaseIndex, missing: Intervals, shardsDone: Intervals,
    waitingMilliseconds: Int
  ) {
    self.view = view
    self.position = position
    self.missing = missing
    self.shardsDone = shardsDone
    self.waitingMilliseconds = waitingMilliseconds
  }
}

/// `node` computes `shards` of the phase too.
public struct Execute: Hashable, Sendable {
  public var view: ViewNumber
  public var position: PhaseIndex
  public var node: NodeNumber
  public var shards: Range<Int>

  public init(view: ViewNumber, position: PhaseIndex, node: NodeNumber, shards: Range<Int>) {
    self.view = view
    self.position = position
    self.node = node
    self.shards = shards
  }
}

/// The job is over.
public struct Stop: Hashable, Sendable {
  public enum Reason: UInt32, Sendable, CaseIterable {
    case completed = 1
    case asked, failed
  }
  public var reason: Reason
  public var explanation: String

  public init(reason: Reason, explanation: String) {
    self.reason = reason
    self.explanation = explanation
  }
}
