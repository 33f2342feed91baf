import Datasets
import Figures
import Files
import Recipes
import Reports
import Tensors
import Training

/// Which new examples a generative model makes.
public struct SampleOptions: Sendable {
  /// How many; nil: 64, or for a generator with classes a row of ten for each class.
  public var count: Int?
  /// The seed of the noise.
  public var seed: UInt64 = 0
  /// Latent vectors that are chosen (adversarial models), in place of `count` draws of `seed`.
  public var choice: LatentRequest.Choice?
  /// The class of all examples, by name or by index from 0, for a generator with classes. Nil: `choice` of seeds and no
  /// `count` make a row for each class; a `count` of draws is of ten of each class in turn.
  public var className: String?
  /// Less variety, more typical examples (adversarial models). Nil: none. With styles: ψ of w̄ + ψ (w − w̄). Without: the
  /// number of standard deviations at which the noise is cut off.
  public var truncation: Double?
  /// How many of the first styles are truncated, of a generator of styles; nil: all.
  public var truncationCutoff: Int?
  /// Examples are changed as those are that a discriminator is shown (adversarial models). Nil: they are not.
  public var augmented: LatentRequest.Augmented?
  /// The noise that a generator of styles adds at every size; nil: constant.
  public var noise: LatentRequest.Noise?

  public init(
    count: Int? = nil, seed: UInt64 = 0, choice: LatentRequest.Choice? = nil, className: String? = nil,
    truncation: Double? = nil, truncationCutoff: Int? = nil, noise: LatentRequest.Noise? = nil
  ) {
    (self.count, self.seed, self.choice, self.className) = (count, seed, choice, className)
    (self.truncation, self.truncationCutoff, self.noise) = (truncation, truncationCutoff, noise)
  }

  fileprivate static let usualCount = 64

  fileprivate var plainCount: Int { count ?? SampleOptions.usualCount }

  /// What is asked of a generator.
  fileprivate func latent(_ offer: LatentOffer) throws -> LatentRequest {
    LatentRequest(
      choice(offer), classIndex: try className.map(offer.classIndex), truncation: truncation,
      truncationCutoff: truncationCutoff, noise: noise ?? .constant, augmented: augmented)
  }

  /// Which samples are made where the options leave it open.
  private func choice(_ offer: LatentOffer) -> LatentRequest.Choice {
    if !offer.classes.isEmpty, className == nil {
      if case .seeds(let seeds) = choice { return .classes(offer.classes.count, seeds: seeds) }
      if choice == nil, count == nil { return .classes(offer.classes.count, seeds: (0..<10).map { seed &+ $0 }) }
    }
    return choice ?? .draws(plainCount)
  }

  fileprivate var key: RandomKey { LatentRequest.key(ofSeed: seed) }

  /// - Parameter offer: of a model that knows latent vectors.
  fileprivate func validate(_ offer: LatentOffer?) throws {
    let count = offer.map { self.choice($0).count } ?? plainCount
    guard (1...100_000).contains(count) else { throw RecipeError("count is \(count): it must be from 1 to 100000") }
    var truncations = truncation.map { [$0] } ?? []
    switch choice {
    case .walk(let seeds, let frames):
      guard seeds.count > 1 else { throw RecipeError("a walk needs two seeds or more, such as 1,5,9") }
      guard (seeds.count...3600).contains(frames) else {
        throw RecipeError("frames is \(frames): it must be from \(seeds.count), one for each seed, to 3600")
      }
    case .sweep(_, let swept):
      guard truncation == nil else {
        throw RecipeError("a sweep has a truncation for each column: leave the other one out")
      }
      truncations = swept
    default: break
    }
    guard let offer else { return }
    if let cutoff = truncationCutoff {
      guard let styles = offer.styles, (1...styles).contains(cutoff) else {
        throw RecipeError(
          "truncation cutoff is \(cutoff): "
            + (offer.styles.map { "it must be from 1 to \($0), the number of styles" }
              ?? "the generator has no styles; leave it out"))
      }
      guard !truncations.isEmpty else {
        throw RecipeError("truncation cutoff is \(cutoff), and nothing is truncated: give a truncation too")
      }
    }
    if offer.styles != nil {
      if let wrong = truncations.first(where: { !(-10...10).contains($0) }) {
        throw RecipeError("truncation is \(wrong): it must be from -10 to 10; 1 is none, 0 the mean style")
      }
    } else {
      if let wrong = truncations.first(where: { !(0.01...100).contains($0) }) {
        throw RecipeError(
          "truncation is \(wrong): without styles it must be from 0.01 to 100 standard deviations of the noise")
      }
      guard noise == nil else { throw RecipeError("noise is \(noise!), of a generator without styles: leave it out") }
    }
    if let probability = augmented?.probability, !(0...1).contains(probability) {
      throw RecipeError("the probability of changes is \(probability): it must be from 0 to 1")
    }
  }
}

extension LatentOffer {
  /// The index of a class by its name, or of one by its number where no class has that name.
  /// - Throws: `RecipeError` when there is no such class.
  func classIndex(of name: String) throws -> Int {
    guard !classes.isEmpty else {
      throw RecipeError("class is \(name.shortened), but the run's networks take no classes: leave it out")
    }
    if let index = classes.firstIndex(of: name) ?? Int(name), classes.indices.contains(index) { return index }
    let near = nearest(to: name, among: classes).map { " (the nearest is \($0))" } ?? ""
    throw RecipeError(
      "class is \(name.shortened)\(near): it must be one of \(listed(classes)), or a number from 0 to \(classes.count - 1)"
    )
  }
}

extension Run {
  /// Makes new examples, as a picture.
  ///
  /// ```swift
  /// let figure = try Run(opening: "runs/vae").sample(count: 64)
  /// ```
  ///
  /// - Throws: `TrainingError` when the model makes no examples, or does not know what the options ask for.
  public func sample(count: Int = 64, seed: UInt64 = 0) throws -> Figure {
    try sample(SampleOptions(count: count, seed: seed))
  }

  /// Makes new examples, as a picture.
  public func sample(_ options: SampleOptions) throws -> Figure {
    let sampling = try sampling()
    try options.validate(sampling.latent)
    if let latent = sampling.latent { return try latent.picture(options.latent(latent), options.key, crew()) }
    try refuseLatent(options)
    return try sampling.picture(options.plainCount, options.key, crew())
  }

  /// Makes new examples and writes them to a file.
  ///
  /// ```swift
  /// try await run.writeSamples(SampleOptions(count: 100, seed: 3), to: "samples.png")
  /// ```
  ///
  /// - Parameters:
  ///   - options: which examples to make.
  ///   - path: a picture; .txt: texts, an empty line between (language models); .npy: the examples as numbers (adversarial and exact models); .csv: rows of a table (exact models); .npz: examples, latent vectors
  ///     and scores (adversarial models).
  /// - Returns: what could not be drawn and why, a line each.
  @discardableResult
  public func writeSamples(_ options: SampleOptions, to path: String) async throws -> [String] {
    let sampling = try sampling()
    try options.validate(sampling.latent)
    if path.hasSuffix(".txt"), let texts = sampling.texts {
      try refuseLatent(options)
      let made = try texts(options.plainCount, options.key, crew())
      try AtomicFile.write(path, made.joined(separator: "\n\n") + "\n")
      return []
    }
    guard path.hasSuffix(".npy") || path.hasSuffix(".npz") || path.hasSuffix(".csv") else {
      // A name without an extension is a picture's.
      guard path.hasSuffix(".png") || !(path.split(separator: "/").last ?? "").contains(".") else {
        throw RecipeError(
          "samples are not written as `\(path)`: name a file that ends with .png, .npy, .npz, .csv or .txt")
      }
      return try await write(picture: sample(options), of: options, to: path)
    }
    if let latent = sampling.latent, !path.hasSuffix(".csv") {
      try write(latent.examples(options.latent(latent), options.key, crew()), to: path)
      return []
    }
    guard let rows = sampling.rows, !path.hasSuffix(".npz") else {
      let hasRows = sampling.rows != nil
      throw TrainingError(
        .unsuitable,
        "a \(model) writes no " + (hasRows ? ".npz" : path.hasSuffix(".csv") ? ".csv" : ".npy and no .npz"),
        advice: "name a .png" + (hasRows ? ", a .npy or a .csv" : "") + ", or a run of an adversarial model")
    }
    try refuseLatent(options)
    let made = try rows(options.plainCount, options.key)
    guard path.hasSuffix(".csv") else {
      try NPY.write(made.values, shape: made.shape, to: path)
      return []
    }
    try AtomicFile.write(path, Array(table(made.values, shape: made.shape).utf8))
    return []
  }

  /// Frames a second of films.
  static let filmRate = 25

  private func write(picture: Figure, of options: SampleOptions, to path: String) async throws -> [String] {
    if case .walk = options.choice, case .images(let grid) = picture.content {
      try FigureWriter.write(film: grid, rate: Run.filmRate, to: path)
      return []
    }
    return try await FigureWriter.write(picture, to: path).notes
  }

  /// Samples as a table with the columns of the training data; of others numbers from 0 are their names.
  private func table(_ values: [Float], shape: [Int]) -> String {
    let width = shape.dropFirst().reduce(1, *)
    let names = schema.columns.count == width ? schema.columns : (0..<width).map(String.init)
    var text = names.map(CSV.field).joined(separator: ",") + "\n"
    for row in stride(from: 0, to: values.count, by: width) {
      text += values[row..<row + width].map { "\($0)" }.joined(separator: ",") + "\n"
    }
    return text
  }

  private func sampling() throws -> SamplingOffer {
    guard let sampling = job.learner.offers.sampling else {
      throw TrainingError(
        .unsuitable, "a \(model) makes no new examples", advice: "sample from a generative model, such as vae")
    }
    return sampling
  }

  /// Throws when options are set that only adversarial models know.
  private func refuseLatent(_ options: SampleOptions) throws {
    guard
      options.choice != nil || options.truncation != nil || options.noise != nil
        || options.augmented != nil || options.className != nil || options.truncationCutoff != nil
    else { return }
    throw TrainingError(
      .unsuitable, "a \(model) has no latent vectors to choose: it takes --count and --seed alone",
      advice: "leave the other options out, or name a run of an adversarial model")
  }

  private func write(_ made: GeneratedExamples, to path: String) throws {
    if path.hasSuffix(".npy") { return try NPY.write(made.examples.values, shape: made.examples.shape, to: path) }
    var writer = try NPZWriter(path)
    for (name, rows) in [
      ("samples", made.examples), ("latents", made.latents), ("styles", made.styles), ("scores", made.scores),
    ] {
      if let rows { try writer.add(name, rows.values, shape: rows.shape) }
    }
    if !made.classes.isEmpty { try writer.add("classes", made.classes.map(UInt32.init), shape: [made.classes.count]) }
    try writer.finish()
  }
}
