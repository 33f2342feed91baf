import Foundation
import Recipes
import Training

extension Run {
  /// Trains the point that was chosen on all rows to learn from, those too that have chosen it, or on a share of them.
  /// - Parameters:
  ///   - data: to learn from in place of the sweep's.
  ///   - folder: of the run; one that is finished there is taken as it is.
  /// - Returns: false when it was stopped.
  package static func trainChosen(
    _ training: Sweep.Training, of sweep: Sweep, share: Double = 1, data: String? = nil, in folder: String,
    lanes: Int, until stop: StopRequest
  ) async throws -> Bool {
    let recipe = try Recipe(yaml: sweep.recipe(of: training), source: "the chosen recipe")
    try recipe.set("data.validation_fraction", to: "\(1 - share)")
    try recipe.set("train.evaluate_every", to: "0")
    if let data { try recipe.set("data.source", to: data) }
    let wanted = try TrainingJob(recipe).resolvedRecipe
    if let run = try? RunFolder(opening: folder), Summary(of: run)?.status == .finished,
      (try? String(contentsOfFile: run.recipe, encoding: .utf8)) == wanted
    {
      return true
    }
    if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
    return try await train(Recipe(yaml: wanted, source: "the chosen recipe"), out: folder, lanes: lanes, until: stop)
      .status == .finished
  }
}
