import Foundation
import Recipes
import Reports
import Training

/// A run's learner with the parameters of its newest checkpoint.
struct TrainedRun {
  let run: RunFolder
  let job: Job
  let checkpoint: Checkpoint

  /// - Parameter data: other data of the same kind to look at.
  /// - Throws: `TrainingError` when the run has no whole checkpoint, or the data does not suit its model.
  init(opening path: String, data: String? = nil) throws {
    run = try RunFolder(opening: path)
    let recipe = try Recipe.file(run.recipe)
    if let data { try recipe.set("data.source", to: "'" + data.replacingOccurrences(of: "'", with: "''") + "'") }
    job = try Job(recipe)
    let found = try Checkpoint.restoreNewest(
      of: run, into: job.learner, optimizer: false, note: { StandardError.write($0 + "\n") })
    guard let found else { throw Checkpoint.none(in: run) }
    checkpoint = found
  }
}
