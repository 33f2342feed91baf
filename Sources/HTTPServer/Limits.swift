/// How much of a client is borne.
public struct Limits: Sendable {
  /// Bytes of a request's line and headers.
  public var head = 16 << 10
  /// Bytes of a request's body.
  public var body = 32 << 20
  /// Bytes of all bodies that are being read or answered.
  public var bodies = 128 << 20
  /// Connections at a time.
  public var connections = 512
  /// How long a connection may wait for a request, or a request's head be under way.
  public var idle: Duration = .seconds(30)
  /// How long a request's body may be under way.
  public var reading: Duration = .seconds(60)
  /// How long a client may take nothing of its answer.
  public var writing: Duration = .seconds(30)
  /// How long what a client goes on sending is read after it was refused, so that it sees why.
  public var lingering: Duration = .seconds(2)

  public init() {}
}
