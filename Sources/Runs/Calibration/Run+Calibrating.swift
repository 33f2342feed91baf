import Datasets
import Files
import Foundation
import Metrics
import Recipes
import Tensors
import Training

extension Run {
  /// What `calibrate` left; nil: the run was not calibrated.
  /// - Throws: `TrainingError` when the file is damaged, or is of other parameters than the run has now.
  public func calibration() throws -> Calibration? {
    guard let known = try storedCalibration() else { return nil }
    guard known.parameters_sha256 == parametersSHA256 else {
      throw TrainingError(
        .unsuitable, "\(path) was calibrated with other parameters than it has now",
        advice: "run: elbo calibrate \(path), or remove its calibration.json")
    }
    return known
  }

  /// What `calibrate` left, of whatever parameters.
  private func storedCalibration() throws -> Calibration? {
    guard !ModelFile.isFile(path) else {
      return try ModelFile(opening: path).calibration.map { try Calibration(json: Array($0.utf8), path: path) }
    }
    let file = try RunFolder(opening: path).calibration
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    return try Calibration(json: Array(Data(contentsOf: URL(fileURLWithPath: file))), path: file)
  }

  /// Whether the run's calibration is of other parameters than it computes with, so that `evaluate` leaves it out.
  package func hasForeignCalibration() throws -> Bool {
    try storedCalibration().map { $0.parameters_sha256 != parametersSHA256 } ?? false
  }

  /// Learns from examples that the parameters were not learned from how to scale probabilities, and how large sets and
  /// intervals must be to hold the truth as often as they say. Predictions use it from then on.
  ///
  /// The examples are those that the run was opened with, or else its validation part. Half of them choose the scaling of
  /// class probabilities, of fewer than 80 down to a third, and the others are scored.
  ///
  /// ```swift
  /// let run = try Run(opening: "runs/bbb", data: "held-out.csv")
  /// try run.calibrate()
  /// let sets = try run.calibrated(run.predict(inputs), coverage: 0.9)["set"]!.values
  /// ```
  ///
  /// - Parameters:
  ///   - scaling: of class probabilities; nil: by a temperature.
  ///   - score: what sets and intervals are made of; nil: `threshold` for classes, `standardized` for numbers.
  ///   - samples: Monte Carlo samples of each prediction.
  /// - Returns: what was learned, which lies in `calibration.json` of the run folder.
  /// - Throws: `TrainingError` when there are no such examples or the model does not predict; `FileError` when the file
  ///   cannot be written.
  @discardableResult
  public func calibrate(
    scaling: ScalingMethod? = nil, score: ConformalScore? = nil, samples: SampleCount = .count(100)
  ) throws -> Calibration {
    guard !ModelFile.isFile(path) else {
      throw TrainingError(
        .unsuitable, "\(path) is a model file, which is not changed", advice: "calibrate the run, then export it again")
    }
    let (held, source) = try examples.calibrating()
    let calibration = try Calibration(
      predict(ExampleSet(inputs: held.inputs, sequences: held.sequences), samples: samples), held, source: source,
      scaling: scaling, score: score, parameters: parametersSHA256)
    try AtomicFile.write(RunFolder(opening: path).calibration, calibration.json)
    return calibration
  }

  /// Takes over what another run of the same recipe was calibrated with: what predicts has learned from the rows, too, which
  /// calibrated the one before it.
  package func takeCalibration(_ other: Calibration) throws {
    try AtomicFile.write(RunFolder(opening: path).calibration, other.of(parameters: parametersSHA256).json)
  }

  /// Predictions with what the run's calibration adds to them; as they are where there is none.
  /// - Throws: `TrainingError` when a coverage is asked for and the run was not calibrated.
  public func calibrated(
    _ predictions: Predictions, coverage: Double? = nil, seed: UInt64 = 0
  ) throws -> Predictions {
    try predictions.calibrated(by: calibration(covering: coverage), coverage: coverage, seed: seed)
  }

  /// The run's calibration, which can give a coverage where one is asked for; nil: there is none, and none is needed.
  package func calibration(covering coverage: Double?) throws -> Calibration? {
    try coverage.map(Calibration.check)
    let calibration = try calibration()
    guard let coverage else { return calibration }
    guard let calibration else {
      throw TrainingError(
        .unsuitable, "coverage is \(coverage), and \(path) was not calibrated",
        advice: "run: elbo calibrate \(path), with --data FILE where it has no validation part")
    }
    _ = try calibration.threshold(target: 0, coverage: coverage)
    return calibration
  }

  /// How good calibrated predictions of the test part are beside those as they are, and how often sets or intervals hold the
  /// truth.
  /// - Parameters:
  ///   - coverage: of sets and intervals.
  ///   - samples: Monte Carlo samples of each prediction.
  /// - Returns: metrics by name; empty where the run has no test part, or its test part has calibrated it.
  public func calibrationMetrics(
    coverage: Double, samples: SampleCount = .count(100)
  ) throws -> [String: Double] {
    guard !examples.isOther, let calibration = try calibration(), let test = try data().test else { return [:] }
    return try metrics(of: calibration, coverages: [coverage], test: test, samples: samples)
  }

  /// The same of examples that have neither trained nor calibrated the run.
  func metrics(
    of calibration: Calibration, coverages: [Double], test: ExampleSet, samples: SampleCount = .count(100)
  ) throws -> [String: Double] {
    let plain = try predict(ExampleSet(inputs: test.inputs, sequences: test.sequences), samples: samples)
    var metrics: [String: Double] = [:]
    for coverage in coverages {
      let result = try plain.calibrated(by: calibration, coverage: coverage)
      let suffix = "\((coverage * 1000).rounded() / 10)".replacing(".0", with: "")
      if let before = plain.probabilities, let labels = test.labels?.indices.map({ Int($0) }), let sets = result["set"]
      {
        let after = ClassProbabilities(result["calibrated"]!.values, classes: before.classes)
        for (suffix, probabilities) in [("", before), (Run.calibratedSuffix, after)] {
          metrics.merge(Run.scores(of: probabilities, labels, suffix: suffix)) { $1 }
        }
        let hits = labels.indices.reduce(0) { $0 + sets.values[$1 * before.classes + labels[$1]] }
        metrics["test/conformal/Coverage\(suffix)"] = hits / Double(max(labels.count, 1))
        metrics["test/conformal/SetSize\(suffix)"] =
          result["set_size"]!.values.reduce(0, +) / Double(max(labels.count, 1))
      } else if let lower = result["lower"]?.values, let upper = result["upper"]?.values, let targets = test.targets {
        let numbers = targets.doubles(0..<targets.count)
        let count = Double(max(numbers.count, 1))
        let hits = numbers.indices.count { lower[$0] <= numbers[$0] && numbers[$0] <= upper[$0] }
        metrics["test/conformal/Coverage\(suffix)"] = Double(hits) / count
        metrics["test/conformal/Width\(suffix)"] = zip(lower, upper).reduce(0) { $0 + $1.1 - $1.0 } / count
      }
    }
    return metrics
  }

  /// What `evaluate` adds for a calibrated run: the scores of the probabilities that `predict` calls `calibrated`, from the
  /// same samples as the scores of `mean`. Empty where no probabilities are scaled.
  func scaledMetrics() throws -> [String: Double] {
    let job = try examined()
    guard let known = try storedCalibration(), known.parameters_sha256 == parametersSHA256,
      let scaling = known.scaling, let test = job.data.test, let labels = test.labels?.indices.map({ Int($0) })
    else { return [:] }
    let samples = SampleCount.count(job.learner.offers.prediction?.evaluationSamples ?? 1)
    let predictions = try predict(
      ExampleSet(inputs: test.inputs, sequences: test.sequences), samples: samples, seed: job.plan.seed)
    guard let probabilities = predictions.probabilities, probabilities.count == labels.count else { return [:] }
    return Run.scores(of: scaling(probabilities), labels, suffix: Run.calibratedSuffix)
  }

  /// Behind the names of metrics of scaled probabilities.
  private static let calibratedSuffix = "_calibrated"

  private static func scores(
    of probabilities: ClassProbabilities, _ labels: [Int], suffix: String
  ) -> [String: Double] {
    [
      "test/cls/NLL\(suffix)": probabilities.negativeLogLikelihood(labels),
      "test/cal/ECE\(suffix)": Reliability(probabilities, labels: labels).expectedError,
    ]
  }
}
