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
    /// A row for each class, of so many, and a column for each seed, for a generator with classes.
    case classes(Int, seeds: [UInt64])
    /// The frames of a film that passes the example of each seed and ends where it began.
    case walk([UInt64], frames: Int)
    /// A row for each seed, a column for each truncation.
    case sweep([UInt64], truncations: [Double])
    /// The examples of the rows' seeds, some of whose styles are those of the columns' seeds.
    case mix(rows: [UInt64], columns: [UInt64], layers: ClosedRange<Int>)
  }

  /// The noise that a generator of styles adds at every size.
  public enum Noise: String, CaseIterable, Sendable {
    /// The same for all examples.
    case constant
    /// Each example's own, by its seed.
    case random
    case none
  }

  public var choice: Choice
  /// The class of all examples, for a generator with classes. Nil: draws are ten of each class in turn.
  public var classIndex: Int?
  /// Less variety, more typical examples; nil: none. With styles: ψ of w̄ + ψ (w − w̄). Without: the noise is cut off at
  /// so many standard deviations.
  public var truncation: Double?
  /// How many of the first styles are truncated; nil: all.
  public var truncationCutoff: Int?
  public var noise: Noise
  /// Examples are changed as those are that a discriminator is shown. Nil: they are not.
  public var augmented: Augmented?

  /// Changes of what a discriminator is shown.
  public struct Augmented: Sendable {
    /// Of each change that has one; nil: the present one of the training.
    public var probability: Double?

    public init(probability: Double? = nil) { self.probability = probability }
  }

  public init(
    _ choice: Choice, classIndex: Int? = nil, truncation: Double? = nil, truncationCutoff: Int? = nil,
    noise: Noise = .constant, augmented: Augmented? = nil
  ) {
    (self.choice, self.classIndex, self.truncation) = (choice, classIndex, truncation)
    (self.truncationCutoff, self.noise, self.augmented) = (truncationCutoff, noise, augmented)
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
    case .classes(let count, let seeds): count * seeds.count
    case .walk(_, let frames): frames
    case .sweep(let seeds, let truncations): seeds.count * truncations.count
    case .mix(let rows, let columns, _): rows.count * columns.count
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
  /// The noise and the codes that they were made of; nil: they lie between such, or mix them.
  public var latents: Rows?
  /// Their classes; empty: they have none.
  public var classes: [Int] = []
  /// The styles that they were made of, [n, styles, numbers of one]; nil: they have none.
  public var styles: Rows?
  /// What the discriminator says of them.
  public let scores: Rows

  public init(examples: Rows, latents: Rows?, scores: Rows) {
    (self.examples, self.latents, self.scores) = (examples, latents, scores)
  }
}
