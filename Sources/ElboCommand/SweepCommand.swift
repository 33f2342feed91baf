import ArgumentParser
import ClusterRuns
import Files
import Recipes
import Reports
import Runs
import Training

struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Train a recipe with many values of its keys, and find the best on the validation part.",
    discussion: """
      Examples:
        elbo sweep mlp --over optimizer.learning_rate=1e-4,1e-3 --over network.hidden=[64],[64,64] --on validation/cls/NLL \\
          --set data.validation_fraction=0.2
        elbo sweep bbb --over 'optimizer.learning_rate=log(1e-4,1e-2)' --over 'train.batch=logint(16,256)' --sample 27 \\
          --halving 3 --seeds 2 --nodes 2

      The same call goes on with what is left to do. Test examples are never selected by.
      """)

  @Argument(help: "A built-in recipe's name, or a recipe file.")
  var recipe: String

  @Option(
    help: ArgumentHelp(
      "A key and its values, or a range with --sample: uniform(a,b), log(a,b), int(a,b), logint(a,b); repeatable.",
      valueName: "key.path=value,…"))
  var over: [String] = []

  @Option(help: ArgumentHelp("Try so many points all over the values, in place of every combination.", valueName: "n"))
  var sample: Int?

  @Flag(help: "With --sample: draw each point by itself, in place of points that lie evenly.")
  var random = false

  @Option(help: ArgumentHelp("Train each point with so many seeds, and compare means.", valueName: "k"))
  var seeds = 1

  @Option(
    help: ArgumentHelp(
      "Compare early, and let one of so many points go on, again and again.", valueName: "eta"))
  var halving: Int?

  @Option(
    help: ArgumentHelp("With --halving: how often points are compared (default: until one is left).", valueName: "n"))
  var rungs: Int?

  @Option(
    help: ArgumentHelp(
      "The metric of the validation part that decides (default: train.select).", valueName: "validation/…"))
  var on: String?

  @OptionGroup var places: PlaceOptions

  @OptionGroup var options: RecipeOptions
  @OptionGroup var lanes: LaneOptions

  @Option(help: ArgumentHelp("Where everything goes (default: runs/RECIPE-sweep).", valueName: "dir"))
  var out: String?

  @OptionGroup var pictures: PictureOptions

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print sweep.json in place of a table.")
  var json = false

  @Flag(help: "Check all recipes, print the points, and train nothing.")
  var dryRun = false

  /// For processes that a sweep starts: one training to so many steps.
  @Option(help: .hidden)
  var until: Int?

  func run() async throws {
    var request = Sweep.Request(
      recipe: recipe, overrides: options.overrides, axes: try over.map { try SweepAxis($0, option: "--over") })
    (request.sample, request.isRandom, request.seeds, request.metric) = (sample, random, seeds, on)
    (request.halving, request.rungs) = (halving, rungs)
    let places = try places.asked()
    let (format, asked) = (try pictures.format(), try lanes.asked())
    let sweep = try Sweep(request)
    if dryRun { return print(SweepTexts.points(of: sweep), terminator: "") }
    let folder = out ?? "\(Setting.runsFolder)/\(SweepTexts.name(of: recipe))-sweep"
    if let until { return try await train(sweep, to: until, in: folder, lanes: asked ?? Run.processors) }
    let run = SweepRun(sweep, folder: folder, places: places, lanes: asked)
    let signals = SignalWatch { _ in if !run.stop() { ExitStatus.interrupted.endAtOnce() } }
    defer { signals.end() }
    let outcome = try await run.run(
      heard: { [quiet] in if !quiet { StandardError.write(SweepTexts.line($0, $1, of: sweep) + "\n") } },
      note: { StandardError.write($0 + "\n") })
    guard let outcome else {
      StandardError.write("stopped; the same call goes on\n")
      throw ExitStatus.interrupted
    }
    try outcome.write(to: folder)
    if let format {
      let drawn = try await FigureWriter(folder: folder + "/figures", format: format).write([outcome.figure])
      for note in drawn.notes { StandardError.write(note + "\n") }
    }
    print(json ? outcome.json + "\n" : try SweepTexts.table(of: outcome, folder: folder), terminator: "")
  }

  private func train(_ sweep: Sweep, to steps: Int, in folder: String, lanes: Int) async throws {
    let training = sweep.points[0].trainings[0]
    let stop = StopRequest()
    let signals = SignalWatch(isSupervised: true) { _ in
      if stop.isRequested { ExitStatus.interrupted.endAtOnce() }
      stop.request()
    }
    defer { signals.end() }
    guard
      let result = try await sweep.train(
        training, to: steps, in: "\(folder)/points/\(training.name)", lanes: lanes, until: stop)
    else { throw ExitStatus.interrupted }
    print(try result.json)
  }
}
