/// What precedes every data message.
public struct DataHeader: Hashable, Sendable {
  public var job: JobID
  public var sender: NodeNumber
  public var incarnation: Incarnation
  public var view: ViewNumber
  /// Where the sender stands: it has absorbed everything before.
  public var position: PhaseIndex
  /// Payload bytes the sender has sent to this receiver in this view, before this message.
  public var bytesBefore: UInt64

  public init(
    job: JobID, sender: NodeNumber, incarnation: Incarnation, view: ViewNumber, position: PhaseIndex,
    bytesBefore: UInt64
  ) {
    self.job = job
    self.sender = sender
    self.incarnation = incarnation
    self.view = view
    self.position = position
    self.bytesBefore = bytesBefore
  }
}

/// How an element of a payload is written. Always little-endian.
public enum Precision: UInt32, Sendable, CaseIterable {
  case float32 = 1
  case bfloat16, float64, bytes

  /// Bytes an element.
  public var stride: Int {
    switch self {
    case .float32: 4
    case .bfloat16: 2
    case .float64: 8
    case .bytes: 1
    }
  }
}

/// Where numbers of a vector lie in memory that the nodes of one machine share.
public struct Place: Hashable, Sendable {
  /// Of the sender.
  public var process: UInt32
  public var descriptor: UInt32
  /// The first bytes of the memory: they distinguish it from another place of the same name.
  public var token: UInt64
  /// Of the memory, as long as the numbers stay what they are.
  public var age: UInt64

  public init(process: UInt32, descriptor: UInt32, token: UInt64, age: UInt64) {
    self.process = process
    self.descriptor = descriptor
    self.token = token
    self.age = age
  }
}

/// What the payload of a data message is.
public struct Chunk: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// The sum over the shards of one aligned subtree, to the owner of the range.
    case partial(subtree: Range<Int>)
    /// The sum over all shards, from the owner of the range to everyone.
    case total
    /// Parameters and optimiser state as bytes, to a joiner. The digest is of the whole state.
    case state(digest: Digest, chain: Chain)
  }
  public var kind: Kind
  /// Partial, total: the phase whose sum this is. State: the phase it is ready for.
  public var position: PhaseIndex
  public var elements: Range<Int>
  public var precision: Precision
  /// CRC-32C of the payload; 0 for a partial sum that is not sent.
  public var checksum: UInt32
  /// With the chunk that holds element 0; otherwise `nil`.
  public var tally: Tally?
  /// Elements of the whole vector.
  public var vectorCount: Int
  /// Where the payload lies, if it does not come with the message. Not of states.
  public var place: Place?

  public init(
    kind: Kind, position: PhaseIndex, elements: Range<Int>, precision: Precision, checksum: UInt32, tally: Tally?,
    vectorCount: Int, place: Place? = nil
  ) {
    self.kind = kind
    self.position = position
    self.elements = elements
    self.precision = precision
    self.checksum = checksum
    self.tally = tally
    self.vectorCount = vectorCount
    self.place = place
  }

  public var payloadCount: Int { elements.count * precision.stride }
}

/// What a contribution carries besides its numbers. Tallies add like the numbers do.
public struct Tally: Hashable, Sendable {
  public var examples: Double
  /// In the recipe's order.
  public var metrics: [Double]

  public init(examples: Double, metrics: [Double]) {
    self.examples = examples
    self.metrics = metrics
  }
}

/// Where a node stands when it installs a view.
public struct Sync: Hashable, Sendable {
  public var position: PhaseIndex
  /// After the last absorbed total, and before it.
  public var chain: Chain
  public var previousChain: Chain
  /// Whether it still holds the totals of the phase it absorbed last.
  public var retainsTotals: Bool
  /// Of the phase `position`, contributed in full by this node.
  public var shardsDone: Intervals

  public init(
    position: PhaseIndex, chain: Chain, previousChain: Chain, retainsTotals: Bool, shardsDone: Intervals
  ) {
    self.position = position
    self.chain = chain
    self.previousChain = previousChain
    self.retainsTotals = retainsTotals
    self.shardsDone = shardsDone
  }
}

/// Something expected has not come within the deadline: send it again.
public enum Request: Hashable, Sendable {
  case sync
  case partials(position: PhaseIndex, shards: Intervals, elements: Intervals)
  case totals(position: PhaseIndex, elements: Intervals)
  case position
  case state(elements: Intervals)
  /// The places that the peer names cannot be seen here.
  case payloads
}

public enum DataBody: Hashable, Sendable {
  case chunk(Chunk)
  case sync(Sync)
  case acknowledgement
  case request(Request)
  /// Payload bytes that the peer may have sent in this view, in all.
  case credit(limit: UInt64)
}

/// A data message less its payload, which stays where it is.
public struct DataMessage: Hashable, Sendable {
  public var header: DataHeader
  public var body: DataBody

  public init(header: DataHeader, body: DataBody) {
    self.header = header
    self.body = body
  }
}
