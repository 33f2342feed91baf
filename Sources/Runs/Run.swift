import Datasets
import Files
import Foundation
import Learners
import Recipes
import Reports
import Tensors
import Training

/// A trained model: a run folder, opened at its newest checkpoint, or a model file, to evaluate, predict, sample, prune and
/// export.
///
/// ```swift
/// import Runs
///
/// let recipe = try Recipe.named("bbb")
/// try recipe.set("train.epochs", to: "2")
/// try await Run.train(recipe, out: "runs/bbb")
///
/// let run = try Run(opening: "runs/bbb")
/// print(try run.evaluate())
/// ```
///
/// All functions compute on `lanes` threads, which changes no result, and give the same bits each time.
public struct Run: Sendable {
  /// The folder that the training wrote, or the file that it was exported to.
  public let path: String
  /// The checkpoint whose parameters are used.
  public let checkpoint: Checkpoint
  /// How many threads compute.
  public let lanes: Int
  /// The recipe with what the training data is like, or with the data itself in a run of 0.1.
  package let job: TrainingJob
  let examples: RunExamples

  /// The default number of threads that compute: that of the variable ELBO_LANES, or all processors.
  /// - Throws: `RecipeError` when the variable is no number of threads.
  public static func defaultLanes() throws -> Int { try lanesOfEnvironment() ?? processors }

  /// What the variable ELBO_LANES says; nil: nothing.
  package static func lanesOfEnvironment() throws -> Int? {
    guard let text = Setting.lanes.value else { return nil }
    guard let lanes = Int(text), (1...1024).contains(lanes) else {
      throw RecipeError("\(Setting.lanes.rawValue) is \(text): it must be from 1 to 1024")
    }
    return lanes
  }

  /// The processors of this machine that are in use.
  public static var processors: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Opens a run folder at its newest checkpoint, or a model file. The data that it was trained on need not be there, but for runs of 0.1.
  /// - Parameters:
  ///   - path: a folder that a training or `elbo fit` wrote, by its path or by its name in the folder of runs; or a file
  ///     that `export` wrote.
  ///   - data: data of the same kind to evaluate, in place of what the run was trained on: a name, a folder or a file. The
  ///     test part that it comes with is used, or all of it.
  ///   - settings: keys of the recipe's `evaluate` section that take the place of its own, each `evaluate.KEY=VALUE`.
  ///   - unseen: what becomes of values of one-hot columns that the training data does not have, in data and in what is
  ///     predicted from; nil: what the recipe says.
  ///   - lanes: how many threads compute; by default one for each processor.
  /// - Throws: `TrainingError` when the run has no whole checkpoint, or the data does not suit its model.
  public init(
    opening path: String, data: String? = nil, settings: [String] = [], unseen: UnseenRule? = nil,
    lanes: Int = Run.processors
  ) throws {
    let path = Run.fitted(Setting.run(path))
    (self.lanes, self.path) = (lanes, path)
    let source: String
    if ModelFile.isFile(path) {
      let file = try ModelFile(opening: path)
      job = try TrainingJob(
        Run.recipe(Recipe(yaml: file.recipe, source: path), data, settings, unseen), data: Dataset(schema: file.schema))
      try file.restore(job.learner)
      (checkpoint, source) = (file.checkpoint, path)
    } else {
      let folder = try RunFolder(opening: path)
      (checkpoint, job) = try Run.newest(
        of: folder, Run.recipe(Recipe.file(folder.recipe), data, settings, unseen))
      source = folder.recipe
    }
    examples = RunExamples(job, recipePath: source, schema: checkpoint.schema, isOther: data != nil)
    // The named data is opened at once, so that errors in it come before any others.
    if data != nil { _ = try examples.job() }
  }

  /// The model file in a folder that `elbo fit` wrote.
  package static let fittedModel = "model" + ModelFile.fileExtension

  /// The model in a folder of `elbo fit`; any other path as it is.
  private static func fitted(_ path: String) -> String {
    let (model, manager) = (path + "/" + fittedModel, FileManager.default)
    return !manager.fileExists(atPath: path + "/recipe.yaml") && manager.fileExists(atPath: model) ? model : path
  }

  private static func recipe(
    _ recipe: Recipe, _ data: String?, _ settings: [String], _ unseen: UnseenRule?
  ) throws -> Recipe {
    for setting in settings {
      guard setting.hasPrefix("evaluate.") else {
        throw RecipeError(
          "--set \(setting): of a run that is trained only keys of evaluate can be set, as in evaluate.samples=64")
      }
      try recipe.set(setting)
    }
    if let data { recipe.set(DataKey.source.description, text: data) }
    if let unseen { recipe.set(DataKey.unseen.description, text: unseen.rawValue) }
    return recipe
  }

  /// The newest whole checkpoint of a run, and the learner that it fills.
  private static func newest(of folder: RunFolder, _ recipe: Recipe) throws -> (Checkpoint, TrainingJob) {
    var known: (schema: Schema?, job: TrainingJob)?
    let found = try Checkpoint.restoreNewest(
      of: folder, optimizer: false, note: { StandardError.write($0 + "\n") },
      into: { checkpoint in
        if let known, known.schema == checkpoint.schema { return known.job.learner }
        let made = try TrainingJob(recipe, data: checkpoint.schema.map { Dataset(schema: $0) })
        known = (checkpoint.schema, made)
        return made.learner
      })
    guard let found, let known else { throw Checkpoint.none(in: folder) }
    return (found, known.job)
  }

  /// The name of the model, such as `vae`.
  public var model: String { job.model.name }

  /// How many steps the model was trained.
  public var step: Int { checkpoint.state.step }

  /// What the training data is like: shape, names of columns and classes, counts.
  public var schema: Schema { checkpoint.schema ?? job.data.schema }

  /// The data that the run is evaluated on: what it was trained on, or what was named when the run was opened. Read when
  /// it is first asked for.
  /// - Throws: `TrainingError` when it is not there, or is of another kind; `DataError` when it cannot be read.
  public func data() throws -> Dataset { try examples.job().data }

  /// The recipe with examples to evaluate, and its learner at the checkpoint.
  package func examined() throws -> TrainingJob { try examples.job() }

  /// The SHA-256 of the parameters, as in `summary.json`.
  public var parametersSHA256: String { job.learner.parameters.sha256 }

  /// Threads to compute with.
  package func crew() throws -> Crew {
    guard (1...1024).contains(lanes) else { throw RecipeError("lanes is \(lanes): it must be from 1 to 1024") }
    return Crew(lanes: lanes)
  }
}
