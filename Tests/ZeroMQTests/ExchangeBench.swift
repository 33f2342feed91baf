import Foundation
import Testing
import ZeroMQ

/// What messaging costs by itself: `scripts/bench/zeromq` runs this beside the same in C. Two contexts in one
/// process, over tcp on loopback.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["ELBO_BENCH"] != nil), .serialized)
struct ExchangeBench {
  private func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }

  private func withPair(
    security: [SocketSecurity], _ body: (Exchanger, Exchanger) async throws -> Void
  ) async throws {
    let contexts = try [ZeroMQContext(name: "left"), ZeroMQContext(name: "right")]
    let (left, right) = (Exchanger(contexts[0]), Exchanger(contexts[1]))
    try await right.connect(try await left.bind(security: security[0]), security: security[1])
    try await body(left, right)
    await left.close()
    await right.close()
    for context in contexts { context.close() }
  }

  @Test("Prints how long round trips and exchanges between two contexts take", arguments: [false, true])
  func exchange(encrypted: Bool) async throws {
    let (server, client) = try (CurveKeyPair.generate(), CurveKeyPair.generate())
    let security: [SocketSecurity] =
      encrypted
      ? [
        .curveServer(server, domain: ""), .curveClient(client, server: server.publicKey),
      ] : [.plainOnLoopback, .plainOnLoopback]
    let name = encrypted ? "swift, CURVE" : "swift"
    try await withPair(security: security) { left, right in
      await right.setEcho(true)
      var times: [Double] = []
      for _ in 0..<2000 { times.append(try await left.roundTrip()) }
      print("BENCH \(name): round trip of 64 bytes, actor to actor: \(Int(median(times) * 1e6)) us")
      await right.setEcho(false)
      for megabytes in [0.1, 1, 10, 100] {
        let rounds = megabytes > 50 ? 20 : 100
        var times: [Double] = []
        for _ in 0..<rounds {
          let start = ContinuousClock.now
          async let first: Void = left.exchange(bytes: Int(megabytes * 1e6) / 2)
          async let second: Void = right.exchange(bytes: Int(megabytes * 1e6) / 2)
          _ = try await (first, second)
          times.append((ContinuousClock.now - start) / .seconds(1))
        }
        print("BENCH \(name): exchange of halves of \(megabytes) MB: \(String(format: "%.2f", median(times) * 1e3)) ms")
      }
    }
  }
}

/// Sends its half in chunks of 1 MiB without a copy, and takes as much.
private actor Exchanger {
  let context: ZeroMQContext
  nonisolated var unownedExecutor: UnownedSerialExecutor { context.executor.asUnownedSerialExecutor() }
  private var socket: Socket?
  private var echoes = false
  private var received = 0
  private var expected = 0
  private var waiting: CheckedContinuation<Void, Never>?
  // Never written after init.
  private nonisolated(unsafe) let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 50_000_000, alignment: 64)

  init(_ context: ZeroMQContext) {
    self.context = context
    memory.initializeMemory(as: UInt8.self, repeating: 1)
  }

  deinit { memory.deallocate() }

  private func open(_ security: SocketSecurity) throws {
    socket = try Socket(.dealer, in: context, security: security)
    context.executor.watch(socket!) { [weak self] _ in self?.assumeIsolated { $0.drain() } }
  }

  func bind(security: SocketSecurity) throws -> Endpoint {
    try open(security)
    return try socket!.bind(Endpoint("tcp://127.0.0.1:*"))
  }

  func connect(_ endpoint: Endpoint, security: SocketSecurity) throws {
    try open(security)
    try socket!.connect(endpoint)
  }

  func setEcho(_ echoes: Bool) { self.echoes = echoes }

  func roundTrip() async throws -> Double {
    let start = ContinuousClock.now
    expected = 64
    while try socket!.send([.bytes([UInt8](repeating: 1, count: 64))]) != .sent { await Task.yield() }
    await arrival()
    return (ContinuousClock.now - start) / .seconds(1)
  }

  func exchange(bytes: Int) async throws {
    expected = bytes
    var start = 0
    while start < bytes {
      let end = min(start + 1 << 20, bytes)
      let keeper = Unmanaged.passRetained(self)
      let shared = SharedBytes(UnsafeRawBufferPointer(rebasing: memory[start..<end])) { keeper.release() }
      while try socket!.send([.shared(shared)]) != .sent { await Task.yield() }
      start = end
    }
    await arrival()
  }

  private func arrival() async {
    if received < expected { await withCheckedContinuation { waiting = $0 } }
    received -= expected
    expected = 0
  }

  private func drain() {
    for _ in 0..<64 {
      guard case .message(let frames) = try! socket!.receive() else { return }
      if echoes {
        _ = try! socket!.send(frames.map { .received($0) })
        continue
      }
      received += frames[0].count
      if received >= expected, let waiting {
        self.waiting = nil
        waiting.resume()
      }
    }
  }

  func close() { socket.take()?.close() }
}
