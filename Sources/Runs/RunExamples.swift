import Datasets
import Foundation
import Models
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
  private let isOther: Bool
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
      RunExamples.copy(opened.learner, to: made.learner)
      known = made
      return made
    }
  }

  /// The one place that says which part of the data is evaluated: the recipe's test part, also of other data.
  private func data() throws -> Dataset {
    var request = opened.dataRequest
    request.schema = schema
    do throws(DataError) {
      let data = try DataSource.open(request)
      // Some metrics are of the training examples too, which the validation part does not belong to.
      guard !isOther, let parts = try data.validating(request) else { return data }
      return parts.data
    } catch {
      guard error.code == .notFound, !isOther, !FileManager.default.fileExists(atPath: request.source) else {
        throw error
      }
      throw TrainingError(
        .noData, "the run's data \(request.source) is not there", advice: "name data of the same kind with --data")
    }
  }

  /// After the parameters of the run's learner have changed.
  func follow() {
    known.withLock { known in
      guard let known, known.learner !== opened.learner else { return }
      RunExamples.copy(opened.learner, to: known.learner)
    }
  }

  private static func copy(_ learner: any Learner, to other: any Learner) {
    other.parameters.copy(from: learner.parameters)
    for (buffer, known) in zip(other.dataStatistics, learner.dataStatistics) { buffer.copy(from: known) }
  }
}
