/// First message of a node that was started without a recipe.
public struct RecipeRequest: Hashable, Sendable {
  public var build: String
  /// Shown where the node is reported as refused; may be empty.
  public var name: String

  public init(build: String, name: String = "") {
    self.build = build
    self.name = name
  }
}

/// What is trained.
public struct RecipeReply: Hashable, Sendable {
  /// The resolved recipe, UTF-8.
  public var yaml: [UInt8]
  public var digest: Digest
  /// V.
  public var shards: Int
  /// Steps of the whole training.
  public var steps: UInt64
  /// The state to begin with; `nil`: as the recipe initialises it.
  public var start: StateOffer?

  public init(yaml: [UInt8], digest: Digest, shards: Int, steps: UInt64, start: StateOffer? = nil) {
    self.yaml = yaml
    self.digest = digest
    self.shards = shards
    self.steps = steps
    self.start = start
  }
}

/// A CURVE public key, 32 bytes.
public struct PublicKey: Hashable, Sendable {
  public let bytes: [UInt8]
  /// `nil` unless there are 32 bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }
}

/// Asks to take part; after a restart of the coordinator, to go on taking part.
public struct Hello: Hashable, Sendable {
  public var name: String
  public var incarnation: Incarnation
  public var build: String
  public var recipe: Digest
  public var data: Digest
  public var lanes: Int
  /// Where its data ROUTER can be reached, best first.
  public var dataEndpoints: [String]
  /// `nil` when the job runs in plain text.
  public var publicKey: PublicKey?
  /// The view it has installed.
  public var view: ViewNumber
  public var position: PhaseIndex

  public init(
    name: String, incarnation: Incarnation, build: String, recipe: Digest, data: Digest, lanes: Int,
    dataEndpoints: [String], publicKey: PublicKey?, view: ViewNumber = .none, position: PhaseIndex = .start
  ) {
    self.name = name
    self.incarnation = incarnation
    self.build = build
    self.recipe = recipe
    self.data = data
    self.lanes = lanes
    self.dataEndpoints = dataEndpoints
    self.publicKey = publicKey
    self.view = view
    self.position = position
  }
}

public struct Welcome: Hashable, Sendable {
  public var node: NodeNumber
  /// Of the Hello this answers.
  public var incarnation: Incarnation
  public var heartbeatMilliseconds: Int
  /// So many missing in a row make a node lost.
  public var missedHeartbeats: Int

  public init(node: NodeNumber, incarnation: Incarnation, heartbeatMilliseconds: Int, missedHeartbeats: Int) {
    self.node = node
    self.incarnation = incarnation
    self.heartbeatMilliseconds = heartbeatMilliseconds
    self.missedHeartbeats = missedHeartbeats
  }
}

/// Not admitted; final for this incarnation, but for `otherJob`.
public struct Refused: Hashable, Sendable {
  public enum Code: UInt32, Sendable, CaseIterable {
    case buildDiffers = 1
    case recipeDiffers, dataDiffers, staleIncarnation, superseded, jobOver, full, notListed, malformed
    /// The node is of another job; its own coordinator may come back.
    case otherJob
  }
  public var code: Code
  /// One line for the user.
  public var explanation: String
  public var incarnation: Incarnation
  /// With `staleIncarnation`: the newest start of the name, when that is not there any more.
  public var known: Incarnation?

  public init(code: Code, explanation: String, incarnation: Incarnation, known: Incarnation? = nil) {
    self.code = code
    self.explanation = explanation
    self.incarnation = incarnation
    self.known = known
  }
}

public struct Member: Hashable, Sendable {
  public var node: NodeNumber
  public var incarnation: Incarnation
  public var name: String
  public var lanes: Int
  public var dataEndpoints: [String]
  public var publicKey: PublicKey?
  /// Its shards of every phase; empty when there are more nodes than shards.
  public var shards: Range<Int>

  public init(
    node: NodeNumber, incarnation: Incarnation, name: String, lanes: Int, dataEndpoints: [String],
    publicKey: PublicKey?, shards: Range<Int>
  ) {
    self.node = node
    self.incarnation = incarnation
    self.name = name
    self.lanes = lanes
    self.dataEndpoints = dataEndpoints
    self.publicKey = publicKey
    self.shards = shards
  }
}

/// The numbered list of the nodes that take part.
public struct View: Hashable, Sendable {
  public var number: ViewNumber
  /// Ascending by node number; their shard ranges partition `0 ..< shards`.
  public var members: [Member]
  /// V.
  public var shards: Int
  /// Why the view changed, one line.
  public var cause: String

  public init(number: ViewNumber, members: [Member], shards: Int, cause: String) {
    self.number = number
    self.members = members
    self.shards = shards
    self.cause = cause
  }

  public func member(_ node: NodeNumber) -> Member? { members.first { $0.node == node } }
}

public struct ViewAcknowledgement: Hashable, Sendable {
  public var view: ViewNumber
  public init(view: ViewNumber) { self.view = view }
}

/// No longer a member; it may say Hello again with a greater incarnation.
public struct Dismissed: Hashable, Sendable {
  /// The first view without it.
  public var view: ViewNumber
  public var explanation: String
  public var incarnation: Incarnation

  public init(view: ViewNumber, explanation: String, incarnation: Incarnation) {
    self.view = view
    self.explanation = explanation
    self.incarnation = incarnation
  }
}

/// Goes on its own accord.
public struct Leave: Hashable, Sendable {
  public enum Reason: UInt32, Sendable, CaseIterable {
    case finished = 1
    case asked, failed
  }
  public var reason: Reason
  public var explanation: String

  public init(reason: Reason, explanation: String) {
    self.reason = reason
    self.explanation = explanation
  }
}
