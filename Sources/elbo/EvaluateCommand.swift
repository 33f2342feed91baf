import ArgumentParser
import Datasets
import Recipes
import Training

struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Metrics of a run on its test set, or on other data.",
    discussion: """
      Examples:
        elbo evaluate runs/vae
        elbo evaluate runs/vae --data FOLDER --json
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(help: ArgumentHelp("Other data of the same kind; its test part is used.", valueName: "dir|file"))
  var data: String?

  @OptionGroup var lanes: LaneOptions

  @Flag(help: "Print the results as JSON.")
  var json = false

  func run() async throws {
    let trained = try TrainedRun(opening: run, data: data)
    guard trained.job.learner.evaluationCount > 0 else {
      throw TrainingError(
        .unsuitable, "\(trained.job.data.name) has no test examples",
        advice: "name data that has, or train with data.test_fraction above 0")
    }
    let metrics = try Evaluation.run(
      trained.job.learner, seed: trained.job.plan.seed, crew: Crew(lanes: try lanes.count()))
    try Results.print(metrics: metrics, title: "\(run), step \(trained.checkpoint.state.step)", json: json)
  }
}
