import Recipes
import Tensors

/// How probable each change of an augmentation pipeline is: fixed, or moved by how surely the discriminator takes real
/// examples for real.
///
/// A discriminator that learns few examples by heart takes all of them for real: r = E[sign D(x)] of real x goes from 0
/// towards 1. Every four steps p grows a little where r is above a target, and falls where it is below (Karras et al.
/// 2020, section 3.1). The sign is that of D's output less its
/// threshold, so r = 2 a − 1, where a is the share of real examples that D takes for real.
///
/// r comes from the step's totals, and what it is added up in belongs to the run's parameters: p is the same on every node
/// and goes on where a resumed training was.
struct AugmentationProbability: Sendable {
  /// Steps from one change of p to the next.
  static let interval = 4
  /// Changes in a row that leave p at its bound until the user hears of it: 200 steps.
  private static let patience: Float = 50

  private enum Number: Int, CaseIterable { case probability, told, examples, overfitting, atBound }

  private let start: Double
  /// What r is moved to; 0: p is fixed.
  private let target: Double
  /// How many examples p takes from 0 to 1.
  private let span: Double
  private let bound: Double
  private var numbers: FlatBuffer?

  /// Reads keys of the `objective` section.
  /// - Parameters:
  ///   - isUsed: whether there is a pipeline.
  ///   - loss: what the discriminator's output means.
  init(_ section: RecipeSection, isUsed: Bool, loss: AdversarialObjective.Loss) throws {
    start = try section.number("augmentation_probability", default: 0, in: 0...1)
    let target = try section.number("augmentation_target", default: 0.6, in: 0...0.99)
    span = 1000 * (try section.number("augmentation_speed", default: 100, in: 0.001...1e9))
    bound = try section.number("augmentation_bound", default: 0.8, in: 0.01...1)
    self.target = isUsed ? target : 0
    guard isUsed else {
      if start > 0 {
        throw RecipeError(
          "objective.augmentation_probability is \(start), and nothing changes with it: "
            + "set objective.augmentation_pipeline too, such as [pixels, geometry, color]")
      }
      return
    }
    if loss == .wasserstein, target > 0 {
      throw RecipeError(
        "objective.loss is wasserstein, and the sign of a critic says nothing that objective.augmentation_target could "
          + "follow: set objective.augmentation_target=0 and objective.augmentation_probability, such as 0.2")
    }
    if target == 0, start == 0 {
      throw RecipeError(
        "objective.augmentation_probability is 0 and fixed, so that objective.augmentation_pipeline changes nothing: "
          + "set the probability, such as 0.2, or objective.augmentation_target=0.6")
    }
    if target > 0, start > bound {
      throw RecipeError(
        "objective.augmentation_probability is \(start), above objective.augmentation_bound, which is \(bound): "
          + "lower the one or raise the other")
    }
  }

  private var isAdaptive: Bool { target > 0 }

  /// What the run's parameters hold of it: nothing where p is fixed.
  var layout: Layout {
    var layout = Layout()
    if isAdaptive { layout.add("augmentation", [Number.allCases.count]) }
    return layout
  }

  /// Keeps p in a part of the run's parameters, of `layout`.
  mutating func keep(in part: FlatBuffer) {
    guard isAdaptive else { return }
    numbers = part
    self[.probability] = Float(start)
  }

  private subscript(number: Number) -> Float {
    get { numbers!.float32[number.rawValue] }
    nonmutating set { numbers!.float32[number.rawValue] = newValue }
  }

  var value: Double { isAdaptive ? Double(self[.probability]) : start }

  /// After a discriminator's phase: counts the real examples that it classified right.
  /// - Parameters:
  ///   - step: counted from 0.
  ///   - isLast: whether this was the discriminator's last phase of the step.
  func absorb(told: Double, of examples: Int, step: Int, isLast: Bool) {
    guard isAdaptive else { return }
    self[.told] += Float(told)
    self[.examples] += Float(examples)
    guard isLast, (step + 1) % AugmentationProbability.interval == 0, self[.examples] > 0 else { return }
    let overfitting = 2 * Double(self[.told]) / Double(self[.examples]) - 1
    let change = Double(self[.examples]) / span
    let wanted = value + (overfitting > target ? change : overfitting < target ? -change : 0)
    self[.probability] = Float(min(max(wanted, 0), bound))
    self[.overfitting] = Float(overfitting)
    self[.atBound] = wanted >= bound ? min(self[.atBound] + 1, AugmentationProbability.patience) : 0
    (self[.told], self[.examples]) = (0, 0)
  }

  /// p, and r of the last four steps that were looked at, 0 before.
  var metrics: [String: Double] {
    guard isAdaptive else { return [:] }
    return [
      "augmentation_probability": value, "augmentation_overfitting": Double(self[.overfitting]),
      "alarm_augmentation": alarm == nil ? 0 : 1,
    ]
  }

  var alarm: String? {
    guard isAdaptive, self[.atBound] >= AugmentationProbability.patience else { return nil }
    return "the discriminator still learns the examples by heart, and augmentation_probability stays at its bound: add "
      + "examples, set objective.r1, or lower discriminator_optimizer.learning_rate"
  }
}
