import Foundation
import Recipes
import Training

/// A run's learner with the parameters of its newest checkpoint.
package struct TrainedRun {
  package let run: RunFolder
  package let job: Job
  package let checkpoint: Checkpoint

  /// - Parameter data: other data of the same kind to look at.
  /// - Throws: `TrainingError` when the run has no whole checkpoint, or the data does not suit its model.
  package init(opening path: String, data: String? = nil) throws {
    run = try RunFolder(opening: path)
    checkpoint = try Checkpoint.newest(of: run)
    let recipe = try Recipe.file(run.recipe)
    if let data { recipe.set("data.source", text: data) }
    job = try Job(recipe)
    try checkpoint.restore(job.learner, optimizer: false)
  }
}
