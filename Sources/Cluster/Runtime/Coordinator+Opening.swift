import Messages
import ZeroMQ

extension Coordinator {
  /// Takes the address; nodes that come wait for `begin`. Returns where.
  public func bind() throws -> Endpoint {
    if case .curve(_, _, let allowed) = configuration.security {
      authenticator = try Authenticator(in: context)
      authenticator!.allow(allowed.keys, domain: "control")
    }
    var options = SocketOptions()
    options.maximumFrame = Limits.controlMessage
    options.immediate = false
    options.receiveHighWaterMark = 100_000
    let socket = try Socket(
      .router, in: context, security: configuration.security.server("control"), options: options)
    do {
      monitor = try socket.guarded()
      let bound = try socket.bind(configuration.bind)
      router = consume socket
      return bound
    } catch {
      monitor?.close()
      monitor = nil
      socket.close()
      throw error
    }
  }

  /// Writes the start of this process into the log, and listens.
  public func begin() throws {
    try log?.append([
      .coordinatorStarted(
        job: job, epoch: epoch, recipe: configuration.recipeDigest, build: configuration.build,
        shards: configuration.shards), .dataFingerprinted(configuration.data),
    ])
    context.executor.watch(router!) { [weak self] _ in self?.assumeIsolated { $0.receive() } }
    tick()
  }

  /// Takes the address and listens. Returns where.
  public func open() throws -> Endpoint {
    let bound = try bind()
    try begin()
    return bound
  }
}
