import Foundation
import Models
import Recipes
import Reports
import Tensors
import Training

/// A trained model: a run folder, opened at its newest checkpoint, to evaluate, predict, sample, prune and export.
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
  /// The folder that the training wrote.
  public let folder: RunFolder
  /// The checkpoint whose parameters are used.
  public let checkpoint: Checkpoint
  /// How many threads compute.
  public let lanes: Int
  package let job: TrainingJob

  /// The processors of this machine that are in use.
  public static var processors: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Opens a run folder at its newest checkpoint.
  /// - Parameters:
  ///   - path: a folder that a training wrote.
  ///   - data: data of the same kind to look at, in place of what the run was trained on: a name, a folder or a file.
  ///   - lanes: how many threads compute; by default one for each processor.
  /// - Throws: `TrainingError` when the run has no whole checkpoint, or the data does not suit its model.
  public init(opening path: String, data: String? = nil, lanes: Int = Run.processors) throws {
    self.lanes = lanes
    folder = try RunFolder(opening: path)
    let recipe = try Recipe.file(folder.recipe)
    if let data { recipe.set("data.source", text: data) }
    job = try TrainingJob(recipe)
    let found = try Checkpoint.restoreNewest(
      of: folder, into: job.learner, optimizer: false, note: { StandardError.write($0 + "\n") })
    guard let found else { throw Checkpoint.none(in: folder) }
    checkpoint = found
  }

  /// The name of the model, such as `vae`.
  public var model: String { job.model.name }

  /// How many steps the model was trained.
  public var step: Int { checkpoint.state.step }

  /// The data that the run looks at: its training and test examples.
  public var data: Dataset { job.data }

  /// The SHA-256 of the parameters, as in `summary.json`.
  public var parametersSHA256: String { job.learner.parameters.sha256 }

  /// Threads to compute with.
  package func crew() throws -> Crew {
    guard (1...1024).contains(lanes) else { throw RecipeError("lanes is \(lanes): it must be from 1 to 1024") }
    return Crew(lanes: lanes)
  }
}
