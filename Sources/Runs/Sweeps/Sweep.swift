import Datasets
import Files
import Foundation
import Metrics
import Recipes
import Training

/// Trainings of one recipe with other values of some of its keys, to find the best one on the validation part.
///
/// With halving (Jamieson and Talwalkar 2016) all points train a few steps, the best of them some more, and so on. A point
/// goes on where it was left, so its training is, at every step, that of a point that was never interrupted: the number of
/// steps in all, which schedules follow, is the same from the first step on.
package struct Sweep: Sendable {
  package struct Request: Sendable {
    package var recipe: String
    package var overrides: RecipeOverrides
    package var axes: [SweepAxis]
    /// How many points to try; nil: every combination of listed values.
    package var sample: Int?
    /// Whether each point is drawn by itself.
    package var isRandom = false
    package var seeds = 1
    /// What the best is best by.
    package var metric: String?
    /// One of so many points goes on.
    package var halving: Int?
    /// How often points are compared; nil: until one is left.
    package var rungs: Int?

    package init(recipe: String, overrides: RecipeOverrides, axes: [SweepAxis]) {
      (self.recipe, self.overrides, self.axes) = (recipe, overrides, axes)
    }
  }

  /// One training of a point.
  package struct Training: Sendable {
    /// The start of the SHA-256 of everything that its result depends on.
    package let name: String
    /// Of the keys that are varied.
    package let values: [String]
    package let seed: UInt64
    /// How many it has in all.
    package let steps: Int
    /// Steps from one evaluation to the next.
    package let period: Int
    /// Whether the training keeps the best parameters by the sweep's metric.
    let selects: Bool
  }

  /// A value for each key, and a training for each seed.
  package struct Point: Sendable {
    package let values: [String]
    package let trainings: [Training]
  }

  package let request: Request
  package let metric: String
  package let direction: MetricDirection
  package let points: [Point]
  /// What its trainings learn from.
  let data: OpenedData

  /// Puts the recipes together, which finds every mistake in them.
  /// - Throws: `RecipeError`, `DataError` or `TrainingError`.
  package init(_ request: Request, data: OpenedData = OpenedData()) throws {
    (self.request, self.data) = (request, data)
    try Sweep.check(request)
    let plain = try Recipe.named(request.recipe)
    try request.overrides.apply(to: plain)
    guard let metric = try request.metric ?? plain["train"].text("select") else {
      throw RecipeError(
        "say with --on by what metric of the validation part the best is chosen, such as validation/cls/NLL")
    }
    (self.metric, direction) = (metric, try MetricDirection(selecting: metric, "--on"))
    let first = UInt64(try plain["train"].integer("seed", default: 0, in: 0...Int.max - request.seeds))
    let all =
      try request.sample.map {
        try SweepSpace.sample(request.axes, count: $0, isRandom: request.isRandom, seed: first)
      } ?? SweepSpace.grid(request.axes)
    points = try all.map { values in
      Point(
        values: values,
        trainings: try (0..<UInt64(request.seeds)).map { offset in
          try Sweep.training(request, values, seed: first + offset, metric, data)
        })
    }
    if let factor = request.halving {
      let most = Sweep.rungs(of: points.count, by: factor)
      if let rungs = request.rungs, rungs > most {
        throw RecipeError(
          "--rungs is \(rungs): \(points.count) points are compared at most \(most) times with --halving \(factor)")
      }
      for training in points.flatMap(\.trainings) where rungCount > 1 && steps(of: training, at: 0) >= training.steps {
        throw RecipeError(
          "train.evaluate_every is \(training.period), and the first comparison comes after \(training.steps) / \(factor)^\(rungCount - 1) steps: evaluate more often, or compare less often with --rungs"
        )
      }
    }
  }

  private static func check(_ request: Request) throws(RecipeError) {
    guard !request.axes.isEmpty else {
      throw RecipeError("name with --over what is varied, as in --over optimizer.learning_rate='log(1e-4,1e-2)'")
    }
    let keys = request.axes.map(\.key)
    if let twice = keys.first(where: { key in keys.count { $0 == key } > 1 }) {
      throw RecipeError("--over names \(twice) twice: give all of its values in one list")
    }
    let overrides = request.overrides
    let options: [(String, String, Bool)] = [
      ("train.seed", "--seeds", true), ("data.source", "--data", overrides.data != nil),
      ("train.shards", "--shards", overrides.shards != nil), ("train.steps", "--steps", overrides.steps != nil),
      ("train.epochs", "--epochs", overrides.epochs != nil),
    ]
    if let (key, option, _) = options.first(where: { $0.2 && keys.contains($0.0) }) {
      throw RecipeError("\(key) is what \(option) says: leave one of the two out")
    }
    func check(_ number: Int?, _ option: String, _ bounds: ClosedRange<Int>) throws(RecipeError) {
      guard let number, !bounds.contains(number) else { return }
      throw RecipeError("\(option) is \(number): it must be from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    try check(request.sample, "--sample", 1...SweepSpace.mostPoints)
    try check(request.seeds, "--seeds", 1...1000)
    try check(request.halving, "--halving", 2...100)
    try check(request.rungs, "--rungs", 1...20)
    guard request.rungs == nil || request.halving != nil else {
      throw RecipeError("--rungs says how often points are compared: it belongs to --halving")
    }
    guard !request.isRandom || request.sample != nil else { throw RecipeError("--random belongs to --sample") }
  }

  private static func training(
    _ request: Request, _ values: [String], seed: UInt64, _ metric: String, _ data: OpenedData
  ) throws -> Training {
    let asked = TrainingRequest(
      recipe: request.recipe, overrides: overrides(request, values, seed), out: nil, resume: nil, dryRun: true,
      data: data)
    let prepared = try asked.prepare()
    try prepared.checkSharedData()
    let job = prepared.job
    guard job.validation != nil else {
      throw RecipeError(
        "--on is \(metric), and \(job.data.name) has no validation part: set data.validation_fraction, such as 0.2")
    }
    guard job.plan.evaluateEvery > 0 || request.halving == nil else {
      throw RecipeError("--halving compares on the way: set train.evaluate_every above 0")
    }
    // Where the data lies is another thing on every machine.
    let recipe = RecipeText(job.resolvedRecipe).digest(excluding: [DataKey.source.description])
    var hash = SHA256()
    hash.update((recipe + job.data.fingerprint).utf8)
    return Training(
      name: String(hash.hexDigest().prefix(16)), values: values, seed: seed, steps: job.plan.steps,
      period: job.plan.evaluateEvery, selects: job.evaluated?.selection?.metric == metric)
  }

  private static func overrides(_ request: Request, _ values: [String], _ seed: UInt64) -> RecipeOverrides {
    var overrides = request.overrides
    overrides.assignments += zip(request.axes, values).map { "\($0.key)=\($1)" }
    overrides.seed = seed
    return overrides
  }

  /// What a training is asked for by, in a folder; nil: in none.
  func asking(for training: Training, out folder: String?) -> TrainingRequest {
    TrainingRequest(
      recipe: request.recipe, overrides: Sweep.overrides(request, training.values, training.seed), out: folder,
      resume: nil, dryRun: folder == nil, pictures: nil, data: data)
  }

  /// The recipe of a training with every default.
  package func recipe(of training: Training) throws -> String {
    try asking(for: training, out: nil).prepare().job.resolvedRecipe
  }

  // MARK: Halving

  /// How often so many points can be compared until one is left.
  private static func rungs(of points: Int, by factor: Int) -> Int {
    var (rungs, left) = (1, points)
    while left >= factor { (rungs, left) = (rungs + 1, left / factor) }
    return rungs
  }

  /// How often points are compared, the last time after all steps.
  package var rungCount: Int {
    request.halving.map { request.rungs ?? Sweep.rungs(of: points.count, by: $0) } ?? 1
  }

  /// How many points there are at a comparison, the first being 0.
  package func pointCount(at rung: Int) -> Int {
    max((0..<rung).reduce(points.count) { count, _ in count / request.halving! }, 1)
  }

  /// How many steps a training has done at a comparison: whole evaluations.
  package func steps(of training: Training, at rung: Int) -> Int {
    let left = rungCount - 1 - rung
    guard left > 0, let factor = request.halving else { return training.steps }
    let share = Double(training.steps) / pow(Double(factor), Double(left))
    return min(Int((share / Double(training.period)).rounded(.up)) * training.period, training.steps)
  }
}
