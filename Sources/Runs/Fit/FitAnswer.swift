import Datasets
import Files
import Foundation
import Metrics
import Recipes

/// What `elbo fit` came to: `summary.json`, and what the report shows.
package struct FitAnswer: Codable, Sendable {
  /// A family that was tried.
  package struct Tried: Codable, Sendable {
    package let name: String
    package let recipe: String
    /// Of the best point.
    package let values: [String: String]
    package let points: Int
    /// How far the best point was trained, and how far it was to go.
    package let steps: Int
    package let of_steps: Int
    /// Of the validation parts, the mean over their seeds; nil: all points failed.
    package let likelihood: Double?
    package let standard_error: Double?
    package let failure: String?
  }

  /// How much another model's metric is above the chosen one's, on the same test examples.
  package struct Difference: Codable, Sendable {
    package let against: String
    package let metric: String
    package let difference: Double
    package let lower: Double
    package let upper: Double
  }

  package struct Rows: Codable, Sendable {
    package let read: Int
    package let learning: Int
    package let calibration: Int
    package let test: Int
  }

  package let task: String
  package let target: String
  package let rows: Rows
  package let inputs: [String]
  /// The name of the chosen family.
  package let chosen: String
  package let parameters_sha256: String
  package let seed: UInt64
  package let minutes: Double
  /// How often points were compared, and how often they were planned to be.
  package let rungs: Int
  package let planned_rungs: Int
  package let tried: [Tried]
  package let omitted: [String]
  /// Metrics of the test part by model: the chosen one, `linear` and `constant`.
  package let test: [String: [String: Double]]
  package let differences: [Difference]
  /// Of conformal intervals or sets on the test part.
  package let conformal: [String: Double]
  /// The shares of the predictive uncertainty of the test part.
  package let aleatoric_share: Double
  package let epistemic_share: Double
  package let notes: [String]

  static let constant = "constant"
  /// Of the intervals or sets that are scored.
  package static let coverages = [0.5, 0.8, 0.95]
  private static let resamples = 2000

  /// Calibrates the chosen run, scores it beside the baselines, and writes the answer to a folder.
  /// - Parameters:
  ///   - models: the chosen run's path, and that of the linear baseline if there is one.
  package init(
    _ reading: FitReading, _ parts: FitParts, _ plan: FitPlan, plannedRungs: Int, tried: [Tried], chosen: String,
    models: (chosen: String, linear: String?), lanes: Int, in folder: String
  ) throws {
    let (calibration, test) = (FitParts.calibrationPath(folder), FitParts.testPath(folder))
    let known = try Run(opening: models.chosen, data: calibration, lanes: lanes).calibrate()
    let run = try Run(opening: models.chosen, data: test, lanes: lanes)
    let examples = try run.data().test!
    var scores = [(chosen, try run.scores())]
    if let linear = models.linear, chosen != FitFamily.linear {
      scores.append((FitFamily.linear, try Run(opening: linear, data: test, lanes: lanes).scores()))
    }
    let learned = try Run(opening: models.chosen, lanes: lanes).data().train
    scores.append(
      (
        FitAnswer.constant,
        ConstantBaseline.scores(learning: learned, test: examples, digest: scores[0].1.digest)
      ))
    let comparison = ScoreComparison(of: scores.map(\.1), resamples: FitAnswer.resamples, seed: plan.seed)
    var metrics: [String: [String: Double]] = [:]
    var differences: [Difference] = []
    for (metric, runs) in zip(comparison.names, comparison.differences) {
      for (place, found) in runs.enumerated() {
        metrics[scores[place].0, default: [:]][metric] = found.value
        guard place > 0 else { continue }
        differences.append(
          Difference(
            against: scores[place].0, metric: metric, difference: found.difference, lower: found.lower,
            upper: found.upper))
      }
    }
    conformal = try run.metrics(of: known, coverages: FitAnswer.coverages, test: examples)
    (aleatoric_share, epistemic_share) = try FitAnswer.shares(run, examples)
    (task, target, self.chosen) = (plan.task.rawValue, plan.target, chosen)
    rows = Rows(
      read: reading.rowCount, learning: parts.learning.count, calibration: parts.calibration.count,
      test: parts.test.count)
    inputs = reading.columns.filter { $0.use == .input }.map(\.name)
    parameters_sha256 = run.parametersSHA256
    (seed, minutes, rungs, planned_rungs) = (plan.seed, plan.minutes, plan.rungs, plannedRungs)
    (self.tried, omitted, self.test, self.differences) = (tried, plan.omitted, metrics, differences)
    notes = reading.notes + FitAnswer.notes(parts, plan, plannedRungs)
  }

  private static func notes(_ parts: FitParts, _ plan: FitPlan, _ plannedRungs: Int) -> [String] {
    var notes: [String] = []
    if plan.rungs < plannedRungs {
      notes.append(
        "the time was over after comparison \(plan.rungs) of \(plannedRungs); plan.yaml repeats what was done")
    }
    // An interval that holds the truth with probability 1 − α needs 1 / α − 1 examples at least.
    if parts.calibration.count < 19 {
      notes.append(
        "\(parts.calibration.count) rows calibrate: intervals of more than \(100 * parts.calibration.count / (parts.calibration.count + 1)) % have no bounds"
      )
    }
    return notes
  }

  /// What of the uncertainty is the data's and what the parameters': of numbers in shares of the variance, of classes of
  /// the entropy.
  private static func shares(_ run: Run, _ examples: ExampleSet) throws -> (Double, Double) {
    let predictions = try run.predict(examples.inputs)
    func sum(_ name: String) -> Double { predictions[name]?.values.reduce(0, +) ?? 0 }
    let isOfClasses = predictions.isClassification
    let aleatoric = sum(isOfClasses ? "expected_entropy" : "aleatoric_variance")
    let epistemic = sum(isOfClasses ? "mutual_information" : "epistemic_variance")
    let total = aleatoric + epistemic
    return total > 0 ? (aleatoric / total, epistemic / total) : (1, 0)
  }

  /// Writes `summary.json` and `report.html`.
  package func write(_ reading: FitReading, to folder: String) throws {
    try AtomicFile.write(folder + "/summary.json", JSONDocument.bytes(of: self, allowsNonFinite: true))
    try AtomicFile.write(folder + "/report.html", FitReport(self, reading).html)
  }
}

extension FitAnswer.Tried {
  /// What came of a candidate's sweep.
  package init(_ candidate: FitPlan.Candidate, _ outcome: SweepOutcome) {
    let best = outcome.ranking[0]
    let point = outcome.sweep.points[best.point]
    (name, recipe, points) = (candidate.name, candidate.recipe, outcome.sweep.points.count)
    values = Dictionary(zip(outcome.sweep.request.axes.map(\.key), point.values)) { first, _ in first }
    (steps, of_steps) = (best.results.map(\.trained).max() ?? 0, point.trainings[0].steps)
    (likelihood, standard_error) = (best.failure == nil ? best.value : nil, best.error)
    failure = best.failure
  }
}
