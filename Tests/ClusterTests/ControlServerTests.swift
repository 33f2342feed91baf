import Cluster
import Messages
import Testing
import ZeroMQ

/// What peers say to a server, over real sockets.
@Suite(.timeLimit(.minutes(15))) struct ControlServerTests {
  /// A server that answers every message with the end, and a question with nothing in particular.
  private actor Echo {
    private let context: ZeroMQContext
    nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

    private var server: ControlServer?
    nonisolated let heard: AsyncStream<ControlServer.Incoming>
    private let continuation: AsyncStream<ControlServer.Incoming>.Continuation
    static let end = ControlBody.stop(Stop(reason: .completed, explanation: "heard"))

    init() throws {
      (heard, continuation) = AsyncStream.makeStream()
      context = try ZeroMQContext(name: "echo")
    }

    func open(
      takesQuestions: Bool = true, security: ClusterSecurity = .plainOnLoopback, role: KeyRole? = nil,
      at endpoint: Endpoint? = nil
    ) throws -> Endpoint {
      let server = try ControlServer(
        context, at: endpoint ?? Endpoint("tcp://127.0.0.1:*"), security: security, role: role,
        job: JobID(rawValue: 5), epoch: Epoch(rawValue: 7), takesQuestions: takesQuestions)
      server.listen { [weak self] incoming in self?.assumeIsolated { $0.take(incoming) } }
      self.server = server
      return server.endpoint
    }

    private func take(_ incoming: ControlServer.Incoming) {
      switch incoming {
      case .message(_, let sender): server?.send(Self.end, to: sender.route)
      case .question(let route): server?.answer(Self.end, to: route)
      case .refused, .tooManyFrames: break
      }
      continuation.yield(incoming)
    }

    func send(to route: RoutingID) -> Socket.SendResult? { server?.send(Self.end, to: route) }

    func everyoneHangsUp() async { await server?.everyoneHangsUp(within: .seconds(600)) }

    /// The server is closed first.
    func shut() {
      server?.close()
      server?.close()
    }

    nonisolated func close() async {
      await shut()
      await context.closeAside()
    }
  }

  /// A peer that sends frames, and hears frames.
  private actor Peer {
    private let context: ZeroMQContext
    nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

    private var socket: Socket?
    private var monitor: ConnectionMonitor?
    nonisolated let heard: AsyncStream<[[UInt8]]>
    private let continuation: AsyncStream<[[UInt8]]>.Continuation
    /// Of its connections.
    nonisolated let counts: AsyncStream<ConnectionMonitor.Counts>
    private let changed: AsyncStream<ConnectionMonitor.Counts>.Continuation

    init() throws {
      (heard, continuation) = AsyncStream.makeStream()
      (counts, changed) = AsyncStream.makeStream()
      context = try ZeroMQContext(name: "peer")
    }

    func connect(_ type: SocketType, _ endpoint: Endpoint, _ security: SocketSecurity = .plainOnLoopback) throws {
      var options = SocketOptions()
      // Messages sent before the connection stands wait for it.
      options.immediate = false
      let socket = try Socket(type, in: context, security: security, options: options)
      do {
        let monitor = try socket.monitor()
        monitor.onChange { [changed, unowned monitor] in changed.yield(monitor.counts) }
        self.monitor = monitor
        try socket.connect(endpoint)
      } catch {
        monitor?.close()
        socket.close()
        throw error
      }
      context.executor.watch(socket) { [weak self] _ in self?.assumeIsolated { $0.receive() } }
      self.socket = consume socket
    }

    func say(_ frames: [[UInt8]]) throws { _ = try socket!.send(frames.map { .bytes($0) }) }

    private func receive() {
      while let received = try? socket?.receive(), case .message(let frames) = received {
        continuation.yield(frames.map(\.array))
      }
    }

    func shut() {
      monitor?.close()
      socket.take()?.close()
    }

    nonisolated func close() async {
      await shut()
      await context.closeAside()
    }
  }

  private static let question = ControlMessage(
    job: nil, sender: nil, incarnation: nil, epoch: Epoch(rawValue: 0), body: .statusRequest)

  private static func text(_ incoming: ControlServer.Incoming) -> String {
    switch incoming {
    case .message(let message, let sender): "\(message.body), key \(sender.provenKey == nil ? "none" : "proven")"
    case .question: "question"
    case .refused(let reason, _): reason
    case .tooManyFrames: "too many"
    }
  }

  /// Sends messages of a DEALER; what the server has made of them.
  private func heard(of messages: [[[UInt8]]], takesQuestions: Bool) async throws -> [String] {
    let (server, peer) = (try Echo(), try Peer())
    let endpoint = try await server.open(takesQuestions: takesQuestions)
    try await peer.connect(.dealer, endpoint)
    for frames in messages { try await peer.say(frames) }
    var texts: [String] = []
    for await incoming in server.heard {
      texts.append(Self.text(incoming))
      if texts.count == messages.count { break }
    }
    await peer.close()
    await server.close()
    return texts
  }

  @Test func messagesAreToldFromOtherFrames() async throws {
    let question = Self.question.encoded()
    let texts = try await heard(
      of: [[question], [question, question], [[], question], [[], [1]], [[], [], question], [question]],
      takesQuestions: true)
    #expect(
      texts == [
        "statusRequest, key none", "2 frames", "question", "a REQ may ask for the status only", "too many",
        "statusRequest, key none",
      ])
  }

  @Test func withoutQuestionsAMessageHasOneFrame() async throws {
    let question = Self.question.encoded()
    let texts = try await heard(of: [[question], [question, question], [[], question]], takesQuestions: false)
    #expect(texts == ["statusRequest, key none", "too many", "too many"])
  }

  @Test func whatIsNoMessageIsPassedOnWithTheReason() async throws {
    let texts = try await heard(of: [[[1, 2, 3]], [Self.question.encoded()]], takesQuestions: true)
    #expect(texts.count == 2 && texts[0] != texts[1], "\(texts)")
    #expect(texts[1] == "statusRequest, key none")
  }

  @Test(arguments: [(SocketType.dealer, 1), (.request, 1)])
  func everyoneIsAnsweredInTheFormOfTheirSocket(_ type: SocketType, _ frames: Int) async throws {
    let (server, peer) = (try Echo(), try Peer())
    try await peer.connect(type, try await server.open())
    try await peer.say([Self.question.encoded()])
    var answers = peer.heard.makeAsyncIterator()
    let answer = try #require(await answers.next())
    #expect(answer.count == frames)
    let message = try answer[0].withUnsafeBytes { try ControlMessage(decoding: $0) }
    #expect(message.body == Echo.end && message.job == JobID(rawValue: 5) && message.epoch == Epoch(rawValue: 7))
    await peer.close()
    await server.close()
  }

  @Test func aRouteWithoutAConnectionIsNoRoute() async throws {
    let server = try Echo()
    _ = try await server.open()
    #expect(await server.send(to: RoutingID(bytes: [1, 2, 3, 4, 5])) == .unroutable)
    await server.shut()
    #expect(await server.send(to: RoutingID(bytes: [1, 2, 3, 4, 5])) == nil)
    await server.close()
  }

  @Test func everyoneHasHungUpWhenAllHave() async throws {
    let (server, peer) = (try Echo(), try Peer())
    try await peer.connect(.dealer, try await server.open())
    // A message shows that the connection stands.
    try await peer.say([Self.question.encoded()])
    for await _ in server.heard { break }
    async let hungUp: Void = server.everyoneHangsUp()
    await peer.shut()
    await hungUp
    await server.everyoneHangsUp()
    await peer.close()
    await server.close()
  }

  @Test func onlyKeysOfTheRoleConnect() async throws {
    let (own, worker, asker) = (try CurveKeyPair.generate(), try CurveKeyPair.generate(), try CurveKeyPair.generate())
    var allowed = AllowList([worker.publicKey], roles: [.node])
    allowed.allow(asker.publicKey, [.status])
    let (server, one, other) = (try Echo(), try Peer(), try Peer())
    let endpoint = try await server.open(
      security: .curve(own, coordinator: own.publicKey, allowed: allowed), role: .node)
    try await other.connect(.dealer, endpoint, .curveClient(asker, server: own.publicKey))
    try await other.say([[1]])
    for await counts in other.counts where counts.failedAuthentication > 0 { break }
    try await one.connect(.dealer, endpoint, .curveClient(worker, server: own.publicKey))
    try await one.say([Self.question.encoded()])
    var heard = server.heard.makeAsyncIterator()
    #expect(await heard.next().map(Self.text) == "statusRequest, key proven")
    for peer in [one, other] { await peer.close() }
    await server.close()
  }

  /// A context does not end while anything is open.
  @Test func aTakenAddressLeavesNothingOpen() async throws {
    let (first, second) = (try Echo(), try Echo())
    let taken = try await first.open()
    let key = try CurveKeyPair.generate()
    let security = ClusterSecurity.curve(key, coordinator: key.publicKey, allowed: [])
    await #expect(throws: ZeroMQError.self) { _ = try await second.open(security: security, at: taken) }
    await second.close()
    await first.close()
  }
}
