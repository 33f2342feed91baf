import Datasets
import Foundation
import Recipes
import Synchronization
import Tensors
import Training

/// The examples that a run is evaluated on, read when they are first asked for; a run predicts and samples without.
final class RunExamples: Sendable {
  /// The run as it was opened, by what its training data is like.
  private let opened: TrainingJob
  private let recipePath: String
  /// Nil: a run of 0.1, which was opened with its data.
  private let schema: Schema?
  /// Whether the data is another than what the recipe names.
  let isOther: Bool
  private let known: Mutex<TrainingJob?>

  init(_ opened: TrainingJob, recipePath: String, schema: Schema?, isOther: Bool) {
    (self.opened, self.recipePath, self.schema, self.isOther) = (opened, recipePath, schema, isOther)
    known = Mutex(schema == nil ? opened : nil)
  }

  /// The recipe with the examples, and its learner with the numbers of the run's.
  func job() throws -> TrainingJob {
    try known.withLock { known in
      if let known { return known }
      let made = try TrainingJob(
        Recipe(yaml: opened.resolvedRecipe, source: recipePath), data: data().seen(as: schema!))
      made.learner.copyNumbers(from: opened.learner)
      known = made
      return made
    }
  }

  /// Examples that the parameters were not learned from, to calibrate predictions with, and where they are from: those of
  /// other data, or the validation part.
  func calibrating() throws -> (examples: ExampleSet, source: String) {
    if isOther {
      let data = try job().data
      return (data.test!, data.name)
    }
    if let metric = TrainingJob.selection(of: opened.writtenRecipe) {
      throw TrainingError(
        .unsuitable, "the validation part has selected the parameters by \(metric), so it cannot calibrate them",
        advice: "name other examples that the run was not trained on with --data")
    }
    var request = opened.dataRequest
    request.schema = schema
    let validation = try reading(request) { (request) throws(DataError) in
      try DataSource.open(request).validating(request)?.validation
    }
    guard let validation, let schema, let examples = try validation.seen(as: schema).test else {
      throw TrainingError(
        .unsuitable, "the run has no validation part",
        advice:
          "name examples that it was not trained on with --data, or train with \(DataKey.validationFraction)=0.2")
    }
    return (examples, "the validation part")
  }

  /// The one place that says which part of the data is evaluated: the test part that the recipe makes or the data comes
  /// with; all of other data that has none.
  private func data() throws -> Dataset {
    var request = opened.dataRequest
    request.schema = schema
    if isOther, let schema { return try other(request, than: schema) }
    return try reading(request, asTrained)
  }

  /// What reading the run's own data gives.
  /// - Throws: `TrainingError` that says what to do when it is not there.
  private func reading<Result>(
    _ request: DataRequest, _ read: (DataRequest) throws(DataError) -> Result
  ) throws -> Result {
    guard request.source != StandardInput.name else {
      throw TrainingError(
        .noData, "the run was trained on standard input, which cannot be read again",
        advice: "name data of the same kind with --data")
    }
    do throws(DataError) {
      return try read(request)
    } catch {
      guard error.code == .notFound, !FileManager.default.fileExists(atPath: request.source) else { throw error }
      throw TrainingError(
        .noData, "the run's data \(request.source) is not there", advice: "name data of the same kind with --data")
    }
  }

  /// The parts that the training had. Some metrics are of the training examples too, which the validation part does not
  /// belong to.
  private func asTrained(_ request: DataRequest) throws(DataError) -> Dataset {
    let data = try DataSource.open(request)
    return try data.validating(request)?.data ?? data
  }

  private func other(_ request: DataRequest, than schema: Schema) throws -> Dataset {
    // The run's own data in another place: its training part is no test.
    if request.testFraction > 0 || request.validationFraction > 0,
      let same = try? asTrained(request).seen(as: schema), same.fingerprint == schema.fingerprint
    {
      return same
    }
    var request = request
    request.testFraction = 0
    let data = try DataSource.open(request)
    return data.test == nil ? try data.testingAll() : data
  }

  /// After the parameters of the run's learner have changed.
  func follow() {
    known.withLock { known in
      guard let known, known.learner !== opened.learner else { return }
      known.learner.copyNumbers(from: opened.learner)
    }
  }
}
