import Computations
import Datasets
import Figures
import Learners
import Networks
import Tensors
import Training

/// A learner that predicts labels or targets, learned from its training examples: what all such learners share.
protocol Supervised: Predicting {
  var supervision: Supervision { get }
  var likelihood: any Likelihood { get }
  /// What `measure` says of the answers to some held-out examples under sample t, given the likelihood, the network's outputs and
  /// the answers as the likelihood takes them: [n, in] → what it makes of [n, outputs].
  func measured<Measure>(
    _ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey,
    by measure: (any Likelihood, _ outputs: Tensor, Answers, Pass) -> Measure
  ) -> Measure
  /// The network as other programs compute it.
  func computation(_ request: ExportRequest, with crew: Crew) throws -> Computation
  /// Logits of sample t for some rows: [n, in] → [n, classes]. Of classifiers alone.
  func logits(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor
}

extension Supervised {
  var exampleCount: Int { supervision.inputs.train.count }
  var dataStatistics: [FlatBuffer] { supervision.statistics }
  var isClassifier: Bool {
    if case .classes = supervision.kind { true } else { false }
  }
  var predictionWidth: Int { isClassifier ? supervision.width : 2 * supervision.width }
  var classNames: [String] { supervision.classNames }
  var evaluationCount: Int { supervision.testCount }

  func rows(of array: ExampleArray, _ examples: Range<Int>) -> Tensor {
    supervision.inputs.rows(of: array, .range(examples), key: RandomKey(seed: 0))
  }

  func mismatch(_ array: ExampleArray) -> String? { supervision.mismatch(array) }

  var offers: Offers { supervisedOffers }

  /// What all such learners offer.
  var supervisedOffers: Offers {
    var offers = Offers()
    offers.prediction = self
    offers.export = { [try self.computation($0, with: $1)] }
    if distinctSamples != 1 {
      offers.logDensities = { samples, key, crew in
        var all: [[Double]] = []
        let examples = 0..<self.evaluationCount
        try PredictiveEvaluation.logDensities(self, self.supervision, examples, samples: samples, key: key, with: crew)
        {
          all.append($0)
        }
        return all
      }
    }
    offers.evaluation = { key, crew in
      try PredictiveEvaluation(self, self.supervision, samples: self.evaluationSamples, key: key, with: crew).metrics
    }
    offers.sharedEvaluation = SharedEvaluation(width: PredictiveEvaluation.width(self)) { examples, key, crew in
      try PredictiveEvaluation.numbers(
        self, self.supervision, examples, samples: self.evaluationSamples, key: key, with: crew)
    } metrics: {
      PredictiveEvaluation(self, self.supervision, numbers: $0).metrics
    }
    offers.scores = { key, crew in
      try PredictiveEvaluation(self, self.supervision, samples: self.evaluationSamples, key: key, with: crew).scores
    }
    return offers
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try predictiveFigures(with: crew, key: key)
  }

  /// Reliability, confusion and a turned image of classifiers; of regressions predicted against observed numbers, and the
  /// curve where there is one input.
  func predictiveFigures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    guard isClassifier else {
      return try curveFigure(self, supervision, key: key, with: crew)
        + [observedFigure(self, supervision, key: key, with: crew)]
    }
    var figures: [Figure] = []
    if evaluationCount > 0 {
      let evaluation = try PredictiveEvaluation(self, supervision, samples: evaluationSamples, key: key, with: crew)
      figures += evaluation.figures(names: classNames)
    }
    return try figures + rotationFigures(self, supervision, key: key, with: crew)
  }
}
