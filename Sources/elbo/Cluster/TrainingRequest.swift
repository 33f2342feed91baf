import ArgumentParser
import Datasets
import Files
import Foundation
import Recipes
import Training

/// Options of whatever trains.
struct TrainingOutputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The run folder to write (default: runs/NAME).", valueName: "dir"))
  var out: String?

  @Option(help: ArgumentHelp("Go on from the newest checkpoint of a run, bit for bit.", valueName: "run"))
  var resume: String?

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print the results as JSON.")
  var json = false

  @Flag(help: "Print the recipe with every default, check the data, and train nothing.")
  var dryRun = false
}

/// What the arguments ask to train, and where to go on from.
struct TrainingRequest {
  let recipe: String?
  let options: RecipeOptions
  let output: TrainingOutputOptions

  struct Prepared {
    let job: Job
    /// A run that exists; nil: it is to be made.
    let run: RunFolder?
    let checkpoint: Checkpoint?
    /// Whether the run's coordinator was killed and its job is not over.
    var isRestart = false
  }

  func prepare() throws -> Prepared {
    guard let resume = output.resume else {
      guard let recipe else {
        throw RecipeError("name a recipe, as in `elbo train vae`; `elbo recipes` lists what there is")
      }
      let reading = try Recipe.named(recipe)
      try options.apply(to: reading)
      return Prepared(job: try Job(reading), run: nil, checkpoint: nil)
    }
    guard output.out == nil else {
      throw RecipeError("--out and --resume exclude each other: a run goes on in its own folder")
    }
    let run = try RunFolder(opening: resume)
    let checkpoint = try Checkpoint.newest(of: run)
    let reading = try Recipe.file(run.recipe)
    try options.apply(to: reading)
    let job = try Job(reading)
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

  private func check(_ checkpoint: Checkpoint, _ job: Job, _ path: String) throws {
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
  func finished() throws -> (run: RunFolder, summary: Summary)? {
    guard output.resume == nil, !output.dryRun, let path = output.out, let recipe,
      FileManager.default.fileExists(atPath: path + "/coordinator.log"),
      let run = try? RunFolder(opening: path), let summary = Summary(of: run), summary.status == .finished
    else { return nil }
    let reading = try Recipe.named(recipe)
    try options.apply(to: reading)
    let resolved = try Job(reading).recipe.resolved
    return try InputFile.read(run.recipe, limit: 1 << 20) == Array(resolved.utf8) ? (run, summary) : nil
  }

  /// Of a coordinator, which goes on with the job of the run folder when it was killed in the middle of it.
  func prepareRestartable() throws -> Prepared {
    let path = output.resume ?? output.out
    guard let path, FileManager.default.fileExists(atPath: path + "/coordinator.log"),
      FileManager.default.fileExists(atPath: path + "/recipe.yaml"),
      !FileManager.default.fileExists(atPath: path + "/summary.json")
    else { return try prepare() }
    let run = try RunFolder(opening: path)
    let reading = try Recipe.file(run.recipe)
    try options.apply(to: reading)
    let job = try Job(reading)
    let checkpoint = try? Checkpoint.newest(of: run)
    if let checkpoint { try check(checkpoint, job, path) }
    return Prepared(job: job, run: run, checkpoint: checkpoint, isRestart: true)
  }
}
