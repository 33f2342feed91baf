import BayesianNetworks
import Datasets
import Learners
import Recipes
import Tensors
import Training

extension Run {
  /// Reads inputs to predict from.
  ///
  /// - Parameter path: an NPY array, examples first, or whatever else can be trained on; `-` is standard input. Of a table the columns that the
  ///   run was trained on are taken: by name where they have names, since it may hold the target and more beside them.
  /// - Throws: `DataError` when the file is not understood.
  public func inputs(from path: String) throws -> ExampleArray { try examples(from: path).inputs }

  /// Reads examples to predict from, as `inputs(from:)` does. Of a model of sequences they are sequences, and the file may
  /// be whatever it could be trained on.
  public func examples(from path: String) throws -> ExampleSet { try examples(from: path) { _ in } }

  /// The same, and says line by line which values the training data does not have.
  package func examples(from path: String, note: (String) -> Void) throws -> ExampleSet {
    if !job.model.learnsSequences,
      // As of training data: a network may well turn NaN into a number.
      let inputs = try DataSource.array(path, allowingNaN: job.dataRequest.missing == .keep)
    {
      return try fitting(ExampleSet(inputs: inputs), path)
    }
    let data = try DataSource.open(inputRequest(path))
    data.unseen.forEach(note)
    let train = data.train
    var examples = try ExampleSet(inputs: train.inputs, sequences: train.sequences)
    examples.identifiers = train.identifiers
    return try fitting(examples, path)
  }

  /// How inputs are asked for: like the training data, without targets and parts.
  func inputRequest(_ source: String) -> DataRequest {
    var request = job.dataRequest
    (request.source, request.target, request.moreTargets) = (source, nil, [])
    (request.testFraction, request.seed) = (0, 0)
    request.schema = checkpoint.schema
    if request.columns.isEmpty, request.oneHot.isEmpty { request.columns = job.data.columns }
    return request
  }

  /// Inputs, unless the model predicts and they are not what it was trained on.
  func fitting(_ examples: ExampleSet, _ place: String) throws -> ExampleSet {
    let mismatch =
      job.learner.offers.closedFormPrediction?.mismatch(examples.inputs)
      ?? job.learner.offers.prediction?.mismatch(examples.inputs)
    guard let mismatch else { return examples }
    throw TrainingError(.unsuitable, "\(place): \(mismatch)", advice: "give inputs like the training data's")
  }

  /// Predicts from inputs, with how sure the model is.
  ///
  /// ```swift
  /// let run = try Run(opening: "runs/bbb")
  /// let predictions = try run.predict(run.inputs(from: "X.npy"), samples: 200)
  /// let probabilities = predictions["mean"]!.values
  /// ```
  ///
  /// - Parameters:
  ///   - inputs: of the shape and type that the run was trained on.
  ///   - samples: how many Monte Carlo samples to take; models in closed form take none.
  ///   - seed: of the samples. Sample t of an example depends on the seed, t and the example alone.
  /// - Throws: `TrainingError` when the model does not predict, or the inputs do not fit.
  public func predict(
    _ inputs: ExampleArray, samples: SampleCount = .count(100), seed: UInt64 = 0
  ) throws -> Predictions {
    try predict(ExampleSet(inputs: inputs), samples: samples, seed: seed)
  }

  /// Predicts from examples, which may be sequences: the columns then have a row for each element.
  public func predict(
    _ examples: ExampleSet, samples: SampleCount = .count(100), seed: UInt64 = 0
  ) throws -> Predictions {
    try predict(examples, samples: samples, seed: seed, with: crew())
  }

  /// The same on threads that are there.
  func predict(_ examples: ExampleSet, samples: SampleCount, seed: UInt64, with crew: Crew) throws -> Predictions {
    try samples.validate()
    let examples = try fitting(examples, "the inputs")
    let inputs = examples.inputs
    if let learner = job.learner.offers.closedFormPrediction {
      return Predictions(try learner.predict(examples, with: crew), schema: schema, examples: inputs.count)
        .identified(by: examples.identifiers)
    }
    let learner = try predicting()
    let key = Prediction.key(seed: seed)
    let table =
      switch samples {
      case .count(let count): try PredictionTable(learner, inputs, samples: count, key: key, with: crew)
      case .automatic(let tolerance, let limit):
        try PredictionTable.automatic(learner, inputs, tolerance: tolerance, limit: limit, key: key, with: crew)
      }
    return Predictions(table, of: learner, schema: schema, examples: inputs.count, asked: samples)
      .identified(by: examples.identifiers)
  }

  /// Forecasts the elements that follow sequences: a row for each step after each sequence, step after step. `quantiles` are
  /// the ends of intervals of 50, 80 and 95 % and the median, given the parameters.
  ///
  /// ```swift
  /// let forecast = try run.forecast(run.examples(from: "nile.csv"), ahead: 10)
  /// ```
  ///
  /// - Throws: `TrainingError` when the model makes no forecasts, or the inputs do not fit.
  public func forecast(_ examples: ExampleSet, ahead steps: Int) throws -> Predictions {
    guard (1...100_000).contains(steps) else {
      throw RecipeError("ahead is \(steps): it must be from 1 to 100000")
    }
    guard let forecasting = job.learner.offers.forecasting else {
      throw TrainingError(
        .unsuitable, "a \(model) makes no forecasts", advice: "leave --ahead out, or name a run of hmm or lds")
    }
    let rows = try forecasting.predictions(fitting(examples, "the inputs"), steps)
    return Predictions(
      rows, schema: schema, examples: rows.first?.values.count ?? 0, quantileLevels: forecasting.levels)
  }

  /// Whether the model predicts in closed form, so that it takes no samples.
  public var predictsInClosedForm: Bool { job.learner.offers.closedFormPrediction != nil }

  /// The run's learner, if it predicts classes or numbers by Monte Carlo.
  package func predicting() throws -> any Predicting { try predicting(of: job) }

  func predicting(of job: TrainingJob) throws -> any Predicting {
    guard let learner = job.learner.offers.prediction else {
      throw TrainingError(
        .unsuitable, "a \(model) predicts neither classes nor numbers",
        advice: "predict with a run of a supervised model, such as bbb or mc-dropout")
    }
    return learner
  }
}
