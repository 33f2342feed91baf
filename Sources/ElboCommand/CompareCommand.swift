import ArgumentParser
import Files
import Recipes
import Reports
import Runs

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Runs side by side: what of their recipes differs, metrics, and which have the same bits.",
    discussion: """
      Examples:
        elbo compare runs/vae runs/vae-2
        elbo compare runs/bbb-seed-* --metrics test/cls/NLL      mean ± standard error over seeds
        elbo compare runs/mlp runs/bbb --intervals               differences on the same examples, with intervals

      Runs that differ by train.seed alone are summed up as mean ± standard error. With --intervals the held-out examples
      are scored anew, one by one, and resampled for all runs alike.
      """)

  @Argument(help: "Run folders, two or more.")
  var runs: [String]

  @OptionGroup var metrics: MetricOptions

  @Flag(help: "Differences from the first run on the same held-out examples, with intervals of a paired bootstrap.")
  var intervals = false

  @Option(
    help: ArgumentHelp("With --intervals: the examples to compare on (default: the test part).", valueName: "dir|file"))
  var data: String?

  @Option(help: ArgumentHelp("With --intervals: how often examples are drawn anew.", valueName: "n"))
  var resamples = 2000

  @Option(parsing: .unconditional, help: "With --intervals: the seed of the draws.", transform: seedNumber)
  var seed: UInt64 = 0

  @OptionGroup var lanes: LaneOptions
  @OptionGroup var form: FormOptions

  func run() throws {
    guard runs.count > 1 else { throw RecipeError("one run is named: name two or more") }
    guard intervals || data == nil else { throw RecipeError("--data belongs to --intervals") }
    guard (10...1_000_000).contains(resamples) else {
      throw RecipeError("--resamples is \(resamples): it must be from 10 to 1000000")
    }
    let comparison = RunComparison(try runs.map { try RunOverview($0) })
    let names = try metrics.names(of: comparison, default: 12)
    let lanes = try lanes.count()
    let scores =
      intervals
      ? try ScoreComparison(
        runs.map { try Run(opening: $0, data: data, lanes: lanes) }, resamples: resamples, seed: seed) : nil
    let texts = ComparisonTexts(comparison, names, scores)
    print(try form.isCSV() ? texts.csv : form.json ? texts.document : texts.text, terminator: "")
  }
}

/// What a table is printed as.
struct FormOptions: ParsableArguments {
  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print comma-separated values.")
  var csv = false

  func isCSV() throws -> Bool {
    guard !(json && csv) else { throw RecipeError("--json and --csv exclude each other: leave one out") }
    return csv
  }
}
