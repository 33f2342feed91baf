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
    /// Negative and logarithmic, of the validation parts, the mean over their seeds; nil: all points failed.
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
  /// Nil: nothing is predicted.
  package let target: String?
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
  /// Metrics of the test part by model: the chosen one and the baselines.
  package let test: [String: [String: Double]]
  package let differences: [Difference]
  /// Of conformal intervals or sets on the test part; empty where nothing is predicted.
  package let conformal: [String: Double]
  /// The shares of the predictive uncertainty of the test part; nil: nothing is predicted.
  package let aleatoric_share: Double?
  package let epistemic_share: Double?
  package let notes: [String]

  static let constant = "constant"
  /// Of the intervals or sets that are scored.
  package static let coverages = [0.5, 0.8, 0.95]
  private static let resamples = 2000

  /// Calibrates the chosen run, scores it beside the baselines, and writes the answer to a folder.
  /// - Parameters:
  ///   - models: the chosen run's path, and that of the baseline of the task if there is one.
  package init(
    _ reading: FitReading, _ parts: FitParts, _ plan: FitPlan, plannedRungs: Int, tried: [Tried], chosen: String,
    models: (chosen: String, baseline: String?), lanes: Int, in folder: String
  ) throws {
    let task = plan.task
    let test = reading.path(of: .test, in: folder)
    func opened(_ path: String, _ data: String?) throws -> Run { try Run(opening: path, data: data, lanes: lanes) }
    let run = try opened(models.chosen, test)
    var scores = [(chosen, try run.heldOutScores(task))]
    if let baseline = models.baseline, chosen != task.baseline {
      scores.append((task.baseline, try opened(baseline, test).heldOutScores(task)))
    }
    if task.hasTarget {
      let learned = try opened(models.chosen, nil).data().train
      let constant = ConstantBaseline.scores(
        learning: learned, test: try run.data().test!, digest: scores[0].1.digest)
      scores.append((FitAnswer.constant, constant))
    }
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
    if task.hasTarget {
      let known = try opened(models.chosen, reading.path(of: .calibration, in: folder)).calibrate(
        samples: task.samples)
      let examples = try run.data().test!
      conformal = try run.metrics(of: known, coverages: FitAnswer.coverages, test: examples, samples: task.samples)
      let shares = try FitAnswer.shares(run, examples, task.samples)
      (aleatoric_share, epistemic_share) = shares
    } else {
      (conformal, aleatoric_share, epistemic_share) = ([:], nil, nil)
    }
    (self.task, target, self.chosen) = (task.rawValue, plan.target, chosen)
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
    if plan.task.hasTarget, parts.calibration.count < 19 {
      notes.append(
        "\(parts.calibration.count) rows calibrate: intervals of more than \(100 * parts.calibration.count / (parts.calibration.count + 1)) % have no bounds"
      )
    }
    return notes
  }

  /// What of the uncertainty is the data's and what the parameters': of numbers in shares of the variance, of classes of
  /// the entropy.
  private static func shares(
    _ run: Run, _ examples: ExampleSet, _ samples: SampleCount
  ) throws -> (Double, Double) {
    let predictions = try run.predict(examples.inputs, samples: samples)
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
    let sign: Double = outcome.sweep.direction == .smaller ? 1 : -1
    let best = outcome.ranking[0]
    let point = outcome.sweep.points[best.point]
    (name, recipe, points) = (candidate.name, candidate.recipe, outcome.sweep.points.count)
    values = Dictionary(zip(outcome.sweep.request.axes.map(\.key), point.values)) { first, _ in first }
    (steps, of_steps) = (best.results.map(\.trained).max() ?? 0, point.trainings[0].steps)
    (likelihood, standard_error) = (best.failure == nil ? sign * best.value : nil, best.error)
    failure = best.failure
  }
}

extension FitTask {
  /// Samples of a prediction of the report: of convolutions fewer.
  fileprivate var samples: SampleCount { .count(self == .pictures ? 20 : 100) }
}

extension Run {
  /// Scores of the test examples; of densities the negative log-likelihood of each.
  fileprivate func heldOutScores(_ task: FitTask) throws -> RunScores {
    guard !task.hasTarget else { return try scores() }
    let found = try scores()
    let density = found.scores.names.firstIndex { ["log_likelihood", "log_predictive"].contains($0) }!
    let values = (0..<found.scores.count).map { -found.scores.metrics(of: [$0])[density] }
    return RunScores(
      scores: HeldOutScores(means: [task.likelihood: values]), digest: found.digest,
      secondsPerExample: found.secondsPerExample)
  }
}
