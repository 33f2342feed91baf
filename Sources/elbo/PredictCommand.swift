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
        elbo predict runs/gaussian-process --input new.csv --output P.npz

      The archive holds mean, std and quantiles, what of the uncertainty is the data's and what the parameters', and a
      standard error for each: the error that the number of Monte Carlo samples leaves.

      The exact models predict in closed form, so they take no samples: regressions mean, std, aleatoric_variance,
      epistemic_variance and quantiles; classifiers probabilities (mean, std) and the parts of the entropy; mixtures
      responsibilities and densities; K-means clusters and distances; PCA scores and reconstructions.
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(
    help: ArgumentHelp(
      "The inputs, examples first, of the type that the run was trained on.", valueName: "file.npy|csv"))
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
    let array = try trained.inputs(from: input)
    if let learner = trained.job.learner as? any RowPredicting {
      return try write(learner, array, with: Crew(lanes: try lanes.count()))
    }
    let learner = try trained.predicting()
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

  /// Predictions in closed form.
  private func write(_ learner: any RowPredicting, _ array: ExampleArray, with crew: Crew) throws {
    if let mismatch = learner.mismatch(array) {
      throw TrainingError(.unsuitable, "\(input): \(mismatch)", advice: "give inputs like the training data's")
    }
    let predictions = try learner.predict(array, with: crew)
    var writer = try NPZWriter(output)
    for prediction in predictions {
      try writer.add(prediction.name, prediction.values, shape: [array.count] + prediction.shape)
    }
    if predictions.contains(where: { $0.name == "quantiles" }) {
      let levels = RowPrediction.quantileLevels
      try writer.add("quantile_levels", levels, shape: [levels.count])
    }
    try writer.finish()
    print(
      ResultsTable([
        .init("examples", .integer(array.count)),
        .init("arrays", .text(predictions.map(\.name).joined(separator: ", "))), .init("predictions", .text(output)),
      ]).text, terminator: "")
  }
}

extension TrainedRun {
  /// Inputs to predict from: an NPY array, or a table of which the columns that the run was trained on are taken.
  func inputs(from path: String) throws -> ExampleArray {
    guard path.lowercased().hasSuffix(".csv") else { return try NPY.examples(path) }
    var request = try DataRequest(job.recipe["data"], seed: 0)
    (request.source, request.target, request.testFraction) = (path, nil, 0)
    // By name where they have names: the table may hold the target and more beside them.
    if request.columns.isEmpty, request.oneHot.isEmpty { request.columns = job.data.columns }
    return try DataSource.open(request).train.inputs
  }

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
