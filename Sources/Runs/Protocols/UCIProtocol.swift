import Datasets
import Foundation
import Learners
import Metrics
import Recipes
import Tensors
import Training

/// The protocol of the UCI regression benchmarks: for each official split, the point of a grid with the best likelihood
/// on a fifth of the training examples, a new training on all of them, and the test examples once.
///
/// Nothing of a test example is seen before: standardisation and choice of the grid's point use training examples alone.
/// (The dropout results of 2016 were tuned on the test set, as their author says.)
public struct UCIProtocol: Sendable {
  public struct Result: Sendable, Codable {
    public let split: Int
    /// The grid's point that was chosen.
    public let choice: [String: String]
    public let rootMeanSquaredError: Double
    /// Mean log density of a test example, in the units of the data.
    public let logLikelihood: Double
  }

  private let splits: UCISplits
  private let recipe: @Sendable () throws -> Recipe
  private let grid: [SweepAxis]
  /// Every point of the grid.
  private let points: [[String]]
  private let seed: UInt64

  /// - Parameters:
  ///   - splits: the data set.
  ///   - grid: the keys whose listed values are chosen among on validation data.
  ///   - recipe: makes the recipe anew, since a recipe remembers what was read of it.
  /// - Throws: what `recipe` throws.
  public init(_ splits: UCISplits, grid: [SweepAxis], recipe: @escaping @Sendable () throws -> Recipe) throws {
    (self.splits, self.grid, self.recipe) = (splits, grid, recipe)
    points = try SweepSpace.grid(grid)
    guard try recipe()["train"].text("select") == nil else {
      throw RecipeError("--protocol uci holds no validation part back while it trains: leave train.select out")
    }
    seed = UInt64(try recipe()["train"].integer("seed", default: 0, in: 0...Int.max))
  }

  /// Runs one split; splits are independent and may run anywhere.
  public func run(_ split: Int) async throws -> Result {
    var best: (point: [String], logLikelihood: Double)?
    if points.count > 1 {
      for point in points {
        let metrics = try await train(point, on: splits.dataset(split, validation: true, seed: seed))
        let logLikelihood = -metrics["test/reg/NLL"]!
        if best == nil || logLikelihood > best!.logLikelihood { best = (point, logLikelihood) }
      }
    }
    let choice = best?.point ?? points[0]
    let metrics = try await train(choice, on: splits.dataset(split, validation: false, seed: seed))
    return Result(
      split: split, choice: Dictionary(zip(grid.map(\.key), choice)) { $1 },
      rootMeanSquaredError: metrics["test/reg/RMSE"]!, logLikelihood: -metrics["test/reg/NLL"]!)
  }

  private func train(_ point: [String], on data: Dataset) async throws -> [String: Double] {
    let recipe = try recipe()
    for (axis, value) in zip(grid, point) { try recipe.set(axis.key, to: value) }
    let job = try TrainingJob(recipe, data: data)
    guard let learner = job.learner.offers.prediction, !learner.isClassifier else {
      throw TrainingError(
        .unsuitable, "a \(job.model.name) predicts no numbers",
        advice: "use bbb-regression, mc-dropout or mlp with --protocol uci")
    }
    let plan = TrainingPlan(
      seed: seed, shards: job.plan.shards, steps: job.plan.steps, reportEvery: Int.max, precision: job.plan.precision)
    let trainer = Trainer(learner, plan: plan, crew: Crew(lanes: 1), observer: Unobserved())
    _ = try await trainer.train(until: StopRequest())
    return try await trainer.evaluate()
  }

  private struct Unobserved: TrainingObserver {
    func step(_ report: TrainingReport) {}
    func report(_ report: TrainingReport) {}
    func checkpoint(_ moment: Trainer.Moment) {}
  }

  /// Published results under the same splits, RMSE and log-likelihood: Mukhoti, Stenetorp and Gal 2018, dropout with a
  /// grid search; Lakshminarayanan, Pritzel and Blundell 2017, deep ensembles.
  public static func published(_ name: String) -> [(method: String, error: String, logLikelihood: String)] {
    let table: [String: [(String, String, String)]] = [
      "bostonHousing": [
        ("PBP 2015", "3.01 ± 0.18", "-2.57"), ("dropout 2018", "2.90 ± 0.18", "-2.40"),
        ("deep ensembles", "3.28 ± 1.00 (SD)", "-2.41"),
      ],
      "concrete": [
        ("PBP 2015", "5.67 ± 0.09", "-3.16"), ("dropout 2018", "4.82 ± 0.16", "-2.93"),
        ("deep ensembles", "6.03 ± 0.58 (SD)", "-3.06"),
      ],
      "energy": [
        ("PBP 2015", "1.80 ± 0.05", "-2.04"), ("dropout 2018", "0.54 ± 0.01", "-1.21"),
        ("deep ensembles", "2.09 ± 0.29 (SD)", "-1.38"),
      ],
      "wine-quality-red": [
        ("PBP 2015", "0.64 ± 0.01", "-0.97"), ("dropout 2018", "0.62 ± 0.01", "-0.93"),
        ("deep ensembles", "0.64 ± 0.04 (SD)", "-0.94"),
      ],
      "yacht": [
        ("PBP 2015", "1.02 ± 0.05", "-1.63"), ("dropout 2018", "0.67 ± 0.05", "-1.25"),
        ("deep ensembles", "1.58 ± 0.48 (SD)", "-1.18"),
      ],
    ]
    return table[name] ?? []
  }
}
