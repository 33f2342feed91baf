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

/// What is predicted, and with what. Parameters and inputs are fetched by their digests.
public struct PredictionOffer: Hashable, Sendable {
  public enum InputKind: UInt32, Sendable, CaseIterable {
    case uint8 = 1
    case float32, float64
  }

  public var prediction: UInt64
  /// The run's resolved recipe, UTF-8.
  public var recipe: [UInt8]
  public var parameters: Digest
  /// Bytes.
  public var parametersCount: Int
  public var inputs: Digest
  public var inputKind: InputKind
  /// Of one example.
  public var inputShape: [Int]
  public var examples: Int
  public var seed: UInt64
  /// Numbers of one sample of one example.
  public var outputs: Int
  /// What the training data is like, as in `schema.json`; empty: a node must have the data.
  public var schema: [UInt8]

  public init(
    prediction: UInt64, recipe: [UInt8], parameters: Digest, parametersCount: Int, inputs: Digest,
    inputKind: InputKind, inputShape: [Int], examples: Int, seed: UInt64, outputs: Int, schema: [UInt8] = []
  ) {
    self.prediction = prediction
    self.recipe = recipe
    self.parameters = parameters
    self.parametersCount = parametersCount
    self.inputs = inputs
    self.inputKind = inputKind
    self.inputShape = inputShape
    self.examples = examples
    self.seed = seed
    self.outputs = outputs
    self.schema = schema
  }
}

/// Nodes are asked to compute for a prediction, beside what they do.
public struct Assist: Hashable, Sendable {
  public var prediction: UInt64
  /// Where samples are leased.
  public var endpoint: String
  /// `nil` in plain text.
  public var publicKey: PublicKey?
  /// How far the prediction is; `nil` on the way to members.
  public var status: PredictionStatus?

  public init(prediction: UInt64, endpoint: String, publicKey: PublicKey?, status: PredictionStatus? = nil) {
    self.prediction = prediction
    self.endpoint = endpoint
    self.publicKey = publicKey
    self.status = status
  }
}

/// How far a prediction is. The rows are computed in pieces, one after the other.
public struct PredictionStatus: Hashable, Sendable {
  /// A lease that is out.
  public struct Lease: Hashable, Sendable {
    /// Name of the node; may be empty.
    public var node: String
    public var samples: Range<UInt64>
    /// Rows of the input.
    public var examples: Range<Int>
    /// Since it was given.
    public var seconds: Double

    public init(node: String, samples: Range<UInt64>, examples: Range<Int>, seconds: Double) {
      self.node = node
      self.samples = samples
      self.examples = examples
      self.seconds = seconds
    }
  }

  /// Of each row; may still grow.
  public var samples: Int
  /// Rows of the input.
  public var examples: Int
  /// The rows whose samples are leased now; `nil` when none are.
  public var piece: Range<Int>?
  /// How many leases the piece takes.
  public var leases: Int
  public var leasesDone: Int
  /// The oldest first; not all where there are many.
  public var out: [Lease]

  public init(samples: Int, examples: Int, piece: Range<Int>?, leases: Int, leasesDone: Int, out: [Lease]) {
    self.samples = samples
    self.examples = examples
    self.piece = piece
    self.leases = leases
    self.leasesDone = leasesDone
    self.out = out
  }
}
