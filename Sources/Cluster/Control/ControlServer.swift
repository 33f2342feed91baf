import Messages
import ZeroMQ

/// A ROUTER for control messages, on a context and thread of its own: for those who coordinate a training or a
/// prediction. Anyone may connect to it: what is no message is passed on as such, and few connections may be silent.
///
/// Made, used and closed on the context's thread.
package final class ControlServer {
  /// A peer, as its message shows it.
  package struct Sender: Sendable {
    package let route: RoutingID
    fileprivate let frame: IncomingFrame

    /// The public key that its connection has proved to hold; `nil` in plain text.
    package var provenKey: PublicKey? { frame.provenKey.flatMap { PublicKey(bytes: $0.bytes) } }
  }

  package enum Incoming: Sendable {
    case message(ControlMessage, from: Sender)
    /// A REQ asks for the status; see `answer(_:to:)`.
    case question(from: RoutingID)
    /// It is no message; the reason.
    case refused(String, from: RoutingID)
    /// It has more frames than any message, and was dropped.
    case tooManyFrames
  }

  /// Where it is bound.
  package let endpoint: Endpoint
  private let context: ZeroMQContext
  private let job: JobID?
  private let epoch: Epoch
  private let takesQuestions: Bool
  private let authenticator: Authenticator?
  private let monitor: ConnectionMonitor
  private var socket: Socket?

  private static let domain = "control"

  /// Takes the address; what comes waits for `listen`.
  /// - Parameters:
  ///   - role: of the keys that may connect; `nil`: every listed one.
  ///   - job, epoch: what each message to a peer says.
  ///   - takesQuestions: whether a REQ may ask for the status.
  ///   - highWaterMark: messages that a peer may send before they are read; `nil`: libzmq's own.
  package init(
    _ context: ZeroMQContext, at endpoint: Endpoint, security: ClusterSecurity, role: KeyRole? = nil, job: JobID?,
    epoch: Epoch, takesQuestions: Bool = false, highWaterMark: Int? = nil
  ) throws {
    self.context = context
    (self.job, self.epoch, self.takesQuestions) = (job, epoch, takesQuestions)
    var authenticator: Authenticator?
    var monitor: ConnectionMonitor?
    do {
      if case .curve(_, _, let allowed) = security {
        authenticator = try Authenticator(in: context)
        authenticator!.allow(role.map { allowed.keys(with: $0) } ?? allowed.keys, domain: ControlServer.domain)
      }
      var options = SocketOptions()
      options.maximumFrame = Limits.controlMessage
      options.immediate = false
      if let highWaterMark { options.receiveHighWaterMark = highWaterMark }
      let socket = try Socket(
        .router, in: context, security: security.server(ControlServer.domain), options: options)
      do {
        monitor = try socket.guarded()
        self.endpoint = try socket.bind(endpoint)
      } catch {
        monitor?.close()
        socket.close()
        throw error
      }
      (self.authenticator, self.monitor) = (authenticator, monitor!)
      self.socket = consume socket
    } catch {
      authenticator?.close()
      throw error
    }
  }

  /// Calls `receive` on the context's thread with everything that comes.
  package func listen(_ receive: @escaping (Incoming) -> Void) {
    context.executor.watch(socket!) { [weak self] _ in self?.take(receive) }
  }

  private func take(_ receive: (Incoming) -> Void) {
    for _ in 0..<64 {
      guard socket != nil, let received = try? socket!.receive(maximumFrames: takesQuestions ? 3 : 2) else { return }
      switch received {
      case .nothing: return
      case .tooManyFrames: receive(.tooManyFrames)
      case .message(let frames): receive(read(frames))
      }
    }
  }

  private func read(_ frames: [IncomingFrame]) -> Incoming {
    let route = RoutingID(bytes: frames[0].array)
    // A REQ puts an empty frame before its question, and wants one before the answer.
    if frames.count == 3, frames[1].count == 0 {
      guard let message = try? ControlMessage(decoding: frames[2].unsafeBytes), case .statusRequest = message.body
      else { return .refused("a REQ may ask for the status only", from: route) }
      monitor.heard(frames[2])
      return .question(from: route)
    }
    guard frames.count == 2 else { return .refused("\(frames.count - 1) frames", from: route) }
    do throws(MessageError) {
      let message = try ControlMessage(decoding: frames[1].unsafeBytes)
      monitor.heard(frames[1])
      return .message(message, from: Sender(route: route, frame: frames[1]))
    } catch {
      return .refused("\(error)", from: route)
    }
  }

  /// Sends a message along a route, without waiting.
  /// - Returns: `nil` when it cannot be sent at all, as after `close`.
  @discardableResult
  package func send(_ body: ControlBody, to route: RoutingID) -> Socket.SendResult? { send(body, to: [route.bytes]) }

  /// Answers a question.
  package func answer(_ body: ControlBody, to route: RoutingID) { _ = send(body, to: [route.bytes, []]) }

  private func send(_ body: ControlBody, to envelope: [[UInt8]]) -> Socket.SendResult? {
    guard socket != nil else { return nil }
    let message = ControlMessage(job: job, sender: nil, incarnation: nil, epoch: epoch, body: body)
    return try? socket!.send((envelope + [message.encoded()]).map { .bytes($0) })
  }

  /// Lets peers with these keys in, in place of those of before; connections that exist stay.
  package func allow(_ keys: Set<CurvePublicKey>) { authenticator?.allow(keys, domain: ControlServer.domain) }

  /// Connections that were closed since too many said nothing.
  package var silentCount: Int { monitor.counts.silent }

  /// Waits until all peers that were notified of the end have disconnected: libzmq drops what a socket with
  /// ZMQ_IMMEDIATE, as theirs have, has not read when the other side disconnects.
  package func everyoneHangsUp(
    within patience: Duration, isolation: isolated (any Actor)? = #isolation
  ) async {
    guard monitor.counts.isAnybodyHere else { return }
    var timer: TimerID?
    await withCheckedContinuation(isolation: isolation) { continuation in
      var waiting: CheckedContinuation<Void, Never>? = continuation
      let end = {
        waiting?.resume()
        waiting = nil
      }
      timer = context.executor.setTimer(at: .now + patience, end)
      monitor.onChange { [unowned monitor] in if !monitor.counts.isAnybodyHere { end() } }
    }
    if let timer { context.executor.cancelTimer(timer) }
  }

  /// Closes the socket and what belongs to it; closed again, does nothing.
  package func close() {
    monitor.close()
    socket.take()?.close()
    authenticator?.close()
  }
}
