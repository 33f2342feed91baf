import Messages

extension ExchangeMachine {
  /// A data message came; its job and checksum are right. With a chunk, directives that begin with `store` mean its
  /// payload. Credit messages are not this machine's business.
  public mutating func receive(_ message: DataMessage, now: Timestamp) -> [ExchangeDirective] {
    let header = message.header
    guard header.sender != node else { return [.refuse(.stranger)] }
    guard header.view >= max(lastView, pendingView?.number ?? .none), header.view > lastView || viewState != nil else {
      return [.refuse(.staleView)]
    }
    guard header.view == lastView else { return keepEarly(message) }
    guard let member = viewState!.view.member(header.sender), member.incarnation == header.incarnation else {
      return [.refuse(.stranger)]
    }
    // News push the deadline out; being asked does not, or peers that ask each other would never ask again.
    var isNews = viewState!.positions[header.sender].map { header.position > $0 } ?? true
    if isNews { viewState!.positions[header.sender] = header.position }

    var directives: [ExchangeDirective] = []
    switch message.body {
    case .sync(let sync):
      if viewState!.accounts[header.sender] == nil {
        viewState!.accounts[header.sender] = sync
        isNews = true
      } else {
        directives = [.refuse(.duplicate)]
      }
    case .chunk(let chunk):
      directives = receive(chunk, header)
      if case .refuse? = directives.first {} else { isNews = true }
    case .request(let request): directives = answer(request, to: header.sender)
    case .acknowledgement, .credit: break
    }
    if isNews { progressed(now) }
    return directives + proceed(now)
  }

  /// A message of a view that is not installed here yet. Its member's account is worth keeping, since it is sent once.
  private mutating func keepEarly(_ message: DataMessage) -> [ExchangeDirective] {
    let header = message.header
    guard case .sync(let sync) = message.body else { return [.refuse(.laterView)] }
    // Each sender has one place, so no sender can fill the memory.
    if let kept = early[header.sender], kept.view > header.view { return [.refuse(.staleView)] }
    guard early[header.sender] != nil || early.count < Limits.members else { return [.refuse(.laterView)] }
    early[header.sender] = (header.view, header.incarnation, sync)
    return []
  }

  private mutating func receive(_ chunk: Chunk, _ header: DataHeader) -> [ExchangeDirective] {
    let phase = chunk.position
    if case .state(let digest, let chain) = chunk.kind {
      return receiveState(chunk, digest: digest, chain: chain, from: header.sender)
    }
    guard configuration.sequence.contains(phase), chunk.vectorCount == count(phase),
      chunk.elements.upperBound <= chunk.vectorCount
    else { return [.refuse(.unfit)] }
    // The phase being worked on and the one after it; for a joiner, from where the view works.
    let base = intake == nil ? position : viewState?.plan?.position ?? position
    guard phase >= base, isWithinReach(phase, of: base), !isFinished || phase > position else {
      return [.refuse(.otherPhase)]
    }
    // While the totals of a phase are being absorbed, they are complete.
    if busy == .absorbing, phase == position { return [.refuse(.duplicate)] }
    switch chunk.kind {
    case .partial(let subtree):
      guard ShardTree(count: configuration.shards).contains(subtree) else { return [.refuse(.unfit)] }
      let steps = withWork(phase) { $0.receive(subtree, chunk.elements) }
      return steps.isEmpty ? [.refuse(.duplicate)] : directives(steps, of: phase)
    case .total:
      // Decided by the owner of the range, or by the past.
      let range = viewState!.ownership(count(phase)).range(of: header.sender)
      guard header.position > phase || range.contains(chunk.elements) else { return [.refuse(.unfit)] }
      let fresh = withWork(phase) { $0.receiveTotal(chunk.elements) }
      return fresh.isEmpty ? [.refuse(.duplicate)] : [.storeTotal(phase, elements: fresh)]
    case .state: return []
    }
  }

  /// Before all accounts are there a node cannot know how far the others are; it keeps the sums of one phase beyond
  /// those it knows. Afterwards no member is more than one phase ahead.
  private func isWithinReach(_ phase: PhaseIndex, of base: PhaseIndex) -> Bool {
    if viewState?.plan == nil { return works[phase] != nil || works.count < 3 }
    return phase <= base.next(in: configuration.sequence)
  }

  private mutating func receiveState(
    _ chunk: Chunk, digest: Digest, chain: Chain, from donor: NodeNumber
  ) -> [ExchangeDirective] {
    guard let plan = viewState!.plan else {
      let elements = Intervals(chunk.elements).intersection(Intervals(0..<configuration.stateCount))
      viewState!.missedState[donor, default: Intervals()].formUnion(elements)
      return [.refuse(.early)]
    }
    guard var intake, busy == nil else { return [.refuse(.duplicate)] }
    guard chunk.position == plan.position, chain == plan.chain else { return [.refuse(.otherPhase)] }
    guard chunk.vectorCount == configuration.stateCount, chunk.elements.upperBound <= configuration.stateCount,
      intake.digest == nil || intake.digest == digest
    else { return [.refuse(.unfit)] }
    let fresh = Intervals(chunk.elements).subtracting(intake.held)
    guard !fresh.isEmpty else { return [.refuse(.duplicate)] }
    intake.digest = digest
    intake.held.formUnion(fresh)
    self.intake = intake
    var directives: [ExchangeDirective] = [.storeState(elements: fresh)]
    if intake.held == Intervals(0..<configuration.stateCount) {
      busy = .loading(plan.position, plan.chain)
      directives.append(.loadState(plan.position, digest: digest))
    }
    return directives
  }

  /// Sends again what a peer lacks, as far as it is there.
  private mutating func answer(_ request: Request, to peer: NodeNumber) -> [ExchangeDirective] {
    switch request {
    case .sync:
      // As it was said when the view began, even if this node has got on since: all must make the same plan.
      return viewState!.accounts[node].map { [.send(.sync($0), to: [peer])] } ?? []
    case .position: return [.send(.acknowledgement, to: [peer])]
    // How payloads travel is not this machine's business.
    case .payloads: return []
    case .totals(let phase, let elements):
      guard configuration.sequence.contains(phase) else { return [.refuse(.unfit)] }
      let wanted = elements.intersection(Intervals(0..<count(phase)))
      guard isSynchronized else { return [.refuse(.otherPhase)] }
      if isRetained(phase) { return totals(of: phase, wanted, to: [peer]) }
      guard phase == position, !isFinished else { return [.refuse(.otherPhase)] }
      let range = Intervals(viewState!.ownership(count(phase)).range(of: node))
      return totals(
        of: phase, withWork(phase) { $0.total }.intersection(wanted).intersection(range), to: [peer])
    case .partials(let phase, let shards, let elements):
      guard configuration.sequence.contains(phase) else { return [.refuse(.unfit)] }
      let range = Intervals(viewState!.ownership(count(phase)).range(of: peer))
      let wanted = elements.intersection(range)
      guard isSynchronized else { return [.refuse(.otherPhase)] }
      if isRetained(phase) { return totals(of: phase, wanted, to: [peer]) }
      guard phase == position, !isFinished else { return [.refuse(.otherPhase)] }
      return withWork(phase) { $0.ownSums(of: shards, on: wanted) }.flatMap { partials(of: phase, $0.0, $0.1) }
    case .state(let elements):
      guard let plan = viewState!.plan, plan.donors.contains(node), position == plan.position, busy == nil else {
        return [.refuse(.otherPhase)]
      }
      return stateChunks(elements.intersection(Intervals(0..<configuration.stateCount)), to: peer)
    }
  }

  /// Whether the totals of the phase are those that this node has absorbed last.
  private func isRetained(_ phase: PhaseIndex) -> Bool {
    retainsTotals && phase == position.previous(in: configuration.sequence)
  }
}
