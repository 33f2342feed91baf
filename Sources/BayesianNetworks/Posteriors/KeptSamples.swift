import Learners
import Optimizers
import Recipes
import Tensors
import Training

/// The steps of a training after which weights are collected: a function of the step and of how many there are.
struct Collections: Sendable {
  let count: Int
  let cycles: Int
  /// The share of a cycle before its first collection.
  let burnIn: Double

  static let counts = 1...1000

  /// - Parameters:
  ///   - key: what says how many there are.
  ///   - schedule: its cycles are those of the collections.
  init(_ objective: RecipeSection, _ key: String, default usualCount: Int, schedule: Schedule, burnIn usual: Double)
    throws
  {
    count = try objective.integer(key, default: usualCount, in: Collections.counts)
    if case .cycles(let cycles, _) = schedule.decay { self.cycles = cycles } else { cycles = 1 }
    burnIn = try objective.number("burn_in", default: usual, in: 0...0.999)
    guard count.isMultiple(of: cycles) else {
      throw RecipeError(
        "objective.\(key) is \(count), which \(cycles) cycles of the learning rate cannot share: take a multiple of "
          + "optimizer.cycles")
    }
  }

  /// The numbers of steps after which something is collected, in order: evenly spaced in what is left of each cycle, the last
  /// at its end. Fewer than `count` where there are too few steps.
  func moments(of total: Int) -> [Int] {
    let each = count / cycles
    let moments = (0..<count).map { index in
      let (cycle, place) = index.quotientAndRemainder(dividingBy: each)
      let share = burnIn + (1 - burnIn) * Double(place + 1) / Double(each)
      return max(1, Int(((Double(cycle) + share) / Double(cycles) * Double(total) - 1e-6).rounded(.up)))
    }
    return moments.enumerated().filter { $0 == 0 || moments[$0 - 1] != $1 }.map(\.element)
  }

  /// Which collection is due once so many steps are done; nil: none is.
  func index(after steps: Int, of total: Int) -> Int? { moments(of: total).firstIndex(of: steps) }

  /// Whether a step (counted from 0) of a training in cycles belongs to the part of a cycle in which weights are collected.
  func isCollecting(at step: Int, of total: Int) -> Bool {
    (Double(step) / Double(total) * Double(cycles)).truncatingRemainder(dividingBy: 1) >= burnIn - 1e-9
  }
}

/// Weights that a training keeps: the samples of its posterior. They lie in the parameters behind the current weights.
struct KeptSamples: Sendable {
  let collections: Collections
  private let weights: Layout
  private let parameters: FlatBuffer

  private let countPlace: Int

  private static let countName = "samples.count"
  private static let usualCount = 12

  static func parameters(over weights: Layout, _ recipe: Recipe) throws -> Layout {
    var layout = weights
    let count = try recipe["objective"].integer("keep", default: usualCount, in: Collections.counts)
    for index in 0..<count { layout.add(weights, prefix: "samples.\(index).") }
    layout.add(countName, [1])
    return layout
  }

  init(_ recipe: Recipe, of base: DropoutLearner, parameters: FlatBuffer, burnIn: Double) throws {
    collections = try Collections(
      recipe["objective"], "keep", default: KeptSamples.usualCount, schedule: base.descent.schedule, burnIn: burnIn)
    weights = base.parameters.layout
    self.parameters = parameters
    countPlace = parameters.layout[KeptSamples.countName]!.offset
  }

  /// How many there are so far.
  var present: Int { Int(parameters.float32[countPlace]) }

  /// How many draws differ: as long as nothing is kept, the current weights are the only one.
  var distinct: Int { max(present, 1) }

  /// Keeps the current weights as a sample, in the place of an earlier one of the same number.
  func keep(_ index: Int) {
    let start = parameters.float32.baseAddress!
    (start + (index + 1) * weights.count).update(from: start, count: weights.count)
    parameters.float32[countPlace] = Float(max(present, index + 1))
  }

  /// Keeps the current weights where a collection is due once so many steps are done.
  func keep(after steps: Int, of total: Int) {
    if let index = collections.index(after: steps, of: total) { keep(index) }
  }

  /// A sample, from the first on again after the last; nil: the current weights.
  func draw(_ number: Int?, into target: FlatBuffer) {
    let place = number.map { present == 0 ? 0 : $0 % present + 1 } ?? 0
    target.float32.baseAddress!.update(
      from: parameters.float32.baseAddress! + place * weights.count, count: weights.count)
  }
}

/// A posterior of weights that a training keeps as it goes.
protocol SampledPosterior: WeightPosterior {
  var base: DropoutLearner { get }
  var samples: KeptSamples { get }
}

extension SampledPosterior {
  static var isAtParameters: Bool { true }
  static func parameters(over weights: Layout, _ recipe: Recipe) throws -> Layout {
    try KeptSamples.parameters(over: weights, recipe)
  }

  var learntCount: Int { base.learntCount }
  var distinctDraws: Int? { samples.distinct }

  func draw(_ number: Int?, into weights: FlatBuffer, key: RandomKey, with crew: Crew) throws {
    samples.draw(number, into: weights)
  }
}

/// An ensemble of the weights at the ends of the learning rate's cycles (Huang, Li, Pleiss, Liu, Hopcroft and Weinberger 2017).
struct Snapshots: SampledPosterior {
  static let hasOwnRule = false

  let base: DropoutLearner
  let samples: KeptSamples

  init(
    _ name: PosteriorName, _ recipe: Recipe, of base: DropoutLearner, examples: Int, parameters: FlatBuffer
  ) throws {
    self.base = base
    samples = try KeptSamples(recipe, of: base, parameters: parameters, burnIn: 0)
  }

  var auxiliary: [FlatBuffer] { base.auxiliary }
  var order: Order.Kind { base.order }

  func absorb(_ total: Total, of step: Step, with crew: Crew) throws -> Verdict {
    let verdict = try base.absorb(total, phase: 0, of: step, with: crew)
    samples.keep(after: step.number + 1, of: step.total)
    return verdict
  }
}
