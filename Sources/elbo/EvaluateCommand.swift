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
        elbo evaluate runs/gan --features F.npz    FID, KID, precision and recall of features from elsewhere
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(help: ArgumentHelp("Other data of the same kind; its test part is used.", valueName: "dir|file"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "Compare generated with real examples in another network's features: arrays real and generated, a row an example.",
      valueName: "file.npz"))
  var features: String?

  @OptionGroup var lanes: LaneOptions

  @Flag(help: "Print the results as JSON.")
  var json = false

  func run() async throws {
    if let features {
      let metrics = try FeatureFile(features).metrics()
      return try Results.print(metrics: metrics, title: "\(run), features of \(features)", json: json)
    }
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
