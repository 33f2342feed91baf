import Messages

/// Who takes part: the coordinator's side of joining, leaving, losing and changing the view.
///
/// Safety: a view is in the log before anybody hears of it, so numbers grow across restarts; a name's incarnations
/// grow, so a restarted node is never taken for the old one; and a node that was once left out of a view comes back
/// only with a greater incarnation. Everything may be said twice or lost: nodes repeat Hello until they are answered,
/// and every heartbeat that shows an old view is answered with the newest.
///
/// The machine has no sockets and no clock. Directives are to be carried out in order, and `log` before what follows.
public struct Membership: Sendable {
  public struct Configuration: Sendable {
    public var job: JobID
    public var build: String
    public var recipe: Digest
    /// What the data must be; `nil`: those of the first node.
    public var data: Digest?
    /// V.
    public var shards: Int
    /// The first view waits for so many nodes, or for `startTimeout` after the first.
    public var expectedNodes: Int
    public var startTimeout: Duration = .seconds(60)
    /// Nodes that join a running training wait this long for others, so that ten joiners make one view.
    public var joinWindow: Duration = .milliseconds(200)
    public var heartbeat: Duration = .seconds(1)
    /// So many missing in a row make a node lost.
    public var missedHeartbeats = 3
    /// After a restart of the coordinator, members have this long to be heard again, until half of them are back.
    public var reattachGrace: Duration = .seconds(10)
    /// From the last that came back on, the others have three heartbeats, and at least this long: to find a coordinator
    /// again takes time that does not depend on the heartbeat.
    public var reattachSpread: Duration = .seconds(2)
    /// A node that others wait for and that has not got on for this long is stuck; after twice as long it is lost.
    public var stuckAfter: Duration = .seconds(60)
    /// So long after they have installed a view its members may take to say where they stand.
    public var syncPatience: Duration = .seconds(10)
    /// A node that does not reach another one is left out for so long, and each time that it fails again for twice as
    /// long, up to the longest.
    public var exclusion: Duration = .seconds(30)
    public var longestExclusion: Duration = .seconds(1800)
    public var maximumNodes = 4096

    public init(job: JobID, build: String, recipe: Digest, shards: Int, expectedNodes: Int) {
      self.job = job
      self.build = build
      self.recipe = recipe
      self.shards = shards
      self.expectedNodes = expectedNodes
    }
  }

  public enum Directive: Hashable, Sendable {
    /// To the connection that the message being handled came from.
    case reply(ControlBody)
    case send(ControlBody, to: NodeNumber)
    /// Write and sync before going on.
    case log(LogRecord)
    /// A new view is announced, for the ledger and for status.
    case changed(View)
    /// Every member has absorbed the last total: the result may be fetched, and then the job ended. Said again while
    /// it is so.
    case finished(View)
    /// The job has ended, and every node is notified.
    case ended(Stop)
  }

  /// What is known of a node.
  struct Record: Sendable {
    var number: NodeNumber
    var name: String
    var incarnation: Incarnation
    var lanes = 1
    var dataEndpoints: [String] = []
    var publicKey: PublicKey?
    var state: NodeState
    var lastSeen: Timestamp
    /// Known from the log alone: not heard since this coordinator has started.
    var isReattaching = false
    var heartbeat: Heartbeat?
    var progressedAt: Timestamp
    /// When numbers of peers have come last, and since when it has the view that its heartbeats show.
    var receivedAt = Timestamp.zero
    var viewSince = Timestamp.zero
    /// Whether its process is known to have ended.
    var hasEnded = false
    /// The first view that it was in.
    var joined = ViewNumber.none
    var acknowledged = ViewNumber.none
    var restarts: UInt32 = 0

    /// Whether it is, or is to be, in a view.
    var isAlive: Bool { state != .left && state != .lost }
  }

  private(set) var configuration: Configuration
  var records: [NodeNumber: Record] = [:]
  var names: [String: NodeNumber] = [:]
  var data: Digest?
  public internal(set) var view: View?
  var lastView = ViewNumber.none
  public internal(set) var viewChanges: UInt64 = 0
  public internal(set) var stop: Stop?
  /// When a view must be formed for nodes that are waiting; `nil` with none.
  var formAt: Timestamp?
  var causes: [String] = []
  /// The time of the last tick; a coordinator that has slept since then has received nothing.
  var tickedAt: Timestamp?
  /// When a member of before the restart was last found to be back.
  var reattachedAt: Timestamp?
  /// Nodes that are kept out of views.
  var exclusions: [NodeNumber: Exclusion] = [:]
  var viewFormedAt: Timestamp?

  public init(configuration: Configuration) {
    self.configuration = configuration
    data = configuration.data
  }

  /// After a restart: what the log says. Members of the last view are taken for alive for some time.
  public init(configuration: Configuration, replaying log: [LogRecord], now: Timestamp) {
    self.init(configuration: configuration)
    for record in log {
      switch record {
      case .coordinatorStarted, .checkpointWritten: break
      case .dataFingerprinted(let digest): data = configuration.data ?? digest
      case .nodeNumbered(let name, let number, let incarnation):
        names[name] = number
        records[number] = Record(
          number: number, name: name, incarnation: incarnation, state: .lost, lastSeen: now, progressedAt: now,
          restarts: records[number].map { $0.restarts + 1 } ?? 0)
      case .viewDecided(let decided):
        view = decided
        lastView = decided.number
        viewChanges += 1
      case .jobEnded(let reason): stop = Stop(reason: reason, explanation: "the job has ended")
      }
    }
    tickedAt = now
    viewFormedAt = now
    for member in view?.members ?? [] where records[member.node]?.incarnation == member.incarnation {
      records[member.node]!.state = .member
      records[member.node]!.lanes = member.lanes
      records[member.node]!.dataEndpoints = member.dataEndpoints
      records[member.node]!.publicKey = member.publicKey
      records[member.node]!.isReattaching = true
    }
    // A member that had restarted just before the coordinator did is not the one in the view.
    if view?.members.contains(where: { records[$0.node]?.incarnation != $0.incarnation }) == true {
      causes.append("the coordinator has restarted")
    }
  }

  /// Fewer nodes will come than were expected.
  public mutating func expect(_ nodes: Int) { configuration.expectedNodes = nodes }

  // MARK: Messages

  /// - Parameter provenKey: the key that the connection has proved to hold; `nil` in plain text.
  public mutating func receive(_ hello: Hello, provenKey: PublicKey?, now: Timestamp) -> [Directive] {
    func refuse(_ code: Refused.Code, _ explanation: String, known: Incarnation? = nil) -> [Directive] {
      [.reply(.refused(Refused(code: code, explanation: explanation, incarnation: hello.incarnation, known: known)))]
    }
    if let stop { return refuse(.jobOver, stop.explanation) }
    guard hello.publicKey == provenKey else {
      return refuse(.notListed, "the connection's key is not the one in Hello")
    }
    guard hello.build == configuration.build else {
      return refuse(.buildDiffers, BuildDifference.text(configuration.build, hello.build))
    }
    guard hello.recipe == configuration.recipe else {
      return refuse(.recipeDiffers, "the node's recipe is not the coordinator's")
    }
    guard data == nil || hello.data == data else {
      return refuse(.dataDiffers, "the node's data are not those of the other nodes")
    }
    let known = names[hello.name].flatMap { records[$0] }
    if let known, known.isAlive, known.publicKey != provenKey {
      return refuse(.notListed, "\(hello.name) is there, with another key")
    }
    if let known, hello.incarnation < known.incarnation {
      // The clock of its machine has gone back. It may take the place of one that is gone.
      return refuse(
        .staleIncarnation, "a later start of \(hello.name) is \(known.isAlive ? "there" : "known")",
        known: known.isAlive ? nil : known.incarnation)
    }
    if let known, hello.incarnation == known.incarnation { return receiveAgain(hello, known, now: now) }
    guard known != nil || names.count < configuration.maximumNodes else {
      return refuse(.full, "\(configuration.maximumNodes) nodes are known already")
    }
    return admit(hello, known, now: now)
  }

  /// A Hello of an incarnation that is known.
  private mutating func receiveAgain(_ hello: Hello, _ known: Record, now: Timestamp) -> [Directive] {
    guard known.isAlive else { return [.reply(.dismissed(dismissal(known)))] }
    hear(known.number, now)
    var directives: [Directive] = [.reply(.welcome(welcome(known)))]
    // After a restart of the coordinator a node that was about to join is known by name only.
    if known.state == .joining { take(hello, into: known.number) }
    if let view, view.member(known.number)?.incarnation == known.incarnation { directives.append(.reply(.view(view))) }
    return directives
  }

  private mutating func admit(_ hello: Hello, _ known: Record?, now: Timestamp) -> [Directive] {
    var directives: [Directive] = []
    if data == nil {
      data = hello.data
      directives.append(.log(.dataFingerprinted(hello.data)))
    }
    let number = known?.number ?? NodeNumber(rawValue: UInt32(names.count + 1))!
    if let known, known.isAlive {
      hear(number, now)
      directives.append(
        .send(
          .refused(
            Refused(
              code: .superseded, explanation: "a later start of \(known.name) has taken its place",
              incarnation: known.incarnation)), to: number))
      if isMember(known) { causes.append("\(number) (\(known.name)) has restarted") }
    }
    names[hello.name] = number
    records[number] = Record(
      number: number, name: hello.name, incarnation: hello.incarnation, state: .joining, lastSeen: now,
      progressedAt: now, restarts: known.map { $0.restarts + 1 } ?? 0)
    take(hello, into: number)
    directives.append(.log(.nodeNumbered(name: hello.name, node: number, incarnation: hello.incarnation)))
    directives.append(.reply(.welcome(welcome(records[number]!))))
    // After everyone was lost, those who were expected at the start may never come again.
    let wait = lastView == .none ? configuration.startTimeout : configuration.joinWindow
    formAt = min(formAt ?? now + wait, now + wait)
    return directives + formIfDue(now)
  }

  private mutating func take(_ hello: Hello, into number: NodeNumber) {
    records[number]!.lanes = hello.lanes
    records[number]!.dataEndpoints = hello.dataEndpoints
    records[number]!.publicKey = hello.publicKey
  }

  private func welcome(_ record: Record) -> Welcome {
    Welcome(
      node: record.number, incarnation: record.incarnation,
      heartbeatMilliseconds: configuration.heartbeat.milliseconds, missedHeartbeats: configuration.missedHeartbeats)
  }

  private func dismissal(_ record: Record) -> Dismissed {
    Dismissed(
      view: max(lastView, ViewNumber(rawValue: 1)), explanation: "\(record.name) is no member any more",
      incarnation: record.incarnation)
  }

  private mutating func hear(_ number: NodeNumber, _ now: Timestamp) {
    if records[number]!.isReattaching { reattachedAt = now }
    records[number]!.isReattaching = false
    records[number]!.lastSeen = max(records[number]!.lastSeen, now)
  }

  private func isMember(_ record: Record) -> Bool {
    view?.member(record.number)?.incarnation == record.incarnation
  }

  public mutating func receive(
    _ heartbeat: Heartbeat, from node: NodeNumber, _ incarnation: Incarnation, now: Timestamp
  ) -> [Directive] {
    if let stop { return [.reply(.stop(stop))] }
    guard let record = alive(node, incarnation) else { return dismiss(node, incarnation) }
    let last = record.heartbeat
    // Heartbeats that overtook each other say nothing new.
    guard heartbeat.sequence > last?.sequence ?? 0 else { return [] }
    hear(node, now)
    records[node]!.heartbeat = heartbeat
    if record.state == .suspect { records[node]!.state = .member }
    let moved =
      last.map {
        $0.position != heartbeat.position || $0.shardsDone != heartbeat.shardsDone || $0.stage != heartbeat.stage
          || $0.view != heartbeat.view
      } ?? true
    if last?.view != heartbeat.view { records[node]!.viewSince = now }
    if last?.bytesReceived != heartbeat.bytesReceived { records[node]!.receivedAt = now }
    if moved {
      records[node]!.progressedAt = now
      if record.state == .stuck { records[node]!.state = .member }
    }
    var directives: [Directive] = [
      .reply(.heartbeatReply(HeartbeatReply(sequence: heartbeat.sequence, view: view?.number ?? .none)))
    ]
    if let view, isMember(record), heartbeat.view < view.number { directives.append(.reply(.view(view))) }
    return directives + (finishedView.map { [.finished($0)] } ?? [])
  }

  public mutating func receive(
    _ acknowledgement: ViewAcknowledgement, from node: NodeNumber, _ incarnation: Incarnation, now: Timestamp
  ) -> [Directive] {
    guard let record = alive(node, incarnation) else { return dismiss(node, incarnation) }
    hear(node, now)
    records[node]!.acknowledged = max(record.acknowledged, min(acknowledgement.view, lastView))
    return []
  }

  public mutating func receive(
    _ leave: Leave, from node: NodeNumber, _ incarnation: Incarnation, now: Timestamp
  ) -> [Directive] {
    guard let record = alive(node, incarnation) else { return [] }
    hear(node, now)
    records[node]!.state = .left
    guard isMember(record) else { return [] }
    causes.append("\(node) (\(record.name)) has left: \(leave.explanation)")
    if leave.reason == .failed, !records.values.contains(where: { $0.isAlive }) {
      // What ended all of them would end others too.
      return end(Stop(reason: .failed, explanation: leave.explanation), now: now)
    }
    return formIfDue(now)
  }

  /// Whether a message's sender is who it says and still takes part; otherwise it is not to be believed.
  public func isCurrent(_ node: NodeNumber, _ incarnation: Incarnation) -> Bool { alive(node, incarnation) != nil }

  /// Whether a connection speaks for a node whose key it has not proved to hold; `nil` is the key of plain text.
  public func isImpostor(_ node: NodeNumber, _ incarnation: Incarnation, provenKey: PublicKey?) -> Bool {
    alive(node, incarnation).map { $0.publicKey != provenKey } ?? false
  }

  private func alive(_ node: NodeNumber, _ incarnation: Incarnation) -> Record? {
    records[node].flatMap { $0.incarnation == incarnation && $0.isAlive ? $0 : nil }
  }

  /// To one who speaks as a member and is none.
  private func dismiss(_ node: NodeNumber, _ incarnation: Incarnation) -> [Directive] {
    let explanation = records[node].map { "\($0.name) is no member any more" } ?? "no such node is known"
    return [
      .reply(
        .dismissed(
          Dismissed(view: max(lastView, ViewNumber(rawValue: 1)), explanation: explanation, incarnation: incarnation)))
    ]
  }
}
