import Datasets
import Figures
import Files
import Models
import Recipes
import Reports
import Tensors
import Training

/// Which new examples a generative model makes.
public struct SampleOptions: Sendable {
  /// How many.
  public var count = 64
  /// The seed of the noise.
  public var seed: UInt64 = 0
  /// Whether each row of ten leads from one example to another (adversarial models).
  public var interpolates = false
  /// The number of standard deviations at which the noise is cut off (adversarial models): less variety, more typical
  /// examples. Nil: not at all.
  public var truncation: Double?
  /// Examples are changed as those are that a discriminator is shown (adversarial models). Nil: they are not.
  public var augmented: LatentRequest.Augmented?

  public init(count: Int = 64, seed: UInt64 = 0, interpolates: Bool = false, truncation: Double? = nil) {
    (self.count, self.seed, self.interpolates, self.truncation) = (count, seed, interpolates, truncation)
  }

  fileprivate var latent: LatentRequest {
    LatentRequest(
      count: count, path: interpolates ? .interpolated : .independent, truncation: truncation,
      augmented: augmented)
  }

  fileprivate var key: RandomKey { RandomKey(seed: seed).at(step: UInt32.max - 1) }

  fileprivate func validate() throws(RecipeError) {
    guard (1...100_000).contains(count) else { throw RecipeError("count is \(count): it must be from 1 to 100000") }
    if let truncation, !(0.01...100).contains(truncation) {
      throw RecipeError("truncation is \(truncation): it must be from 0.01 to 100")
    }
    if let probability = augmented?.probability, !(0...1).contains(probability) {
      throw RecipeError("the probability of changes is \(probability): it must be from 0 to 1")
    }
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
    try options.validate()
    let sampling = try sampling()
    if let latent = sampling.latent { return try latent.picture(options.latent, options.key, crew()) }
    try refuseLatent(options)
    return try sampling.picture(options.count, options.key, crew())
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
    try options.validate()
    let sampling = try sampling()
    if path.hasSuffix(".txt"), let texts = sampling.texts {
      try refuseLatent(options)
      let made = try texts(options.count, options.key, crew())
      try AtomicFile.write(path, made.joined(separator: "\n\n") + "\n")
      return []
    }
    guard path.hasSuffix(".npy") || path.hasSuffix(".npz") || path.hasSuffix(".csv") else {
      // A name without an extension is a picture's.
      guard path.hasSuffix(".png") || !(path.split(separator: "/").last ?? "").contains(".") else {
        throw RecipeError(
          "samples are not written as `\(path)`: name a file that ends with .png, .npy, .npz, .csv or .txt")
      }
      return try await FigureWriter.write(sample(options), to: path).notes
    }
    if let latent = sampling.latent, !path.hasSuffix(".csv") {
      try write(latent.examples(options.latent, options.key, crew()), to: path)
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
    let made = try rows(options.count, options.key)
    guard path.hasSuffix(".csv") else {
      try NPY.write(made.values, shape: made.shape, to: path)
      return []
    }
    try AtomicFile.write(path, Array(table(made.values, shape: made.shape).utf8))
    return []
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
    guard options.interpolates || options.truncation != nil || options.augmented != nil else { return }
    throw TrainingError(
      .unsuitable, "a \(model) knows neither --interpolate nor --truncation nor --augmented",
      advice: "leave them out, or name a run of an adversarial model")
  }

  private func write(_ made: GeneratedExamples, to path: String) throws {
    if path.hasSuffix(".npy") { return try NPY.write(made.examples.values, shape: made.examples.shape, to: path) }
    var writer = try NPZWriter(path)
    for (name, rows) in [("samples", made.examples), ("latents", made.latents), ("scores", made.scores)] {
      try writer.add(name, rows.values, shape: rows.shape)
    }
    try writer.finish()
  }
}
