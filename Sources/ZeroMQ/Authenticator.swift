import Synchronization

/// Decides which public keys may connect to the CURVE servers of a context (ZAP, ZeroMQ RFC 27). Make it before the
/// first such server is bound: without one, libzmq lets every key in.
public final class Authenticator: @unchecked Sendable {
  public struct Counts: Hashable, Sendable {
    public var accepted = 0
    public var refused = 0
  }

  private struct State {
    var allowed: [String: Set<CurvePublicKey>] = [:]
    var counts = Counts()
  }

  private let state = Mutex(State())
  // Guarded by the polling thread.
  private nonisolated(unsafe) var socket: Socket?

  /// On the polling thread of `context`.
  public init(in context: ZeroMQContext) throws(ZeroMQError) {
    let socket = try Socket(.reply, in: context, security: .plainOnLoopback)
    do throws(ZeroMQError) {
      try socket.bind(Endpoint(.inproc(name: "zeromq.zap.01")))
    } catch {
      socket.close()
      throw error
    }
    context.executor.watch(socket) { [unowned self] _ in answer() }
    self.socket = consume socket
  }

  /// On the polling thread, after the servers are closed.
  public func close() { socket.take()?.close() }

  /// Replaces the keys that may connect to servers of `domain`. From any thread; connections that exist stay.
  public func allow(_ keys: Set<CurvePublicKey>, domain: String) { state.withLock { $0.allowed[domain] = keys } }

  public var counts: Counts { state.withLock { $0.counts } }

  private func answer() {
    for _ in 0..<64 {
      guard socket != nil, case .message(let frames)? = try? socket!.receive() else { return }
      guard frames.count >= 6 else { continue }
      let texts = frames.map { String(decoding: $0.array, as: UTF8.self) }
      // version, request id, domain, address, identity, mechanism, credentials …
      var user = ""
      if texts[0] == "1.0", texts[5] == "CURVE", frames.count == 7, let key = CurvePublicKey(bytes: frames[6].array),
        state.withLock({ $0.allowed[texts[2]]?.contains(key) ?? false })
      {
        user = key.description
      }
      state.withLock { state in
        if user.isEmpty { state.counts.refused += 1 } else { state.counts.accepted += 1 }
      }
      let reply = ["1.0", "", user.isEmpty ? "400" : "200", user.isEmpty ? "not allowed" : "OK", user, ""]
      var answer = reply.map { OutgoingFrame.bytes(Array($0.utf8)) }
      answer[1] = .received(frames[1])
      _ = try? socket!.send(answer)
    }
  }
}
