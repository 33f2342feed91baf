import ArgumentParser
import Recipes
import Reports
import Runs

struct SampleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "New examples from a run's generative model, as a picture.",
    discussion: """
      Examples:
        elbo sample runs/vae --count 64 --output grid.png
        elbo sample runs/gan --interpolate             each row leads from one sample to another
        elbo sample runs/gan --truncation 1.5          less variety, more typical samples
        elbo sample runs/gan --augmented               samples as the discriminator is shown them
        elbo sample runs/gmm --output rows.npy         rows of a mixture or a probabilistic PCA
      """)

  @Argument(help: "A run folder, or a file that `elbo export` wrote.")
  var run: String

  @Option(help: "How many examples.")
  var count = 64

  @Option(
    help: ArgumentHelp(
      "The picture to write; .npy, .csv: the samples as numbers (adversarial and exact models); .npz: samples, latents, scores.",
      valueName: "file.png|npy|npz|csv|txt"))
  var output = "samples.png"

  @Option(parsing: .unconditional, help: "The seed of the noise.", transform: seedNumber)
  var seed: UInt64 = 0

  @Flag(help: "Each row of ten leads from one sample to another (adversarial models).")
  var interpolate = false

  @Option(help: ArgumentHelp("Cut the noise off at so many standard deviations (adversarial models).", valueName: "t"))
  var truncation: Double?

  @Flag(help: "Change samples as those are that the discriminator is shown (adversarial models).")
  var augmented = false

  @Option(
    help: ArgumentHelp("With --augmented: the probability of each change, in place of the run's.", valueName: "p"))
  var probability: Double?

  @OptionGroup var lanes: LaneOptions

  func run() async throws {
    guard probability == nil || augmented else {
      throw RecipeError("--probability is of the changes that --augmented shows: add --augmented")
    }
    var options = SampleOptions(count: count, seed: seed, interpolates: interpolate, truncation: truncation)
    if augmented { options.augmented = .init(probability: probability) }
    let notes = try await Run(opening: run, lanes: lanes.count()).writeSamples(options, to: output)
    for note in notes { StandardError.write(note + "\n") }
    print(output)
  }
}
