import NIOCore
import NIOHTTP1

/// One client's connection: reads a request, has it answered, and so on. It lives on the server's thread.
final class Connection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum State {
    /// Between requests.
    case idle
    case reading(HTTPRequestHead, Request)
    /// A task makes the answer and sends it.
    case answering
    /// The request was refused before its end: what is still sent is thrown away.
    case discarding
  }

  private let service: Service
  private var state = State.idle
  private var context: ChannelHandlerContext?
  private var deadline: Scheduled<Void>?
  private var task: Task<Void, Never>?
  /// Whether the answer is a stream, which nothing but its client ends.
  private var isStreaming = false
  private var body = ByteBuffer()
  /// Bytes of the body that the service holds room for.
  private var held = 0
  /// What is being asked, for the log.
  private var line = (method: "", target: "")
  private var keepsAlive = true

  init(_ service: Service) { self.service = service }

  // MARK: The connection

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    service.connections.remove(self)
  }

  func channelActive(context: ChannelHandlerContext) { arm(service.limits.idle) }

  func channelInactive(context: ChannelHandlerContext) {
    task?.cancel()
    deadline?.cancel()
    releaseBody()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else { return close() }
    // What is answered already, or being answered, cannot be answered otherwise.
    switch state {
    case .answering, .discarding: close()
    case .idle, .reading:
      refuse(
        error == .headerOverflow
          ? .error(431, "The request's head is too long.") : .error(400, "This is no request of HTTP/1.1."))
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard event as? ChannelEvent == .inputClosed else { return }
    switch state {
    case .idle, .reading, .discarding: close()
    // The client says no more, and waits.
    case .answering: keepsAlive = false
    }
  }

  func close() { context?.close(promise: nil) }

  /// Ends after the answer that is being made, or at once.
  func drain() {
    switch state {
    case .idle: close()
    case .answering where isStreaming: task?.cancel()
    case .answering, .reading, .discarding: break
    }
  }

  // MARK: Reading

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), state) {
    case (.head(let head), .idle): begin(head, context)
    case (.body(var part), .reading):
      guard held + part.readableBytes <= service.limits.body else { return refuse(tooLarge) }
      guard service.hold(part.readableBytes) else {
        return refuse(
          .error(503, "Too many bodies are being read; try again later.", headers: [("Retry-After", "1")]))
      }
      held += part.readableBytes
      body.writeBuffer(&part)
    case (.end, .reading(let head, var request)):
      request.body = Array(body.readableBytesView)
      body = ByteBuffer()
      answer(request, head)
    default: break
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    keepsAlive = head.isKeepAlive
    line = (head.method.rawValue, head.uri)
    var headers = Request.Headers()
    for (name, value) in head.headers { headers.add(name, value) }
    guard let request = Request(method: head.method.rawValue, target: head.uri, headers: headers) else {
      return refuse(.error(400, "The request's target is no path."))
    }
    if let refusal = service.refusal(of: request) { return refuse(refusal) }
    let length = headers["Content-Length"].flatMap { Int($0) } ?? 0
    guard length <= service.limits.body else { return refuse(tooLarge) }
    guard headers.all("Content-Encoding").allSatisfy({ $0.lowercased() == "identity" }) else {
      return refuse(.error(415, "Bodies are not decompressed: send it without Content-Encoding."))
    }
    state = .reading(head, request)
    body.reserveCapacity(min(length, 1 << 16))
    arm(service.limits.reading)
    if headers["Expect"]?.lowercased() == "100-continue" {
      context.writeAndFlush(
        wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }
  }

  private var tooLarge: Response { .error(413, "The body is larger than \(service.limits.body) bytes.") }

  private func releaseBody() {
    service.release(held)
    held = 0
    body = ByteBuffer()
  }

  // MARK: Answering

  private func answer(_ request: Request, _ head: HTTPRequestHead) {
    state = .answering
    deadline?.cancel()
    let start = ContinuousClock.now
    guard let loop = context?.eventLoop else { return }
    let me = ConnectionHandle(self, on: loop)
    task = Task { [service] in
      let response = await service.answer(request)
      let sender = Sender(connection: me, isHead: head.method == .HEAD)
      await sender.send(response)
      service.observe(
        RequestRecord(
          method: request.method, target: head.uri, status: response.status, duration: ContinuousClock.now - start))
    }
  }

  /// Writes parts of an answer; done when the system has taken them. Nil: the connection is closed.
  func write(_ parts: [HTTPServerResponsePart], isStream: Bool = false) -> EventLoopFuture<Void>? {
    guard let context, let last = parts.last else { return nil }
    isStreaming = isStream
    arm(service.limits.writing)
    for part in parts.dropLast() { context.write(wrapOutboundOut(part), promise: nil) }
    return context.writeAndFlush(wrapOutboundOut(last))
  }

  /// What a piece of a stream waits for is not the client.
  func waitForStream() { deadline?.cancel() }

  /// Ends the answer after the client's system has received all of it: only then is a next request read.
  func finish() {
    guard case .answering = state, let context else { return }
    releaseBody()
    task = nil
    isStreaming = false
    let goesOn = keepsAlive && !service.connections.isDraining
    // Writing the end lets the next request in.
    state = goesOn ? .idle : .discarding
    arm(goesOn ? service.limits.idle : service.limits.writing)
    let end = context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated()
    if !goesOn { end.whenComplete { [weak self] _ in self?.close() } }
  }

  /// The lines of an answer's head.
  func head(of response: Response, length: Int?) -> HTTPResponseHead {
    var headers = HTTPHeaders()
    for (name, value) in response.headers { headers.add(name: name, value: value) }
    for (name, value) in Response.security where !headers.contains(name: name) { headers.add(name: name, value: value) }
    if let length { headers.add(name: "Content-Length", value: "\(length)") }
    if !keepsAlive || service.connections.isDraining { headers.replaceOrAdd(name: "Connection", value: "close") }
    return HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
  }

  /// Answers before the end of the request, reads on for a while so that the client sees it, and closes.
  private func refuse(_ response: Response) {
    guard let context, case .bytes(let body) = response.body else { return }
    service.observe(
      RequestRecord(method: line.method, target: line.target, status: response.status, duration: .zero))
    state = .discarding
    releaseBody()
    keepsAlive = false
    let parts: [HTTPServerResponsePart] = [
      .head(head(of: response, length: body.count)), .body(.byteBuffer(context.channel.allocator.buffer(bytes: body))),
      .end(nil),
    ]
    write(parts)?.assumeIsolated().whenComplete { [weak self] _ in
      guard let self, let context = self.context else { return }
      self.arm(self.service.limits.lingering)
      context.close(mode: .output, promise: nil)
    }
  }

  // MARK: Time

  private func arm(_ time: Duration) {
    deadline?.cancel()
    guard let loop = context?.eventLoop else { return }
    let me = NIOLoopBound(self, eventLoop: loop)
    deadline = loop.scheduleTask(in: TimeAmount(time)) { me.value.isLate() }
  }

  private func isLate() {
    guard case .reading = state else { return close() }
    refuse(.error(408, "The request took too long to arrive."))
  }
}
