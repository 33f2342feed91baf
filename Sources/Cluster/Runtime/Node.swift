import Messages
import Training
import ZeroMQ

/// A process that computes: asks a coordinator what is trained, prepares it, and takes part until the job is over.
///
/// It lives on the control context's thread, which computes nothing: heartbeats never wait for a matrix product, nor
/// for an addition, which is the mesh's thread's.
public actor Node {
  enum Stage {
    case asking
    case preparing
    case fetching(StateFetch, Prepared)
    case training(Prepared)
    case over
  }

  final class Prepared: Sendable {
    let job: Job
    let recipe: RecipeReply

    init(job: Job, recipe: RecipeReply) {
      self.job = job
      self.recipe = recipe
    }
  }

  let context: ZeroMQContext
  public nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  let configuration: Configuration
  private let prepare: @Sendable (RecipeReply) throws -> Job
  let note: @Sendable (String) -> Void
  private let progress = NodeProgress()

  /// Towards the coordinator.
  let participant: Participant<Ending>
  var stage = Stage.asking
  var jobID: JobID?
  var session: NodeSession!
  private var meshContext: ZeroMQContext?
  var mesh: Mesh?
  var exchange: MeshExchange?
  private var training: Task<Void, Never>?
  private let stopRequest = StopRequest()
  private var isBeating = false
  private var lastPosition: PhaseIndex?
  private var movedAt: Timestamp?
  /// The job whose coordinator answers where this node's was, and since when.
  var displacement: (explanation: String, since: Timestamp)?
  var reports: [Report] = []
  var reportedAt = Timestamp.now
  /// The state that is offered, and the one to be offered when that has gone.
  var saved: Saved?
  var waiting: Saved?
  var leaving: Leave?
  var leaveAt: Timestamp?

  /// - Parameters:
  ///   - prepare: makes the learner, on a thread of its own.
  ///   - note: a line for the log.
  public init(
    _ configuration: Configuration, prepare: @escaping @Sendable (RecipeReply) throws -> Job,
    note: @escaping @Sendable (String) -> Void
  ) throws {
    self.configuration = configuration
    self.prepare = prepare
    self.note = note
    context = try ZeroMQContext(name: "control")
    participant = Participant(context)
  }

  /// Takes part to the end, and leaves nothing behind.
  public nonisolated func run() async throws -> Ending {
    let result = await take()
    await close()
    await context.closeAside()
    return try result.get()
  }

  private func take() async -> Result<Ending, any Error> {
    await participant.run(
      to: configuration.coordinator, security: configuration.security,
      receive: { [weak self] message in self?.assumeIsolated { $0.receive(message) } },
      tick: { [weak self] in self?.assumeIsolated { $0.tick() } })
  }

  func end(_ result: Result<Ending, any Error>) {
    guard participant.end(result) else { return }
    stage = .over
    exchange?.stop()
    stopRequest.request()
  }

  var isOver: Bool { participant.result != nil }

  private func close() async {
    // A coordinator that has notified every node of the end waits for them to disconnect.
    if case .success(.stopped)? = participant.result { participant.close() }
    await training?.value
    if let mesh, let meshContext {
      await mesh.close()
      await meshContext.closeAside()
    }
    mesh = nil
    participant.close()
  }

  // MARK: Time

  /// Every so often, and whenever something has changed.
  private func tick() {
    let now = Timestamp.now
    if let leaveAt, now >= leaveAt { return finishLeaving() }
    switch stage {
    case .asking:
      guard participant.clock.silence < configuration.patience else { return giveUp() }
      if participant.asking.isDue(every: .milliseconds(500), now: now) {
        send(.recipeRequest(RecipeRequest(build: configuration.build, name: configuration.name)))
      }
    case .fetching(var fetch, let prepared):
      guard participant.clock.silence < configuration.patience else { return giveUp() }
      if participant.asking.isDue(every: .seconds(2), now: now) {
        for request in fetch.parts.requestsAgain() { send(.stateRequest(request)) }
        stage = .fetching(fetch, prepared)
      }
    case .training:
      if let session, session.nextDeadline <= now { beat() }
      if !reports.isEmpty, now - reportedAt > .seconds(2) { sendReports() }
    case .preparing, .over: break
    }
  }

  private func giveUp() {
    if displacement != nil { return endDisplaced() }
    end(
      .failure(
        ClusterError(
          .unreachable, "no coordinator answers at \(configuration.coordinator)",
          advice: "check that it runs, the address, and with encryption the keys")))
  }

  /// A Hello or a heartbeat; what it says is asked of the mesh.
  private func beat() {
    guard !isBeating, let mesh else { return }
    isBeating = true
    Task {
      let pulse = await mesh.pulse()
      isBeating = false
      guard case .training = stage else { return }
      // Alone it goes on for as long as it gets on.
      if pulse.position != lastPosition {
        lastPosition = pulse.position
        movedAt = participant.clock.now
      }
      let clock = participant.clock
      if let movedAt, min(clock.now - movedAt, clock.silence) > configuration.patience {
        guard pulse.stage == .finished else { return giveUp() }
        // It did not hear the last word.
        return end(
          .success(.stopped(Stop(reason: .completed, explanation: "all steps are done; no coordinator answers"))))
      }
      let figures = progress.figures
      perform(
        session.tick(now: .now, position: pulse.position) { sequence in
          Heartbeat(
            view: pulse.view, sequence: sequence, position: pulse.position, chain: pulse.chain, stage: pulse.stage,
            shardsDone: pulse.shardsDone, waits: pulse.waits, waitingMilliseconds: pulse.waitingMilliseconds,
            stepMicroseconds: figures.stepMicroseconds, bytesReceived: pulse.bytesReceived,
            bytesSent: pulse.bytesSent, objective: figures.objective, examplesPerSecond: figures.examplesPerSecond)
        })
    }
  }

  /// From any thread: the next heartbeat is not to wait.
  nonisolated func beatSoon() {
    context.executor.run { [weak self] in
      self?.assumeIsolated {
        guard $0.session != nil else { return }
        $0.session.beatSoon(now: .now)
        $0.participant.tick()
      }
    }
  }

  // MARK: Messages

  @discardableResult
  func send(_ body: ControlBody) -> Bool {
    participant.send(body, job: jobID, from: session?.node, session?.incarnation)
  }

  private func receive(_ message: ControlMessage) {
    guard message.sender == nil, let job = message.job else { return }
    guard jobID == nil || job == jobID else { return follow(stranger: message.body) }
    participant.clock.heard()
    displacement = nil
    switch (message.body, stage) {
    case (.recipe(let recipe), .asking):
      jobID = job
      stage = .preparing
      begin(recipe)
    case (.prediction, .asking): end(.success(.predicting))
    case (.assist(let assist), .training): configuration.assist?(assist)
    case (.refused(let refused), .asking):
      end(.failure(ClusterError(.refused, "the coordinator refuses this node: \(refused.explanation)")))
    case (.stop(let stop), .asking), (.stop(let stop), .preparing), (.stop(let stop), .fetching):
      end(.success(.stopped(stop)))
    case (.statePart(let part), .fetching(var fetch, let prepared)):
      guard fetch.take(part) else { return }
      participant.asking.postpone(from: .now)
      for request in fetch.parts.requests() { send(.stateRequest(request)) }
      stage = .fetching(fetch, prepared)
      if fetch.parts.isComplete { finishFetching(fetch, prepared) }
    case (.saveRequest, .training): exchange?.takeSave()
    case (.stateRequest(let request), .training): answer(request)
    case (_, .training): follow(message)
    default: break
    }
  }

  private func follow(_ message: ControlMessage) {
    guard session != nil, message.epoch >= session.epoch else { return }
    let epoch = session.epoch
    perform(session.receive(message, now: .now))
    if case .heartbeatReply(let reply) = message.body { settle(reply) }
    if session.epoch > epoch { sayAgain() }
  }

  private func perform(_ directives: [NodeSession.Directive]) {
    for directive in directives {
      switch directive {
      case .send(let body):
        // No coordinator was there: one that comes gets a heartbeat at once, and does not take this node for lost
        // meanwhile.
        if !send(body) { session.beatSoon(now: .now) }
      case .admitted(let node):
        mesh?.post(.admitted(node, session.incarnation))
        note("\(node) of job \(jobID!.hexadecimal), named \(configuration.name)")
      case .install(let view):
        let shards = session.node.flatMap { view.member($0)?.shards } ?? 0..<0
        note(
          "\(view.number): \(view.members.count) nodes, shards \(shards.lowerBound)..<\(shards.upperBound) of \(view.shards) here (\(view.cause))"
        )
        mesh?.post(.install(view))
      case .dismissed(let explanation):
        note("left out of the view: \(explanation)")
        mesh?.post(.dismissed)
      case .execute(let order): mesh?.post(.execute(order))
      case .stop(let stop): end(.success(.stopped(stop)))
      case .refused(let refused):
        if refused.code == .jobOver {
          end(.success(.stopped(Stop(reason: .asked, explanation: refused.explanation))))
        } else {
          end(.failure(ClusterError(.refused, "the coordinator refuses this node: \(refused.explanation)")))
        }
      }
    }
  }

  // MARK: Beginning

  private func begin(_ recipe: RecipeReply) {
    context.runAside({ [prepare] in try prepare(recipe) }) { result in
      self.assumeIsolated { $0.prepared(result, recipe) }
    }
  }

  private func prepared(_ result: Result<Job, any Error>, _ recipe: RecipeReply) {
    guard case .preparing = stage else { return }
    switch result {
    case .failure(let error): end(.failure(error))
    case .success(let job):
      let prepared = Prepared(job: job, recipe: recipe)
      participant.clock.heard()
      guard let start = recipe.start else { return train(prepared, from: 0, converged: false) }
      guard let fetch = StateFetch(start, count: LearnerState.count(of: job.learner)) else {
        return end(.failure(ClusterError(.refused, "the state to begin with is not one of this recipe's")))
      }
      participant.asking.hasten()
      stage = .fetching(fetch, prepared)
      participant.tick()
    }
  }

  private func finishFetching(_ fetch: StateFetch, _ prepared: Prepared) {
    guard fetch.isRight, fetch.state.fill(prepared.job.learner) else {
      return end(
        .failure(ClusterError(.refused, "the state to begin with does not have the SHA-256 that was announced")))
    }
    train(prepared, from: Int(fetch.offer.step), converged: fetch.offer.converged)
  }

  private func train(_ prepared: Prepared, from step: Int, converged: Bool) {
    do {
      let (job, recipe) = (prepared.job, prepared.recipe)
      let meshContext = try ZeroMQContext(name: "mesh")
      self.meshContext = meshContext
      let initial = LearnerState(of: job.learner, converged: converged)
      let mesh = Mesh(
        meshContext,
        configuration: Mesh.Configuration(
          job: jobID!, shards: recipe.shards, phases: job.learner.phases, stateCount: initial.bytes.count,
          start: PhaseIndex(step: UInt64(step), phase: 0), chain: initial.chain,
          isFinished: converged || step >= job.plan.steps, security: configuration.security,
          isShared: configuration.isShared, isEager: configuration.sendsEarly),
        report: { [weak self] late in
          guard let self else { return }
          context.executor.run { self.assumeIsolated { _ = $0.send(.late(late)) } }
        }, settled: { [weak self] in self?.beatSoon() }, note: note)
      self.mesh = mesh
      let exchange = MeshExchange(
        job.learner, shards: recipe.shards, steps: job.plan.steps, precision: job.plan.precision,
        isShared: configuration.isShared,
        post: { [weak mesh] event in mesh?.post(.exchange(event)) },
        save: { [weak self] place, state in self?.offer(step: place.step, state, isAsked: true) })
      self.exchange = exchange
      stage = .training(prepared)
      training = Task { await self.train(prepared, mesh, exchange, from: step, converged: converged) }
    } catch {
      end(.failure(error))
    }
  }

  private func train(
    _ prepared: Prepared, _ mesh: Mesh, _ exchange: MeshExchange, from step: Int, converged: Bool
  ) async {
    do {
      let bound = try await mesh.open(at: configuration.dataBind, for: exchange)
      guard !isOver else { return }
      session = NodeSession(
        configuration: NodeSession.Configuration(
          name: configuration.name, build: configuration.build, recipe: prepared.recipe.digest,
          data: prepared.job.data, lanes: configuration.lanes, dataEndpoints: configuration.dataEndpoints(bound: bound),
          publicKey: configuration.security.publicKey), incarnation: .ofNow)
      participant.tick()
      let observer = NodeObserver(
        job: prepared.job, progress: progress, isScribe: { mesh.isScribe },
        report: { [weak self] report in
          guard let self else { return }
          context.executor.run { self.assumeIsolated { $0.keep(report) } }
        }, save: { [weak self] step, state in self?.offer(step: step, state, isAsked: false) })
      let trainer = Trainer(
        prepared.job.learner, plan: prepared.job.plan, crew: Crew(lanes: configuration.lanes), observer: observer)
      _ = try await trainer.train(
        with: exchange, from: converged ? prepared.job.plan.steps : step, until: stopRequest)
    } catch {
      guard !isOver else { return }
      for directive in session?.leave(Leave(reason: .failed, explanation: "\(error)")) ?? [] {
        if case .send(let body) = directive { send(body) }
      }
      end(.failure(error))
    }
  }
}
