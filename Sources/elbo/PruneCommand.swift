import ArgumentParser
import Foundation
import Models
import Recipes
import Reports
import Runs
import Tensors
import Training

struct PruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Removes the weights whose posterior says least, and writes the rest.",
    discussion: """
      Weights are removed by their signal-to-noise ratio |μ| / σ, lowest first. The archive holds what is left; `elbo
      evaluate RUN --pruned FILE` computes with it.

      Example:
        elbo prune runs/bbb --keep 5% --output pruned.npz
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(help: ArgumentHelp("The share of the weights to keep: 5% or 0.05.", valueName: "share"))
  var keep: String

  @Option(help: ArgumentHelp("The archive to write.", valueName: "file.npz"))
  var output = "pruned.npz"

  @Flag(help: "Print the results as JSON.")
  var json = false

  @OptionGroup var lanes: LaneOptions

  func run() async throws {
    let isPercentage = keep.hasSuffix("%")
    guard let number = Double(isPercentage ? String(keep.dropLast()) : keep),
      case let share = isPercentage ? number / 100 : number, share > 0, share <= 1
    else {
      throw RecipeError("--keep is \(keep): it must be a share above 0 and up to 1, or up to 100%")
    }
    let trained = try TrainedRun(opening: run)
    let learner = try trained.prunable()
    let tensors = learner.sparse(keeping: share)
    try PrunedFile.write(tensors, to: output)
    // What is reported is computed with the file, not with what was meant to be in it.
    try learner.load(PrunedFile.read(output))
    var metrics = try Evaluation.run(
      learner, seed: trained.job.plan.seed, crew: Crew(lanes: try lanes.count()))
    let size = try FileManager.default.attributesOfItem(atPath: output)[.size] as? Int ?? 0
    metrics["prune/weights"] = Double(tensors.reduce(0) { $0 + $1.count })
    metrics["prune/kept"] = Double(tensors.reduce(0) { $0 + $1.places.count })
    metrics["prune/bytes"] = Double(size)
    metrics["prune/dense_bytes"] = Double(4 * learner.parameters.layout.parameterCount)
    try Results.print(metrics: metrics, title: "\(run) with \(keep) of its weights: \(output)", json: json)
  }
}

extension TrainedRun {
  /// The run's learner, if its weights can be pruned.
  func prunable() throws -> any Prunable {
    guard let learner = job.learner as? any Prunable else {
      throw TrainingError(
        .unsuitable, "the weights of a \(job.model.name) have no posterior to prune by",
        advice: "prune a run of bbb or bbb-regression")
    }
    return learner
  }
}
