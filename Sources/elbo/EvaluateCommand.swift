import ArgumentParser
import Datasets
import Models
import Recipes
import Runs
import Training

struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Metrics of a run on its test set, or on other data.",
    discussion: """
      Examples:
        elbo evaluate runs/vae
        elbo evaluate runs/vae --data FOLDER --json
        elbo evaluate runs/gan --features F.npz    FID, KID, precision and recall of features from elsewhere
        elbo evaluate runs/bbb --ood FOLDER        how well uncertainty tells other data apart
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

  @Option(
    help: ArgumentHelp(
      "Data that the model was not trained on, to be told apart; its test part is used.", valueName: "dir|file"))
  var ood: String?

  @Option(help: ArgumentHelp("Weights that `elbo prune` left, in place of the checkpoint's.", valueName: "file.npz"))
  var pruned: String?

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
        .unsuitable, "there are no test examples of \(trained.job.data.name) to evaluate",
        advice: "name data that has some, or train with data.test_fraction (GANs: evaluate.examples) above 0")
    }
    if let pruned { try trained.prunable().load(PrunedFile.read(pruned)) }
    let crew = Crew(lanes: try lanes.count())
    var metrics = try Evaluation.run(trained.job.learner, seed: trained.job.plan.seed, crew: crew)
    if let ood { metrics.merge(try outOfDistribution(trained, ood, with: crew)) { $1 } }
    try Results.print(metrics: metrics, title: "\(run), step \(trained.checkpoint.state.step)", json: json)
  }
  private func outOfDistribution(_ trained: TrainedRun, _ source: String, with crew: Crew) throws -> [String: Double] {
    let learner = try trained.predicting()
    guard learner.isClassifier else {
      throw TrainingError(.unsuitable, "\(run) predicts numbers", advice: "--ood is for classifiers")
    }
    let other = try DataSource.open(DataRequest(source: source))
    let outside = (other.test ?? other.train).inputs
    if let mismatch = learner.mismatch(outside) {
      throw TrainingError(.unsuitable, "\(source): \(mismatch)", advice: "name data of the same shape and type")
    }
    return try OutOfDistribution.metrics(
      learner, inside: trained.job.data.test!.inputs, outside: outside, samples: learner.evaluationSamples,
      key: Prediction.key(seed: trained.job.plan.seed), with: crew)
  }
}
