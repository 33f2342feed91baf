import Datasets
import Files
import Foundation
import Learners
import Models
import Recipes
import Tensors
import Training

/// A recipe put together with its model and its data: the one place where a whole recipe is read.
package struct TrainingJob: Sendable {
  package let model: any Model.Type
  /// The recipe with every default.
  package let resolvedRecipe: String
  /// What `recipe.yaml` says: as resolved, or as a run that goes on was trained with.
  package private(set) var writtenRecipe: RecipeText
  /// The keys whose values are not what is taken where a recipe says nothing, for lists of runs.
  package let hyperparameters: [(key: String, value: String)]
  /// Whether the run folder has an event file for TensorBoard.
  package let writesTensorBoard: Bool
  /// SHA-256 of everything in `recipe.yaml` on which the result of a step depends.
  package var recipeDigest: String { TrainingJob.digest(of: writtenRecipe) }

  package static func digest(of recipe: RecipeText) -> String { recipe.digest(excluding: freeKeys(of: recipe)) }
  /// How the data was asked for.
  package let dataRequest: DataRequest
  package let data: Dataset
  package let learner: any Learner
  /// The same learner over the validation part, if there is one.
  package let validation: (any Learner)?
  /// The learner as it is evaluated while it is trained; nil where it is not.
  package let evaluated: EvaluatedLearner?
  /// What a training improves: its parameters are the result, and checkpoints hold its buffers.
  package var trained: any Learner { evaluated ?? learner }
  /// How many examples there are, and what for.
  package let examples: Summary.Examples
  /// What the user should know of how data, recipe and parameters were taken, one line each.
  package internal(set) var notes: [String]
  package let plan: TrainingPlan
  /// The SHA-256 of parameters of another run that the training starts from.
  package let source: String?
  package let keptCheckpoints: KeptCheckpoints
  package let stepsPerEpoch: Int

  /// Examples that a step sees, a short last one of an epoch left out of account.
  package var examplesPerStep: Int { order.examplesPerStep }

  private var order: Order { Order(learner.order, exampleCount: learner.exampleCount, seed: plan.seed) }

  /// Whether the training ends when it has converged, after an unknown number of steps.
  package var endsByItself: Bool { if case .sweep = learner.order { true } else { false } }

  /// What the progress line shows: the first metrics of each kind of phase.
  package var progressMetrics: [String] {
    var names: [String] = []
    let share = learner.phases.count > 1 ? 2 : Int.max
    for phase in learner.phases {
      for name in phase.metrics.prefix(share) where !names.contains("train/" + name) { names.append("train/" + name) }
    }
    return names
  }

  /// Keys that may change from start to start without another result: the end of the training, and its reports.
  private static let freeKeys = [
    "train.epochs", "train.steps", "train.report_every", "train.checkpoint_every", "train.checkpoint_minutes",
    "train.keep_checkpoints", "train.checkpoint_keep_every", "train.figure_every", "train.tensorboard",
  ]

  /// Evaluations change the result only where the training selects by them.
  private static func freeKeys(of recipe: RecipeText) -> [String] {
    freeKeys + (selection(of: recipe) == nil ? ["train.evaluate_every"] : [])
  }

  /// The metric that a recipe selects the parameters by, as it is written; nil: it takes the newest ones.
  static func selection(of recipe: RecipeText) -> String? {
    recipe.values["train.select"].flatMap { $0 == "null" ? nil : $0 }
  }

  /// - Parameters:
  ///   - data: what to train on, or to look at, in place of what the recipe names.
  ///   - open: opens what the recipe names.
  /// - Throws: `RecipeError`, `DataError` or `TrainingError`: mistakes in what was asked.
  package init(
    _ recipe: Recipe, data given: Dataset? = nil,
    open: (DataRequest) throws(DataError) -> Dataset = { (request) throws(DataError) in try DataSource.open(request) }
  ) throws {
    guard let name = try recipe[""].text("model") else {
      throw RecipeError("\(recipe.source) does not say which model it is for: give it a line `model: vae`")
    }
    model = try Models.named(name)

    let train = recipe["train"]
    let seed = UInt64(try train.integer("seed", default: 0, in: 0...Int.max))
    dataRequest = try DataRequest(recipe["data"], seed: seed)
    let opened = try given ?? open(dataRequest)
    guard opened.train.sequences == nil || model.learnsSequences else {
      throw TrainingError(
        .unsuitable, "\(opened.name) holds sequences, and a \(name) learns from rows",
        advice: "train a model of sequences, such as hmm, or name data without lengths")
    }
    let parts = given == nil ? try opened.validating(dataRequest) : nil
    if let parts {
      data = parts.data
      learner = try model.learner(recipe, data: data, seed: seed)
      notes = TrainingJob.notes(of: data, dataRequest) + recipe.remarks
      validation = try model.learner(recipe, data: parts.validation, seed: seed)
    } else {
      (data, validation) = (opened, nil)
      learner = try model.learner(recipe, data: data, seed: seed)
      notes = TrainingJob.notes(of: data, dataRequest) + recipe.remarks
    }

    examples = Summary.Examples(
      read: data.readCount, train: data.train.count, validation: parts?.validation.test?.count ?? 0,
      test: data.test?.count ?? 0)
    let shards = try train.integer("shards", default: 2, in: 1...4096)
    if case .shuffled(let batch) = learner.order, shards > batch {
      throw RecipeError(
        "train.shards is \(shards), more than the \(batch) examples of a step: set it to \(batch) or less")
    }
    guard data.reference != nil || learner.allowsEmptyShards || shards <= learner.exampleCount else {
      throw RecipeError(
        "train.shards is \(shards), more than the \(learner.exampleCount) examples: set it to \(learner.exampleCount) or less"
      )
    }
    stepsPerEpoch = Order(learner.order, exampleCount: learner.exampleCount, seed: seed).stepsPerEpoch
    let plannedSteps = try recipe.plannedSteps(perEpoch: stepsPerEpoch)
    let evaluation = try EvaluationKeys(
      train, default: validation == nil ? 0 : stepsPerEpoch, steps: plannedSteps,
      hasValidation: given != nil || validation != nil)
    plan = TrainingPlan(
      seed: seed, shards: shards, steps: plannedSteps,
      reportEvery: try train.integer("report_every", default: stepsPerEpoch, in: 1...1_000_000_000),
      evaluateEvery: evaluation.every,
      checkpointEvery: try train.integer("checkpoint_every", default: 0, in: 0...1_000_000_000),
      checkpointInterval: try train.minutes("checkpoint_minutes", default: 10),
      figureEvery: learner.offers.progress != nil
        ? try train.integer("figure_every", default: stepsPerEpoch, in: 0...1_000_000_000) : 0,
      precision: try recipe["exchange"].choice("precision", default: .float32))
    keptCheckpoints = KeptCheckpoints(
      newest: try train.integer("keep_checkpoints", default: 2, in: 1...1_000_000),
      every: try train.integer("checkpoint_keep_every", default: 0, in: 0...1_000_000_000))
    source = try train.text("from")
    writesTensorBoard = try train.flag("tensorboard", default: false)
    evaluated = given == nil ? evaluation.evaluated(learner, validation: validation, seed: seed) : nil
    try recipe.finish()
    resolvedRecipe = recipe.resolved
    hyperparameters = recipe.readings.map { (key: $0.key, value: unquoted($0.value), usual: $0.usual) }
      .filter { $0.value != $0.usual && $0.key != "train.tensorboard" }.map { ($0.key, $0.value) }
    writtenRecipe = RecipeText(resolvedRecipe)
  }

  /// How many examples a learner of this job is scored on: rows that a model takes for one sequence are many.
  package func scoredCount(_ learner: any Learner, in data: Dataset) -> Int {
    let count = learner.evaluationCount
    guard count > 0, model.learnsSequences, let test = data.test, test.sequences == nil else { return count }
    return test.count
  }

  /// The most examples of those that were learned from that are scored where none are held out.
  private static let mostScored = 10_000

  /// The same job, its learner to be given the parameters, whose test part is what was learned from, or many of it; nil
  /// where others are held out, or such a model is not scored.
  package func scoringTraining() throws -> TrainingJob? {
    guard data.test == nil else { return nil }
    // The order of sequences and texts is part of what they are.
    let isOrdered = model.learnsSequences || data.vocabulary != nil
    let tested = try isOrdered ? data.testingAll() : data.testingEvenly(atMost: TrainingJob.mostScored)
    let recipe = try Recipe(yaml: resolvedRecipe, source: model.name)
    let job = try TrainingJob(recipe, data: tested.seen(as: data.schema))
    return job.learner.evaluationCount > 0 ? job : nil
  }

  /// The same job, its learner to be given the parameters, whose test part is what was learned from.
  package func testingTraining() throws -> TrainingJob {
    try TrainingJob(
      Recipe(yaml: resolvedRecipe, source: model.name), data: data.testingAll().seen(as: data.schema))
  }

  /// What the user should know of how data was taken, and of what it lacks.
  private static func notes(of data: Dataset, _ request: DataRequest) -> [String] {
    var notes = data.notes
    if let untrained = data.untrainedClasses {
      let advice = request.split == .position ? "; \(DataKey.split)=random mixes the rows before they are split" : ""
      notes.append(untrained + advice)
    }
    if request.source == StandardInput.name, data.hasExamples {
      notes.append(
        "standard input is gone when it has been read: to go on with the run or to evaluate it, name the same data with --data (its digest is \(data.fingerprint.prefix(16))…)"
      )
    }
    return notes
  }

  /// Goes on with a run whose `recipe.yaml` may lack keys that came later: it stays as it is, but for the keys that
  /// change no result. Where the data lies may change; that it is the same data is another check.
  /// - Parameter assigned: keys that the user sets.
  /// - Returns: false when another key differs, so that the run cannot go on.
  package mutating func goOn(with own: RecipeText, assigned: [String]) -> Bool {
    let asked = writtenRecipe
    var result = own
    let free = TrainingJob.freeKeys(of: own)
    for (key, value) in asked.values {
      if key == "data.source" {
        result[key] = value
      } else if free.contains(key) {
        if own.values[key] != nil || assigned.contains(key) { result[key] = value }
      } else if let before = own.values[key] ?? (assigned.contains(key) ? "" : nil), before != value {
        return false
      }
    }
    guard own.values.keys.allSatisfy({ asked.values[$0] != nil || free.contains($0) }) else {
      return false
    }
    writtenRecipe = result
    return true
  }
}

extension RecipeSection {
  /// A time in minutes; 0 is none.
  fileprivate func minutes(_ name: String, default value: Double) throws -> Duration? {
    let minutes = try number(name, default: value, in: 0...1_000_000)
    return minutes > 0 ? .seconds(60 * minutes) : nil
  }
}
