import Cluster
import Messages
import Testing
import ZeroMQ

struct RepetitionTests {
  @Test func itIsSaidAtOnceAndThenAfterEachInterval() {
    var repetition = Repetition()
    let times = [0, 0.5, 1, 1.1, 2, 2.2]
    #expect(times.map { repetition.isDue(every: .seconds(1), now: at($0)) } == [true, false, false, true, false, true])
    repetition.postpone(from: at(3))
    let isDueSoon = repetition.isDue(every: .seconds(1), now: at(3.5))
    let isDueOften = repetition.isDue(every: .milliseconds(400), now: at(3.5))
    #expect(!isDueSoon && isDueOften)
    repetition.hasten()
    let isDueAtOnce = repetition.isDue(every: .seconds(1), now: at(3.6))
    #expect(isDueAtOnce)
  }
}

struct SilenceClockTests {
  @Test func absenceIsNotTheOthersSilence() {
    var clock = SilenceClock(at: at(0))
    clock.tick(at(0.5))
    #expect(clock.silence == .milliseconds(500))
    // This process was stopped for a minute.
    clock.tick(at(60))
    #expect(clock.silence == .milliseconds(1500) && clock.now == at(1.5))
    clock.heard()
    #expect(clock.silence == .zero)
    clock.tick(at(60.25))
    #expect(clock.silence == .milliseconds(250))
  }
}

/// Over real sockets.
@Suite(.timeLimit(.minutes(15))) struct ParticipantTests {
  /// Asks for the recipe, and ends when the host says so.
  private actor Guest {
    private let context: ZeroMQContext
    nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

    private let participant: Participant<Stop>
    private(set) var ticks = 0
    private(set) var received = 0
    private let most: Int

    /// - Parameter most: after so many ticks it ends by itself.
    init(most: Int = .max) throws {
      context = try ZeroMQContext(name: "guest")
      participant = Participant(context)
      self.most = most
    }

    func run(to endpoint: Endpoint) async throws -> Stop {
      let result = await participant.run(
        to: endpoint, security: .plainOnLoopback,
        receive: { [weak self] message in self?.assumeIsolated { $0.receive(message) } },
        tick: { [weak self] in self?.assumeIsolated { $0.tick() } })
      return try result.get()
    }

    private func tick() {
      ticks += 1
      if participant.asking.isDue(every: .milliseconds(50), now: .init(nanoseconds: Int64(ticks) * 100_000_000)) {
        participant.send(.recipeRequest(RecipeRequest(build: "test")))
      }
      if ticks >= most { _ = end("by itself") }
    }

    private func receive(_ message: ControlMessage) {
      received += 1
      participant.clock.heard()
      if case .stop(let stop) = message.body { _ = participant.end(.success(stop)) }
    }

    func end(_ explanation: String) -> Bool {
      participant.end(.success(Stop(reason: .asked, explanation: explanation)))
    }

    /// Neither after the end nor before the beginning does it act.
    func ticksAfterTick() -> Int {
      participant.tick()
      return ticks
    }

    func say() -> Bool { participant.send(.statusRequest) }

    func shut() {
      participant.close()
      participant.close()
    }

    nonisolated func close() async {
      await shut()
      await context.closeAside()
    }
  }

  /// Answers everyone with the end, several times.
  private actor Host {
    private let context: ZeroMQContext
    nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

    private var server: ControlServer?

    init() throws { context = try ZeroMQContext(name: "host") }

    func open() throws -> Endpoint {
      let server = try ControlServer(
        context, at: try Endpoint("tcp://127.0.0.1:*"), security: .plainOnLoopback, job: nil, epoch: Epoch(rawValue: 1))
      server.listen { [weak self] incoming in self?.assumeIsolated { $0.take(incoming) } }
      self.server = server
      return server.endpoint
    }

    private func take(_ incoming: ControlServer.Incoming) {
      guard case .message(_, let sender) = incoming else { return }
      for _ in 0..<5 { server?.send(.stop(Stop(reason: .completed, explanation: "over")), to: sender.route) }
    }

    func shut() { server?.close() }

    nonisolated func close() async {
      await shut()
      await context.closeAside()
    }
  }

  @Test func itAsksAndEndsOnce() async throws {
    let (host, guest) = (try Host(), try Guest())
    let stop = try await guest.run(to: try await host.open())
    #expect(stop.reason == .completed)
    // Of several words the first one counts, and nothing is heard after it.
    #expect(await guest.received == 1)
    #expect(await !guest.end("again"))
    let ticks = await guest.ticks
    #expect(ticks >= 1)
    #expect(await guest.ticksAfterTick() == ticks)
    await guest.shut()
    #expect(await !guest.say())
    await guest.close()
    await host.close()
  }

  @Test func whatHasEndedBeforeItBeganDoesNothing() async throws {
    let guest = try Guest()
    #expect(await guest.ticksAfterTick() == 0)
    #expect(await guest.end("early"))
    #expect(try await guest.run(to: Endpoint("tcp://127.0.0.1:9")).explanation == "early")
    #expect(await guest.ticks == 0)
    await guest.close()
  }

  @Test(arguments: [1, 3]) func itEndsByItself(_ ticks: Int) async throws {
    let guest = try Guest(most: ticks)
    #expect(try await guest.run(to: Endpoint("tcp://127.0.0.1:9")).explanation == "by itself")
    #expect(await guest.ticks == ticks)
    await guest.close()
  }

  @Test func whereNoConnectionCanBeIsAnError() async throws {
    let guest = try Guest()
    await #expect(throws: ZeroMQError.self) { _ = try await guest.run(to: Endpoint("tcp://10.0.0.1:9")) }
    await guest.close()
  }
}
