import NIOCore

/// A connection beyond the allowed number: it gets an answer that says so, whatever it asks, and is closed.
final class CrowdedConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let answer = """
    HTTP/1.1 503 Service Unavailable\r
    Content-Type: application/json\r
    Retry-After: 1\r
    Connection: close\r
    \r
    {"error":"Too many connections; try again later."}

    """

  func channelActive(context: ChannelHandlerContext) {
    let sent = context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer)))
    sent.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
