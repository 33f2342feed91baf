import Datasets
import Files
import Foundation
import Models
import Recipes
import Tensors
import Training

/// A recipe put together with its model, its data and the options of the command line.
struct Job {
  let model: any Model.Type
  let recipe: Recipe
  let data: Dataset
  let learner: any Learner
  let plan: TrainingPlan
  let keepCheckpoints: Int
  let stepsPerEpoch: Int

  /// Examples that a step sees, a short last one of an epoch left out of account.
  var examplesPerStep: Int { order.examplesPerStep }

  private var order: Order { Order(learner.order, exampleCount: learner.exampleCount, seed: plan.seed) }

  /// What the progress line shows: the first metrics of each kind of phase.
  var progressMetrics: [String] {
    var names: [String] = []
    let share = learner.phases.count > 1 ? 2 : Int.max
    for phase in learner.phases {
      for name in phase.metrics.prefix(share) where !names.contains("train/" + name) { names.append("train/" + name) }
    }
    return names
  }

  /// Keys that may change from start to start without another result: when it ends, and what is said on the way.
  private static let freeKeys = [
    "train.epochs", "train.steps", "train.report_every", "train.evaluate_every", "train.checkpoint_every",
    "train.keep_checkpoints", "train.figure_every",
  ]

  /// - Throws: `RecipeError`, `DataError` or `TrainingError`: mistakes in what was asked.
  init(_ recipe: Recipe) throws {
    self.recipe = recipe
    guard let name = try recipe[""].text("model") else {
      throw RecipeError("\(recipe.source) does not say which model it is for: give it a line `model: vae`")
    }
    model = try Models.named(name)

    let train = recipe["train"]
    let seed = UInt64(try train.integer("seed", default: 0, in: 0...Int.max))
    data = try DataSource.open(try DataRequest(recipe["data"], seed: seed))
    learner = try model.learner(recipe, data: data, seed: seed)

    let shards = try train.integer("shards", default: 2, in: 1...4096)
    if case .shuffled(let batch) = learner.order, shards > batch {
      throw RecipeError(
        "train.shards is \(shards), more than the \(batch) examples of a step: set it to \(batch) or less")
    }
    guard shards <= learner.exampleCount else {
      throw RecipeError(
        "train.shards is \(shards), more than the \(learner.exampleCount) examples: set it to \(learner.exampleCount) or less"
      )
    }
    stepsPerEpoch = Order(learner.order, exampleCount: learner.exampleCount, seed: seed).stepsPerEpoch
    let epochs = try train.optionalInteger("epochs", in: 1...1_000_000_000)
    let steps = try train.optionalInteger("steps", in: 1...1_000_000_000_000)
    guard (epochs == nil) != (steps == nil) else {
      throw RecipeError("set either train.epochs or train.steps, not \(epochs == nil ? "neither" : "both")")
    }
    plan = TrainingPlan(
      seed: seed, shards: shards, steps: steps ?? epochs! * stepsPerEpoch,
      reportEvery: try train.integer("report_every", default: stepsPerEpoch, in: 1...1_000_000_000),
      evaluateEvery: try train.integer("evaluate_every", default: 0, in: 0...1_000_000_000),
      checkpointEvery: try train.integer("checkpoint_every", default: 0, in: 0...1_000_000_000),
      figureEvery: learner is any Picturing
        ? try train.integer("figure_every", default: stepsPerEpoch, in: 0...1_000_000_000) : 0,
      precision: try recipe["exchange"].choice("precision", default: .float32))
    keepCheckpoints = try train.integer("keep_checkpoints", default: 2, in: 1...1_000_000)
    try recipe.finish()
  }

  /// SHA-256 of everything in the recipe on which the result of a step depends.
  var recipeDigest: String {
    var hash = SHA256()
    hash.update(recipe.resolved(excluding: Job.freeKeys).utf8)
    return hash.hexDigest()
  }
}

extension DataRequest {
  /// Reads the `data` section.
  init(_ section: RecipeSection, seed: UInt64) throws {
    guard let source = try section.text("source") else {
      throw RecipeError("the recipe names no data: set data.source, or give --data")
    }
    self.init(source: source)
    format = try section.choice("format", default: .detect)
    target = try section.text("target")
    targetKind = try section.choice("target_kind", default: .detect)
    columns = try section.texts("columns")
    drop = try section.texts("drop")
    oneHot = try section.texts("one_hot")
    missing = try section.choice("missing", default: .error)
    header = try section.choice("header", default: .detect)
    delimiter = try section.choice("delimiter", default: .detect)
    skip = try section.integer("skip", default: 0, in: 0...1_000_000)
    imageSize = try section.integer("image_size", default: 0, in: 0...4096)
    imageChannels = try section.integer("image_channels", default: 0, in: 0...3)
    strict = try section.flag("strict", default: true)
    testFraction = try section.number("test_fraction", default: 0, in: 0...0.99)
    split = try section.choice("split", default: .random)
    self.seed = seed
  }
}
