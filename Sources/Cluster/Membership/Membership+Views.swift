import Messages

extension Membership {
  /// Time passes: nodes that are silent or stuck, and views that are due.
  public mutating func tick(now: Timestamp) -> [Directive] {
    guard stop == nil else { return [] }
    forgive(now)
    let usual = configuration.heartbeat * configuration.missedHeartbeats
    let restart = reattachment()
    leaveOutUnlinked(now)
    for number in records.keys.sorted() {
      let record = records[number]!
      guard record.isAlive else { continue }
      let (since, silence) = record.isReattaching ? restart : (record.lastSeen, usual)
      if now - max(since, record.lastSeen) > silence {
        lose(number, "no heartbeat for \(silence.milliseconds) ms")
      } else if now - record.lastSeen > configuration.heartbeat * 3 / 2, record.state == .member {
        records[number]!.state = .suspect
      } else if isToBlame(record, now: now) {
        records[number]!.state = .stuck
        if now - record.progressedAt > configuration.stuckAfter * 2 {
          lose(number, "it is alive, but has not got on for \((now - record.progressedAt).milliseconds / 1000) s")
        }
      }
    }
    return formIfDue(now)
  }

  /// From when on, and for how long, those may be silent whom a restarted coordinator has not heard yet.
  ///
  /// While most are missing, the network may be the cause, and a node that is given up for that has to be sent the
  /// state when it comes back. When half are there and no others follow, the rest are gone, and the others wait for
  /// them.
  private func reattachment() -> (since: Timestamp, silence: Duration) {
    let usual = max(configuration.heartbeat * configuration.missedHeartbeats, configuration.reattachSpread)
    let missing = records.values.count { $0.isReattaching && $0.isAlive }
    if let view, 2 * missing <= view.members.count { return (reattachedAt ?? .zero, usual) }
    let grace = max(configuration.reattachGrace, usual)
    return (reattachedAt.map { $0 + (usual - grace) } ?? .zero, grace)
  }

  /// A coordinator that was stopped, or got no processor, has received nothing meanwhile: that time is not the nodes'
  /// silence. Their messages may lie unread in its sockets.
  private mutating func forgive(_ now: Timestamp) {
    defer { tickedAt = now }
    guard let tickedAt, now - tickedAt > configuration.heartbeat else { return }
    for number in records.keys {
      records[number]!.lastSeen = min(now, records[number]!.lastSeen + (now - tickedAt))
      records[number]!.progressedAt = min(now, records[number]!.progressedAt + (now - tickedAt))
      records[number]!.receivedAt = min(now, records[number]!.receivedAt + (now - tickedAt))
      records[number]!.viewSince = min(now, records[number]!.viewSince + (now - tickedAt))
    }
    viewFormedAt = viewFormedAt.map { min(now, $0 + (now - tickedAt)) }
    reattachedAt = reattachedAt.map { min(now, $0 + (now - tickedAt)) }
  }

  /// When `tick` is to be called at the latest.
  public func nextDeadline(now: Timestamp) -> Timestamp {
    min(formAt ?? now + configuration.heartbeat, now + configuration.heartbeat * 0.25)
  }

  /// How long those that are there still wait for others before the first view; `nil`: they do not.
  public func timeToStart(now: Timestamp) -> Duration? {
    guard view == nil, lastView == .none, let formAt else { return nil }
    return max(.zero, formAt - now)
  }

  /// The process that started a node knows that the node's process has ended: no need to wait for its heartbeats.
  public mutating func gone(_ name: String, now: Timestamp) -> [Directive] {
    guard stop == nil, let number = names[name], let record = records[number], record.isAlive else { return [] }
    records[number]!.hasEnded = true
    lose(number, "its process has ended")
    return formIfDue(now)
  }

  mutating func lose(_ number: NodeNumber, _ reason: String) {
    let record = records[number]!
    records[number]!.state = .lost
    guard view?.member(number)?.incarnation == record.incarnation else { return }
    causes.append("\(number) (\(record.name)) is lost: \(reason)")
  }

  /// Alive, makes no progress and waits for no node, while another node waits for it.
  private func isToBlame(_ record: Record, now: Timestamp) -> Bool {
    // Evaluating held-out examples takes as long as it takes.
    guard now - record.progressedAt > configuration.stuckAfter, let heartbeat = record.heartbeat,
      heartbeat.waits.isEmpty, heartbeat.stage != .evaluating,
      view?.member(record.number)?.incarnation == record.incarnation
    else { return false }
    return records.values.contains { other in
      other.number != record.number && other.isAlive
        && other.heartbeat?.waits.contains { $0.node == record.number } == true
    }
  }

  /// Changes the view when a member is gone, or when those who wait have waited long enough.
  mutating func formIfDue(_ now: Timestamp) -> [Directive] {
    guard stop == nil else { return [] }
    let all = records.values.filter(\.isAlive).sorted { $0.number < $1.number }
    let linked = all.filter { !isExcluded($0, now) }
    let alive = linked.isEmpty ? all : linked
    let joining = alive.filter { $0.state == .joining }
    if alive.isEmpty {
      // Everyone is gone. The next ones to come wait for each other as those do who join; view numbers go on.
      view = nil
      formAt = nil
      causes = []
      return []
    }
    if view == nil {
      guard alive.count >= configuration.expectedNodes || formAt.map({ now >= $0 }) ?? false else { return [] }
      let missing = lastView == .none ? configuration.expectedNodes - alive.count : 0
      let start = "start" + (missing > 0 ? ", without \(missing) nodes that did not come" : "")
      return form(alive, cause: causes.isEmpty ? start : causes.joined(separator: "; "), now)
    }
    // Who was kept out until now has waited long enough.
    formAt = joining.isEmpty ? nil : formAt ?? now
    let joinersAreDue = !joining.isEmpty && formAt.map { now >= $0 } ?? false
    guard !causes.isEmpty || joinersAreDue else { return [] }
    let joined = joining.map { "\($0.number) (\($0.name)) has joined" }
    return form(alive, cause: (causes + joined).joined(separator: "; "), now)
  }

  /// Those that are lost since a minute at most and may come back: they do not know yet that the job is over.
  func recentlyLost(now: Timestamp) -> [NodeNumber] {
    records.values.filter { $0.state == .lost && !$0.hasEnded && now - $0.lastSeen < .seconds(60) }.map(\.number)
  }

  func number(of name: String) -> NodeNumber? { names[name] }

  private mutating func form(_ alive: [Record], cause: String, _ now: Timestamp) -> [Directive] {
    let blocks = ShardAssignment.blocks(shards: configuration.shards, lanes: alive.map(\.lanes))
    let members = zip(alive, blocks).map { record, shards in
      Member(
        node: record.number, incarnation: record.incarnation, name: record.name, lanes: record.lanes,
        dataEndpoints: record.dataEndpoints, publicKey: record.publicKey, shards: shards)
    }
    let before = view
    let next = View(
      number: ViewNumber(rawValue: lastView.rawValue + 1), members: members, shards: configuration.shards, cause: cause)
    view = next
    lastView = next.number
    viewChanges += 1
    viewFormedAt = now
    formAt = nil
    causes = []
    var directives: [Directive] = [.log(.viewDecided(next))]
    for record in alive {
      if record.state == .joining {
        records[record.number]!.state = .member
        records[record.number]!.joined = next.number
      }
      directives.append(.send(.view(next), to: record.number))
    }
    // Those left out may still be there, cut off or asleep: a notice brings them back at once.
    for member in before?.members ?? []
    where next.member(member.node) == nil && records[member.node]?.incarnation == member.incarnation {
      directives.append(
        .send(
          .dismissed(Dismissed(view: next.number, explanation: cause, incarnation: member.incarnation)),
          to: member.node))
    }
    return directives + [.changed(next)]
  }

  /// The view, when everyone has absorbed the last total and says so.
  public var finishedView: View? {
    guard stop == nil, let view, !view.members.isEmpty else { return nil }
    let finished = view.members.allSatisfy { member in
      let record = records[member.node]
      return record?.incarnation == member.incarnation && record?.heartbeat?.stage == .finished
        && record?.heartbeat?.view == view.number
    }
    return finished ? view : nil
  }

  /// Ends the job and notifies every node, those that come later too.
  public mutating func end(_ stop: Stop, now: Timestamp) -> [Directive] {
    guard self.stop == nil else { return [] }
    self.stop = stop
    formAt = nil
    var directives: [Directive] = [.log(.jobEnded(stop.reason))]
    for record in records.values.filter(\.isAlive).sorted(by: { $0.number < $1.number }) {
      directives.append(.send(.stop(stop), to: record.number))
    }
    return directives + [.ended(stop)]
  }

  /// The nodes as `elbo status` shows them, ascending by number.
  public func statuses(now: Timestamp) -> [NodeStatus] {
    records.values.sorted { $0.number < $1.number }.map { record in
      let heartbeat = record.heartbeat
      return NodeStatus(
        node: record.number, name: record.name, incarnation: record.incarnation, state: record.state,
        view: heartbeat?.view ?? .none, position: heartbeat?.position ?? .start,
        stage: heartbeat?.stage ?? .preparing,
        shards: record.isAlive ? view?.member(record.number)?.shards ?? 0..<0 : 0..<0,
        shardsDone: heartbeat?.shardsDone.count ?? 0, lanes: record.lanes,
        secondsSinceSeen: max(0, (now - record.lastSeen) / .seconds(1)),
        stepMicroseconds: heartbeat?.stepMicroseconds ?? 0, bytesReceived: heartbeat?.bytesReceived ?? 0,
        bytesSent: heartbeat?.bytesSent ?? 0, waits: heartbeat?.waits ?? [],
        secondsWaiting: Double(heartbeat?.waitingMilliseconds ?? 0) / 1000, restarts: record.restarts,
        address: record.dataEndpoints.first ?? "")
    }
  }
}
