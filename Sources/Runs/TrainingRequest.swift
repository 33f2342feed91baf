import Datasets
import Files
import Foundation
import Recipes
import Training

/// What the arguments ask to train, and where to go on from.
package struct TrainingRequest {
  package let recipe: String?
  package let overrides: RecipeOverrides
  package let out: String?
  package let resume: String?
  package let dryRun: Bool

  package init(recipe: String?, overrides: RecipeOverrides, out: String?, resume: String?, dryRun: Bool) {
    (self.recipe, self.overrides, self.out, self.resume, self.dryRun) = (recipe, overrides, out, resume, dryRun)
  }

  package struct Prepared {
    package let job: TrainingJob
    /// A run that exists; nil: it is to be made.
    package let run: RunFolder?
    package let checkpoint: Checkpoint?
    /// Whether the run's coordinator was killed and its job is not over.
    package var isRestart = false
  }

  package func prepare() throws -> Prepared {
    guard let resume else {
      guard let recipe else {
        throw RecipeError("name a recipe, as in `elbo train vae`; `elbo recipes` lists what there is")
      }
      let reading = try Recipe.named(recipe)
      try overrides.apply(to: reading)
      return Prepared(job: try TrainingJob(reading), run: nil, checkpoint: nil)
    }
    guard out == nil else {
      throw RecipeError("--out and --resume exclude each other: a run goes on in its own folder")
    }
    let run = try RunFolder(opening: resume)
    let checkpoint = try Checkpoint.newest(of: run)
    let reading = try Recipe.file(run.recipe)
    try overrides.apply(to: reading)
    let job = try TrainingJob(reading)
    if let recipe {
      let asked = try Recipe.named(recipe)[""].text("model")
      guard asked == checkpoint.state.model else {
        throw TrainingError(
          .otherModel, "\(resume) is a run of \(checkpoint.state.model), not of \(recipe)",
          advice: "leave the recipe out, or resume another run")
      }
    }
    try check(checkpoint, job, resume)
    return Prepared(job: job, run: run, checkpoint: checkpoint)
  }

  private func check(_ checkpoint: Checkpoint, _ job: TrainingJob, _ path: String) throws {
    guard job.recipeDigest == checkpoint.state.recipe else {
      throw TrainingError(
        .otherRecipe, "the recipe is not the one that \(path) was trained with",
        advice:
          "only train.epochs, train.steps and what is reported may change; to train something else, start a new run")
    }
    guard job.data.fingerprint == checkpoint.state.data else {
      throw TrainingError(
        .otherData, "the data is not what \(path) was trained on", advice: "name the same data with --data")
    }
  }

  /// What is asked for, when a coordinator has finished it already: it may have been killed as it was about to say so.
  package func finished() throws -> (run: RunFolder, summary: Summary)? {
    guard resume == nil, !dryRun, let path = out, let recipe,
      FileManager.default.fileExists(atPath: path + "/coordinator.log"),
      let run = try? RunFolder(opening: path), let summary = Summary(of: run), summary.status == .finished
    else { return nil }
    let reading = try Recipe.named(recipe)
    try overrides.apply(to: reading)
    let resolved = try TrainingJob(reading).resolvedRecipe
    return try InputFile.read(run.recipe, limit: 1 << 20) == Array(resolved.utf8) ? (run, summary) : nil
  }

  /// Of a coordinator, which goes on with the job of the run folder when it was killed in the middle of it.
  package func prepareRestartable() throws -> Prepared {
    let path = resume ?? out
    guard let path, FileManager.default.fileExists(atPath: path + "/coordinator.log"),
      FileManager.default.fileExists(atPath: path + "/recipe.yaml"),
      !FileManager.default.fileExists(atPath: path + "/summary.json")
    else { return try prepare() }
    let run = try RunFolder(opening: path)
    let reading = try Recipe.file(run.recipe)
    try overrides.apply(to: reading)
    let job = try TrainingJob(reading)
    let checkpoint = try? Checkpoint.newest(of: run)
    if let checkpoint { try check(checkpoint, job, path) }
    return Prepared(job: job, run: run, checkpoint: checkpoint, isRestart: true)
  }
}
