import Tensors

/// Which latent vectors new examples are made of.
public struct LatentRequest: Sendable {
  public enum Choice: Sendable, Equatable {
    /// So many draws of one key.
    case draws(Int)
    /// So many examples, in rows of ten: each row leads from one draw of the key to the next.
    case paths(Int)
    /// One example of each seed, each made alone: it has the same bits whatever other seeds are asked for.
    case seeds([UInt64])
    /// The frames of a film that passes the example of each seed and ends where it began.
    case walk([UInt64], frames: Int)
    /// A row for each seed, a column for each truncation.
    case sweep([UInt64], truncations: [Double])
  }

  public var choice: Choice
  /// Less variety, more typical examples; nil: none. Without styles: the noise is cut off at so many standard
  /// deviations.
  public var truncation: Double?

  public init(_ choice: Choice, truncation: Double? = nil) {
    (self.choice, self.truncation) = (choice, truncation)
  }

  /// The key of a seed's latent vector. It is also that of the first of the draws that the seed alone makes.
  public static func key(ofSeed seed: UInt64) -> RandomKey { RandomKey(seed: seed).at(step: UInt32.max - 1) }
}

extension LatentRequest.Choice {
  /// How many examples are made.
  public var count: Int {
    switch self {
    case .draws(let count), .paths(let count): count
    case .seeds(let seeds): seeds.count
    case .walk(_, let frames): frames
    case .sweep(let seeds, let truncations): seeds.count * truncations.count
    }
  }
}

/// Generated examples as numbers, a row an example.
public struct GeneratedExamples: Sendable {
  public struct Rows: Sendable {
    public let values: [Float]
    /// The number of rows, then the shape of one.
    public let shape: [Int]

    public init(values: [Float], shape: [Int]) { (self.values, self.shape) = (values, shape) }
  }

  /// In the units of the data.
  public let examples: Rows
  /// What they were made of.
  public let latents: Rows
  /// What the discriminator says of them.
  public let scores: Rows

  public init(examples: Rows, latents: Rows, scores: Rows) {
    (self.examples, self.latents, self.scores) = (examples, latents, scores)
  }
}
