import Cluster
import Messages

/// The payload of the chunk being received, by element.
struct Payload {
  var first: Int
  var numbers: [UInt64]
  subscript(element: Int) -> UInt64 { numbers[element - first] }
}

extension Simulation {
  mutating func tick(_ index: Int) {
    let now = now
    let node = nodes[index]!
    let directives = nodes[index]!.session.tick(now: now, position: node.machine?.position ?? .start) {
      node.heartbeat($0, now: now)
    }
    carryOut(directives, at: index)
    if nodes[index]?.machine != nil {
      let directives = nodes[index]!.machine!.tick(now: now)
      carryOut(directives, at: index, payload: nil)
    }
    guard let node = nodes[index], !node.isDone else { return }
    let next = min(node.session.nextDeadline, node.machine?.nextDeadline ?? node.session.nextDeadline)
    queue.add(.wake(index, life: life(index)), at: max(next, now + .milliseconds(5)))
  }

  // MARK: Session directives

  mutating func carryOut(_ directives: [NodeSession.Directive], at index: Int) {
    for directive in directives {
      switch directive {
      case .send(let body): sendControl(body, from: index)
      case .admitted(let number):
        guard nodes[index]!.machine == nil else { continue }
        nodes[index]!.machine = ExchangeMachine(
          node: number, configuration: nodes[index]!.configuration,
          chain: Chain(rawValue: SymbolicModel.checksum(nodes[index]!.state)))
      case .install(let view):
        record("n\(index) installs \(view.number)")
        let directives = nodes[index]!.machine!.install(view, now: now)
        carryOut(directives, at: index, payload: nil)
      case .dismissed:
        record("n\(index) is dismissed")
        let directives = nodes[index]!.machine?.leaveView() ?? []
        carryOut(directives, at: index, payload: nil)
      case .execute(let order):
        let directives = nodes[index]!.machine!.execute(order, now: now)
        carryOut(directives, at: index, payload: nil)
      case .stop:
        nodes[index]!.isDone = true
      case .refused(let refused):
        // A process that was started while its predecessor was thought alive, and the other way round.
        guard refused.code == .superseded || refused.code == .jobOver || refused.code == .staleIncarnation else {
          failure = .wrong("n\(index) is refused: \(refused)")
          return
        }
        record("n\(index) is refused: \(refused.explanation)")
        nodes[index] = nil
        return
      }
    }
    if nodes[index] != nil { fillLanes(index) }
  }

  // MARK: Exchange directives

  mutating func carryOut(_ directives: [ExchangeDirective], at index: Int, payload: Payload?) {
    do {
      for directive in directives { try carryOut(directive, at: index, payload: payload) }
    } catch { failure = .wrong("n\(index): \(error)") }
  }

  private mutating func carryOut(_ directive: ExchangeDirective, at index: Int, payload: Payload?) throws {
    if trace != nil { record("  n\(index) \(nodes[index]!.machine!.position): \(directive)") }
    switch directive {
    case .compute(let phase, let shards):
      let running = nodes[index]!.lanes
      nodes[index]!.queue = Array(shards.ranges.joined()).filter { running[$0]?.phase != phase }
    case .merge(let phase, let subtree, let elements): try nodes[index]!.store.merge(phase, subtree, elements)
    case .sum(let phase, let subtree, let elements, let left, let right):
      try nodes[index]!.store.sum(phase, subtree, elements, left, right)
    case .promote(let phase, let elements): try nodes[index]!.store.promote(phase, elements)
    case .storePartial(let phase, let subtree, let elements):
      for element in elements.ranges.joined() {
        nodes[index]!.store.store(phase, subtree, element, payload![element])
      }
    case .storeTotal(let phase, let elements):
      let root = nodes[index]!.store.tree.root
      for element in elements.ranges.joined() {
        nodes[index]!.store.store(phase, root, element, payload![element])
      }
    case .storeState(let elements):
      if nodes[index]!.store.intake.isEmpty {
        nodes[index]!.store.intake = [UInt64?](repeating: nil, count: model.stateCount)
      }
      for element in elements.ranges.joined() {
        nodes[index]!.store.intake[element] = payload![element]
      }
    case .sendPartial(let phase, let subtree, let elements, let to):
      try checkFits(elements, phase)
      let numbers = try nodes[index]!.store.partial(phase, subtree, elements)
      sendChunk(.partial(subtree: subtree), phase, elements, numbers, of: model.count(phase), from: index, to: [to])
    case .sendTotal(let phase, let elements, let to):
      try checkFits(elements, phase)
      let numbers = try nodes[index]!.store.total(phase, elements)
      sendChunk(.total, phase, elements, numbers, of: model.count(phase), from: index, to: to)
    case .sendState(let phase, let elements, let to):
      guard nodes[index]!.machine!.position == phase else { throw Failure.wrong("the state is of another phase") }
      let kind = Chunk.Kind.state(
        digest: SymbolicModel.digest(nodes[index]!.state), chain: nodes[index]!.machine!.chain)
      sendChunk(
        kind, phase, elements, Array(nodes[index]!.state[elements]), of: model.stateCount, from: index, to: [to])
    case .send(let body, let to): sendData(body, [], from: index, to: to)
    case .absorb(let phase): try beginAbsorbing(index, phase)
    case .loadState(let phase, let digest):
      stateTransfers += 1
      queue.add(
        .loaded(index, life: life(index), phase, digest), at: now + random.duration(.milliseconds(1), .milliseconds(20))
      )
    case .discardState: nodes[index]!.store.intake = []
    case .discardSums(let phase): nodes[index]!.store.discardSums(phase)
    case .release(let phase): nodes[index]!.store.release(phase)
    case .report(let late): sendControl(.late(late), from: index)
    case .refuse(let reason): nodes[index]!.refusals[reason, default: 0] += 1
    }
  }

  // MARK: Data messages

  /// A real node refuses sums whose ends are not those of whole granules.
  private func checkFits(_ elements: Range<Int>, _ phase: PhaseIndex) throws {
    guard RangeOwnership.isAligned(elements, of: model.count(phase)) else {
      throw Failure.wrong("elements \(elements) of \(model.count(phase)) are sent, which their receiver refuses")
    }
  }

  private mutating func sendChunk(
    _ kind: Chunk.Kind, _ phase: PhaseIndex, _ elements: Range<Int>, _ numbers: [UInt64], of count: Int,
    from index: Int, to: [NodeNumber]
  ) {
    var isState = false
    if case .state = kind { isState = true }
    let chunk = Chunk(
      kind: kind, position: phase, elements: elements, precision: isState ? .bytes : .float64, checksum: 0,
      tally: !isState && elements.lowerBound == 0 ? Tally(examples: 1, metrics: []) : nil, vectorCount: count)
    sendData(.chunk(chunk), numbers, from: index, to: to)
  }

  private mutating func sendData(_ body: DataBody, _ numbers: [UInt64], from index: Int, to: [NodeNumber]) {
    guard let machine = nodes[index]!.machine, let view = machine.view else { return }
    let message = DataMessage(
      header: DataHeader(
        job: simulatedJob, sender: machine.node, incarnation: nodes[index]!.session.incarnation, view: view.number,
        position: machine.position, bytesBefore: 0), body: body)
    for node in to {
      guard let member = view.member(node), let target = Int(member.name.dropFirst()) else { continue }
      send(.data(faults.encoded ? passed(message) : message, numbers), from: index, to: target)
    }
  }

  /// Through the wire format; the payload, which is made of digests here, is not looked at.
  private func passed(_ message: DataMessage) -> DataMessage {
    guard case .chunk(var chunk) = message.body else { return coded(message, []) }
    let payload = [UInt8](repeating: 0, count: chunk.payloadCount)
    chunk.checksum = Checksum.crc32c(payload)
    return coded(DataMessage(header: message.header, body: .chunk(chunk)), payload)
  }

  private func coded(_ message: DataMessage, _ payload: [UInt8]) -> DataMessage {
    let bytes = message.head(payloadCount: payload.count) + payload
    return bytes.withUnsafeBytes { try! DataMessage.decode(frames: [$0]).message }
  }

  // MARK: Lanes and updates

  mutating func fillLanes(_ index: Int) {
    guard let machine = nodes[index]?.machine, !machine.isFinished else { return }
    while nodes[index]!.lanes.count < nodes[index]!.laneCount, !nodes[index]!.queue.isEmpty {
      let shard = nodes[index]!.queue.removeFirst()
      let phase = machine.position
      let count = model.count(phase)
      nodes[index]!.lanes[shard] = SimulatedNode.Lane(
        shard: shard, phase: phase, numbers: nodes[index]!.compute(shard, phase))
      var time = now + random.duration(work.low, work.high)
      // Layers finish from the last to the first, as in a backward pass; what is handed over ends where a message may.
      let cuts = Set((0..<2).map { _ in Int.random(in: 0...count / 16, using: &random) * 16 }).union([0, count])
        .sorted()
      for (low, high) in zip(cuts, cuts.dropFirst()).reversed() {
        let isSlow = nodes[index]!.isSlow && now < faultsEnd && random.chance(0.3)
        time = time + (isSlow ? random.duration(.seconds(1), .seconds(20)) : random.duration(.zero, .milliseconds(2)))
        queue.add(
          .bucket(
            index, life: life(index), version: nodes[index]!.version, shard: shard, phase, low..<high, isLast: low == 0),
          at: time)
      }
    }
  }

  /// The parameters are about to change: what lanes compute is void.
  private mutating func clearLanes(_ index: Int) {
    nodes[index]!.version += 1
    nodes[index]!.lanes = [:]
    nodes[index]!.queue = []
  }

  private mutating func beginAbsorbing(_ index: Int, _ phase: PhaseIndex) throws {
    let totals = try nodes[index]!.store.total(phase, 0..<model.count(phase))
    let checksum = SymbolicModel.checksum(totals)
    guard faults.mixedProcessors || checksum == reference.totals[phase] else {
      throw Failure.wrong("the totals of \(phase) are not the undisturbed run's")
    }
    let view = nodes[index]!.machine!.view!.number
    let key = "\(view) \(phase)"
    guard absorbedInView[key, default: checksum] == checksum else {
      throw Failure.wrong("two nodes absorb different totals of \(phase) in \(view)")
    }
    absorbedInView[key] = checksum
    clearLanes(index)
    queue.add(.absorbed(index, life: life(index)), at: now + random.duration(.zero, .milliseconds(5)))
  }

  mutating func finishAbsorbing(_ index: Int) {
    let phase = nodes[index]!.machine!.position
    guard let totals = try? nodes[index]!.store.total(phase, 0..<model.count(phase)) else {
      failure = .wrong("n\(index): totals vanished while they were absorbed")
      return
    }
    model.update(&nodes[index]!.state, totals: totals, phase)
    let isLast = model.isOver(nodes[index]!.state, at: phase.next(in: model.sequence))
    record("n\(index) absorbs \(phase)")
    let directives = nodes[index]!.machine!.absorbed(
      checksum: SymbolicModel.checksum(totals), finished: isLast, now: now)
    carryOut(directives, at: index, payload: nil)
    let now = now
    if isLast { nodes[index]?.session.beatSoon(now: now) }
    fillLanes(index)
  }

  mutating func finishLoading(_ index: Int, _ target: PhaseIndex, _ digest: Digest) {
    let state = nodes[index]!.store.intake.compactMap { $0 }
    guard state.count == model.stateCount else {
      failure = .wrong("n\(index): the state has holes")
      return
    }
    clearLanes(index)
    nodes[index]!.state = state
    nodes[index]!.store.intake = []
    guard SymbolicModel.digest(state) == digest else {
      failure = .wrong("n\(index): the state is not what its digest says")
      return
    }
    record("n\(index) loads the state of \(target)")
    let directives = nodes[index]!.machine!.stateLoaded(
      succeeded: true, finished: model.isOver(state, at: target), now: now)
    carryOut(directives, at: index, payload: nil)
    fillLanes(index)
  }
}
