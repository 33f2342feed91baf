import ArgumentParser
import Recipes
import Reports
import Runs
import Training

struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Metrics of a run on its test set, or on other data.",
    discussion: """
      Examples:
        elbo evaluate runs/vae
        elbo evaluate runs/vae --data FOLDER --json
        elbo evaluate runs/mlp                     after `elbo calibrate` also cls/NLL_calibrated, cal/ECE_calibrated
        elbo evaluate runs/gan --metrics swd,nearest   of generated pictures: fid, kid, pr, swd, nearest, ppl
        elbo evaluate runs/gan --features F.npz    FID, KID, precision and recall of features from elsewhere
        elbo evaluate runs/bbb --ood FOLDER        how well uncertainty tells other data apart
        elbo evaluate runs/bbb --loo               PSIS-LOO and WAIC of the training examples
        elbo evaluate runs/lstm --set evaluate.dynamic=rms
      """)

  @Argument(help: "A run folder, or a file that `elbo export` wrote.")
  var run: String

  @Option(
    help: ArgumentHelp(
      "Other data of the same kind: the test part that it comes with, or all of it.", valueName: "dir|file"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "What to measure of generated examples, in place of evaluate.metrics (adversarial models).",
      valueName: "fid,kid,pr,swd,nearest,ppl"))
  var metrics: String?

  @Option(
    help: ArgumentHelp(
      "Compare generated with real examples in another network's features: arrays real and generated, a row an example.",
      valueName: "file.npz"))
  var features: String?

  @Option(
    help: ArgumentHelp(
      "Other data, which the model should recognize as such: its test part, or all of it.", valueName: "dir|file"))
  var ood: String?

  @Flag(help: "Estimate from the training examples how well others would be predicted: PSIS-LOO and WAIC.")
  var loo = false

  @Option(
    help: ArgumentHelp(
      "With --loo: write log p of each training example under each sample, as ArviZ reads it.", valueName: "file.npz"))
  var logLikelihood: String?

  @Option(help: ArgumentHelp("Weights that `elbo prune` left, in place of the checkpoint's.", valueName: "file.npz"))
  var pruned: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a key of the recipe's evaluate section; repeatable.", valueName: "evaluate.key=value"))
  var settings: [String] = []

  @OptionGroup var unseen: UnseenOptions
  @OptionGroup var lanes: LaneOptions

  @Flag(help: "Print the results as JSON.")
  var json = false

  func run() async throws {
    guard logLikelihood == nil || loo else { throw RecipeError("--log-likelihood is what --loo writes: add --loo") }
    if let features {
      let metrics = try Run.compareFeatures(features)
      return try Results.print(metrics: metrics, title: "\(run), features of \(features)", json: json)
    }
    let chosen = metrics.map { ["evaluate.metrics=[\($0)]"] } ?? []
    let trained = try Run(
      opening: run, data: data, settings: settings + chosen, unseen: unseen.unseen, lanes: lanes.count())
    if let pruned { try trained.usePruned(pruned) }
    guard !loo else {
      let metrics = try trained.crossValidate(writing: logLikelihood)
      return try Results.print(metrics: metrics, title: "\(run), its training examples", json: json)
    }
    let metrics = try trained.evaluate(outOfDistribution: ood)
    if try trained.hasForeignCalibration() {
      StandardError.write(
        "\(run): its calibration is of other parameters and left out; to make another, run: elbo calibrate \(run)\n")
    }
    let selection = (try? RunFolder(opening: run)).flatMap { Summary(of: $0)?.selection }
    var title =
      selection.map { "\(run), selected at step \($0.step) of \(trained.step)" } ?? "\(run), step \(trained.step)"
    if let samples = metrics["test/gen/Examples"] { title += ", \(Int(samples)) samples and as many real examples" }
    if metrics["test/cls/NLL_calibrated"] != nil { title += "; _calibrated: with its calibration" }
    try Results.print(metrics: metrics, title: title, json: json, of: trained)
  }
}
