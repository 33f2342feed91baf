import Foundation
import Recipes

/// What is tried, for how many steps, and how often it is compared: all that a result of `elbo fit` depends on, beside the
/// data.
///
/// It is made once, from the size of the data, the minutes and the speed of the machine, and counts in steps; so the same
/// plan gives the same bits on another machine, in whatever time.
package struct FitPlan: Sendable, Equatable {
  /// One family with the points that are tried of it.
  package struct Candidate: Sendable, Equatable {
    package let name: String
    package let recipe: String
    /// Keys that do not vary, each `key.path=value`.
    package let settings: [String]
    /// Keys that vary, as `elbo sweep --over` reads them.
    package let over: [String]
    /// How many points are tried; nil: every combination.
    package let sample: Int?
    /// Whether points are compared early.
    package let halves: Bool
    /// Of a training, in whole.
    package let steps: Int
  }

  /// Nil: nothing is predicted.
  package let target: String?
  package let task: FitTask
  /// The column that names the sequence of each row.
  package let sequence: String?
  /// The column that says when each row of a series was.
  package let time: String?
  /// SHA-256 of the parts of the data.
  package let digest: String
  package let keep: [String]
  package let drop: [String]
  package let seed: UInt64
  package let minutes: Double
  package let candidates: [Candidate]
  /// Families that are not tried, and why.
  package let omitted: [String]
  /// How often points are compared at most: less where the time was over.
  package var rungs: Int

  /// With how many seeds a point of few rows trains.
  package static let seeds = 3
  /// One of so many points goes on.
  package static let halving = 3
  /// The share of the examples to learn from that is validated on.
  package static let validation = 0.2
  /// The share of the time that is planned; the rest is for what is not counted: starts, files, the last trainings.
  private static let planned = 0.6

  /// Steps of a network: below which it is not tried, of few rows of a table, and at most.
  private static let steps = (fewest: 270, usual: 4500, most: 20_000)
  private static let epochs = 400

  /// - Parameter speed: units of `FitWork` a second, of all lanes or processes together.
  /// - Throws: `RecipeError` where the time is too short for anything.
  package init(
    _ reading: FitReading, _ request: FitRequest, learning count: Int, digest: String, speed: Double
  ) throws(RecipeError) {
    (target, task, sequence, time) = (reading.target, reading.task, request.sequence, request.time)
    self.digest = digest
    (keep, drop, seed, minutes) = (request.keep, request.drop, request.seed, request.minutes)
    let trained = Int(Double(count) * (1 - FitPlan.validation))
    let work = FitWork(reading, rows: trained)
    let options = FitFamily.all(task, rows: trained, width: reading.width, series: reading.series ?? .unknown)
      .map { (family: $0, options: FitPlan.options($0, work, reading)) }
    // Families with the least work first, so that as many as possible are tried at all.
    let time = 60 * request.minutes * FitPlan.planned * speed
    let cheapest = options.indices.compactMap { index in
      options[index].options.last.map { (cost: $0.cost, index: index) }
    }
    var (needed, tried) = ([Int: Double](), 0.0)
    for (least, index) in cheapest.sorted(by: <) where tried + least <= time {
      needed[index] = least
      tried += least
    }
    // What is left beyond that is shared in the order of the families.
    var (left, candidates, omitted) = (time - tried, [Candidate](), [String]())
    for (index, entry) in options.enumerated() {
      guard let least = needed.removeValue(forKey: index) else {
        omitted.append("\(entry.family.name): the time is too short for its training")
        continue
      }
      let share = least + left / Double(needed.count + 1)
      let (candidate, cost) = entry.options.first { $0.cost <= share }!
      candidates.append(candidate)
      left -= cost - least
    }
    (self.candidates, self.omitted) = (candidates, omitted)
    guard let most = candidates.map(\.rungs).max() else {
      throw RecipeError("--minutes is \(minutes), too few for any model of this data: give more")
    }
    rungs = most
  }

  /// The ways to try a family and their work, from the most to the least.
  private static func options(
    _ family: FitFamily, _ work: FitWork, _ reading: FitReading
  ) -> [(candidate: Candidate, cost: Double)] {
    let seeds = reading.seeds
    func over(_ isOne: Bool) -> [String] { family.axes.map { "\($0.key)=\(isOne ? $0.usual : $0.range)" } }
    guard family.isNetwork else {
      let each = work.exact(family) * Double(seeds)
      guard each < .infinity else { return [] }
      let all = family.axes.reduce(1) { $0 * $1.range.split(separator: ",").count }
      return (all > 1 ? [all, 1] : [1]).map { points in
        // Only the end is compared.
        (
          Candidate(
            name: family.name, recipe: family.recipe, settings: family.settings + ["train.evaluate_every=0"],
            over: over(points == 1), sample: nil, halves: false, steps: 0), each * Double(points)
        )
      }
    }
    let batch = work.batch
    let least = reading.task == .pictures ? steps.fewest : steps.usual
    let whole = min(max(work.rows * epochs / batch, least), steps.most)
    return [81, 27, 9, 3, 1].flatMap { points in
      (points > 1 ? [1] : [1, 3, 9, 27]).compactMap { divisor in
        let count = max(whole / divisor / 9, 1) * 9
        guard count >= steps.fewest else { return nil }
        let axis = points > 1 ? ["train.steps=\(count / 3),\(count)"] : ["train.steps=\(count)"]
        let candidate = Candidate(
          name: family.name, recipe: family.recipe,
          settings: family.settings
            + ["train.batch=\(batch)", "train.evaluate_every=\(points > 1 ? count / 9 : count)"],
          over: over(points == 1) + axis, sample: points > 1 ? points : nil, halves: points > 1, steps: count)
        let (steps, starts) = candidate.inAll(points)
        let evaluations = points > 1 ? steps / (count / 9) : 1
        let cost =
          Double(seeds)
          * (Double(steps) * family.factor * work.step + Double(starts) * FitWork.start
            + Double(evaluations) * work.evaluation(samples: family.samples))
        return (candidate, cost)
      }
    }
  }
}

extension FitPlan.Candidate {
  /// How often its points are compared.
  package var rungs: Int {
    guard halves, let sample else { return 1 }
    var (rungs, left) = (1, sample)
    while left >= FitPlan.halving { (rungs, left) = (rungs + 1, left / FitPlan.halving) }
    return rungs
  }

  /// Steps of all points of a seed, where those that are left behind end early, and how often a training begins or goes on.
  func inAll(_ points: Int) -> (steps: Int, starts: Int) {
    var (sum, starts, left, before) = (0, 0, points, 0)
    for rung in 0..<rungs {
      let share = Double(steps) / pow(Double(FitPlan.halving), Double(rungs - 1 - rung))
      let reached = min(Int((share / Double(steps / 9)).rounded(.up)) * (steps / 9), steps)
      (sum, starts) = (sum + left * (reached - before), starts + left)
      (left, before) = (max(left / FitPlan.halving, 1), reached)
    }
    return (sum, starts)
  }
}
