import Testing
import ZeroMQ

/// An actor on a context's polling thread with one socket, whose messages can be awaited.
actor Peer {
  let context: ZeroMQContext
  nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }

  private var socket: Socket?
  private var monitor: ConnectionMonitor?
  private var inbox: [[IncomingFrame]] = []
  private var waiting: CheckedContinuation<[IncomingFrame], Never>?
  private var watchers: [(condition: (ConnectionMonitor.Counts) -> Bool, resume: CheckedContinuation<Void, Never>)] = []
  private(set) var oversized: [Int] = []
  private var echoes = false

  init(_ context: ZeroMQContext) { self.context = context }

  func open(
    _ type: SocketType, security: SocketSecurity = .plainOnLoopback, options: SocketOptions = SocketOptions(),
    silentLimit: Int? = nil
  ) throws {
    socket = try Socket(type, in: context, security: security, options: options)
    monitor = try socket!.monitor(silentLimit: silentLimit)
    monitor!.onChange { [weak self] in self?.assumeIsolated { $0.countsChanged() } }
    context.executor.watch(socket!) { [weak self] _ in self?.assumeIsolated { $0.drain() } }
  }

  func bind(_ endpoint: String) throws -> Endpoint { try socket!.bind(Endpoint(endpoint)) }
  func connect(_ endpoint: Endpoint) throws { try socket!.connect(endpoint) }

  /// From now on, sends back what it receives. ROUTER only.
  func echo() { echoes = true }

  @discardableResult
  func send(_ frames: [OutgoingFrame]) throws -> Socket.SendResult { try socket!.send(frames) }

  /// Sends once a connection stands.
  func sendWhenConnected(_ frames: [OutgoingFrame]) async throws {
    await untilCounts { $0.greeted > $0.disconnected }
    #expect(try socket!.send(frames) == .sent)
  }

  func next() async -> [IncomingFrame] {
    if !inbox.isEmpty { return inbox.removeFirst() }
    return await withCheckedContinuation { waiting = $0 }
  }

  var counts: ConnectionMonitor.Counts { monitor!.counts }

  func untilCounts(_ condition: @escaping @Sendable (ConnectionMonitor.Counts) -> Bool) async {
    if condition(counts) { return }
    await withCheckedContinuation { watchers.append((condition, $0)) }
  }

  func close() {
    monitor?.close()
    socket.take()?.close()
  }

  private func countsChanged() {
    let counts = counts
    for watcher in watchers where watcher.condition(counts) { watcher.resume.resume() }
    watchers.removeAll { $0.condition(counts) }
  }

  private func drain() {
    for _ in 0..<64 {
      switch try! socket!.receive() {
      case .nothing: return
      case .tooManyFrames(let count): oversized.append(count)
      case .message(let frames):
        monitor?.heard(frames.last!)
        if echoes {
          _ = try! socket!.send(frames.map { .received($0) })
        } else if let waiting {
          self.waiting = nil
          waiting.resume(returning: frames)
        } else {
          inbox.append(frames)
        }
      }
    }
  }
}

/// Runs `body` with a context and closes it; `body` closes its sockets.
func withContext(_ name: String = "test", _ body: (ZeroMQContext) async throws -> Void) async throws {
  let context = try ZeroMQContext(name: name)
  do {
    try await body(context)
  } catch {
    context.close()
    throw error
  }
  context.close()
}

func text(_ frame: IncomingFrame) -> String { String(decoding: frame.array, as: UTF8.self) }
func frame(_ text: String) -> OutgoingFrame { .bytes(Array(text.utf8)) }
