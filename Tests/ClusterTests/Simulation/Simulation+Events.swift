import Cluster
import Messages

extension Simulation {
  mutating func handle(_ event: Event) {
    if let index = target(of: event), let until = pausedUntil[index], now < until {
      queue.add(event, at: until)
      return
    }
    switch event {
    case .start(let index): start(index)
    case .crash(let index):
      record("n\(index) crashes")
      nodes[index] = nil
    case .startCoordinator: startCoordinator()
    case .crashCoordinator: crashCoordinator()
    case .pause(let index, let duration):
      record("n\(index) sleeps for \(duration)")
      pausedUntil[index] = now + duration
    case .partition(let one, let other, let duration):
      record("n\(one) and n\(other) are cut off for \(duration)")
      cutUntil[[min(one, other), max(one, other)]] = now + duration
    case .cut(let from, let to):
      record("nothing goes from n\(from) to n\(to) any more")
      cuts.insert([from, to])
    case .heal(let from, let to): cuts.remove([from, to])
    case .leave(let index): leave(index)
    case .deliver(let message, let from, let to, let life): deliver(message, from: from, to: to, life: life)
    case .wake(let index, let life):
      guard life == self.life(index), nodes[index] != nil else { return }
      tick(index)
    case .wakeCoordinator(let life):
      guard life == self.life(Self.coordinatorIndex), coordinator != nil else { return }
      let directives = coordinator!.membership.tick(now: now)
      carryOut(directives, replyTo: nil)
      if let coordinator {
        queue.add(.wakeCoordinator(life: life), at: coordinator.membership.nextDeadline(now: now))
      }
    case .bucket(let index, let life, let version, let shard, let phase, let elements, let isLast):
      guard life == self.life(index), nodes[index] != nil, nodes[index]!.version == version else { return }
      guard let lane = nodes[index]!.lanes[shard] else { return }
      nodes[index]!.store.contribute(phase, shard: shard, elements, lane.numbers)
      if isLast { nodes[index]!.lanes[shard] = nil }
      let directives = nodes[index]!.machine!.contributed(
        shard: shard, elements: Intervals(elements), position: phase, now: now)
      carryOut(directives, at: index, payload: nil)
      fillLanes(index)
    case .absorbed(let index, let life):
      guard life == self.life(index), nodes[index] != nil else { return }
      finishAbsorbing(index)
    case .loaded(let index, let life, let phase, let digest):
      guard life == self.life(index), nodes[index] != nil else { return }
      finishLoading(index, phase, digest)
    }
  }

  /// The process that an event happens in.
  private func target(of event: Event) -> Int? {
    switch event {
    case .deliver(_, _, let to, _): to
    case .wake(let index, _), .bucket(let index, _, _, _, _, _, _), .absorbed(let index, _),
      .loaded(let index, _, _, _):
      index
    case .wakeCoordinator: Self.coordinatorIndex
    default: nil
    }
  }

  // MARK: Processes

  private mutating func start(_ index: Int) {
    guard nodes[index] == nil, ended == nil else { return }
    lives[index, default: 0] += 1
    record("n\(index) starts")
    var exchange = ExchangeMachine.Configuration(
      shards: model.shards, phases: model.phases, sequence: model.sequence, stateCount: model.stateCount,
      chunkElements: 32, chunkBytes: 8)
    exchange.deadline = .init(initial: .milliseconds(500), floor: .milliseconds(100), cap: .seconds(5), factor: 3)
    let node = SimulatedNode(
      index: index, incarnation: Incarnation(rawValue: UInt64(now.nanoseconds) + UInt64(life(index)) * 1_000_000)!,
      model: model, configuration: exchange, salt: faults.mixedProcessors ? UInt64(index) : 0,
      laneCount: 1 + index % 2)
    node.isSlow = faults.slowNodes > 0 && index > 0 && index <= faults.slowNodes
    nodes[index] = node
    tick(index)
  }

  private mutating func startCoordinator() {
    guard coordinator == nil, ended == nil else { return }
    lives[Self.coordinatorIndex, default: 0] += 1
    do {
      let content = try DurableLog.decode(log)
      // A torn tail is cut off.
      log = Array(log[..<content.wholeBytes])
      let records = try content.records.map { try LogRecord(decoding: $0) }
      let starts = records.count { if case .coordinatorStarted = $0 { true } else { false } }
      let epoch = Epoch(rawValue: UInt64(starts + 1))
      record("the coordinator starts, epoch \(epoch.rawValue)")
      coordinator = SimulatedCoordinator(configuration, log: records, epoch: epoch, now: now)
      write(
        .coordinatorStarted(
          job: simulatedJob, epoch: epoch, recipe: simulatedDigest, build: "sim", shards: model.shards))
      // It ended the job and died before everyone heard of it: they ask.
      queue.add(.wakeCoordinator(life: life(Self.coordinatorIndex)), at: now)
    } catch { failure = .wrong("the log is unreadable: \(error)") }
  }

  private mutating func crashCoordinator() {
    guard coordinator != nil, ended == nil else { return }
    record("the coordinator crashes")
    coordinator = nil
    // In the middle of an append, sometimes.
    if random.chance(0.5) {
      let torn = DurableLog.encode(LogRecord.jobEnded(.asked).encoded())
      log += torn[..<Int.random(in: 0..<torn.count, using: &random)]
    }
  }

  private mutating func leave(_ index: Int) {
    guard nodes[index] != nil, ended == nil else { return }
    record("n\(index) leaves")
    for case .send(let body) in nodes[index]!.session.leave(Leave(reason: .asked, explanation: "SIGTERM")) {
      sendControl(body, from: index)
    }
    nodes[index] = nil
  }

  mutating func write(_ record: LogRecord) { log += DurableLog.encode(record.encoded()) }

  // MARK: Messages

  mutating func send(_ message: Message, from: Int, to: Int) {
    guard !cuts.contains([from, to]) else { return }
    guard now < faultsEnd else {
      queue.add(.deliver(message, from: from, to: to, life: life(to)), at: now + .microseconds(200))
      return
    }
    if let until = cutUntil[[min(from, to), max(from, to)]], now < until { return }
    if random.chance(faults.drop) { return }
    for _ in 0...(random.chance(faults.duplicate) ? 1 : 0) {
      var delay = random.duration(faults.delay.low, faults.delay.high)
      if random.chance(faults.straggle) { delay = random.duration(.milliseconds(10), .seconds(6)) }
      // A process that starts meanwhile does not get what was sent to the one before it.
      queue.add(.deliver(message, from: from, to: to, life: life(to)), at: now + delay)
    }
  }

  private mutating func deliver(_ message: Message, from: Int, to: Int, life: Int) {
    guard life == self.life(to) else { return }
    delivered += 1
    if let (number, side) = faults.crashAtMessage, number == delivered {
      switch side {
      case .coordinator:
        crashCoordinator()
        queue.add(.startCoordinator, at: now + .seconds(1))
      case .sender, .receiver:
        let victim = side == .sender ? from : to
        if victim >= 0, nodes[victim] != nil {
          record("n\(victim) crashes at message \(delivered)")
          nodes[victim] = nil
          queue.add(.start(victim), at: now + .milliseconds(500))
        }
      }
    }
    switch message {
    case .control(let message):
      if to == Self.coordinatorIndex {
        guard coordinator != nil else { return }
        let directives = coordinator!.receive(message, from: from, now: now)
        carryOut(directives, replyTo: from)
      } else if nodes[to] != nil {
        let directives = nodes[to]!.session.receive(message, now: now)
        carryOut(directives, at: to)
      }
    case .data(let message, let payload):
      guard nodes[to]?.machine != nil else { return }
      let directives = nodes[to]!.machine!.receive(message, now: now)
      var first = 0
      if case .chunk(let chunk) = message.body { first = chunk.elements.lowerBound }
      carryOut(directives, at: to, payload: Payload(first: first, numbers: payload))
    }
    if nodes[to] != nil { fillLanes(to) }
  }

  mutating func sendControl(_ body: ControlBody, from index: Int) {
    let message = ControlMessage(
      job: simulatedJob, sender: nodes[index]?.session.node, incarnation: nodes[index]?.session.incarnation,
      epoch: Epoch(rawValue: 0), body: body)
    send(.control(faults.encoded ? passed(message) : message), from: index, to: Self.coordinatorIndex)
  }

  private func passed(_ message: ControlMessage) -> ControlMessage {
    try! ControlMessage(decoding: message.encoded())
  }

  // MARK: The coordinator's directives

  mutating func carryOut(_ directives: [Membership.Directive], replyTo: Int?) {
    for directive in directives {
      switch directive {
      case .log(let record): write(record)
      case .reply(let body):
        guard let replyTo else { continue }
        sendFromCoordinator(body, to: replyTo)
      case .send(let body, let node):
        guard let index = coordinator!.routes[node] else { continue }
        sendFromCoordinator(body, to: index)
      case .changed(let view):
        viewTimes.append(now)
        lastView = view
        record("\(view.number): \(view.members.map { $0.name }) \(view.cause)")
        coordinator!.ledger.begin(view)
      case .finished:
        // The result is fetched before the job ends: from a member that is there to be asked.
        let holders = nodes.values.filter { node in
          node.machine?.isFinished == true && isMember(node) && now >= pausedUntil[node.index] ?? .zero
        }
        guard let holder = holders.min(by: { $0.index < $1.index }) else { continue }
        result = holder.state
        let directives = coordinator!.membership.end(Stop(reason: .completed, explanation: "done"), now: now)
        carryOut(directives, replyTo: nil)
      case .ended(let stop):
        record("the job has ended")
        ended = stop
      }
    }
  }

  private mutating func sendFromCoordinator(_ body: ControlBody, to index: Int) {
    if case .execute = body { rescues += 1 }
    let message = ControlMessage(
      job: simulatedJob, sender: nil, incarnation: nil, epoch: coordinator!.epoch, body: body)
    send(.control(faults.encoded ? passed(message) : message), from: Self.coordinatorIndex, to: index)
  }
}
