import Messages
import ZeroMQ

/// A node's part in a prediction: fetches what is predicted with, takes leases, computes them on a thread of its own,
/// and sends the samples, until the coordinator ends the prediction.
public actor PredictionWorker {
  /// What an offer comes to on this machine.
  public struct Work: Sendable {
    /// Bytes of the parameters, and what takes them over; false when they are not of this model.
    public var parametersCount: Int
    public var fill: @Sendable (UnsafeRawBufferPointer) -> Bool
    /// Samples of some examples from the bytes of their rows: [sample][example][output].
    public var compute: @Sendable (_ rows: [UInt8], _ examples: Range<Int>, _ samples: Range<Int>) throws -> [Float]

    public init(
      parametersCount: Int, fill: @escaping @Sendable (UnsafeRawBufferPointer) -> Bool,
      compute: @escaping @Sendable (_ rows: [UInt8], _ examples: Range<Int>, _ samples: Range<Int>) throws -> [Float]
    ) {
      self.parametersCount = parametersCount
      self.fill = fill
      self.compute = compute
    }
  }

  private struct Assignment {
    let lease: SampleLease
    /// The bytes of its rows.
    var rows: ByteFetch
  }

  private enum Stage {
    case asking
    case preparing
    case fetching(PredictionOffer, Work)
    case working(PredictionOffer, Work)
    case over
  }

  private let context: ZeroMQContext
  public nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  private let endpoint: Endpoint
  private let security: ClusterSecurity
  private let build: String
  private let name: String
  private let patience: Duration
  private let prepare: @Sendable (PredictionOffer) throws -> Work
  private let participant: Participant<Stop>
  private var stage = Stage.asking
  /// What has come of the parameters, while they are fetched. Outside of the stage, whose copies would copy all bytes.
  private var parameters: ByteFetch?
  private var tasks: [Assignment] = []
  private var isComputing = false
  private var whenIdle: CheckedContinuation<Void, Never>?

  /// Leases that are at hand, so that computing never waits for a message.
  private static let depth = 2

  /// - Parameters:
  ///   - name: of the node, for people.
  ///   - patience: how long the coordinator of the prediction may be silent.
  ///   - prepare: makes the learner, on a thread of its own.
  public init(
    _ endpoint: Endpoint, security: ClusterSecurity, build: String, name: String = "",
    patience: Duration = .seconds(120),
    prepare: @escaping @Sendable (PredictionOffer) throws -> Work
  ) throws {
    self.endpoint = endpoint
    self.security = security
    self.build = build
    self.name = name
    self.patience = patience
    self.prepare = prepare
    context = try ZeroMQContext(name: "samples")
    participant = Participant(context)
  }

  /// Works until the coordinator stops it, and leaves nothing behind.
  public nonisolated func run() async throws -> Stop {
    let result = await take()
    await shut()
    await context.closeAside()
    return try result.get()
  }

  /// Ends it: others compute what is leased here. From any thread.
  public nonisolated func leave() {
    context.executor.run { [self] in
      assumeIsolated { $0.end(.success(Stop(reason: .asked, explanation: "asked to leave"))) }
    }
  }

  private func take() async -> Result<Stop, any Error> {
    await participant.run(
      to: endpoint, security: security,
      receive: { [weak self] message in self?.assumeIsolated { $0.receive(message) } },
      tick: { [weak self] in self?.assumeIsolated { $0.tick() } })
  }

  private func shut() async {
    // The coordinator waits for every worker to disconnect, or gives what is leased here to another.
    participant.close()
    // What is being computed is computed to its end, and dropped.
    while isComputing { await withCheckedContinuation { whenIdle = $0 } }
  }

  private func end(_ result: Result<Stop, any Error>) {
    if participant.end(result) { stage = .over }
  }

  private func tick() {
    let now = Timestamp.now
    guard participant.clock.silence < patience || isComputing else {
      return end(
        .failure(
          ClusterError(
            .unreachable, "no process leases samples at \(endpoint)",
            advice: "check that it runs, the address, and with encryption the keys")))
    }
    guard participant.asking.isDue(every: .seconds(1), now: now) else { return }
    switch stage {
    case .asking: send(.recipeRequest(RecipeRequest(build: build, name: name)))
    case .fetching: for request in parameters!.parts.requestsAgain() { send(.stateRequest(request)) }
    case .working:
      for place in tasks.indices where !tasks[place].rows.parts.isComplete {
        for request in tasks[place].rows.parts.requestsAgain() { send(.stateRequest(request)) }
      }
      // Nothing to do: perhaps the connection was lost and is another one now, unknown at the other end.
      if tasks.isEmpty { send(.recipeRequest(RecipeRequest(build: build, name: name))) }
      askForLease()
    case .preparing, .over: break
    }
  }

  // MARK: Messages

  private func send(_ body: ControlBody) { participant.send(body) }

  private func receive(_ message: ControlMessage) {
    participant.clock.heard()
    switch (message.body, stage) {
    case (.prediction(let offer), .asking):
      stage = .preparing
      context.runAside({ [prepare] in try prepare(offer) }) { result in
        self.assumeIsolated { $0.prepared(result, offer) }
      }
    case (.refused(let refused), _):
      end(.failure(ClusterError(.refused, "this node is refused: \(refused.explanation)")))
    case (.stop(let stop), _): end(.success(stop))
    case (.statePart(let part), .fetching(let offer, let work)):
      guard parameters!.take(part) else { return }
      participant.asking.postpone(from: .now)
      for request in parameters!.parts.requests() { send(.stateRequest(request)) }
      if parameters!.parts.isComplete { begin(offer, work) }
    case (.statePart(let part), .working):
      for place in tasks.indices where tasks[place].rows.take(part) {
        for request in tasks[place].rows.parts.requests() { send(.stateRequest(request)) }
      }
      compute()
    case (.sampleLease(let lease), .working(let offer, _)): add(lease, offer)
    default: break
    }
  }

  private func prepared(_ result: Result<Work, any Error>, _ offer: PredictionOffer) {
    guard case .preparing = stage else { return }
    participant.clock.heard()
    switch result {
    case .failure(let error): end(.failure(error))
    case .success(let work):
      guard work.parametersCount == offer.parametersCount else {
        return end(.failure(ClusterError(.refused, "the parameters are not those of the recipe's model")))
      }
      parameters = ByteFetch(offer.parameters, 0..<offer.parametersCount)
      for request in parameters!.parts.requests() { send(.stateRequest(request)) }
      participant.asking.postpone(from: .now)
      stage = .fetching(offer, work)
    }
  }

  private func begin(_ offer: PredictionOffer, _ work: Work) {
    let bytes = parameters!.bytes
    parameters = nil
    guard Digest(of: bytes) == offer.parameters, bytes.withUnsafeBytes({ work.fill($0) }) else {
      return end(.failure(ClusterError(.refused, "the parameters do not have the SHA-256 that was announced")))
    }
    stage = .working(offer, work)
    askForLease()
  }

  private func askForLease() {
    if tasks.count < PredictionWorker.depth { send(.leaseRequest(LeaseRequest(lanes: 1))) }
  }

  private func add(_ lease: SampleLease, _ offer: PredictionOffer) {
    guard lease.prediction == offer.prediction, lease.parameters == offer.parameters,
      lease.examples.upperBound <= offer.examples, !tasks.contains(where: { $0.lease.lease == lease.lease }),
      lease.samples.upperBound <= 1 << 31, tasks.count < 2 * PredictionWorker.depth
    else { return }
    let stride = offer.inputShape.reduce(offer.inputKind.size, *)
    let bytes = lease.examples.lowerBound * stride..<lease.examples.upperBound * stride
    guard bytes.count <= PredictionWorker.rowsLimit else { return }
    // Leases of the same examples follow one another.
    var rows = tasks.last?.rows ?? lastRows ?? ByteFetch(offer.inputs, bytes)
    if rows.parts.range != bytes || !rows.parts.isComplete { rows = ByteFetch(offer.inputs, bytes) }
    for request in rows.parts.requests() { send(.stateRequest(request)) }
    participant.asking.postpone(from: .now)
    tasks.append(Assignment(lease: lease, rows: rows))
    compute()
    askForLease()
  }

  /// Bytes of a lease's rows that are believed.
  private static let rowsLimit = 1 << 31
  private var lastRows: ByteFetch?

  private func compute() {
    guard !isComputing, case .working(let offer, let work) = stage, let task = tasks.first, task.rows.parts.isComplete
    else {
      return
    }
    isComputing = true
    context.runAside({
      let lease = task.lease
      return SampleResult(
        of: lease, outputs: offer.outputs,
        values: try work.compute(
          task.rows.bytes, lease.examples, Int(lease.samples.lowerBound)..<Int(lease.samples.upperBound)))
    }) { result in
      self.assumeIsolated { $0.computed(result) }
    }
  }

  private func computed(_ result: Result<SampleResult, any Error>) {
    isComputing = false
    whenIdle?.resume()
    whenIdle = nil
    guard participant.result == nil, !tasks.isEmpty else { return }
    switch result {
    case .failure(let error): end(.failure(error))
    case .success(let result):
      lastRows = tasks.removeFirst().rows
      send(.sampleResult(result))
      compute()
      askForLease()
    }
  }
}

extension PredictionOffer.InputKind {
  /// Bytes of a number.
  var size: Int {
    switch self {
    case .uint8: 1
    case .float32: 4
    case .float64: 8
    }
  }
}
