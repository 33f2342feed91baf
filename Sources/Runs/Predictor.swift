import BayesianNetworks
import Datasets
import Recipes
import Tensors
import Training

/// A run that is asked again and again: what every prediction needs is opened once. Its predictions are those of
/// `Run.predict`, bit for bit.
package final class Predictor: Sendable {
  package let run: Run
  /// What `elbo calibrate` left; nil: nothing.
  package let calibration: Calibration?
  private let method: Method

  private enum Method {
    case closedForm
    case pixels(any PixelPredicting)
    case samples(SampleDraws)
  }

  /// - Parameter capacity: bytes of drawn parameters that are kept.
  /// - Throws: `TrainingError` when the run predicts neither classes, numbers, classes of pixels nor what a model in closed form
  ///   says of rows, or its calibration is of other parameters.
  package init(_ run: Run, capacity: Int) throws {
    self.run = run
    method =
      if let pixels = run.job.learner.offers.pixelPrediction {
        .pixels(pixels)
      } else if run.predictsInClosedForm {
        .closedForm
      } else {
        .samples(SampleDraws(try run.predicting(), capacity: capacity))
      }
    calibration = try run.calibration()
  }

  /// Numbers of one sample of all these examples.
  package func count(of inputs: ExampleArray) -> Int {
    let width =
      if case .pixels(let learner) = method {
        inputs.shape.prefix(2).reduce(learner.classValues.count, *)
      } else {
        run.job.learner.offers.prediction?.predictionWidth ?? 1
      }
    return inputs.count * width
  }

  /// Refuses a coverage that the run cannot give.
  package func check(coverage: Double?) throws {
    guard let coverage else { return }
    try Calibration.check(coverage: coverage)
    guard let calibration else {
      throw RecipeError("coverage is \(coverage), and the model was not calibrated")
    }
    _ = try calibration.threshold(target: 0, coverage: coverage)
  }

  /// Predicts from several sets of examples, each as if it were alone.
  package func predict(
    _ questions: [ExampleSet], samples: Int, seed: UInt64, with crew: Crew
  ) -> [Result<Predictions, any Error>] {
    switch method {
    case .closedForm:
      questions.map { question in
        Result { try run.predict(question, samples: .count(samples), seed: seed, with: crew) }
      }
    case .pixels(let learner):
      questions.map { question in
        Result {
          if let mismatch = learner.mismatch(question.inputs) {
            throw TrainingError(.unsuitable, mismatch, advice: "give pictures like the training data's")
          }
          let maps = try learner.predict(question.inputs, samples: samples, key: Prediction.key(seed: seed), with: crew)
          return Predictions(maps, values: learner.classValues, schema: run.schema)
        }
      }
    case .samples(let draws): predict(questions, samples: samples, seed: seed, draws, with: crew)
    }
  }

  private func predict(
    _ questions: [ExampleSet], samples: Int, seed: UInt64, _ draws: SampleDraws, with crew: Crew
  ) -> [Result<Predictions, any Error>] {
    do {
      let learner = try run.predicting()
      let count = learner.sampleCount(samples)
      let answers = try Prediction.samples(
        count, of: questions.map(\.inputs), learner, draws: draws, key: Prediction.key(seed: seed), with: crew)
      return answers.map { answer in
        Result {
          let examples = answer.examples.count
          var table = PredictionTable(isClassifier: learner.isClassifier, examples: examples, samples: count)
          try table.add(answer, with: crew)
          return Predictions(table, of: learner, schema: run.schema, examples: examples, asked: .count(samples))
        }
      }
    } catch {
      return questions.map { _ in .failure(error) }
    }
  }
}
