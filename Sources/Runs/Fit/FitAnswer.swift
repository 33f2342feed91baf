import Datasets
import Files
import Foundation
import Metrics
import Recipes

/// Paths of the runs that an answer is made of.
package struct FitModels: Sendable {
  /// What is scored: it has learned from all rows but those that are scored.
  package var chosen: String
  /// Nil: the baseline could not be trained.
  package var baseline: String?
  /// What has learned from fewer rows.
  package var smaller: [String] = []
  /// What has not learned from the rows that calibrate.
  package var calibrating: String
  /// What predicts: it has learned from all rows but those of the data's own test part.
  package var final: String

  package init(_ chosen: String) { (self.chosen, calibrating, final) = (chosen, chosen, chosen) }
}

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

  /// The mean negative log-likelihood of the test part by how many rows were learned from.
  package struct Learned: Codable, Sendable {
    package let rows: Int
    package let likelihood: Double
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
  /// Where predictions of a table are least sure; nil: of other data.
  package let unsure: FitUncertainty?
  /// How good the chosen model is on the test part when it learns from fewer rows; the last has learned from all.
  package let learning_curve: [Learned]
  package let notes: [String]

  static let constant = "constant"
  /// Of the intervals or sets that are scored.
  package static let coverages = [0.5, 0.8, 0.95]
  private static let resamples = 2000
  /// Of the rows to learn from, to see what more rows would change.
  package static let shares = [0.25, 0.5]

  /// Calibrates the chosen run, scores it beside the baselines, and writes the answer to a folder.
  /// - Parameters:
  ///   - models: paths of the runs.
  package init(
    _ reading: FitReading, _ parts: FitParts, _ plan: FitPlan, plannedRungs: Int, tried: [Tried], chosen: String,
    models: FitModels, lanes: Int, in folder: String
  ) throws {
    let task = plan.task
    let test = reading.path(of: .test, in: folder)
    func opened(_ path: String, _ data: String?) throws -> Run { try Run(opening: path, data: data, lanes: lanes) }
    let run = try opened(models.chosen, test)
    var scores = [(chosen, try run.heldOutScores(task))]
    if let baseline = models.baseline, chosen != task.baseline {
      scores.append((task.baseline, try opened(baseline, test).heldOutScores(task)))
    }
    let learned = try opened(models.chosen, nil).data()
    if task.hasTarget {
      let constant = ConstantBaseline.scores(
        learning: learned.train, test: try run.data().test!, digest: scores[0].1.digest)
      scores.append((FitAnswer.constant, constant))
    }
    let comparison = ScoreComparison(of: scores.map(\.1), resamples: FitAnswer.resamples, seed: plan.seed)
    var metrics: [String: [String: Double]] = [:]
    var differences: [Difference] = []
    for (metric, runs) in zip(comparison.names, comparison.differences) {
      for (place, found) in runs.enumerated() {
        metrics[scores[place].0, default: [:]][metric] = found.value
        // Sequences are scored together: there is nothing to resample.
        guard place > 0, task != .states else { continue }
        differences.append(
          Difference(
            against: scores[place].0, metric: metric, difference: found.difference, lower: found.lower,
            upper: found.upper))
      }
    }
    let final = try opened(models.final, nil)
    if task.hasTarget {
      let known = try opened(models.calibrating, reading.path(of: .calibration, in: folder)).calibrate(
        samples: task.samples)
      let examples = try run.data().test!
      try final.takeCalibration(known)
      conformal = try run.metrics(of: known, coverages: FitAnswer.coverages, test: examples, samples: task.samples)
      let (aleatoric, epistemic, widths) = try FitAnswer.parts(run, examples, task.samples)
      let sums = (aleatoric.reduce(0, +), epistemic.reduce(0, +))
      let total = sums.0 + sums.1
      (aleatoric_share, epistemic_share) = total > 0 ? (sums.0 / total, sums.1 / total) : (1, 0)
      // Each row to be forecast lies beyond those that were learned from.
      unsure =
        task == .series
        ? nil : FitUncertainty(widths, of: examples, learned: learned.train, columns: learned.columns)
    } else {
      (conformal, aleatoric_share, epistemic_share, unsure) = ([:], nil, nil, nil)
    }
    func point(_ data: Dataset, _ scores: RunScores) -> Learned {
      let place = scores.scores.names.firstIndex(of: task.likelihood)!
      return Learned(
        rows: data.train.count, likelihood: scores.scores.metrics(of: Array(0..<scores.scores.count))[place])
    }
    learning_curve =
      try models.smaller.map { try point(opened($0, nil).data(), opened($0, test).heldOutScores(task)) }
      + [point(learned, scores[0].1)]
    (self.task, target, self.chosen) = (task.rawValue, plan.target, chosen)
    rows = Rows(
      read: reading.rowCount, learning: parts.learning.count, calibration: parts.calibration.count,
      test: parts.test.count)
    inputs = reading.columns.filter { $0.use == .input }.map(\.name)
    parameters_sha256 = final.parametersSHA256
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

  /// What of the uncertainty of each example is the data's and what the parameters': of numbers variances, of classes
  /// entropies; and how wide its prediction is.
  private static func parts(
    _ run: Run, _ examples: ExampleSet, _ samples: SampleCount
  ) throws -> (aleatoric: [Double], epistemic: [Double], widths: [Double]) {
    let predictions = try run.predict(examples.inputs, samples: samples)
    let isOfClasses = predictions.isClassification
    func values(_ name: String) -> [Double] {
      predictions[name]?.values ?? [Double](repeating: 0, count: examples.count)
    }
    let aleatoric = values(isOfClasses ? "expected_entropy" : "aleatoric_variance")
    let epistemic = values(isOfClasses ? "mutual_information" : "epistemic_variance")
    return (aleatoric, epistemic, isOfClasses ? zip(aleatoric, epistemic).map(+) : values("std"))
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
    guard task != .states else {
      let value = try evaluate()["test/log_likelihood"] ?? .nan
      return RunScores(scores: HeldOutScores(means: [task.likelihood: [-value]]), digest: "", secondsPerExample: 0)
    }
    let found = try scores()
    let density = found.scores.names.firstIndex { ["log_likelihood", "log_predictive"].contains($0) }!
    let values = (0..<found.scores.count).map { -found.scores.metrics(of: [$0])[density] }
    return RunScores(
      scores: HeldOutScores(means: [task.likelihood: values]), digest: found.digest,
      secondsPerExample: found.secondsPerExample)
  }
}
