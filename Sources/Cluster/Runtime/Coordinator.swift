import Messages
import Training
import ZeroMQ

/// The process that knows who is there, who computes which shard, how far things are. Never on the gradient path: it
/// adds nothing and forwards no numbers; states come to it for checkpoints alone.
public actor Coordinator {
  public struct Configuration: Sendable {
    public var bind: Endpoint
    public var security: ClusterSecurity
    public var build: String
    /// The recipe's name, for status.
    public var name: String
    /// The resolved recipe, that nodes are sent.
    public var recipe: String
    public var recipeDigest: Digest
    public var data: Digest
    public var shards: Int
    public var steps: Int
    /// Nodes report after the steps that one of these divides, and after the last one.
    public var reportPeriods = [1]
    /// Bytes of a learner's state.
    public var stateCount: Int
    /// The training begins when so many nodes are there.
    public var expectedNodes: Int
    /// So long after the first one the others are waited for; then the training begins with those that are there.
    public var startPatience: Duration = .seconds(60)
    /// The durable log.
    public var log: String
    /// Whether a log that is there is of a job that is over, and a new one begins.
    public var isNewJob = false
    /// How long after a checkpoint the next one is due; nil: nodes alone say when.
    public var checkpointInterval: Duration?
    public var heartbeat: Duration = .seconds(1)
    public var missedHeartbeats = 3

    public init(
      bind: Endpoint, security: ClusterSecurity, build: String, name: String, recipe: String, recipeDigest: Digest,
      data: Digest, shards: Int, steps: Int, stateCount: Int, expectedNodes: Int, log: String
    ) {
      self.bind = bind
      self.security = security
      self.build = build
      self.name = name
      self.recipe = recipe
      self.recipeDigest = recipeDigest
      self.data = data
      self.shards = shards
      self.steps = steps
      self.stateCount = stateCount
      self.expectedNodes = expectedNodes
      self.log = log
    }
  }

  /// What the owner hears, in order.
  public enum Event: Sendable {
    case view(View)
    /// A heartbeat has brought the job further.
    case progress(JobStatus)
    case report(Report)
    /// A state for a checkpoint has come, and is what its digest says.
    case state(StateOffer, LearnerState)
    case note(String)
    case ended(Stop)
    /// The time that `wake` was given is over.
    case awake
  }

  let context: ZeroMQContext
  public nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  let configuration: Configuration
  let job: JobID
  let epoch: Epoch
  public nonisolated let events: AsyncStream<Event>
  let continuation: AsyncStream<Event>.Continuation

  var server: ControlServer?
  var journal: CoordinatorJournal
  var membership: Membership
  private var ledger = ShardLedger()
  var routes = NodeRoutes()
  var states: StateIntake
  var reports: ReportQueue
  var progress = JobProgress(now: .now)
  var helped = HelpedPredictions()
  var strangers = Strangers()
  var farewell = Farewell()
  let ticker: Ticker
  /// Of how long nodes are waited for.
  var countingDown = Repetition()
  /// What the owner cannot write.
  var trouble: String?
  var waking: TimerID?

  /// Opens the log: a new job, or one that goes on after this process was killed. Nothing is written to it yet.
  /// - Parameter resuming: the step and the state to begin with.
  public init(_ configuration: Configuration, resuming: (step: Int, state: LearnerState)?) throws {
    self.configuration = configuration
    let (file, records) = try DurableLogFile.open(configuration.log, anew: configuration.isNewJob)
    var known: (job: JobID, epoch: Epoch)?
    for record in records {
      switch record {
      case .coordinatorStarted(let job, let epoch, let recipe, _, _):
        guard recipe == configuration.recipeDigest else { throw Coordinator.otherJob(configuration, "recipe") }
        known = (job, epoch)
      case .dataFingerprinted(let data):
        guard data == configuration.data else { throw Coordinator.otherJob(configuration, "data") }
      default: break
      }
    }
    job = known?.job ?? JobID(rawValue: UInt64.random(in: 1...UInt64.max))!
    epoch = Epoch(rawValue: (known?.epoch.rawValue ?? 0) + 1)
    var rules = Membership.Configuration(
      job: job, build: configuration.build, recipe: configuration.recipeDigest, shards: configuration.shards,
      expectedNodes: configuration.expectedNodes)
    rules.data = configuration.data
    rules.startTimeout = configuration.startPatience
    rules.heartbeat = configuration.heartbeat
    rules.missedHeartbeats = configuration.missedHeartbeats
    membership = Membership(configuration: rules, replaying: records, now: .now)
    if let view = membership.view { ledger.begin(view) }
    states = StateIntake(
      steps: configuration.steps, stateCount: configuration.stateCount,
      checkpointInterval: configuration.checkpointInterval, resuming: resuming, now: .now)
    reports = ReportQueue(periods: configuration.reportPeriods, steps: configuration.steps)
    (events, continuation) = AsyncStream.makeStream(of: Event.self)
    context = try ZeroMQContext(name: "coordinator")
    ticker = Ticker(context)
    journal = CoordinatorJournal { try file.append($0) }
  }

  private static func otherJob(_ configuration: Configuration, _ what: String) -> ClusterError {
    ClusterError(
      .otherJob, "\(configuration.log) is of a job with other \(what)",
      advice: "start it as it was started before, or name another --out")
  }

  /// Ends the job and notifies every node. From any thread; also when the job, or the coordinator, is over already.
  public nonisolated func end(_ stop: Stop) {
    context.executor.run { [self] in
      assumeIsolated { $0.carryOut($0.membership.end(stop, now: .now), replyTo: nil) }
    }
  }

  /// The process of a node has ended, and so many are left to come. From any thread.
  public nonisolated func gone(_ name: String, left: Int) {
    context.executor.run { [self] in
      assumeIsolated {
        $0.membership.expect(left)
        $0.carryOut($0.membership.gone(name, now: .now), replyTo: nil)
      }
    }
  }

  func shut() {
    if let waking { context.executor.cancelTimer(waking) }
    waking = nil
    ticker.stop()
    server?.close()
    server = nil
    journal.close()
    continuation.finish()
  }

  /// Reports up to this step are kept: those of an earlier start too.
  public func keptReports(upTo step: Int) { reports.keep(upTo: UInt64(step)) }

  // MARK: Time

  func tick() {
    carryOut(membership.tick(now: .now), replyTo: nil)
    carryOutHeld()
    countDown()
    noteStrangers()
    saveByTime()
    driveSaving()
  }

  // MARK: Messages

  func receive(_ incoming: ControlServer.Incoming) {
    switch incoming {
    case .message(let message, let sender): receive(message, from: sender.route, key: sender.provenKey)
    case .question(let route): server?.answer(.statusReply(status(.now)), to: route)
    case .refused(let reason, let route): refuse(reason, from: route)
    case .tooManyFrames: strangers.refuse()
    }
  }

  private func receive(_ message: ControlMessage, from route: RoutingID, key: PublicKey?) {
    guard message.job == nil || message.job == job else { return turnAway(message, at: route) }
    guard permits(message, from: route, key: key) else { return }
    let now = Timestamp.now
    switch message.body {
    case .statusRequest: reply(.statusReply(status(now)), to: route)
    case .recipeRequest(let request): answer(request, to: route)
    case .assist(let assist): pass(assist, from: route)
    case .stateRequest(let request):
      if let part = states.part(request) { reply(.statePart(part), to: route) }
    case .hello(let hello):
      let directives = membership.receive(hello, provenKey: key, now: now)
      routes.isReady(route)
      if membership.stop != nil, let node = membership.number(of: hello.name) { farewell.told(node) }
      for case .reply(.welcome(let welcome)) in directives { routes[welcome.node] = route }
      for case .reply(.refused(let refused)) in directives {
        note("\(hello.name) is refused: \(refused.explanation)", of: route)
      }
      carryOut(directives, replyTo: route)
    default:
      guard let node = message.sender, let incarnation = message.incarnation, message.job == job else {
        return refuse("its sender has no number", from: route)
      }
      guard !membership.isImpostor(node, incarnation, provenKey: key) else {
        return refuse("its connection's key is not that of \(node)", from: route)
      }
      receive(message.body, from: node, incarnation, route: route, now: now)
      if membership.stop != nil { farewell.told(node) }
    }
  }

  private func receive(
    _ body: ControlBody, from node: NodeNumber, _ incarnation: Incarnation, route: RoutingID, now: Timestamp
  ) {
    let isCurrent = membership.isCurrent(node, incarnation)
    if isCurrent { routes[node] = route }
    switch body {
    case .heartbeat(let heartbeat):
      _ = ledger.report(
        node: node, incarnation: incarnation, view: heartbeat.view, position: heartbeat.position,
        done: heartbeat.shardsDone)
      carryOut(membership.receive(heartbeat, from: node, incarnation, now: now), replyTo: route)
      if isCurrent { follow(heartbeat, now: now) }
    case .viewAcknowledgement(let acknowledgement):
      carryOut(membership.receive(acknowledgement, from: node, incarnation, now: now), replyTo: route)
    case .leave(let leave):
      if isCurrent { continuation.yield(.note("\(node) leaves: \(leave.explanation)")) }
      carryOut(membership.receive(leave, from: node, incarnation, now: now), replyTo: route)
    case .late(let late):
      guard isCurrent, case .success(let orders) = ledger.rescue(late, from: node, incarnation) else { return }
      // Everyone hears of it: who computes, who need not wait any more, and who is owed.
      for order in orders {
        continuation.yield(
          .note(
            "shards \(order.shards.lowerBound)..<\(order.shards.upperBound) are late; \(order.node) computes them too"))
        for member in membership.view?.members ?? [] { send(.execute(order), to: member.node) }
      }
    case .report(let report):
      if isCurrent { passOn(reports.take(report, furthest: progress.furthest.step, now: now)) }
    case .stateOffer(let offer):
      if isCurrent { carryOut(states.consider(offer, of: node, incarnation, now: now)) }
    case .statePart(let part):
      if isCurrent { carryOut(states.take(part, from: node, now: now)) }
    default: refuse("it is not for a coordinator", from: route)
    }
  }

  private func follow(_ heartbeat: Heartbeat, now: Timestamp) {
    progress.follow(heartbeat, now: now)
    continuation.yield(.progress(status(now).job))
  }

  // MARK: Directives

  func carryOut(_ directives: [Membership.Directive], replyTo route: RoutingID?) {
    let directives = journal.admit(directives)
    for (index, directive) in directives.enumerated() {
      switch directive {
      case .reply(let body): if let route { reply(withNews(body), to: route) }
      case .send(let body, let node):
        if !send(body, to: node), case .stop = body { farewell.owe(node) }
      case .log(let record):
        guard journal.isOpen else { return }
        let (isWritten, note) = journal.write(record, now: .now)
        if let note { continuation.yield(.note(note)) }
        guard isWritten else { return journal.hold(directives[index...]) }
      case .changed(let view):
        ledger.begin(view)
        progress.viewChanged(now: .now)
        states.follow(view)
        continuation.yield(.view(view))
      case .finished: states.wantLast()
      case .ended(let stop):
        for node in membership.recentlyLost(now: .now) { farewell.owe(node) }
        for route in routes.preparing { reply(.stop(stop), to: route) }
        continuation.yield(.ended(stop))
      }
    }
  }

  /// What the coordinator has, in its answer to a heartbeat.
  private func withNews(_ body: ControlBody) -> ControlBody {
    guard case .heartbeatReply(var answer) = body else { return body }
    answer.recorded = reports.recorded
    answer.saved = UInt64(states.savedStep)
    return .heartbeatReply(answer)
  }

  func reply(_ body: ControlBody, to route: RoutingID) { server?.send(body, to: route) }

  /// Sends a message to a node.
  /// - Returns: false when it has no connection.
  @discardableResult
  func send(_ body: ControlBody, to node: NodeNumber) -> Bool {
    routes[node].map { server?.send(body, to: $0) == .sent } ?? false
  }
}
