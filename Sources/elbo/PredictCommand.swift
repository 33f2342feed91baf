import ArgumentParser
import Cluster
import ClusterRuns
import Datasets
import Foundation
import Models
import Recipes
import Reports
import Runs
import Synchronization
import Tensors
import Training

struct PredictCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Predictions of a run for new inputs, with how sure they are.",
    discussion: """
      Example:
        elbo predict runs/bbb --input X.npy --samples 200 --output P.npz
        elbo predict runs/bbb --input X.npy --samples auto --tolerance 0.005
        elbo predict runs/bbb --input X.npy --samples 10000 --nodes 4
        elbo predict runs/bbb --input X.npy --samples 10000 --coordinator tcp://127.0.0.1:7700
        elbo predict runs/gaussian-process --input new.csv --output P.npz

      The archive holds mean, std and quantiles, what of the uncertainty is the data's and what the parameters', and a
      standard error for each: the error that the number of Monte Carlo samples leaves.

      Samples are computed here; with --nodes by processes on this machine; with --coordinator by the nodes of a
      training that runs there; with --bind by whoever is started with `elbo node --coordinator` and that address. The
      archive is the same, byte for byte.

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

  @Option(help: "Compute with so many node processes on this machine.")
  var nodes: Int?

  @Option(help: ArgumentHelp("Compute with the nodes of a training.", valueName: "tcp://host:port"))
  var coordinator: String?

  @Option(
    help: ArgumentHelp(
      "Listen for nodes there; with --coordinator, where its nodes reach this process.", valueName: "tcp://host:port"))
  var bind: String?

  @OptionGroup var lanes: LaneOptions
  @OptionGroup var security: SecurityOptions

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
    guard nodes == nil || (coordinator == nil && bind == nil) else {
      throw RecipeError("--nodes excludes --coordinator and --bind: its nodes are on this machine")
    }
    guard nodes.map({ (1...1024).contains($0) }) != false else {
      throw RecipeError("--nodes is \(nodes!): it must be from 1 to 1024")
    }
    let trained = try TrainedRun(opening: run)
    // A place that cannot be written to is found before the samples are computed. Nothing is left there.
    _ = try NPZWriter(output)
    let array = try trained.inputs(from: input)
    if let learner = trained.job.learner as? any RowPredicting {
      return try write(learner, array, with: Crew(lanes: try lanes.count()))
    }
    let learner = try trained.predicting()
    if let mismatch = learner.mismatch(array) {
      throw TrainingError(.unsuitable, "\(input): \(mismatch)", advice: "save inputs like the training data's")
    }
    let crew = Crew(lanes: try lanes.count())
    if nodes != nil || coordinator != nil || bind != nil {
      return try await predict(trained, learner, array, isAutomatic: isAutomatic, with: crew)
    }
    let key = Prediction.key(seed: seed)
    let table =
      isAutomatic
      ? try PredictionTable.automatic(learner, array, tolerance: tolerance, limit: limit, key: key, with: crew)
      : try PredictionTable(learner, array, samples: Int(samples)!, key: key, with: crew)
    try write(table, examples: array.count, missing: [])
    warn(table, learner, isAutomatic: isAutomatic)
  }

  /// Has nodes compute the samples.
  private func predict(
    _ trained: TrainedRun, _ learner: any Predicting, _ array: ExampleArray, isAutomatic: Bool, with crew: Crew
  ) async throws {
    let wasAsked = Atomic(false)
    let place = try PredictionPlace(
      nodes: nodes, coordinator: coordinator, bind: bind, security.request, lanes: lanes.lanes)
    let first = isAutomatic ? PredictionTable.firstCount(learner, limit: limit) : Int(samples)!
    let (tolerance, limit) = (tolerance, limit)
    var signals: SignalWatch?
    defer { signals?.end() }
    let result = try await place.run(
      trained, learner, array, seed: seed,
      began: { giveUp in
        signals = SignalWatch { _ in
          wasAsked.store(true, ordering: .releasing)
          giveUp()
        }
      }
    ) { session in
      var count = first
      while true {
        let result = try await session.table(samples: count, with: crew)
        guard isAutomatic, result.missing.isEmpty,
          let more = result.table.nextCount(learner, tolerance: tolerance, limit: limit)
        else { return result }
        count = more
      }
    }
    guard !result.table.columns.isEmpty else {
      throw wasAsked.load(ordering: .acquiring)
        ? ExitStatus.interrupted
        : ClusterError(.failed, "no sample was computed", advice: "look at the nodes' messages")
    }
    try write(result.table, examples: array.count, missing: result.missing)
    warn(result.table, learner, isAutomatic: isAutomatic)
    guard !result.missing.isEmpty else { return }
    let count = result.missing.reduce(0) { $0 + $1.samples.count * $1.examples.count }
    StandardError.write(
      "\(count) of \(result.table.samples * array.count) samples are missing; `missing` in \(output) names them\n")
    throw wasAsked.load(ordering: .acquiring) ? ExitStatus.interrupted : ExitStatus.failed
  }

  private func write(_ table: PredictionTable, examples: Int, missing: [PredictionSession.Missing]) throws {
    var writer = try NPZWriter(output)
    for column in table.columns { try writer.add(column.name, column.values, shape: column.shape) }
    let levels = PredictionTable.quantileLevels
    try writer.add("quantile_levels", levels, shape: [levels.count])
    try writer.add("samples", [Int64(table.samples)], shape: [])
    if let counts = table.sampleCounts {
      try writer.add("sample_counts", counts.map { Int64($0) }, shape: [counts.count])
      // Rows of first sample, count, first example, count.
      let rows = missing.flatMap { part in
        [part.samples.lowerBound, part.samples.count, part.examples.lowerBound, part.examples.count].map { Int64($0) }
      }
      try writer.add("missing", rows, shape: [missing.count, 4])
    }
    try writer.finish()
    print(
      ResultsTable([
        .init("examples", .integer(examples)), .init("samples", .integer(table.samples)),
        .init("greatest standard error", table.greatestError, digits: 5), .init("predictions", .text(output)),
      ]).text, terminator: "")
  }

  private func warn(_ table: PredictionTable, _ learner: any Predicting, isAutomatic: Bool) {
    guard isAutomatic, table.greatestError > tolerance else { return }
    let cause = learner.sampleCount(.max) <= table.samples ? "there are no more of them" : "raise --limit"
    StandardError.write("the tolerance \(tolerance) was not met with \(table.samples) samples; \(cause)\n")
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
    var request = try DataRequest(job.recipe["data"], seed: 0)
    guard path.lowercased().hasSuffix(".csv") else {
      // As of training data: a network may well turn NaN into a number.
      return try NPY.finiteExamples(path, allowingNaN: request.missing == .keep)
    }
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
