import ArgumentParser
import Datasets
import Figures
import Models
import Recipes
import Reports
import Runs
import Tensors
import Training

struct SampleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "New examples from a run's generative model, as a picture.",
    discussion: """
      Examples:
        elbo sample runs/vae --count 64 --output grid.png
        elbo sample runs/gan --interpolate             each row leads from one sample to another
        elbo sample runs/gan --truncation 1.5          less variety, more typical samples
        elbo sample runs/gmm --output rows.npy         rows of a mixture or a probabilistic PCA
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(help: "How many examples.")
  var count = 64

  @Option(
    help: ArgumentHelp(
      "The picture to write; .npy: the samples as numbers (adversarial and exact models); .npz: samples, latents, scores.",
      valueName: "file.png"))
  var output = "samples.png"

  @Option(help: "The seed of the noise.")
  var seed: UInt64 = 0

  @Flag(help: "Each row of ten leads from one sample to another (adversarial models).")
  var interpolate = false

  @Option(help: ArgumentHelp("Cut the noise off at so many standard deviations (adversarial models).", valueName: "t"))
  var truncation: Double?

  @OptionGroup var lanes: LaneOptions

  func run() async throws {
    guard (1...100_000).contains(count) else {
      throw RecipeError("--count is \(count): it must be from 1 to 100000")
    }
    if let truncation, !(0.01...100).contains(truncation) {
      throw RecipeError("--truncation is \(truncation): it must be from 0.01 to 100")
    }
    let trained = try TrainedRun(opening: run)
    guard let learner = trained.job.learner as? any Generating else {
      throw TrainingError(
        .unsuitable, "a \(trained.job.model.name) makes no new examples",
        advice: "sample from a generative model, such as vae")
    }
    let key = RandomKey(seed: seed).at(step: UInt32.max - 1)
    let crew = Crew(lanes: try lanes.count())
    let figure: Figure
    if let learner = learner as? any LatentGenerating {
      let request = LatentRequest(
        count: count, path: interpolate ? .interpolated : .independent, truncation: truncation)
      if writesNumbers {
        try write(learner.examples(request, key: key, with: crew))
        return print(output)
      }
      figure = try learner.sample(request, key: key, with: crew)
    } else {
      let rows = learner as? any RowGenerating
      guard !interpolate, truncation == nil, !writesNumbers || (rows != nil && output.hasSuffix(".npy")) else {
        throw TrainingError(
          .unsuitable,
          "a \(trained.job.model.name) knows neither --interpolate nor --truncation, nor writes .npz"
            + (rows == nil ? " or .npy" : ""),
          advice: "leave them out, or name a run of an adversarial model")
      }
      if let rows, output.hasSuffix(".npy") {
        let made = try rows.rows(count: count, key: key)
        try NPY.write(made.values, shape: made.shape, to: output)
        return print(output)
      }
      figure = try learner.sample(count: count, key: key, with: crew)
    }
    let outcome = try await FigureWriter.write(figure, to: output)
    for note in outcome.notes { StandardError.write(note + "\n") }
    print(output)
  }

  private var writesNumbers: Bool { output.hasSuffix(".npy") || output.hasSuffix(".npz") }

  private func write(_ made: GeneratedExamples) throws {
    if output.hasSuffix(".npy") { return try NPY.write(made.examples.values, shape: made.examples.shape, to: output) }
    var writer = try NPZWriter(output)
    for (name, rows) in [("samples", made.examples), ("latents", made.latents), ("scores", made.scores)] {
      try writer.add(name, rows.values, shape: rows.shape)
    }
    try writer.finish()
  }
}
