public struct StatusReply: Hashable, Sendable {
  public var job: JobStatus
  /// Ascending by number.
  public var nodes: [NodeStatus]
  /// Predictions that the members compute for, ascending by number.
  public var help: [HelpStatus]

  public init(job: JobStatus, nodes: [NodeStatus], help: [HelpStatus] = []) {
    self.job = job
    self.nodes = nodes
    self.help = help
  }
}

/// A prediction that the members compute for.
public struct HelpStatus: Hashable, Sendable {
  public var prediction: UInt64
  public var status: PredictionStatus

  public init(prediction: UInt64, status: PredictionStatus) {
    self.prediction = prediction
    self.status = status
  }
}

public enum JobState: UInt32, Sendable, CaseIterable {
  case waiting = 1
  case running, stalled, finished, failed, stopped
}

public enum NodeState: UInt32, Sendable, CaseIterable {
  case joining = 1
  case member, suspect, stuck, left, lost
}

public struct JobStatus: Hashable, Sendable {
  public var recipe: String
  public var state: JobState
  public var job: JobID
  public var position: PhaseIndex
  public var steps: UInt64
  public var shards: Int
  /// NaN before the first.
  public var objective: Double
  public var examplesPerSecond: Double
  public var secondsRunning: Double
  /// NaN when unknown.
  public var secondsLeft: Double
  public var view: ViewNumber
  public var viewChanges: UInt64
  public var coordinatorRestarts: UInt32
  public var refusedMessages: UInt64
  /// Why it is stalled, failed or waits; otherwise empty.
  public var explanation: String
  public var build: String

  public init(
    recipe: String, state: JobState, job: JobID, position: PhaseIndex, steps: UInt64, shards: Int, objective: Double,
    examplesPerSecond: Double, secondsRunning: Double, secondsLeft: Double, view: ViewNumber, viewChanges: UInt64,
    coordinatorRestarts: UInt32, refusedMessages: UInt64, explanation: String, build: String
  ) {
    self.recipe = recipe
    self.state = state
    self.job = job
    self.position = position
    self.steps = steps
    self.shards = shards
    self.objective = objective
    self.examplesPerSecond = examplesPerSecond
    self.secondsRunning = secondsRunning
    self.secondsLeft = secondsLeft
    self.view = view
    self.viewChanges = viewChanges
    self.coordinatorRestarts = coordinatorRestarts
    self.refusedMessages = refusedMessages
    self.explanation = explanation
    self.build = build
  }
}

public struct NodeStatus: Hashable, Sendable {
  public var node: NodeNumber
  public var name: String
  public var incarnation: Incarnation
  public var state: NodeState
  public var view: ViewNumber
  public var position: PhaseIndex
  public var stage: Stage
  public var shards: Range<Int>
  /// Of the current phase.
  public var shardsDone: Int
  public var lanes: Int
  public var secondsSinceSeen: Double
  public var stepMicroseconds: UInt64
  public var bytesReceived: UInt64
  public var bytesSent: UInt64
  public var waits: [Wait]
  public var secondsWaiting: Double
  /// Incarnations seen, less one.
  public var restarts: UInt32
  /// First data endpoint.
  public var address: String

  public init(
    node: NodeNumber, name: String, incarnation: Incarnation, state: NodeState, view: ViewNumber,
    position: PhaseIndex, stage: Stage, shards: Range<Int>, shardsDone: Int, lanes: Int, secondsSinceSeen: Double,
    stepMicroseconds: UInt64, bytesReceived: UInt64, bytesSent: UInt64, waits: [Wait], secondsWaiting: Double,
    restarts: UInt32, address: String
  ) {
    self.node = node
    self.name = name
    self.incarnation = incarnation
    self.state = state
    self.view = view
    self.position = position
    self.stage = stage
    self.shards = shards
    self.shardsDone = shardsDone
    self.lanes = lanes
    self.secondsSinceSeen = secondsSinceSeen
    self.stepMicroseconds = stepMicroseconds
    self.bytesReceived = bytesReceived
    self.bytesSent = bytesSent
    self.waits = waits
    self.secondsWaiting = secondsWaiting
    self.restarts = restarts
    self.address = address
  }
}
