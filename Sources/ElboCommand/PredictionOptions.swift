import ArgumentParser
import ClusterRuns
import Recipes
import Runs

/// How many Monte Carlo samples, and which.
struct SampleCountOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Monte Carlo samples, or auto: until the tolerance is met.", valueName: "t|auto"))
  var samples = "100"

  @Option(
    help: ArgumentHelp(
      "With auto: the greatest standard error of a mean, of a probability or relative to the prediction's std.",
      valueName: "error"))
  var tolerance = 0.01

  @Option(help: "With auto: no more samples than this.")
  var limit = 10_000

  @Option(parsing: .unconditional, help: "The seed of the samples.", transform: seedNumber)
  var seed: UInt64 = 0

  func count() throws -> SampleCount {
    let bounds = 1...1_000_000
    guard samples != "auto" else {
      guard tolerance > 0, bounds.contains(limit) else {
        throw RecipeError("--tolerance must be above 0, and --limit from 1 to \(bounds.upperBound)")
      }
      return .automatic(tolerance: tolerance, limit: limit)
    }
    guard let count = Int(samples), bounds.contains(count) else {
      throw RecipeError("--samples is \(samples): it must be auto, or a whole number from 1 to \(bounds.upperBound)")
    }
    return .count(count)
  }
}

/// Which nodes compute a prediction.
struct PredictionNodeOptions: ParsableArguments {
  @Option(help: "Compute with so many node processes on this machine.")
  var nodes: Int?

  @Option(help: ArgumentHelp("Compute with the nodes of a training.", valueName: "tcp://host:port"))
  var coordinator: String?

  @Option(
    help: ArgumentHelp(
      "Listen for nodes there; with --coordinator, where its nodes reach this process.", valueName: "tcp://host:port"))
  var bind: String?

  /// Nil: this process computes it.
  func place(_ security: SecurityOptions, lanes: Int?) throws -> PredictionPlace? {
    guard nodes != nil || coordinator != nil || bind != nil else { return nil }
    return try PredictionPlace(
      nodes: nodes, coordinator: coordinator, bind: bind, security.request, lanes: lanes)
  }
}
