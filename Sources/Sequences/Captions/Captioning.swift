import BayesianNetworks
import Datasets
import Figures
import Learners
import Networks
import Recipes
import Tensors
import Training

/// Sentences about images (Vinyals et al. 2015), by a plain network, by one whose dropout stays on, or with a posterior
/// over all weights (Fortunato, Blundell and Vinyals 2017, section 6.2).
public enum Captioning: Model {
  public static let name = "captions"
  public static let summary = "sentences about pictures, in one language or several, and how sure each is"
  public static var recipe: [UInt8] { PackageResources.captions_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    guard let captions = data.train.captions, let vocabulary = data.vocabulary else {
      throw TrainingError(
        .unsuitable, "\(data.name) has no captions",
        advice: "name a folder with pictures and captions.csv, whose lines name a picture and its caption")
    }
    let spelling = CaptionSpelling(vocabulary, languages: captions.languages)
    return try recipe.learner(
      CaptionLearner(recipe, data: data, captions, spelling, seed: seed), posterior: false, section: "decoder")
  }
}

/// Minimizes −log p(caption | image). An example is an image; each step takes one of its captions, drawn by the step's key.
final class CaptionLearner: DrawnLearner {
  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let metrics = ["nll", "words"]
  let weightSource = WeightSource()
  let inputs: NetworkInputs
  let network: CaptionNetwork
  let spelling: CaptionSpelling
  private let train: Captions
  let test: Captions?
  let evaluationSamples: Int
  let search: BeamSearch

  init(_ recipe: Recipe, data: Dataset, _ captions: Captions, _ spelling: CaptionSpelling, seed: UInt64) throws {
    (train, test, self.spelling) = (captions, data.test?.captions, spelling)
    inputs = try NetworkInputs(data, recipe["data"], default: .unit)
    var layout = Layout()
    network = try CaptionNetwork(
      recipe, input: inputs.shape, tokens: spelling.vocabulary.count, layout: &layout)
    parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: seed)
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount, default: 32))
    descent = try GradientDescent(recipe, parameters: layout)
    evaluationSamples = try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000)
    search = try BeamSearch(recipe["evaluate"])
  }

  var exampleCount: Int { inputs.train.count }
  var dataStatistics: [FlatBuffer] { inputs.statistics }
  var runningStatistics: [RunningStatistic] { network.encoder.runningStatistics }
  var pointSlots: [Slot] { network.encoder.pointSlots + network.language.pointSlots }
  var tables: [Slot] { network.language.tables }
  var evaluationCount: Int { test?.count ?? 0 }

  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let chances = Tensor.uniform(batch.key(NoiseStream.augmentation), rows: batch.indices, columns: 1)
    let captions = batch.indices.enumerated().map { row, example in
      let choice = train.ofExample[Int(example)]
      return choice[min(Int(chances.pointer[row] * Float(choice.count)), choice.count - 1)]
    }
    let sorted = CaptionBatch(captions, spelling)
    let examples = sorted.order.map { batch.indices[$0] }
    let images = inputs.trainRows(.list(examples[...]), key: batch.key(NoiseStream.binarisation))
    let logits = network.logits(of: sorted, images: images) { number, count in
      batch.pass(number, of: Array(examples[..<count]))
    }
    let targets = sorted.targets
    let loss = Loss.crossEntropy(logits: logits, labels: targets).sum()
    metrics["nll"] += Double(loss.value)
    metrics["words"] += Double(targets.count)
    return loss
  }

  // MARK: Prediction

  /// Samples that differ.
  func sampleCount(_ asked: Int) -> Int { weightSource.isRandom || network.drawsNoise ? asked : 1 }

  /// A pass of prediction: with the noise of dropout, a function of the sample and the example alone.
  func pass(_ weights: FlatBuffer, sample: Int, key: RandomKey, examples: [UInt32], number: Int) -> Pass {
    let key = key.ofSample(sample).at(tensor: NoiseStream.activations + (UInt32(number) << 8))
    return Pass(.given(ParameterViews(weights)), key: network.drawsNoise ? key : nil, examples: examples)
  }

  var offers: Offers {
    var offers = Offers()
    offers.captioning = self
    offers.export = { request, crew in try self.computations(request, with: crew) }
    offers.evaluation = { key, crew in
      try CaptionEvaluation(self, key: key, with: crew).metrics
    }
    return offers
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try CaptionFigures.all(self, train: train, key: key, with: crew)
  }
}

extension CaptionLearner: CaptionPredicting {
  var languages: [String] { spelling.languages }

  func mismatch(_ images: ExampleArray) -> String? {
    images.shape == inputs.train.shape && images.kind == inputs.train.kind
      ? nil : "it is \(images), the training data's \(inputs.train)"
  }

  func captions(
    of images: ExampleArray, language: Int, samples: Int, key: RandomKey, with crew: Crew
  ) throws -> [CaptionPrediction] {
    let weights = try weightSource.samples(sampleCount(samples), of: self, key: key, with: crew)
    return try crew.map(images.count) { [self] image in
      let row = inputs.rows(of: images, .range(image..<image + 1), key: key)
      return search.caption(of: row, language, by: self, weights, example: UInt32(image), key: key)
    }
  }
}
