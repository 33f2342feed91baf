/// How latent vectors are chosen for new examples.
public struct LatentRequest: Sendable {
  public enum Path: Sendable, Equatable {
    /// Each is a draw of its own.
    case independent
    /// Each row of the picture leads from one draw to another.
    case interpolated
  }

  public var count: Int
  public var path: Path
  /// The prior is cut off at so many standard deviations: less variety, more typical examples. Nil: not at all.
  public var truncation: Double?
  /// Examples are changed as those are that a discriminator is shown. Nil: they are not.
  public var augmented: Augmented?

  /// Changes of what a discriminator is shown.
  public struct Augmented: Sendable {
    /// Of each change that has one; nil: the present one of the training.
    public var probability: Double?

    public init(probability: Double? = nil) { self.probability = probability }
  }

  public init(
    count: Int, path: Path = .independent, truncation: Double? = nil, augmented: Augmented? = nil
  ) {
    self.count = count
    self.path = path
    self.truncation = truncation
    self.augmented = augmented
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
