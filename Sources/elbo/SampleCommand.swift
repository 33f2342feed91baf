import ArgumentParser
import Figures
import Models
import Recipes
import Reports
import Tensors
import Training

struct SampleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "New examples from a run's generative model, as a picture.",
    discussion: """
      Example:
        elbo sample runs/vae --count 64 --output grid.png
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(help: "How many examples.")
  var count = 64

  @Option(help: ArgumentHelp("The picture to write.", valueName: "file.png"))
  var output = "samples.png"

  @Option(help: "The seed of the noise.")
  var seed: UInt64 = 0

  @OptionGroup var lanes: LaneOptions

  func run() async throws {
    guard (1...100_000).contains(count) else {
      throw RecipeError("--count is \(count): it must be from 1 to 100000")
    }
    let trained = try TrainedRun(opening: run)
    guard let learner = trained.job.learner as? any Generating else {
      throw TrainingError(
        .unsuitable, "a \(trained.job.model.name) makes no new examples",
        advice: "sample from a generative model, such as vae")
    }
    let figure = try learner.sample(
      count: count, key: RandomKey(seed: seed).at(step: UInt32.max - 1), with: Crew(lanes: try lanes.count()))
    guard case .images(let grid) = figure.content else { preconditionFailure("samples are drawn as images") }
    let outcome = try await FigureWriter.write(grid, to: output)
    for note in outcome.notes { StandardError.write(note + "\n") }
    print(output)
  }
}
