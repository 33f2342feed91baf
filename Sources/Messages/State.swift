/// Means over the steps since the last report.
public struct Report: Hashable, Sendable {
  public var step: UInt64
  public var examples: UInt64
  /// In the order of their names.
  public var metrics: [Metric]

  public struct Metric: Hashable, Sendable {
    public var name: String
    public var value: Double

    public init(_ name: String, _ value: Double) {
      self.name = name
      self.value = value
    }
  }

  public init(step: UInt64, examples: UInt64, metrics: [Metric]) {
    self.step = step
    self.examples = examples
    self.metrics = metrics
  }
}

/// Somebody holds the state that a step begins with.
public struct StateOffer: Hashable, Sendable {
  public var step: UInt64
  /// Whether the training ends here.
  public var converged: Bool
  /// Bytes.
  public var count: Int
  public var digest: Digest

  public init(step: UInt64, converged: Bool, count: Int, digest: Digest) {
    self.step = step
    self.converged = converged
    self.count = count
    self.digest = digest
  }
}

/// Please send these bytes of a state.
public struct StateRequest: Hashable, Sendable {
  public var digest: Digest
  public var bytes: Range<Int>

  public init(digest: Digest, bytes: Range<Int>) {
    self.digest = digest
    self.bytes = bytes
  }
}

public struct StatePart: Hashable, Sendable {
  /// Of the whole state.
  public var digest: Digest
  public var first: Int
  public var payload: [UInt8]

  public init(digest: Digest, first: Int, payload: [UInt8]) {
    self.digest = digest
    self.first = first
    self.payload = payload
  }
}
