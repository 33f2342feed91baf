import ArgumentParser
import Recipes
import Reports
import Runs
import Training

struct SampleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "New examples from a run's generative model, as a picture.",
    discussion: """
      Examples:
        elbo sample runs/vae --count 64 --output grid.png
        elbo sample runs/gmm --output rows.npy         rows of a mixture or a probabilistic PCA
        elbo sample runs/gan --interpolate             each row leads from one sample to another
        elbo sample runs/gan --truncation 1.5          less variety, more typical samples
        elbo sample runs/gan --augmented               samples as the discriminator is shown them
        elbo sample runs/gan --seeds 85,265,600-605    a seed's sample has the same bits alone and in any grid
        elbo sample runs/stylegan --seeds 0-35 --truncation 0.7 --noise none
        elbo sample runs/stylegan --seeds 0-4 --sweep -1,-0.5,0,0.5,1
        elbo sample runs/stylegan --mix --rows 85,100 --columns 55,821 --layers 0-3
        elbo sample runs/classes --seeds 0-9 --class bag
        elbo sample runs/gan --walk 1,5,9 --frames 60 --output walk.png
      """)

  @Argument(help: "A run folder, or a file that `elbo export` wrote.")
  var run: String

  @Option(help: "How many examples (default: 64).")
  var count: Int?

  @Option(
    help: ArgumentHelp(
      "The picture to write; .npy, .csv: the samples as numbers (adversarial and exact models); .npz: samples, latents, scores.",
      valueName: "file.png|npy|npz|csv|txt"))
  var output = "samples.png"

  @Option(parsing: .unconditional, help: "The seed of the noise (default: 0).", transform: seedNumber)
  var seed: UInt64?

  @OptionGroup(title: "Adversarial models") var latent: LatentOptions

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
    var options = SampleOptions(
      count: count, choice: try latent.choice(count: count, seed: seed), className: latent.className,
      truncation: latent.truncation, truncationCutoff: latent.truncationCutoff, noise: latent.noise)
    if let seed { options.seed = seed }
    if augmented { options.augmented = .init(probability: probability) }
    let notes = try await Run(opening: run, lanes: lanes.count()).writeSamples(options, to: output)
    for note in notes { StandardError.write(note + "\n") }
    print(output)
  }
}
