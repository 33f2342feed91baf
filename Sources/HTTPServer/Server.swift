import NIOCore
import NIOHTTP1
import NIOPosix

/// A server of HTTP/1.1 for a few routes, on one thread of its own.
///
/// ```swift
/// let route = Route("GET", "/livez", isPublic: true) { _ in Response(type: "text/plain", "lives\n") }
/// let server = try await Server.start([route], access: Access(token: Token()), port: 8000)
/// …
/// await server.shutDown(within: .seconds(20))
/// ```
///
/// Everything that a client sends is bounded, see ``Limits``. It answers no page from elsewhere: no header allows that, and
/// Host and Origin are looked at.
public final class Server: Sendable {
  /// Where it listens.
  public let host: String
  public let port: Int
  /// As a URL.
  public var address: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
  private let service: Service
  private let listener: any Channel
  private let group: MultiThreadedEventLoopGroup

  private init(
    _ service: Service, _ listener: any Channel, _ group: MultiThreadedEventLoopGroup, host: String, port: Int
  ) {
    (self.service, self.listener, self.group, self.host, self.port) = (service, listener, group, host, port)
  }

  /// Listens.
  /// - Parameters:
  ///   - host: the address of an interface; by default only this machine reaches the server.
  ///   - port: 0: one that is free.
  ///   - observer: is called for each request that was answered, from any thread; it must not wait.
  /// - Throws: ``ServerError`` when the address cannot be listened at.
  public static func start(
    _ routes: [Route], access: Access, host: String = "127.0.0.1", port: Int, limits: Limits = Limits(),
    observer: @escaping @Sendable (RequestRecord) -> Void = { _ in }
  ) async throws -> Server {
    guard (0...65535).contains(port) else {
      throw ServerError("port is \(port): it must be from 0 to 65535")
    }
    let service = Service(routes, access, limits, observer)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      // A client that closes its side has still to be answered.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try Server.prepare(channel, service) }
      }
    do {
      let listener = try await bootstrap.bind(host: host, port: port).get()
      return Server(service, listener, group, host: host, port: listener.localAddress?.port ?? port)
    } catch {
      try? await group.shutdownGracefully()
      throw ServerError("cannot listen at \(host) port \(port): \(error); choose another address or port")
    }
  }

  private static func prepare(_ channel: any Channel, _ service: Service) throws {
    let connection = Connection(service)
    guard service.connections.add(connection, on: channel.eventLoop) else {
      return try channel.pipeline.syncOperations.addHandler(CrowdedConnection())
    }
    var heads = NIOHTTPDecoderLimitConfiguration()
    heads.maxHeaderFieldSize = service.limits.head
    heads.maxHeaderListSize = service.limits.head
    heads.maxHeaderFieldCount = 100
    try channel.pipeline.syncOperations.addHandlers([
      HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: heads)),
      HTTPServerPipelineHandler(), connection,
    ])
  }

  /// Takes no more connections, lets those that are being answered finish, and closes what is left after a time.
  public func shutDown(within time: Duration) async {
    try? await listener.close()
    service.connections.drain()
    let last = Task { [service] in
      try await Task.sleep(for: time)
      service.connections.closeAll()
    }
    await service.connections.becomesEmpty()
    last.cancel()
    try? await group.shutdownGracefully()
  }
}

/// Why a server does not start, in one line, with what to do.
public struct ServerError: Error, CustomStringConvertible, Sendable {
  public let description: String
  init(_ description: String) { self.description = description }
}
