import Datasets
import Metrics
import Tensors
import Training

/// What a run's held-out examples score one by one.
package struct RunScores: Sendable {
  package let scores: HeldOutScores
  /// SHA-256 of the examples.
  package let digest: String
  /// How long an example took, on all lanes together.
  package let secondsPerExample: Double
}

extension Run {
  /// Scores the test examples one by one, computed anew as `evaluate` does: with the same samples and the same noise.
  /// - Throws: `TrainingError` when the data is not there, has no test examples, or the model's metrics are not made of
  ///   scores of single examples.
  package func scores() throws -> RunScores {
    let job = try examined()
    guard job.learner.evaluationCount > 0, let test = job.data.test else {
      throw TrainingError(
        .unsuitable, "there are no test examples of \(job.data.name) to compare on", advice: "name some with --data")
    }
    let crew = try crew()
    let start = ContinuousClock.now
    guard let scores = try Evaluation.scores(job.learner, seed: job.plan.seed, crew: crew), scores.count > 0 else {
      throw TrainingError(
        .unsuitable, "\(path): a \(model) does not score examples one by one", advice: "compare it without --intervals")
    }
    let seconds = ContinuousClock.now - start
    return RunScores(
      scores: scores, digest: try Dataset(name: "", train: test).fingerprint,
      secondsPerExample: Double(seconds.components.seconds) / Double(scores.count)
        + Double(seconds.components.attoseconds) * 1e-18 / Double(scores.count))
  }
}

/// How runs differ on the same held-out examples from the first of them.
package struct ScoreComparison: Sendable {
  /// A run's metric beside that of the first run.
  package struct Difference: Sendable {
    package let value: Double
    package let difference: Double
    /// The interval that 95 % of the resamples lie in.
    package let lower: Double
    package let upper: Double

    /// Whether the interval lies on one side of zero.
    package var isClear: Bool { lower > 0 || upper < 0 }
  }

  package static let level = 0.95

  /// How many examples there are.
  package let examples: Int
  package let resamples: Int
  /// Of the metrics that all runs have.
  package let names: [String]
  /// For each metric, one for each run.
  package let differences: [[Difference]]
  package let secondsPerExample: [Double]

  /// The paired bootstrap (Efron and Tibshirani 1993, chapters 8 and 13): examples are drawn with replacement, the same
  /// for all runs, so what makes an example hard for all of them cancels.
  /// - Parameters:
  ///   - resamples: how often.
  ///   - seed: of the draws.
  /// - Throws: `TrainingError` when the runs' held-out examples are not the same.
  package init(_ runs: [Run], resamples: Int, seed: UInt64) throws {
    let all = try runs.map { try $0.scores() }
    if let other = all.firstIndex(where: { $0.digest != all[0].digest }) {
      throw TrainingError(
        .otherData, "the held-out examples of \(runs[other].path) are not those of \(runs[0].path)",
        advice: "name examples that none was trained on with --data")
    }
    self.init(of: all, resamples: resamples, seed: seed)
  }

  /// The same of scores of the same examples.
  package init(of all: [RunScores], resamples: Int, seed: UInt64) {
    let runs = all.indices
    let names = all[0].scores.names.filter { name in all.allSatisfy { $0.scores.names.contains(name) } }
    let places = all.map { run in names.map { run.scores.names.firstIndex(of: $0)! } }
    func metrics(_ rows: [Int]) -> [[Double]] {
      zip(all, places).map { run, places in
        let metrics = run.scores.metrics(of: rows)
        return places.map { metrics[$0] }
      }
    }
    let count = all[0].scores.count
    let values = metrics(Array(0..<count))
    var draws = names.map { _ in all.map { _ in [Double]() } }
    let key = RandomKey(seed: seed)
    var words = [UInt32](repeating: 0, count: count)
    for resample in 0..<resamples {
      words.withUnsafeMutableBufferPointer {
        key.at(sample: UInt32(resample)).words(into: $0.baseAddress!, count: count)
      }
      let drawn = metrics(words.map { Int((UInt64($0) * UInt64(count)) >> 32) })
      for metric in names.indices {
        for run in runs { draws[metric][run].append(drawn[run][metric] - drawn[0][metric]) }
      }
    }
    let tail = (1 - ScoreComparison.level) / 2
    differences = names.indices.map { metric in
      runs.map { run in
        let sorted = draws[metric][run].sorted()
        return Difference(
          value: values[run][metric], difference: values[run][metric] - values[0][metric],
          lower: quantile(ofSorted: sorted, tail), upper: quantile(ofSorted: sorted, 1 - tail))
      }
    }
    (examples, self.resamples, self.names) = (count, resamples, names)
    secondsPerExample = all.map(\.secondsPerExample)
  }
}
