import BayesianNetworks
import Computations
import Datasets
import Figures
import Learners
import Networks
import Recipes
import Tensors
import Training

/// A class for each pixel of an image, and how sure of it the network is: dropout stays on at prediction, so that samples
/// differ (Kendall, Badrinarayanan and Cipolla, Bayesian SegNet, 2015).
public enum Segmentation: Model {
  public static let name = "segmentation"
  public static let summary =
    "a class for each pixel, and what the data and the parameters leave open (Bayesian SegNet)"
  public static var recipe: [UInt8] { PackageResources.segmentation_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try SegmentationLearner(recipe, data: data, seed: seed)
  }
}

/// Minimizes Σ w(class) (−log p(class)) over pixels. The sum is divided by the pixels with a class of the whole step, as
/// Caffe does it, and not by their weights: a contribution counts its pixels in the place of its examples, and counts
/// add.
///
/// Batch normalization uses the moments of a shard in training. In prediction it uses their running averages, which come
/// from passes with dropout, as predictions are made: so a pixel's prediction does not depend on other images.
final class SegmentationLearner: GradientLearner {
  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let metrics = ["loss"]
  let runningStatistics: [RunningStatistic]
  let inputs: NetworkInputs
  let kinds: LabelImages.Classes
  private let train: LabelImages
  let test: LabelImages?
  private let weights: ClassWeights
  private let crops: Crops
  private let likelihood: CategoricalLikelihood
  private let recipe: NetworkRecipe
  /// Of windows of the training images, and of whole ones.
  private let network: LayerStack
  let wholeNetwork: LayerStack
  let evaluationSamples: Int

  init(_ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    guard let labels = data.train.labelImages else {
      throw TrainingError(
        .unsuitable, "\(data.name) has no label pictures",
        advice: "name a folder with train/ and trainannot/, or with image/ and label/, or the made-up data shapes")
    }
    (train, test, kinds) = (labels, data.test?.labelImages, labels.kinds)
    inputs = try NetworkInputs(data, recipe["data"], default: .unit)
    crops = try Crops(recipe["data"], image: inputs.shape)
    let objective = recipe["objective"]
    weights = try ClassWeights(objective, data)
    likelihood = try CategoricalLikelihood(objective, classes: kinds.count)

    // Keys of the recipe's architecture, so that another can be named without taking them out.
    recipe["network"].passOver(["filters", "kernel", "levels", "dropout", "dropout_placement"])
    self.recipe = try NetworkRecipe(recipe["network"], input: inputs.shape, default: [])
    var (layout, ofWindows) = (Layout(), Layout())
    wholeNetwork = try self.recipe.pixelNetwork(name: "layers", outputs: likelihood.outputs, layout: &layout)
    network = try self.recipe.resized(to: crops.shape)
      .pixelNetwork(name: "layers", outputs: likelihood.outputs, layout: &ofWindows)
    guard layout == ofWindows else {
      throw RecipeError(
        "data.crop cuts windows, and a dense layer needs images of one size: take one of both out")
    }
    runningStatistics = network.runningStatistics
    parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: seed)
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount, default: 4))
    descent = try GradientDescent(recipe, parameters: layout)
    evaluationSamples = try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000)
  }

  var exampleCount: Int { inputs.train.count }
  var dataStatistics: [FlatBuffer] { inputs.statistics + [weights.buffer] }
  var evaluationCount: Int { test?.count ?? 0 }

  // MARK: Training

  private func windows(_ batch: ShardBatch) -> [Crops.Window] {
    crops.windows(of: batch.indices, key: batch.key(NoiseStream.augmentation))
  }

  /// Pixels of the shard with a class.
  func count(of batch: ShardBatch) -> Int {
    crops.cut(train, of: batch.indices, at: windows(batch)).count { $0 != LabelImages.void }
  }

  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let windows = windows(batch)
    let rows = inputs.trainRows(batch.examples, key: batch.key(NoiseStream.binarisation))
    let outputs = network(crops.cut(rows, at: windows), batch.pass())
    let (weights, classes) = weights.pixels(crops.cut(train, of: batch.indices, at: windows))
    let pass = pixelPass(batch.parameters, key: batch.step.key, examples: batch.indices, pixels: classes.count)
    let density = likelihood.logLikelihood(
      outputs.reshaped(to: [classes.count, likelihood.outputs]), of: Answers(labels: classes), pass)
    let loss = -(density * weights).sum()
    metrics["loss"] += Double(loss.value)
    return loss
  }

  /// What the likelihood of pixels computes with: their noise is keyed by example and pixel.
  private func pixelPass(_ views: ParameterViews, key: RandomKey, examples: [UInt32], pixels: Int) -> Pass {
    let share = UInt32(pixels / max(examples.count, 1))
    let numbers = examples.flatMap { example in (0..<share).map { example &* share &+ $0 } }
    return Pass(.given(views), key: key.at(tensor: NoiseStream.logits), examples: numbers)
  }

  // MARK: Prediction

  /// The network for whole pictures of the training data's size, without dropout.
  private func computation(_ request: ExportRequest) throws -> Computation {
    try request.requireNoDraws("masks of dropout are drawn for each picture")
    var block = Block()
    let port = inputs.port(in: &block)
    let outputs = block.channelsLast(try wholeNetwork.steps(inputs.steps(port, in: &block), in: &block))
    let probabilities = try likelihood.predictionSteps(outputs, in: &block)
    return Computation(
      name: "model",
      summary: "pictures, as the data has them -> probabilities of \(kinds.count) classes for each pixel.",
      inputs: [port],
      outputs: [.init("mean", probabilities), .init("entropy", block.entropy(of: probabilities))], block: block,
      constants: parameters.constants() + inputs.constants)
  }

  /// Samples that differ.
  private func sampleCount(_ asked: Int) -> Int {
    wholeNetwork.drawsNoise || likelihood.outputs > kinds.count ? asked : 1
  }

  /// The maps of one image.
  /// - Parameters:
  ///   - x: [1, height · width · channels].
  ///   - example: the image's number, which keys its noise.
  func maps(
    _ x: Tensor, _ network: LayerStack, shape: [Int], example: UInt32, samples: Int, key: RandomKey
  ) -> PixelPrediction {
    let (views, pixels) = (ParameterViews(parameters), shape[0] * shape[1])
    var sums = PixelSums(height: shape[0], width: shape[1], classes: kinds.count)
    for sample in 0..<sampleCount(samples) {
      let key = key.ofSample(sample)
      let pass = Pass(.given(views), key: key.at(tensor: NoiseStream.activations), examples: [example])
      let outputs = network(x, pass).reshaped(to: [pixels, likelihood.outputs])
      sums.add(likelihood.prediction(outputs, pixelPass(views, key: key, examples: [example], pixels: pixels)))
    }
    return sums.prediction
  }

  /// A network for images of some shape, [height, width, channels].
  func network(for shape: [Int]) throws -> LayerStack {
    if shape == inputs.shape { return wholeNetwork }
    var layout = Layout()
    let network = try recipe.resized(to: shape)
      .pixelNetwork(name: "layers", outputs: likelihood.outputs, layout: &layout)
    guard layout == parameters.layout else {
      throw TrainingError(
        .unsuitable, "the picture has \(shape[0]) × \(shape[1]) pixels, and a dense layer needs images of one size",
        advice: "give pictures of \(inputs.shape[0]) × \(inputs.shape[1])")
    }
    return network
  }

  var offers: Offers {
    var offers = Offers()
    offers.pixelPrediction = self
    offers.export = { request, _ in [try self.computation(request)] }
    offers.evaluation = { key, crew in
      try SegmentationEvaluation(self, samples: self.evaluationSamples, key: key, with: crew).metrics
    }
    return offers
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try SegmentationFigures(self, trainLabels: train, key: key, crew: crew).all
  }
}
