import BayesianNetworks
import Datasets
import Files
import Metrics
import Training

extension Run {
  /// How well the model would predict other examples like those that it has learned from, estimated from these: by
  /// leave-one-out cross-validation (PSIS-LOO) and by WAIC, over the samples of the run's posterior.
  ///
  /// ```swift
  /// let metrics = try Run(opening: "runs/bbb").crossValidate()
  /// print(metrics["train/loo/ELPD"] ?? .nan)
  /// ```
  ///
  /// Of a posterior that Markov chains sample, a chain for each member, it also says how well these have mixed, by the log
  /// likelihood of all training examples: rank-normalized split-R̂ and effective sample sizes.
  ///
  /// - Parameter path: an NPZ file to write, with the array `log_likelihood` [chains, draws, examples], which ArviZ reads.
  /// - Returns: `train/loo/…` and `train/waic/…`, in nats, summed over the training examples; `train/chain/…`.
  /// - Throws: `TrainingError` when the run has no samples, or its training data is not there.
  public func crossValidate(writing path: String? = nil) throws -> [String: Double] {
    guard !examples.isOther else {
      throw TrainingError(
        .unsuitable, "leaving examples out needs those that the run has learned from", advice: "leave out --data")
    }
    let learner = try examined().testingTraining().learner
    guard let logDensities = learner.offers.logDensities, let prediction = learner.offers.prediction,
      prediction.evaluationSamples > 1
    else {
      throw TrainingError(
        .unsuitable, "a \(model) has no posterior whose samples could leave an example out",
        advice: "use a run of bbb, bbb-regression, laplace or mc-dropout, with evaluate.samples above 1")
    }
    learner.copyNumbers(from: job.learner)
    let samples = prediction.evaluationSamples
    let densities = try logDensities(samples, Prediction.key(seed: job.plan.seed), crew())
    // Chains take turns; draws of no chain count as one.
    let asked = prediction.chainCount ?? 1
    let chains = samples.isMultiple(of: asked) ? asked : 1
    if let path {
      var archive = try NPZWriter(path)
      try archive.begin("log_likelihood", Double.self, shape: [chains, samples / chains, densities.count])
      for chain in 0..<chains {
        for sample in stride(from: chain, to: samples, by: chains) {
          try archive.append(densities.map { $0[sample] })
        }
      }
      try archive.finish()
    }
    let accuracy = PredictiveAccuracy(densities)
    var metrics = [
      "train/loo/WorstShape": accuracy.shapes.max()!,
      "train/loo/BadShapes": Double(accuracy.shapes.count { $0 > 0.7 }),
    ]
    if prediction.chainCount != nil, samples / chains >= 4 {
      let totals = (0..<samples).map { sample in densities.reduce(0) { $0 + $1[sample] } }
      let mixed = Chains(
        (0..<chains).map { chain in stride(from: chain, to: samples, by: chains).map { totals[$0] } })
      metrics["train/chain/SplitRHat"] = mixed.splitRHat
      metrics["train/chain/BulkESS"] = mixed.bulkSampleSize
      metrics["train/chain/TailESS"] = mixed.tailSampleSize
    }
    for (name, estimate) in [("loo", accuracy.leaveOneOut), ("waic", accuracy.widelyApplicable)] {
      metrics["train/\(name)/ELPD"] = estimate.logDensity
      metrics["train/\(name)/SE"] = estimate.standardError
      metrics["train/\(name)/Parameters"] = estimate.parameters
    }
    return metrics
  }
}
