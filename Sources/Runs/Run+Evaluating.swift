import BayesianNetworks
import Datasets
import Files
import Foundation
import Recipes
import Tensors
import Training

extension Run {
  /// Computes the metrics of the test examples; of a run whose class probabilities `calibrate` has scaled also
  /// `test/cls/NLL_calibrated` and `test/cal/ECE_calibrated`, of the scaled ones.
  ///
  /// ```swift
  /// let metrics = try Run(opening: "runs/bbb").evaluate()
  /// print(metrics["test/cls/Acc"] ?? .nan)
  /// ```
  ///
  /// - Parameter source: data that the model was not trained on, for a classifier: how well its uncertainty separates
  ///   them from its own data is measured too. The test part of that data is used, or all of it where it has none.
  /// - Returns: metrics by name, such as `test/cls/NLL`.
  /// - Throws: `TrainingError` when the data is not there, has no test examples, or the other data does not fit.
  public func evaluate(outOfDistribution source: String? = nil) throws -> [String: Double] {
    let job = try examined()
    guard job.learner.evaluationCount > 0 else {
      throw TrainingError(
        .unsuitable, "there are no test examples of \(job.data.name) to evaluate",
        advice: "name data that has some, or train with \(DataKey.testFraction) (GANs: evaluate.examples) above 0")
    }
    let crew = try crew()
    var metrics = try Evaluation.run(job.learner, seed: job.plan.seed, crew: crew)
    metrics.merge(try scaledMetrics()) { $1 }
    if let source { metrics.merge(try outOfDistribution(source, with: crew)) { $1 } }
    return metrics
  }

  /// How many examples were read of the data that the run is evaluated on, and how many of them are scored.
  public func evaluatedExamples() throws -> (read: Int, scored: Int) {
    let job = try examined()
    return (job.data.readCount, job.scoredCount(job.learner, in: job.data))
  }

  private func outOfDistribution(_ source: String, with crew: Crew) throws -> [String: Double] {
    let learner = try predicting(of: examined())
    guard learner.isClassifier else {
      throw TrainingError(
        .unsuitable, "\(path) predicts numbers", advice: "other data are recognized by classifiers")
    }
    let other = try DataSource.open(DataRequest(source: source))
    let outside = (other.test ?? other.train).inputs
    if let mismatch = learner.mismatch(outside) {
      throw TrainingError(.unsuitable, "\(source): \(mismatch)", advice: "name data of the same shape and type")
    }
    return try OutOfDistribution.metrics(
      learner, inside: data().test!.inputs, outside: outside, samples: learner.evaluationSamples,
      key: Prediction.key(seed: job.plan.seed), with: crew)
  }

  /// Compares features of generated with those of real examples, of whatever network.
  ///
  /// ```swift
  /// let distances = try Run.compareFeatures("features.npz")
  /// print(distances["test/gen/FID"] ?? .nan)
  /// ```
  ///
  /// - Parameter path: an NPZ file with the arrays `real` and `generated`, a row an example.
  /// - Returns: Fréchet and kernel distance, precision and recall.
  public static func compareFeatures(_ path: String) throws -> [String: Double] { try FeatureFile(path).metrics() }

  /// Removes the weights whose posterior says least, and writes the rest.
  ///
  /// Weights are removed by their signal-to-noise ratio |μ| / σ, lowest first. The run computes with what is left from
  /// here on.
  ///
  /// ```swift
  /// let metrics = try Run(opening: "runs/bbb").prune(keeping: 0.05, to: "pruned.npz")
  /// ```
  ///
  /// - Parameters:
  ///   - share: the share of the weights to keep, above 0 and up to 1.
  ///   - path: the archive to write, which `usePruned` reads.
  /// - Returns: metrics of the test examples, computed with the archive, and its sizes as `prune/…`.
  public func prune(keeping share: Double, to path: String) throws -> [String: Double] {
    guard share > 0, share <= 1 else {
      throw RecipeError("the share to keep is \(share): it must be above 0 and up to 1")
    }
    let learner = try prunable()
    let tensors = learner.sparse(keeping: share)
    try PrunedFile.write(tensors, to: path)
    // What is reported is computed with the file, not with what was meant to be in it.
    try usePruned(path)
    var metrics = try Evaluation.run(examined().learner, seed: job.plan.seed, crew: crew())
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    metrics["prune/weights"] = Double(tensors.reduce(0) { $0 + $1.count })
    metrics["prune/kept"] = Double(tensors.reduce(0) { $0 + $1.places.count })
    metrics["prune/bytes"] = Double(size)
    metrics["prune/dense_bytes"] = Double(4 * learner.parameters.layout.parameterCount)
    return metrics
  }

  /// Computes from here on with the weights that `prune` left, in place of the checkpoint's. Copies of this run do too.
  public func usePruned(_ path: String) throws {
    try prunable().load(PrunedFile.read(path))
    examples.follow()
  }

  /// The run's learner, if its weights can be pruned.
  private func prunable() throws -> any Prunable {
    guard let learner = job.learner.offers.pruning else {
      throw TrainingError(
        .unsuitable, "the weights of a \(model) have no posterior to prune by",
        advice: "prune a run of bbb or bbb-regression")
    }
    return learner
  }
}
