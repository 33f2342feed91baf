import Cluster
import Messages

/// A node process: session, exchange machine, lanes and numbers. Its effects go to the simulation.
final class SimulatedNode {
  struct Lane {
    var shard: Int
    var phase: PhaseIndex
    var numbers: [UInt64]
  }

  let index: Int
  let model: SymbolicModel
  /// How this processor rounds.
  let salt: UInt64
  var session: NodeSession
  var machine: ExchangeMachine?
  var store: SymbolicStore
  var state: [UInt64]
  let configuration: ExchangeMachine.Configuration
  /// Shards waiting for a lane, and those on one.
  var queue: [Int] = []
  var lanes: [Int: Lane] = [:]
  let laneCount: Int
  /// Counts changes of the parameters: results of older ones are void.
  var version = 0
  var isSlow = false
  var isDone = false
  var refusals: [ExchangeRefusal: Int] = [:]
  var sequence: UInt64 = 0

  init(
    index: Int, incarnation: Incarnation, model: SymbolicModel, configuration: ExchangeMachine.Configuration,
    salt: UInt64, laneCount: Int
  ) {
    self.index = index
    self.model = model
    self.salt = salt
    self.configuration = configuration
    self.laneCount = laneCount
    session = NodeSession(
      configuration: NodeSession.Configuration(
        name: "n\(index)", build: "sim", recipe: simulatedDigest, data: simulatedDigest, lanes: laneCount,
        dataEndpoints: ["tcp://n\(index):1"], publicKey: nil), incarnation: incarnation)
    store = SymbolicStore(model)
    state = model.initialState
  }

  var stage: Stage {
    guard let machine else { return .preparing }
    if machine.isFinished { return machine.everyoneIsHere ? .finished : .exchanging }
    guard machine.isSynchronized else { return .joining }
    return lanes.isEmpty && queue.isEmpty ? .exchanging : .computing
  }

  func heartbeat(_ sequence: UInt64, now: Timestamp) -> Heartbeat {
    Heartbeat(
      view: machine?.view?.number ?? .none, sequence: sequence, position: machine?.position ?? .start,
      chain: machine?.chain ?? Chain(rawValue: 0), stage: stage, shardsDone: machine?.shardsDone ?? Intervals(),
      waits: machine?.waits ?? [], waitingMilliseconds: 0)
  }

  /// The numbers of a shard, all of them; they arrive in pieces.
  func compute(_ shard: Int, _ phase: PhaseIndex) -> [UInt64] {
    (0..<model.count(phase)).map { model.contribution(state, shard: shard, phase, element: $0, salt: salt) }
  }
}

let simulatedDigest = Digest(bytes: [UInt8](repeating: 7, count: 32))!
let simulatedJob = JobID(rawValue: 4711)!
