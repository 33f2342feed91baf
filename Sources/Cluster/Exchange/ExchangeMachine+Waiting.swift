import Messages

extension ExchangeMachine {
  /// Everything that has to come from others before this node can go on.
  struct Missing {
    var syncs: [NodeNumber] = []
    var state: (from: [NodeNumber], elements: Intervals)?
    /// Of the own range, by who computes them.
    var partials: [(from: NodeNumber, shards: Intervals, elements: Intervals)] = []
    var totals: [(from: NodeNumber, elements: Intervals)] = []
    var positions: [NodeNumber] = []

    var isEmpty: Bool {
      syncs.isEmpty && state == nil && partials.isEmpty && totals.isEmpty && positions.isEmpty
    }
  }

  var missing: Missing {
    var missing = Missing()
    guard let state = viewState, busy == nil else { return missing }
    let others = state.members.filter { $0 != node }
    guard let plan = state.plan else {
      missing.syncs = others.filter { state.accounts[$0] == nil }
      return missing
    }
    if let intake {
      missing.state = (plan.donors, Intervals(0..<configuration.stateCount).subtracting(intake.held))
      return missing
    }
    missing.positions = others.filter { state.positions[$0, default: .start] < position }
    guard !isFinished else { return missing }
    let count = count(position)
    let total = works[position]?.total ?? Intervals()
    let lacking = Intervals(0..<count).subtracting(total)
    if position < plan.position {
      // All of it is decided; those who hold it are asked in turn.
      if !lacking.isEmpty { missing.totals = [(plan.totalDonors[attempts % plan.totalDonors.count], lacking)] }
      return missing
    }
    // A member that is behind reports where it stands when it has caught up.
    // Totals cannot be there before this node has done its own shards, unless somebody else has done them.
    let isDone = shardsDone.isSuperset(of: shardsToSend())
    if isDone || others.contains(where: { state.positions[$0, default: .start] > position }) {
      missing.totals = state.ownership(count).parts(of: lacking).filter { $0.owner != node }.map {
        ($0.owner, $0.elements)
      }
    }
    if let work = works[position] {
      for (executor, shards) in executors(of: position, state, plan) where executor != node {
        var absent = Intervals()
        var elements = Intervals()
        for shard in shards.ranges.joined() {
          let missing = work.missing(shard: shard)
          guard !missing.isEmpty else { continue }
          absent.insert(shard..<shard + 1)
          elements.formUnion(missing)
        }
        if !absent.isEmpty { missing.partials.append((executor, absent, elements)) }
      }
    }
    return missing
  }

  /// Who computes which shards of the phase, rescuers included; ascending by node.
  private func executors(
    of phase: PhaseIndex, _ state: ViewState, _ plan: ExchangePlan
  ) -> [(NodeNumber, Intervals)] {
    state.members.map { member in
      var shards =
        phase == plan.position ? plan.shards(of: member) : Intervals(state.view.member(member)?.shards ?? 0..<0)
      for rescue in state.rescues where rescue.node == member { shards.formUnion(Intervals(rescue.shards)) }
      return (member, shards)
    }
  }

  /// Who is waited for, and for what: for heartbeats and status.
  public var waits: [Wait] {
    let missing = missing
    var waits = missing.syncs.map { Wait(node: $0, cause: .sync) }
    waits += (missing.state?.from ?? []).map { Wait(node: $0, cause: .state) }
    waits += missing.partials.map { Wait(node: $0.from, cause: .partials) }
    waits += missing.totals.map { Wait(node: $0.from, cause: .totals) }
    waits += missing.positions.map { Wait(node: $0, cause: .position) }
    return waits
  }

  /// Whether this node has contributed what it is to contribute, and the phase ends as soon as peers have answered.
  public var isWaitingForPeers: Bool {
    isSynchronized && busy == nil && !isFinished && shardsDone.isSuperset(of: shardsToSend())
  }

  /// How long nothing that is waited for has come.
  public func waitingTime(now: Timestamp) -> Duration { waitingSince.map { now - $0 } ?? .zero }

  /// When `tick` has something to do; `nil`: not before something else happens.
  public var nextDeadline: Timestamp? { askAt }

  /// Time passes: asks again for what is overdue.
  public mutating func tick(now: Timestamp) -> [ExchangeDirective] {
    guard let due = askAt, now >= due else { return [] }
    let missing = missing
    guard !missing.isEmpty else {
      stopWaiting()
      return []
    }
    var directives: [ExchangeDirective] = []
    if !missing.syncs.isEmpty { directives.append(.send(.request(.sync), to: missing.syncs)) }
    if let (donors, elements) = missing.state {
      directives.append(.send(.request(.state(elements: elements)), to: [donors[attempts % donors.count]]))
    }
    for (executor, shards, elements) in missing.partials {
      directives.append(
        .send(.request(.partials(position: position, shards: shards, elements: elements)), to: [executor]))
    }
    for (owner, elements) in missing.totals {
      directives.append(.send(.request(.totals(position: position, elements: elements)), to: [owner]))
    }
    if !missing.positions.isEmpty { directives.append(.send(.request(.position), to: missing.positions)) }
    // What is lost comes when it is asked for; shards that do not come then either are late.
    if !missing.partials.isEmpty, attempts > 0, let view = viewState?.view.number {
      let shards = missing.partials.reduce(into: Intervals()) { $0.formUnion($1.shards) }
      directives.append(
        .report(
          Late(
            view: view, position: position, missing: shards, shardsDone: shardsDone,
            waitingMilliseconds: waitingTime(now: now).milliseconds)))
    }
    attempts += 1
    askAt = now + deadline.duration(attempts: attempts)
    return directives
  }

  /// Something that was waited for has come.
  mutating func progressed(_ now: Timestamp) {
    attempts = 0
    waitingSince = now
    askAt = now + deadline.duration()
  }

  mutating func stopWaiting() {
    attempts = 0
    waitingSince = nil
    askAt = nil
  }

  /// Keeps the deadline while something is missing, and only then.
  mutating func refreshWaiting(_ now: Timestamp) {
    if viewState == nil || busy != nil {
      stopWaiting()
    } else if askAt == nil {
      progressed(now)
    }
  }
}
