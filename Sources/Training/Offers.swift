import Computations
import Datasets
import Figures
import Metrics
import Tensors

/// What a learner can do besides learning, as values: nil where it cannot.
///
/// ```swift
/// guard let sampling = learner.offers.sampling else { return }
/// let figure = try sampling.picture(64, key, crew)
/// ```
public struct Offers {
  /// Metrics over all held-out examples with the current parameters, `test/` left out, in place of sums over examples: a
  /// calibration error, an area under a curve. The same for any number of lanes.
  public var evaluation: ((_ key: RandomKey, _ crew: Crew) throws -> [String: Double])?
  /// The same metrics, bit for bit, made of numbers of each example, so that shards can share the examples.
  public var sharedEvaluation: SharedEvaluation?
  /// log p(answer | sample) of each held-out example, an array of the samples for each, of learners whose samples differ.
  public var logDensities: ((_ samples: Int, _ key: RandomKey, _ crew: Crew) throws -> [[Double]])?
  /// What each held-out example scores, of a learner whose metrics are not made of sums.
  public var scores: ((_ key: RandomKey, _ crew: Crew) throws -> HeldOutScores)?
  public var prediction: (any Predicting)?
  public var closedFormPrediction: (any RowPredicting)?
  public var pixelPrediction: (any PixelPredicting)?
  public var captioning: (any CaptionPredicting)?
  public var enlarging: (any Enlarging)?
  public var forecasting: ForecastingOffer?
  public var sampling: SamplingOffer?
  public var pruning: (any Prunable)?
  /// Shows what the model makes after some steps. `key` is the same at every step of a training.
  public var progress: ((_ step: Int, _ key: RandomKey, _ crew: Crew) throws -> [Figure])?
  /// Texts that belong in the run folder.
  public var documents: ((_ crew: Crew) throws -> [RunDocument])?
  /// The networks as other programs compute them, in the units of the data.
  public var export: ((_ request: ExportRequest, _ crew: Crew) throws -> [Computation])?

  public init() {}
}

/// How a learner of sequences says what may follow some.
public struct ForecastingOffer {
  /// The levels of the predictions' `quantiles`.
  public var levels: [Double]
  /// Predictions for each step after each sequence, step after step, sequence after sequence.
  public var predictions: (_ examples: ExampleSet, _ steps: Int) throws -> [RowPrediction]

  public init(levels: [Double], _ predictions: @escaping (ExampleSet, Int) throws -> [RowPrediction]) {
    (self.levels, self.predictions) = (levels, predictions)
  }
}

/// How a generative learner makes new examples.
public struct SamplingOffer {
  /// Some new examples as a picture, its values in 0…1.
  public var picture: (_ count: Int, _ key: RandomKey, _ crew: Crew) throws -> Figure
  /// Some new examples as numbers, in the units of the data.
  public var rows: ((_ count: Int, _ key: RandomKey) throws -> GeneratedExamples.Rows)?
  /// Some new examples as texts.
  public var texts: ((_ count: Int, _ key: RandomKey, _ crew: Crew) throws -> [String])?
  /// Examples from latent vectors that are chosen in a certain way.
  public var latent: LatentOffer?

  public init(
    picture: @escaping (Int, RandomKey, Crew) throws -> Figure,
    rows: ((Int, RandomKey) throws -> GeneratedExamples.Rows)? = nil,
    texts: ((Int, RandomKey, Crew) throws -> [String])? = nil, latent: LatentOffer? = nil
  ) {
    (self.picture, self.rows, self.texts, self.latent) = (picture, rows, texts, latent)
  }
}

/// How a learner whose latent space can be walked through makes examples.
public struct LatentOffer {
  /// How many styles make an example; nil: it is made of noise alone.
  public var styles: Int?
  /// The names of the classes that the generator receives; empty: it receives none.
  public var classes: [String]
  public var picture: (_ request: LatentRequest, _ key: RandomKey, _ crew: Crew) throws -> Figure
  public var examples: (_ request: LatentRequest, _ key: RandomKey, _ crew: Crew) throws -> GeneratedExamples

  /// Finds what a given example could be made of; nil: that is not offered.
  public var project: ((_ request: ProjectionRequest, _ crew: Crew) throws -> Projection)?

  public init(
    styles: Int? = nil, classes: [String] = [],
    picture: @escaping (LatentRequest, RandomKey, Crew) throws -> Figure,
    examples: @escaping (LatentRequest, RandomKey, Crew) throws -> GeneratedExamples
  ) {
    (self.styles, self.classes, self.picture, self.examples) = (styles, classes, picture, examples)
  }
}

/// A text file that a learner leaves in the run folder beside the recipe, with facts that should not have to be
/// guessed.
public struct RunDocument: Sendable {
  public let name: String
  public let contents: String

  public init(name: String, contents: String) {
    self.name = name
    self.contents = contents
  }
}
