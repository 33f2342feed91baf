import Messages
import ZeroMQ

/// Leases the Monte Carlo samples of one prediction to workers, and puts what they send in order.
///
/// It serves what they compute with, too: recipe, parameters and inputs, each known by its SHA-256. It is no
/// training's coordinator: inputs and samples are many, and a training's heartbeats do not wait behind them.
public actor PredictionCoordinator {
  public struct Configuration: Sendable {
    public var bind: Endpoint
    public var security: ClusterSecurity
    public var build: String
    public var offer: PredictionOffer
    /// When nothing has been heard of any worker for so long, what is missing stays missing.
    public var patience: Duration

    public init(
      bind: Endpoint, security: ClusterSecurity, build: String, offer: PredictionOffer,
      patience: Duration = .seconds(120)
    ) {
      self.bind = bind
      self.security = security
      self.build = build
      self.offer = offer
      self.patience = patience
    }
  }

  private let context: ZeroMQContext
  public nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  private let configuration: Configuration
  private let parameters: [UInt8]
  private let inputs: @Sendable (Range<Int>) -> [UInt8]
  private let inputsCount: Int
  private let note: @Sendable (String) -> Void
  private var server: ControlServer?
  private let ticker: Ticker
  /// Names by route.
  private var workers: [RoutingID: String] = [:]
  /// Those that have asked for a lease in vain, in the order of their asking.
  private var waiting: [RoutingID] = []
  private var book: LeaseBook<RoutingID>?
  private var nextLease: UInt64 = 1
  private var samples: LeasedSamples?
  private var whenDone: CheckedContinuation<LeasedSamples, Never>?
  /// Of all workers.
  private var clock = SilenceClock(at: .now)
  private var isGivenUp = false
  private var isOver = false
  private var noted = FirstOccurrences<String>(limit: 100)

  /// - Parameters:
  ///   - parameters: the bytes whose SHA-256 the offer names.
  ///   - inputs: the bytes of a range of the inputs' bytes; on any thread.
  ///   - note: a line for the user.
  public init(
    _ configuration: Configuration, parameters: [UInt8], inputs: @escaping @Sendable (Range<Int>) -> [UInt8],
    inputsCount: Int, note: @escaping @Sendable (String) -> Void
  ) throws {
    self.configuration = configuration
    self.parameters = parameters
    self.inputs = inputs
    self.inputsCount = inputsCount
    self.note = note
    context = try ZeroMQContext(name: "prediction")
    ticker = Ticker(context)
  }

  /// Begins to listen. Returns where.
  public func open() throws -> Endpoint {
    let server = try ControlServer(
      context, at: configuration.bind, security: configuration.security, role: .node,
      job: JobID(rawValue: configuration.offer.prediction), epoch: Epoch(rawValue: 1))
    server.listen { [weak self] incoming in self?.assumeIsolated { $0.receive(incoming) } }
    self.server = server
    ticker.start { [weak self] in self?.assumeIsolated { $0.tick() } }
    return server.endpoint
  }

  /// Lets workers with these keys in, in place of those of before. From any thread; also when it is over.
  public nonisolated func allow(_ keys: Set<PublicKey>) {
    context.executor.run { [self] in
      assumeIsolated { $0.server?.allow(Set(keys.compactMap { CurvePublicKey(bytes: $0.bytes) })) }
    }
  }

  /// Has workers compute samples 0 ..< count of some examples. One call at a time.
  /// - Parameter block: see `LeaseSize`; `examples` begin at a multiple of it.
  /// - Returns: all samples, or what there is of them after `giveUp`, or when no worker is left.
  public func samples(of examples: Range<Int>, count: Int, block: Int) async throws -> LeasedSamples {
    let width = configuration.offer.outputs
    guard let cell = LeaseSize.choose(samples: count, examples: examples.count, width: width, block: block) else {
      throw ClusterError(
        .failed, "\(width) numbers of \(block) examples are too many for a message", advice: "predict in one process")
    }
    let book = LeaseBook<RoutingID>(
      prediction: configuration.offer.prediction, parameters: configuration.offer.parameters, samples: 0..<count,
      examples: examples, cell: cell, firstLease: nextLease)
    self.book = book
    samples = LeasedSamples(examples: examples, count: count, width: width)
    clock.heard()
    return await withCheckedContinuation {
      whenDone = $0
      if isGivenUp { finish() } else { serveWaiting() }
    }
  }

  /// How far it is.
  public var status: PredictionStatus {
    let leases = (book?.out ?? []).prefix(Limits.leases).map { worker, cell, since in
      PredictionStatus.Lease(
        node: workers[worker] ?? "", samples: UInt64(cell.samples.lowerBound)..<UInt64(cell.samples.upperBound),
        examples: cell.examples, seconds: Double((.now - since).nanoseconds) / 1e9)
    }
    return PredictionStatus(
      samples: samples?.count ?? 0, examples: configuration.offer.examples, piece: samples?.examples,
      leases: book?.counts.leases ?? 0, leasesDone: book?.counts.done ?? 0, out: leases)
  }

  /// What is missing stays missing. From any thread.
  public nonisolated func giveUp() {
    context.executor.run { [self] in
      assumeIsolated {
        $0.isGivenUp = true
        $0.finish()
      }
    }
  }

  /// Notifies the workers that the prediction is over, and closes everything once they have disconnected.
  /// - Parameter patience: the most that is waited for that.
  public nonisolated func close(patience: Duration = .seconds(1)) async {
    await part(patience)
    await shut()
    await context.closeAside()
  }

  private func part(_ patience: Duration) async {
    isOver = true
    for worker in workers.keys { letGo(worker) }
    await server?.everyoneHangsUp(within: patience)
  }

  private func letGo(_ worker: RoutingID) {
    send(.stop(Stop(reason: .completed, explanation: "the prediction is made")), to: worker)
  }

  private func shut() {
    ticker.stop()
    server?.close()
    server = nil
  }

  private func tick() {
    clock.tick(.now)
    if whenDone != nil, clock.silence > configuration.patience {
      note("no node has been heard of for \(configuration.patience)")
      isGivenUp = true
      return finish()
    }
    serveWaiting()
  }

  private func finish() {
    guard let whenDone, let samples, let book else { return }
    self.whenDone = nil
    self.samples = nil
    nextLease = book.nextFirstLease
    samples.missing = book.missing
    self.book = nil
    whenDone.resume(returning: samples)
  }

  // MARK: Messages

  private func receive(_ incoming: ControlServer.Incoming) {
    switch incoming {
    case .message(let message, let sender): receive(message.body, from: sender.route)
    case .refused(let reason, _): refuse(reason)
    case .question, .tooManyFrames: refuse("a message of several frames")
    }
  }

  private func receive(_ body: ControlBody, from worker: RoutingID) {
    clock.heard()
    switch body {
    case .recipeRequest(let request):
      guard request.build == configuration.build else {
        let text = BuildDifference.text(configuration.build, request.build, "this program")
        refuse(text)
        return send(
          .refused(Refused(code: .buildDiffers, explanation: text, incarnation: Incarnation(rawValue: 1)!)),
          to: worker)
      }
      if isOver { return letGo(worker) }
      workers[worker] = request.name
      send(.prediction(configuration.offer), to: worker)
    case .stateRequest(let request): serve(request, to: worker)
    case .leaseRequest:
      guard workers[worker] != nil else { return refuse("a node that has not asked what is predicted") }
      if !waiting.contains(worker) { waiting.append(worker) }
      serveWaiting()
    case .sampleResult(let result): take(result, from: worker)
    default: refuse("it is not for who leases samples")
    }
  }

  private func serve(_ request: StateRequest, to worker: RoutingID) {
    let payload: [UInt8]
    if request.digest == configuration.offer.parameters, request.bytes.upperBound <= parameters.count {
      payload = Array(parameters[request.bytes])
    } else if request.digest == configuration.offer.inputs, request.bytes.upperBound <= inputsCount {
      payload = inputs(request.bytes)
    } else {
      return refuse("it asks for what is not here")
    }
    send(.statePart(StatePart(digest: request.digest, first: request.bytes.lowerBound, payload: payload)), to: worker)
  }

  private func serveWaiting() {
    guard book != nil else { return }
    let now = Timestamp.now
    var still: [RoutingID] = []
    for worker in waiting {
      guard workers[worker] != nil else { continue }
      if let lease = book!.lease(to: worker, now: now) {
        send(.sampleLease(lease), to: worker)
      } else {
        still.append(worker)
      }
    }
    waiting = still
  }

  private func take(_ result: SampleResult, from worker: RoutingID) {
    guard let samples, book != nil, workers[worker] != nil else { return }
    guard LeasedSamples.fits(result, width: samples.width) else {
      return refuse("a result of other numbers than were leased")
    }
    switch book!.take(result, from: worker, now: .now) {
    case .taken(let cell): _ = samples.put(result, cell)
    case .known: break
    case .refused(let reason): refuse(reason)
    }
    if book!.isComplete { finish() }
  }

  private func refuse(_ reason: String) {
    guard noted.isFirst(reason) else { return }
    note("a message is refused: \(reason)")
  }

  private func send(_ body: ControlBody, to worker: RoutingID) {
    if case .unroutable? = server?.send(body, to: worker) {
      // Its connection is gone. Should it come again, it begins anew.
      workers[worker] = nil
      book?.lost(worker)
    }
  }
}
