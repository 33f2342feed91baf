import Foundation
import Messages
import Tensors
import Training

/// The exchange of a node: its trainer's side of a `Mesh`.
///
/// The trainer's thread computes the shards that the mesh orders, waits for totals, and is the only one that touches
/// the learner's buffers: so it also takes and loads states. The mesh adds up and sends on its own thread meanwhile.
public final class MeshExchange: Exchange, @unchecked Sendable {
  /// An event that the trainer posts to the mesh.
  enum Event {
    /// These elements of a shard's contribution are final.
    case contributed(PhaseIndex, shard: Int, Sum, Intervals)
    case absorbed(PhaseIndex, finished: Bool)
    case loaded(succeeded: Bool, finished: Bool)
    /// The trainer has reported the last step.
    case concluding
    /// The state that is ready for a phase.
    case state(PhaseIndex, LearnerState)
  }

  private enum Order {
    case stop
    case compute
    case absorb(Sum)
    case load(PhaseIndex, LearnerState)
    case takeState
    case save
  }

  private let learner: any Learner
  private let shards: Int
  private let steps: Int
  let pools: [ContributionPool]
  /// Which phases each step has.
  let sequence: PhaseSequence
  private let post: @Sendable (Event) -> Void
  /// Called on the trainer's thread with the state between two steps, when one was asked for.
  private let save: @Sendable (ExchangeOutcome.Place, LearnerState) -> Void

  /// Guards what follows.
  private let lock = NSCondition()
  private var phase: PhaseIndex?
  /// Whether others wait for parts of contributions.
  private var isEager = false
  private var queue: [Int] = []
  private var running: Set<Int> = []
  private var total: (PhaseIndex, Sum)?
  private var load: (PhaseIndex, LearnerState)?
  private var stateWanted: PhaseIndex?
  private var isSaveWanted = false
  private var isStopped = false
  private var activity = Activity.aside

  enum Activity {
    case computing, waiting
    /// Reporting, evaluating, saving; not here.
    case aside
  }

  // The trainer's own.
  private var here = PhaseIndex.start
  private var converged = false
  /// Keeps the total that is being absorbed.
  private var absorbing: Sum?

  init(
    _ learner: any Learner, shards: Int, steps: Int, precision: ExchangePrecision, isShared: Bool,
    post: @escaping @Sendable (Event) -> Void,
    save: @escaping @Sendable (ExchangeOutcome.Place, LearnerState) -> Void
  ) {
    self.learner = learner
    self.shards = shards
    self.steps = steps
    self.post = post
    self.save = save
    let phases = learner.phases
    sequence = PhaseSequence(periods: phases.map(\.period), offsets: phases.map(\.offset))
    pools = phases.map { ContributionPool($0, rounding: precision, isShared: isShared) }
  }

  // MARK: The mesh's side

  /// Contribute these shards of the phase, and no others; `eagerly`: hand parts of them over as they are done.
  func compute(_ phase: PhaseIndex, _ shards: Intervals, eagerly isEager: Bool) {
    change {
      let isRunning = self.phase == phase
      self.phase = phase
      self.isEager = isEager
      queue = shards.ranges.joined().filter { !isRunning || !running.contains($0) }
    }
  }

  func absorb(_ phase: PhaseIndex, _ sum: Sum) { change { total = (phase, sum) } }
  func load(_ phase: PhaseIndex, _ state: LearnerState) { change { load = (phase, state) } }
  func takeState(_ phase: PhaseIndex) { change { stateWanted = phase } }
  func takeSave() { change { isSaveWanted = true } }
  func stop() { change { isStopped = true } }
  var currentActivity: Activity { lock.withLock { activity } }

  private func change(_ body: () -> Void) {
    lock.lock()
    body()
    lock.signal()
    lock.unlock()
  }

  // MARK: The trainer's side

  public func total(of phase: Int, in step: Step, crew: Crew) throws -> ExchangeOutcome {
    here = PhaseIndex(step: UInt64(step.number), phase: UInt32(phase))
    while true {
      switch next() {
      case .stop: return .stopped
      case .absorb(let sum):
        absorbing = sum
        // What is made of a phase's own items may take long, as an evaluation does.
        if pools[phase].phase.items != nil { lock.withLock { activity = .aside } }
        return .total(Total(lent: sum.contribution))
      case .load(let target, let state):
        if let place = load(state, for: target) { return .moved(place) }
      case .takeState: post(.state(here, LearnerState(of: learner, converged: converged)))
      case .save: takeSaved()
      case .compute: try compute(here, phase, of: step, with: crew)
      }
    }
  }

  public func absorbed(_ phase: Int, of step: Step, converged: Bool, last: Bool) {
    absorbing = nil
    self.converged = converged
    let done = here
    here = here.next(in: sequence)
    lock.withLock { activity = .aside }
    post(.absorbed(done, finished: last))
  }

  public func conclude() throws -> ExchangeOutcome {
    lock.withLock { activity = .waiting }
    post(.concluding)
    while true {
      switch next() {
      case .stop: return .stopped
      case .load(let target, let state):
        if let place = load(state, for: target) { return .moved(place) }
      case .takeState: post(.state(here, LearnerState(of: learner, converged: converged)))
      case .save: takeSaved()
      case .absorb, .compute: continue
      }
    }
  }

  /// Waits for something to do here.
  private func next() -> Order {
    lock.lock()
    defer { lock.unlock() }
    while true {
      activity = .waiting
      if isStopped { return .stop }
      if let order = load {
        load = nil
        return .load(order.0, order.1)
      }
      if stateWanted == here {
        stateWanted = nil
        return .takeState
      }
      if isSaveWanted, here.phase == 0 {
        isSaveWanted = false
        return .save
      }
      if let (phase, sum) = total, phase == here {
        total = nil
        return .absorb(sum)
      }
      if phase == here, !queue.isEmpty {
        activity = .computing
        return .compute
      }
      lock.wait()
    }
  }

  private func takeSaved() {
    let place = ExchangeOutcome.Place(step: Int(here.step), phase: 0, converged: converged)
    save(place, LearnerState(of: learner, converged: converged))
  }

  private func load(_ state: LearnerState, for target: PhaseIndex) -> ExchangeOutcome.Place? {
    let place = ExchangeOutcome.Place(
      step: Int(target.step), phase: Int(target.phase), converged: state.isConverged)
    guard sequence.contains(target), state.fill(learner) else {
      post(.loaded(succeeded: false, finished: false))
      return nil
    }
    here = target
    converged = state.isConverged
    lock.withLock { total = nil }
    post(.loaded(succeeded: true, finished: place.step >= steps || (converged && place.phase == 0)))
    return place
  }

  /// Every lane takes shards from the queue, which may change meanwhile, until none is left.
  private func compute(_ here: PhaseIndex, _ phase: Int, of step: Step, with crew: Crew) throws {
    let (waiting, isEager) = lock.withLock { (self.queue.count, self.isEager) }
    let (learner, shards, pool) = (learner, shards, pools[phase])
    try crew.forEach(max(1, min(crew.lanes, waiting))) { [self] _, lane in
      while let index = takeShard(of: here) {
        let sum = pool.take()
        let buckets = Buckets(count: pool.phase.count)
        if isEager {
          sum.contribution.finished = { [self] elements in
            precondition(pool.canBeSent(elements), "what is finished begins and ends on a cache line")
            if let bucket = buckets.add(elements) { hand(Intervals(bucket), of: index, sum, in: here) }
          }
        }
        defer { sum.contribution.finished = nil }
        let shard = pool.phase.shard(index, of: shards, in: step)
        try sum.contribution.compute(learner, phase: phase, shard: shard, of: step, on: lane)
        _ = lock.withLock { running.remove(index) }
        hand(buckets.rest, of: index, sum, in: here)
      }
    }
  }

  /// To the mesh: final elements of a shard's contribution.
  private func hand(_ elements: Intervals, of shard: Int, _ sum: Sum, in phase: PhaseIndex) {
    for range in elements.ranges { sum.contribution.round(range, to: sum.pool.rounding) }
    post(.contributed(phase, shard: shard, sum, elements))
  }

  private func takeShard(of here: PhaseIndex) -> Int? {
    lock.withLock {
      guard phase == here, !queue.isEmpty, !isStopped, load == nil else { return nil }
      let shard = queue.removeFirst()
      running.insert(shard)
      return shard
    }
  }
}

/// Which elements of a contribution go out together while the rest is still being computed.
package final class Buckets {
  /// Smaller ones would cost more in messages than they save in time: 1 MiB of float32.
  package static let leastCount = 1 << 18

  private let count: Int
  private var waiting = Intervals()
  private var gone = Intervals()

  package init(count: Int) { self.count = count }

  /// These elements are final. Returns those that are to go now.
  package func add(_ elements: Range<Int>) -> Range<Int>? {
    waiting.formUnion(Intervals(elements))
    // With element 0 goes the tally, which is final in the end.
    guard let bucket = waiting.ranges.first(where: { $0.contains(elements) }), bucket.lowerBound > 0,
      bucket.count >= Buckets.leastCount
    else { return nil }
    waiting.subtract(Intervals(bucket))
    gone.formUnion(Intervals(bucket))
    return bucket
  }

  /// What has not gone.
  package var rest: Intervals { Intervals(0..<count).subtracting(gone) }
}
