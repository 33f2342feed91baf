import Messages
import ZeroMQ

extension Coordinator {
  /// Takes the address; nodes that come wait for `begin`. Returns where.
  public func bind() throws -> Endpoint {
    let server = try ControlServer(
      context, at: configuration.bind, security: configuration.security, job: job, epoch: epoch, takesQuestions: true,
      highWaterMark: 100_000)
    self.server = server
    return server.endpoint
  }

  /// Writes the start of this process into the log, and listens.
  public func begin() throws {
    try journal.begin([
      .coordinatorStarted(
        job: job, epoch: epoch, recipe: configuration.recipeDigest, build: configuration.build,
        shards: configuration.shards), .dataFingerprinted(configuration.data),
    ])
    server!.listen { [weak self] incoming in self?.assumeIsolated { $0.receive(incoming) } }
    ticker.start { [weak self] in self?.assumeIsolated { $0.tick() } }
  }

  /// Takes the address and listens. Returns where.
  public func open() throws -> Endpoint {
    let bound = try bind()
    try begin()
    return bound
  }
}
