import ArgumentParser
import Runs

struct PruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Removes the weights whose posterior says least, and writes the rest.",
    discussion: """
      Weights are removed by their signal-to-noise ratio |μ| / σ, lowest first. The archive holds what is left; `elbo
      evaluate RUN --pruned FILE` computes with it.

      Example:
        elbo prune runs/bbb --keep 5% --output pruned.npz
      """)

  @Argument(help: "A run folder, or a file that `elbo export` wrote.")
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
    let metrics = try Run(opening: run, lanes: lanes.count()).prune(keeping: share, to: output)
    try Results.print(metrics: metrics, title: "\(run) with \(keep) of its weights: \(output)", json: json)
  }
}
