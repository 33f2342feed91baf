import Foundation
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
    let work = FitWork(reading, rows: Int(Double(count) * (1 - FitPlan.validation)))
    let place = folder + "/speed"
    try? FileManager.default.removeItem(atPath: place)
    defer { try? FileManager.default.removeItem(atPath: place) }
    func seconds(_ recipe: String, _ settings: [String], steps: Int?) async throws -> Double {
      let recipe = try Recipe.named(recipe)
      try RecipeOverrides(
        assignments: reading.settings + settings, data: reading.path(of: .learning, in: folder), seed: seed,
        steps: steps
      ).apply(to: recipe)
      let start = ContinuousClock.now
      let trained = try await Run.train(recipe, out: place, lanes: 1).seconds
      // Of an exact model the start and the end are most of it.
      return max(steps == nil ? (ContinuousClock.now - start) / .seconds(1) : trained, 1e-3)
    }
    guard reading.task.hasTarget else {
      let isOfRows = reading.task == .groups
      let two = isOfRows ? "network.components=2" : "network.states=2"
      return work.density / (try await seconds(isOfRows ? "gmm" : "hmm", [two], steps: nil))
    }
    let isOfPictures = reading.task == .pictures
    let steps = isOfPictures ? FitSpeed.steps / 3 : FitSpeed.steps
    let network =
      isOfPictures ? ["network.architecture=lenet"] : ["network.hidden=[50]", "data.normalisation=standard"]
    let taken = try await seconds(
      reading.task.isOfNumbers ? "mc-dropout-regression" : "mc-dropout",
      network + ["train.batch=\(work.batch)", "evaluate.samples=1"], steps: steps)
    return Double(steps) * work.step / taken
  }
}
