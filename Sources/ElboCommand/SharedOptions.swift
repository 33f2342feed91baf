import ArgumentParser
import Recipes
import Reports
import Runs

/// Reads a seed.
func seedNumber(_ text: String) throws -> UInt64 {
  guard let seed = Int(text), seed >= 0 else {
    throw RecipeError("it must be a whole number from 0 to \(Int.max)")
  }
  return UInt64(seed)
}

/// Options that override a recipe.
struct RecipeOptions: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a key of the recipe; repeatable.", valueName: "key.path=value"))
  var assignments: [String] = []

  @Option(
    help: ArgumentHelp(
      "The data: a name, a folder or a file, sqlite:FILE?SELECT …, FILE#ARRAY, or - for standard input.",
      valueName: "dir|file|-"))
  var data: String?

  @Option(parsing: .unconditional, help: "The seed of everything random.", transform: seedNumber)
  var seed: UInt64?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("V, the number of slices that a step's examples are cut into.", valueName: "v"))
  var shards: Int?

  @Option(parsing: .unconditional, help: "How many steps to train in all.")
  var steps: Int?

  @Option(parsing: .unconditional, help: "How many epochs to train in all.")
  var epochs: Int?

  @Flag(
    inversion: .prefixedNo,
    help: "Refuse a folder with a picture that cannot be read, or leave the picture out with a note (data.strict).")
  var strict: Bool?

  var overrides: RecipeOverrides {
    RecipeOverrides(
      assignments: assignments, data: data, seed: seed, shards: shards, steps: steps, epochs: epochs, strict: strict)
  }
}

/// Options of whatever trains.
struct TrainingOutputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The run folder to write (default: runs/NAME).", valueName: "dir"))
  var out: String?

  @Option(help: ArgumentHelp("Go on from the newest checkpoint of a run, bit for bit.", valueName: "run"))
  var resume: String?

  @Option(
    help: ArgumentHelp(
      "Start a new run from the parameters of another, as far as names and shapes agree; the rest starts anew.",
      valueName: "run"))
  var from: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Adversarial models: the discriminator's first layers stay as they are (objective.frozen_layers).",
      valueName: "n"))
  var freezeDiscriminator: Int?

  @Flag(help: "With --resume: go on also where numbers come out otherwise than before; the bits will differ.")
  var acceptNumerics = false

  @Flag(help: "Write an event file for TensorBoard into the run folder (train.tensorboard).")
  var tensorboard = false

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var log: LogOptions

  @Flag(help: "No progress.")
  var quiet = false

  @Flag(help: "Print the results as JSON.")
  var json = false

  @Flag(help: "Print the recipe with every default, check the data, and train nothing.")
  var dryRun = false

  /// What is asked to be trained.
  func request(_ recipe: String?, _ options: RecipeOptions) throws -> TrainingRequest {
    var overrides = options.overrides
    if tensorboard { overrides.assignments.append("train.tensorboard=true") }
    if let freezeDiscriminator { overrides.assignments.append("objective.frozen_layers=\(freezeDiscriminator)") }
    return TrainingRequest(
      recipe: recipe, overrides: overrides, out: out, resume: resume, from: from, dryRun: dryRun,
      acceptsNumerics: acceptNumerics, pictures: try pictures.format())
  }
}

/// What plots are drawn as.
struct PictureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What plots are drawn as; pictures that are made of pixels are PNG always.", valueName: "png|svg|pdf"),
    transform: { text in
      guard let format = PictureFormat(rawValue: text) else { throw RecipeError("it must be png, svg or pdf") }
      return format
    })
  var figures: PictureFormat?

  @Flag(help: "Draw no pictures into the run folder.")
  var noFigures = false

  /// Nil: nothing is drawn.
  func format() throws -> PictureFormat? {
    guard noFigures else { return figures ?? .png }
    guard figures == nil else { throw RecipeError("--figures and --no-figures exclude each other: leave one out") }
    return nil
  }
}

/// The format of messages on standard error.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("What is said on standard error: text, or a JSON object a line.", valueName: "text|json"),
    transform: { text in
      guard let format = StandardError.Format(rawValue: text) else { throw RecipeError("it must be text or json") }
      // At once, so that mistakes in what follows are said so too.
      StandardError.format = format
      return format
    })
  var log: StandardError.Format?
}

/// What other data than that of the training may hold.
struct UnseenOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What becomes of a value of a one-hot column that the training data does not have (data.unseen).",
      valueName: "error|zeros"),
    transform: { text in
      guard let rule = UnseenRule(rawValue: text) else { throw RecipeError("it must be error or zeros") }
      return rule
    })
  var unseen: UnseenRule?
}

struct LaneOptions: ParsableArguments {
  @Option(
    parsing: .unconditional, help: "How many threads compute (default: ELBO_LANES, or one for each processor).")
  var lanes: Int?

  func count() throws -> Int { try asked() ?? Run.processors }

  /// What was asked for, by the option or the variable.
  func asked() throws -> Int? {
    guard let lanes else { return try Run.lanesOfEnvironment() }
    guard (1...1024).contains(lanes) else { throw RecipeError("--lanes is \(lanes): it must be from 1 to 1024") }
    return lanes
  }
}
