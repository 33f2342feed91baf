import ArgumentParser
import Datasets
import Foundation
import Models
import Recipes
import Reports
import Tensors
import Training

struct PredictCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Predictions of a run for new inputs, with how sure they are.",
    discussion: """
      Example:
        elbo predict runs/bbb --input X.npy --samples 200 --output P.npz
        elbo predict runs/bbb --input X.npy --samples auto --tolerance 0.005

      The archive holds mean, std and quantiles, what of the uncertainty is the data's and what the parameters', and a
      standard error for each: the error that the number of Monte Carlo samples leaves.
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(
    help: ArgumentHelp("The inputs, examples first, of the type that the run was trained on.", valueName: "file.npy"))
  var input: String

  @Option(help: ArgumentHelp("Monte Carlo samples, or auto: until the tolerance is met.", valueName: "t|auto"))
  var samples = "100"

  @Option(
    help: ArgumentHelp(
      "With auto: the greatest standard error of a mean, of a probability or relative to the prediction's std.",
      valueName: "error"))
  var tolerance = 0.01

  @Option(help: "With auto: no more samples than this.")
  var limit = 10_000

  @Option(help: "The seed of the samples.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("The archive to write.", valueName: "file.npz"))
  var output = "predictions.npz"

  @OptionGroup var lanes: LaneOptions

  private static let counts = 1...1_000_000

  func run() async throws {
    let isAutomatic = samples == "auto"
    guard isAutomatic || Int(samples).map(Self.counts.contains) == true else {
      throw RecipeError(
        "--samples is \(samples): it must be auto, or a whole number from 1 to \(Self.counts.upperBound)")
    }
    guard tolerance > 0, Self.counts.contains(limit) else {
      throw RecipeError("--tolerance must be above 0, and --limit from 1 to \(Self.counts.upperBound)")
    }
    let trained = try TrainedRun(opening: run)
    let learner = try trained.predicting()
    let array = try NPY.examples(input)
    if let mismatch = learner.mismatch(array) {
      throw TrainingError(.unsuitable, "\(input): \(mismatch)", advice: "save inputs like the training data's")
    }
    let crew = Crew(lanes: try lanes.count())
    let key = Prediction.key(seed: seed)
    let table =
      isAutomatic
      ? try PredictionTable.automatic(learner, array, tolerance: tolerance, limit: limit, key: key, with: crew)
      : try PredictionTable(learner, array, samples: Int(samples)!, key: key, with: crew)

    var writer = try NPZWriter(output)
    for column in table.columns { try writer.add(column.name, column.values, shape: column.shape) }
    let levels = PredictionTable.quantileLevels
    try writer.add("quantile_levels", levels, shape: [levels.count])
    try writer.add("samples", [Int64(table.samples)], shape: [])
    try writer.finish()
    print(
      ResultsTable([
        .init("examples", .integer(array.count)), .init("samples", .integer(table.samples)),
        .init("greatest standard error", table.greatestError, digits: 5), .init("predictions", .text(output)),
      ]).text, terminator: "")
    if isAutomatic, table.greatestError > tolerance {
      StandardError.write("the tolerance \(tolerance) was not met with \(table.samples) samples; raise --limit\n")
    }
  }
}

extension TrainedRun {
  /// The run's learner, if it predicts classes or numbers.
  func predicting() throws -> any Predicting {
    guard let learner = job.learner as? any Predicting else {
      throw TrainingError(
        .unsuitable, "a \(job.model.name) predicts neither classes nor numbers",
        advice: "predict with a run of a supervised model, such as bbb or mc-dropout")
    }
    return learner
  }
}
