import ArgumentParser
import Dispatch
import Datasets
import Files
import Foundation
import Models
import Recipes
import Training

struct TrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train here, in this process.",
    discussion: """
      Examples:
        elbo train vae
        elbo train vae --data FOLDER --set objective.estimator=a --seed 3
        elbo train my-recipe.yaml --epochs 50 --out runs/mine
        elbo train --resume runs/mine --epochs 100
        elbo train bbb-regression --protocol uci --data uci/yacht --grid objective.prior_deviation=0.3,1
      """)

  @Argument(help: "A built-in recipe's name, or a recipe file; not needed with --resume.")
  var recipe: String?

  @OptionGroup var options: RecipeOptions
  @OptionGroup var lanes: LaneOptions

  @Option(help: ArgumentHelp("The run folder to write (default: runs/NAME).", valueName: "dir"))
  var out: String?

  @Option(help: ArgumentHelp("Go on from the newest checkpoint of a run, bit for bit.", valueName: "run"))
  var resume: String?

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp("A benchmark's protocol in place of one training: uci, all official splits.", valueName: "name"))
  var benchmark: String?

  @Option(
    help: ArgumentHelp(
      "With --protocol: values of a key to choose among on validation data; repeatable.", valueName: "key.path=value,…")
  )
  var grid: [String] = []

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print the results as JSON.")
  var json = false

  @Flag(help: "Print the recipe with every default, check the data, and train nothing.")
  var dryRun = false

  func run() async throws {
    let lanes = try lanes.count()
    if let benchmark {
      guard benchmark == "uci", let recipe, resume == nil else {
        throw RecipeError(
          "--protocol knows uci, with a recipe, as in: elbo train bbb-regression --protocol uci --data DIR")
      }
      try await UCIRun(recipe: recipe, options: options, grid: grid, lanes: lanes).run(json: json, quiet: quiet)
      return
    }
    let (job, run, checkpoint) = try prepare()
    if dryRun {
      print(job.recipe.resolved, terminator: "")
      return
    }
    let session = try TrainingSession(
      job, run: run ?? RunFolder(creating: out, name: job.model.name), from: checkpoint, lanes: lanes, quiet: quiet)
    let stop = StopRequest()
    let signals = SignalWatch(stop)
    defer { signals.end() }
    let summary = try await session.run(until: stop)
    try Results.print(summary, json: json, run: session.run)
    if summary.status == .interrupted { throw ExitStatus.interrupted }
  }

  /// The job that the arguments ask for, and where to go on from.
  private func prepare() throws -> (Job, RunFolder?, Checkpoint?) {
    guard let resume else {
      guard let recipe else {
        throw RecipeError("name a recipe, as in `elbo train vae`; `elbo recipes` lists what there is")
      }
      let reading = try Recipe.named(recipe)
      try options.apply(to: reading)
      return (try Job(reading), nil, nil)
    }
    guard out == nil else {
      throw RecipeError("--out and --resume exclude each other: a run goes on in its own folder")
    }
    let run = try RunFolder(opening: resume)
    let checkpoint = try Checkpoint.newest(of: run)
    let reading = try Recipe.file(run.recipe)
    try options.apply(to: reading)
    let job = try Job(reading)
    if let recipe {
      let asked = try Recipe.named(recipe)[""].text("model")
      guard asked == checkpoint.state.model else {
        throw TrainingError(
          .otherModel, "\(resume) is a run of \(checkpoint.state.model), not of \(recipe)",
          advice: "leave the recipe out, or resume another run")
      }
    }
    guard job.recipeDigest == checkpoint.state.recipe else {
      throw TrainingError(
        .otherRecipe, "the recipe is not the one that \(resume) was trained with",
        advice:
          "only train.epochs, train.steps and what is reported may change; to train something else, start a new run")
    }
    guard job.data.fingerprint == checkpoint.state.data else {
      throw TrainingError(
        .otherData, "the data is not what \(resume) was trained on", advice: "name the same data with --data")
    }
    return (job, run, checkpoint)
  }
}

/// Turns the first Ctrl-C or SIGTERM into a request to stop after the step, and the second into an end.
final class SignalWatch {
  private let sources: [any DispatchSourceSignal]

  init(_ stop: StopRequest) {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if stop.isRequested { Foundation.exit(ExitStatus.interrupted.rawValue) }
        stop.request()
      }
      source.resume()
      return source
    }
  }

  func end() {
    for source in sources { source.cancel() }
  }
}
