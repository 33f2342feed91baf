import ArgumentParser
import Datasets
import Recipes
import Reports
import Runs
import Training

struct CalibrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate", abstract: "Makes a run's predictions hold the truth as often as they say.",
    discussion: """
      Learns from examples that the parameters were not learned from: the validation part, or those of --data. Of classes,
      half of them (of few a third) choose a temperature (or a weight and an offset for each class), so that probabilities are shares; the
      others say how large a conformal set must be. Of numbers, all of them say how long an interval must be. What was
      learned lies in calibration.json of the run folder, and in what `elbo export` writes from then on.

      `elbo predict RUN --coverage 0.9` then writes, of classes, `calibrated`, `set` and `set_size`; of numbers, `lower` and
      `upper`. Sets and intervals hold the truth with at least that probability, on average over inputs like the
      calibration examples, whatever the model.

      Examples:
        elbo calibrate runs/bbb
        elbo calibrate runs/bbb --data held-out.csv --scaling vector --score adaptive
        elbo predict runs/bbb --input new.csv --coverage 0.9 --output predictions.csv
      """)

  @Argument(help: "A run folder.")
  var run: String

  @Option(
    help: ArgumentHelp(
      "Examples that the run was not trained on: the test part that they come with, or all of them. (default: the validation part)",
      valueName: "dir|file"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "How to scale probabilities of classes. (default: temperature)", valueName: choices(ScalingMethod.self)))
  var scaling: String?

  @Option(
    help: ArgumentHelp(
      "What sets and intervals are made of: of classes threshold (the default) or adaptive, of numbers standardized (the default) or quantiles.",
      valueName: "score"))
  var score: String?

  @Option(
    help: ArgumentHelp("The coverage of the sets or intervals that the test part is scored with.", valueName: "share"))
  var coverage = 0.9

  @Option(help: ArgumentHelp("Monte Carlo samples of each prediction.", valueName: "t"))
  var samples = 100

  @Flag(help: "Print the results as JSON.")
  var json = false

  @OptionGroup var unseen: UnseenOptions
  @OptionGroup var lanes: LaneOptions

  func run() async throws {
    guard coverage > 0, coverage < 1 else {
      throw RecipeError("--coverage is \(coverage): it must be above 0 and below 1")
    }
    let scaling = try choice("--scaling", scaling, of: ScalingMethod.self)
    let score = try choice("--score", score, of: ConformalScore.self)
    let trained = try Run(opening: run, data: data, unseen: unseen.unseen, lanes: lanes.count())
    let calibration = try trained.calibrate(scaling: scaling, score: score, samples: .count(samples))
    try Results.print(calibration, trained.calibrationMetrics(coverage: coverage, samples: .count(samples)), json: json)
  }
}

/// The names of all cases, as an option's help shows them.
private func choices<T: RawRepresentable & CaseIterable>(_ type: T.Type) -> String where T.RawValue == String {
  T.allCases.map(\.rawValue).joined(separator: "|")
}

/// The case that an option names; nil: the option was left out.
private func choice<T: RawRepresentable & CaseIterable>(
  _ option: String, _ name: String?, of type: T.Type
) throws(RecipeError) -> T? where T.RawValue == String {
  guard let name else { return nil }
  guard let found = T(rawValue: name) else {
    throw RecipeError("\(option) is \(name): it must be one of \(choices(type))")
  }
  return found
}
