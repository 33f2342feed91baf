import Messages

/// A pair of members between which nothing arrives: `receiver` waits for what `sender` has sent.
public struct SilentLink: Hashable, Sendable {
  public var sender: NodeNumber
  public var receiver: NodeNumber
}

extension Membership {
  /// Why a node stays out of views although it is there, and until when.
  struct Exclusion: Sendable {
    var until: Timestamp
    /// Doubled each time that the node fails again.
    var length: Duration
    /// The members that it does not reach, or that do not reach it; none: it does not hear the coordinator. When all of
    /// them are gone, it may come back.
    var peers: Set<NodeNumber>
    var cause: String
  }

  /// The links of the view over which nothing arrives, as far as heartbeats show; ascending.
  ///
  /// A member that waits for another one is no sign of a silent link by itself: the other may wait too, or compute. It
  /// is a sign when the other has everything it needs to send what is waited for, since every message is repeated on
  /// request.
  public var silentLinks: [SilentLink] {
    guard let view else { return [] }
    return view.members.flatMap { member -> [SilentLink] in
      guard let receiver = installed(member.node) else { return [] }
      let senders = Set(receiver.heartbeat!.waits.filter { isOverdue($0, at: receiver) }.map(\.node))
      return senders.sorted().map { SilentLink(sender: $0, receiver: member.node) }
    }
  }

  /// A member that has installed the view.
  private func installed(_ node: NodeNumber) -> Record? {
    guard let view, let record = records[node], record.isAlive, record.heartbeat?.view == view.number,
      view.member(node)?.incarnation == record.incarnation
    else { return nil }
    return record
  }

  private func isOverdue(_ wait: Wait, at receiver: Record) -> Bool {
    guard let sender = installed(wait.node)?.heartbeat, let own = receiver.heartbeat else { return false }
    let isIdle = sender.stage == .exchanging || sender.stage == .finished
    switch wait.cause {
    // Said as soon as the view is installed.
    case .sync: return true
    case .position: return sender.position >= own.position
    case .state: return sender.stage != .joining
    case .partials: return sender.position > own.position || (sender.position == own.position && isIdle)
    case .totals:
      return sender.position > own.position
        || (sender.position == own.position && isIdle && !sender.waits.contains { $0.cause == .partials })
    }
  }

  /// Leaves a member out when two of them do not reach each other, or one does not hear the coordinator: the others go
  /// on without it. One at a time: what the rest wait for is known when they have tried.
  mutating func leaveOutUnlinked(_ now: Timestamp) {
    guard let view, causes.isEmpty, !view.members.contains(where: { records[$0.node]?.isReattaching == true }) else {
      return
    }
    if let deaf = view.members.first(where: { isDeaf($0.node, now) })?.node {
      return exclude(deaf, from: [], "it does not hear the coordinator", now)
    }
    let links = silentLinks
    let unopened = links.filter { link in
      // At the beginning of a view there is nothing to do but to say where one stands.
      records[link.receiver]!.heartbeat!.waits.contains(Wait(node: link.sender, cause: .sync))
        && [link.sender, link.receiver].allSatisfy {
          now - records[$0]!.viewSince > patience(configuration.syncPatience)
        }
    }
    if !unopened.isEmpty { return leaveOut(of: unopened, now) }
    let still = now - movedAt
    if still > patience(configuration.stuckAfter), !links.isEmpty { return leaveOut(of: links, now) }
    guard still > patience(configuration.stuckAfter) * 2 else { return }
    leaveOutMostAwaited(now)
  }

  /// What heartbeats say may be as old as the time between two of them.
  private func patience(_ duration: Duration) -> Duration {
    max(duration, configuration.heartbeat * configuration.missedHeartbeats)
  }

  /// When anything in the view has moved, or arrived, last.
  private var movedAt: Timestamp {
    view?.members.compactMap { records[$0.node].map { max($0.progressedAt, $0.receivedAt) } }.max() ?? .zero
  }

  /// Whether a member gives signs of life, and has not got the view.
  private func isDeaf(_ node: NodeNumber, _ now: Timestamp) -> Bool {
    guard let view, let viewFormedAt, now - viewFormedAt > patience(configuration.syncPatience),
      let record = records[node],
      record.isAlive, let heartbeat = record.heartbeat, heartbeat.view < view.number
    else { return false }
    // A member that computes an update installs the view afterwards; until then it waits for no other member.
    return !heartbeat.waits.isEmpty || heartbeat.view == .none
  }

  /// Of members that do not reach each other, the one of the most such pairs; of equals, the later joiner.
  private mutating func leaveOut(of links: [SilentLink], _ now: Timestamp) {
    var broken: [NodeNumber: Set<NodeNumber>] = [:]
    for link in links {
      broken[link.sender, default: []].insert(link.receiver)
      broken[link.receiver, default: []].insert(link.sender)
    }
    let node = broken.keys.max { (broken[$0]!.count, joined($0), $0) < (broken[$1]!.count, joined($1), $1) }!
    let own = links.filter { $0.sender == node || $0.receiver == node }
    exclude(node, from: broken[node]!, describe(own), now)
  }

  /// Everyone waits, and it does not show for what: the member that most others wait for gives way.
  private mutating func leaveOutMostAwaited(_ now: Timestamp) {
    let members = view!.members.compactMap { installed($0.node) }
    let isBusy = members.contains { record in
      record.heartbeat!.waits.isEmpty
        || [.computing, .evaluating, .saving, .preparing].contains(record.heartbeat!.stage)
    }
    guard members.count == view!.members.count, members.count > 1, !isBusy else { return }
    var waiting: [NodeNumber: Set<NodeNumber>] = [:]
    for record in members {
      for wait in record.heartbeat!.waits { waiting[wait.node, default: []].insert(record.number) }
    }
    guard
      let node = waiting.keys.filter({ installed($0) != nil }).max(by: {
        (waiting[$0]!.count, joined($0), $0) < (waiting[$1]!.count, joined($1), $1)
      })
    else { return }
    exclude(node, from: waiting[node]!, "most others wait for it, and nothing moves", now)
  }

  private func joined(_ node: NodeNumber) -> ViewNumber { records[node]?.joined ?? .none }

  /// A node that fails again soon after it was let back in stays out for twice as long.
  private mutating func exclude(_ node: NodeNumber, from peers: Set<NodeNumber>, _ cause: String, _ now: Timestamp) {
    var length = configuration.exclusion
    if let last = exclusions[node], now - last.until < last.length * 2 {
      length = min(last.length * 2, configuration.longestExclusion)
    }
    exclusions[node] = Exclusion(until: now + length, length: length, peers: peers, cause: cause)
    lose(node, cause)
  }

  /// Whether a node is to stay out of the next view.
  func isExcluded(_ record: Record, _ now: Timestamp) -> Bool {
    guard let exclusion = exclusions[record.number], now < exclusion.until else { return false }
    return exclusion.peers.isEmpty || exclusion.peers.contains { records[$0]?.isAlive == true }
  }

  /// Which nodes do not reach each other, and who is kept out for that; `nil`: nothing is known of such.
  public func linkTrouble(now: Timestamp) -> String? {
    let links = silentLinks.filter { link in
      [link.sender, link.receiver].allSatisfy { now - records[$0]!.viewSince > configuration.heartbeat * 3 }
    }
    if !links.isEmpty, now - movedAt > configuration.heartbeat * 3 { return describe(links) }
    let out = records.values.filter { $0.state == .joining && isExcluded($0, now) }.sorted { $0.number < $1.number }
    guard let record = out.first, let exclusion = exclusions[record.number] else { return nil }
    let others = out.count > 1 ? "; \(out.count - 1) more are kept out" : ""
    let left = (exclusion.until - now).milliseconds / 1000 + 1
    return "\(name(record.number)) is kept out for \(left) s: \(exclusion.cause)\(others)"
  }

  private func name(_ node: NodeNumber) -> String { "\(node) (\(records[node]?.name ?? "?"))" }

  /// As `node 2 (b) and node 3 (c) do not reach each other`.
  private func describe(_ links: [SilentLink]) -> String {
    let all = Set(links)
    let texts = links.sorted { ($0.sender, $0.receiver) < ($1.sender, $1.receiver) }.compactMap { link -> String? in
      guard all.contains(SilentLink(sender: link.receiver, receiver: link.sender)) else {
        return "\(name(link.sender)) does not reach \(name(link.receiver))"
      }
      guard link.sender < link.receiver else { return nil }
      return "\(name(link.sender)) and \(name(link.receiver)) do not reach each other"
    }
    let more = texts.count > 3 ? ", and \(texts.count - 3) more pairs" : ""
    return texts.prefix(3).joined(separator: ", ") + more
  }
}
