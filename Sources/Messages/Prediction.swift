public struct LeaseRequest: Hashable, Sendable {
  /// Free lanes.
  public var lanes: Int
  public init(lanes: Int) { self.lanes = lanes }
}

/// The right to compute some Monte Carlo samples of a prediction, for one version of the parameters.
public struct SampleLease: Hashable, Sendable {
  public var lease: UInt64
  public var prediction: UInt64
  public var parameters: Digest
  public var samples: Range<UInt64>
  /// Rows of the input.
  public var examples: Range<Int>
  public var deadlineMilliseconds: Int

  public init(
    lease: UInt64, prediction: UInt64, parameters: Digest, samples: Range<UInt64>, examples: Range<Int>,
    deadlineMilliseconds: Int
  ) {
    self.lease = lease
    self.prediction = prediction
    self.parameters = parameters
    self.samples = samples
    self.examples = examples
    self.deadlineMilliseconds = deadlineMilliseconds
  }
}

/// What a lease yields.
public struct SampleResult: Hashable, Sendable {
  public var lease: UInt64
  public var prediction: UInt64
  public var samples: Range<UInt64>
  public var examples: Range<Int>
  /// Numbers an example.
  public var outputs: Int
  /// Numbers an output.
  public var statistics: Int
  /// float64, little-endian, [sample][statistic][example][output].
  public var moments: [UInt8]

  public init(
    lease: UInt64, prediction: UInt64, samples: Range<UInt64>, examples: Range<Int>, outputs: Int, statistics: Int,
    moments: [UInt8]
  ) {
    self.lease = lease
    self.prediction = prediction
    self.samples = samples
    self.examples = examples
    self.outputs = outputs
    self.statistics = statistics
    self.moments = moments
  }
}
