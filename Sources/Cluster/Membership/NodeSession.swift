import Messages

/// A node's side of membership: says Hello until it is answered, beats, follows views, and comes back after it was
/// left out. While the coordinator is away the node goes on training; it only keeps knocking.
public struct NodeSession: Sendable {
  public struct Configuration: Sendable {
    public var name: String
    public var build: String
    public var recipe: Digest
    public var data: Digest
    public var lanes: Int
    public var dataEndpoints: [String]
    public var publicKey: PublicKey?
    /// Between two Hellos.
    public var retry: Duration = .milliseconds(500)
    /// So long a later start of the same name may still be taken for alive: a node that was killed is.
    public var succession: Duration = .seconds(15)

    public init(
      name: String, build: String, recipe: Digest, data: Digest, lanes: Int, dataEndpoints: [String],
      publicKey: PublicKey?
    ) {
      self.name = name
      self.build = build
      self.recipe = recipe
      self.data = data
      self.lanes = lanes
      self.dataEndpoints = dataEndpoints
      self.publicKey = publicKey
    }
  }

  public enum Directive: Hashable, Sendable {
    case send(ControlBody)
    /// The node has a number.
    case admitted(NodeNumber)
    case install(View)
    /// Left out of the view: take no further part in it. A Hello with a greater incarnation is on its way.
    case dismissed(String)
    case execute(Execute)
    /// The job is over.
    case stop(Stop)
    /// The coordinator does not want this node; final.
    case refused(Refused)
  }

  package let configuration: Configuration
  public private(set) var incarnation: Incarnation
  public private(set) var node: NodeNumber?
  /// The newest coordinator heard of.
  public private(set) var epoch = Epoch(rawValue: 0)
  public private(set) var isOver = false
  private var view = ViewNumber.none
  private var heartbeat: Duration = .seconds(1)
  private var sequence: UInt64 = 0
  private var actAt: Timestamp = .zero
  /// Since when a later start of this name has this node's place.
  private var occupiedSince: Timestamp?

  /// - Parameter incarnation: greater than that of any earlier start of this name; the time of day in nanoseconds
  ///   does.
  public init(configuration: Configuration, incarnation: Incarnation) {
    self.configuration = configuration
    self.incarnation = incarnation
  }

  /// When `tick` has something to do.
  public var nextDeadline: Timestamp { actAt }

  /// - Parameters:
  ///   - position: where the node's parameters stand.
  ///   - beat: makes the heartbeat with this sequence number.
  public mutating func tick(
    now: Timestamp, position: PhaseIndex, beat: (UInt64) -> Heartbeat
  ) -> [Directive] {
    guard !isOver, now >= actAt else { return [] }
    guard node != nil else {
      actAt = now + configuration.retry
      return [.send(.hello(hello(position)))]
    }
    actAt = now + heartbeat
    sequence += 1
    return [.send(.heartbeat(beat(sequence)))]
  }

  /// Beats at the next tick: the stage has changed, or a wait has become long.
  public mutating func beatSoon(now: Timestamp) {
    if node != nil { actAt = min(actAt, now) }
  }

  private func hello(_ position: PhaseIndex) -> Hello {
    Hello(
      name: configuration.name, incarnation: incarnation, build: configuration.build, recipe: configuration.recipe,
      data: configuration.data, lanes: configuration.lanes, dataEndpoints: configuration.dataEndpoints,
      publicKey: configuration.publicKey, view: view, position: position)
  }

  /// Goes on its own accord.
  public mutating func leave(_ leave: Leave) -> [Directive] {
    guard !isOver else { return [] }
    isOver = true
    return [.send(.leave(leave))]
  }

  /// A message of the coordinator; its job is right.
  public mutating func receive(_ message: ControlMessage, now: Timestamp) -> [Directive] {
    // A coordinator that was replaced and does not know it.
    guard !isOver, message.sender == nil, message.epoch >= epoch else { return [] }
    epoch = message.epoch
    switch message.body {
    case .welcome(let welcome):
      guard welcome.incarnation == incarnation else { return [] }
      heartbeat = .milliseconds(welcome.heartbeatMilliseconds)
      guard node == nil else { return [] }
      occupiedSince = nil
      node = welcome.node
      actAt = now
      return [.admitted(welcome.node)]
    case .view(let next):
      guard let node, next.number > view, next.member(node)?.incarnation == incarnation else { return [] }
      view = next.number
      return [.install(next), .send(.viewAcknowledgement(ViewAcknowledgement(view: next.number)))]
    case .dismissed(let dismissed):
      guard dismissed.incarnation == incarnation else { return [] }
      incarnation = Incarnation(rawValue: incarnation.rawValue + 1)!
      node = nil
      sequence = 0
      actAt = now
      return [.dismissed(dismissed.explanation)]
    case .execute(let order): return order.view == view ? [.execute(order)] : []
    case .refused(let refused):
      guard refused.incarnation == incarnation else { return [] }
      if refused.code == .staleIncarnation, succeeds(refused.known, now) { return [] }
      isOver = true
      return [.refused(refused)]
    case .stop(let stop):
      isOver = true
      return [.stop(stop)]
    default: return []
    }
  }

  /// A later start of this name is known: by a clock that has gone back since. Whether this one may still take its place.
  private mutating func succeeds(_ known: Incarnation?, _ now: Timestamp) -> Bool {
    if let known, known.rawValue < .max {
      incarnation = Incarnation(rawValue: known.rawValue + 1)!
      actAt = now
      return true
    }
    let since = occupiedSince ?? now
    occupiedSince = since
    return known == nil && now - since < configuration.succession
  }
}
