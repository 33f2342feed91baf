import Foundation
import Models
import Recipes
import Training

/// How fast this machine trains: the one number of it that a plan depends on.
package enum FitSpeed {
  private static let steps = 300

  /// Units of `FitWork` a second on one lane, by a short training of the data.
  /// - Parameter folder: where the data's parts are; nothing is left in it.
  package static func measured(_ reading: FitReading, learning count: Int, seed: UInt64, in folder: String) async throws
    -> Double
  {
    let work = FitWork(
      rows: Int(Double(count) * (1 - FitPlan.validation)), columns: reading.width, outputs: reading.outputs)
    let recipe = try Recipe.named(reading.task == .numbers ? "mc-dropout-regression" : "mc-dropout")
    try RecipeOverrides(
      assignments: reading.settings + [
        "network.hidden=[50]", "train.batch=\(work.batch)", "data.normalisation=standard", "evaluate.samples=1",
      ], data: FitParts.learningPath(folder), seed: seed, steps: steps
    ).apply(to: recipe)
    let place = folder + "/speed"
    try? FileManager.default.removeItem(atPath: place)
    defer { try? FileManager.default.removeItem(atPath: place) }
    let summary = try await Run.train(recipe, out: place, lanes: 1)
    return Double(steps) * work.step / max(summary.seconds, 1e-3)
  }
}
