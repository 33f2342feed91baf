import Metrics
import Recipes
import Training

/// The keys of a recipe's `train` section that say when a training is evaluated, and what it selects.
struct EvaluationKeys {
  /// Steps from one evaluation to the next; 0: the training is evaluated at its end.
  let every: Int
  let rule: SelectionRule?

  /// - Parameters:
  ///   - train: the section.
  ///   - period: steps from one evaluation to the next where the recipe does not say.
  ///   - steps: of the training.
  ///   - hasValidation: whether there is a validation part.
  /// - Throws: `RecipeError` for a selection that cannot be made.
  init(_ train: RecipeSection, default period: Int, steps: Int, hasValidation: Bool) throws {
    every = try train.integer("evaluate_every", default: period, in: 0...1_000_000_000)
    let metric = try train.text("select")
    let patience = try train.optionalInteger("patience", in: 1...1_000_000_000)
    guard let metric else {
      guard patience == nil else {
        throw RecipeError("train.patience says when to stop, and nothing is selected: set train.select too")
      }
      rule = nil
      return
    }
    rule = SelectionRule(
      metric: metric, direction: try MetricDirection(selecting: metric, "train.select"), patience: patience)
    guard hasValidation else {
      throw RecipeError(
        "train.select is \(metric), and the data has no validation part: set data.validation_fraction, such as 0.2")
    }
    guard (1...steps).contains(every) else {
      throw RecipeError(
        "train.evaluate_every is \(every), and train.select needs an evaluation within the \(steps) steps: "
          + "set it from 1 to \(steps)")
    }
  }

  /// The learner as it is evaluated on the way; nil where it is not.
  func evaluated(_ learner: any Learner, validation: (any Learner)?, seed: UInt64) -> EvaluatedLearner? {
    let parts = [validation.flatMap { HeldOutPart("validation", $0) }, HeldOutPart("test", learner)].compactMap { $0 }
    guard every > 0, !parts.isEmpty else { return nil }
    return EvaluatedLearner(learner, on: parts, every: every, seed: seed, selectingBy: rule)
  }
}

extension MetricDirection {
  /// Of a metric of the validation part, such as `validation/cls/NLL`, that something is selected by.
  /// - Parameter asker: the key or the option that names the metric.
  /// - Throws: `RecipeError` for another part, or for a metric by which models are not compared.
  init(selecting metric: String, _ asker: String) throws(RecipeError) {
    let parts = ["validation/", "test/", "train/"]
    let part = parts.first { metric.hasPrefix($0) } ?? ""
    let name = String(metric.dropFirst(part.count))
    if part == "validation/", let direction = MetricDirection(of: name) {
      self = direction
      return
    }
    let reason =
      part == "test/" ? ": nothing is selected by the test part" : ": it must be a metric of the validation part"
    let near =
      MetricDirection(of: name) == nil ? nearest(to: name, among: MetricDirection.names) ?? "cls/NLL" : name
    throw RecipeError("\(asker) is \(metric)\(reason), such as validation/\(near)")
  }
}
