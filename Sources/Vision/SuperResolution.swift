import BayesianNetworks
import Datasets
import Figures
import Foundation
import Images
import Learners
import Networks
import Recipes
import Tensors
import Training

/// A larger picture from a small one, and how sure of each pixel the network is: a sub-pixel network (Shi et al. 2016), which
/// may have dropout that stays on at prediction, or a posterior over its weights.
public enum SuperResolution: Model {
  public static let name = "super-resolution"
  public static let summary = "larger pictures from small ones, with the uncertainty of each pixel"
  public static var recipe: [UInt8] { PackageResources.super_resolution_yaml }
  // A picture that keeps its size is a sequence of pixels.
  public static var learnsSequences: Bool { true }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try recipe.learner(SuperResolutionLearner(recipe, data: data, seed: seed), posterior: false, section: "network")
  }
}

/// Minimizes Σ −log N(y | x↑ + s m, s² v) over the pixels y of windows of pictures: x↑ is the bicubic enlargement of what the
/// window is when it is made smaller; m and ln v are outputs of the network, r² of each for a pixel of the small picture,
/// or v is learned for each of the r² places.
///
/// Windows are made smaller by the antialiased bicubic rule that the pictures of a test are: a network that has learned
/// from another rule undoes that one.
final class SuperResolutionLearner: DrawnLearner {
  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let metrics = ["nll", "squared_error"]
  let runningStatistics: [RunningStatistic]
  let weightSource = WeightSource()
  let evaluationSamples: Int
  let factor: Int
  let train: LumaPictures
  let test: LumaPictures?
  let exampleCount: Int
  let evaluationCount: Int
  private let side: Int
  private let windowsPerPicture: Int
  private let noise: Noise
  /// β: a pixel's surprise is weighted by v^β, through which no derivative goes (Seitzer, Tavakoli, Antic and Martius 2022, On
  /// the Pitfalls of Heteroscedastic Uncertainty Estimation). Without it edges, where v is large, hardly move the mean; with
  /// 1 the mean follows the squared error.
  private let varianceWeight: Float
  /// Of learned noise: ln v.
  private let logVariance: Slot?
  private let recipe: NetworkRecipe
  /// Of windows.
  private let network: LayerStack

  private enum Noise: String, CaseIterable {
    case learnt, heteroscedastic
    /// Numbers that the network makes of each pixel of the large picture.
    var parts: Int { self == .learnt ? 1 : 2 }
  }

  /// s, in gray levels: about what bicubic enlargements are wrong by.
  static let scale: Float = 12.75
  /// ln v is held to this.
  private static let logVarianceBounds: ClosedRange<Float> = -14...20

  init(_ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    guard data.train.holdsWholePictures, data.test?.holdsWholePictures != false else {
      throw TrainingError(
        .unsuitable, "\(data.name) holds no pictures of their own sizes",
        advice: "name a folder of pictures, and set data.whole_pictures=true")
    }
    let section = recipe["data"]
    let factor = try section.integer("factor", default: 3, in: 2...8)
    side = try section.integer("crop", default: 51, in: 2 * factor...4096)
    guard side % factor == 0 else {
      throw RecipeError(
        "data.crop is \(side), no multiple of data.factor=\(factor): set it to \(side / factor * factor)")
    }
    windowsPerPicture = try section.integer("windows", default: 8, in: 1...10_000)
    train = try LumaPictures(data.train, factor: factor, least: side, key: "data.crop")
    test = try data.test.map { try LumaPictures($0, factor: factor, least: 3 * factor, key: "data.factor") }
    (self.factor, exampleCount, evaluationCount) = (factor, data.train.count, data.test?.count ?? 0)
    noise = try recipe["objective"].choice("noise", default: Noise.heteroscedastic)
    if noise == .heteroscedastic {
      varianceWeight = Float(try recipe["objective"].number("variance_weight", default: 1, in: 0...1))
    } else {
      recipe["objective"].passOver(["variance_weight"])
      varianceWeight = 0
    }

    // Keys of the recipe's architecture, so that another can be named without taking them out.
    recipe["network"].passOver(["filters", "dropout"])
    self.recipe = try NetworkRecipe(recipe["network"], input: [side / factor, side / factor, 1], default: [])
    var layout = Layout()
    network = try self.recipe.enlarging(by: factor, parts: noise.parts, layout: &layout)
    logVariance = noise == .learnt ? layout.add("noise.log_variance", [factor * factor]) : nil
    runningStatistics = network.runningStatistics
    parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: seed)
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount, default: 4))
    descent = try GradientDescent(recipe, parameters: layout)
    evaluationSamples = try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000)
  }

  var pointSlots: [Slot] { network.pointSlots + (logVariance.map { [$0] } ?? []) }
  var tables: [Slot] { [] }
  private var pixelsPerPicture: Int { windowsPerPicture * side * side }
  /// The loss of a step is a mean over pixels.
  var lossesPerEpoch: Int { exampleCount * pixelsPerPicture }

  // MARK: Training

  func count(of batch: ShardBatch) -> Int { batch.indices.count * pixelsPerPicture }

  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let windows = train.windows(
      windowsPerPicture, side: side, of: batch.indices, key: batch.key(NoiseStream.augmentation))
    let small = side / factor
    let inputs = Tensor(uninitialized: [windows.count, small, small, 1])
    let targets = Tensor(uninitialized: [windows.count * small * small, factor * factor])
    for (index, window) in windows.enumerated() {
      let low = window.bicubic(height: small, width: small)
      SuperResolutionLearner.write(low, to: inputs.pointer + index * small * small)
      let base = low.bicubic(height: side, width: side)
      let rows = targets.pointer + index * side * side
      SubPixels(height: small, width: small, factor: factor).forEach { place, pixel in
        rows[place] = (window.values[pixel] - base.values[pixel]) / SuperResolutionLearner.scale
      }
    }
    let rows = batch.indices.flatMap { example in
      (0..<UInt32(windowsPerPicture)).map { example &* UInt32(windowsPerPicture) &+ $0 }
    }
    let (mean, logVariance) = parts(
      network(inputs, batch.pass(of: rows)).reshaped(to: [targets.rows, outputs]), batch.parameters)
    let surprise = (targets - mean).squared() * (-logVariance).exp() + logVariance
    let constant = 0.5 * log(2 * .pi) + log(Double(SuperResolutionLearner.scale))
    metrics["nll"] += 0.5 * Double(surprise.sum().value) + constant * Double(targets.count)
    metrics["squared_error"] += squaredError(mean, targets)
    return (varianceWeight > 0 ? surprise * (logVariance.detached * varianceWeight).exp() : surprise).sum() * 0.5
  }

  private func squaredError(_ mean: Tensor, _ targets: Tensor) -> Double {
    var sum = 0.0
    for place in 0..<targets.count {
      let error = Double((mean.pointer[place] - targets.pointer[place]) * SuperResolutionLearner.scale)
      sum += error * error
    }
    return sum
  }

  /// Numbers that the network makes of a pixel.
  private var outputs: Int { factor * factor * noise.parts }

  /// m and ln v, [pixels of the small picture, r²].
  private func parts(_ outputs: Tensor, _ views: ParameterViews) -> (mean: Tensor, logVariance: Tensor) {
    let places = factor * factor
    guard let logVariance else {
      return (
        outputs.columns(0..<places),
        outputs.columns(places..<2 * places).clamped(to: SuperResolutionLearner.logVarianceBounds)
      )
    }
    return (
      outputs,
      views[logVariance].clamped(to: SuperResolutionLearner.logVarianceBounds).repeatedDown(to: outputs.shape)
    )
  }

  private static func write(_ plane: GrayImage, to target: UnsafeMutablePointer<Float>) {
    for (place, value) in plane.values.enumerated() { target[place] = value / 255 }
  }

  // MARK: Prediction

  /// Samples that differ.
  func sampleCount(_ asked: Int) -> Int { weightSource.isRandom || network.drawsNoise ? asked : 1 }

  /// What samples of a small picture's enlargement come to.
  /// - Parameters:
  ///   - weights: of each sample.
  ///   - example: the picture's number, which keys its noise.
  func enlarged(_ low: GrayImage, _ weights: [FlatBuffer], example: UInt32, key: RandomKey) throws -> EnlargedPicture {
    var layout = Layout()
    let network = try recipe.resized(to: [low.height, low.width, 1])
      .enlarging(by: factor, parts: noise.parts, layout: &layout)
    let base = low.bicubic(height: low.height * factor, width: low.width * factor)
    let input = Tensor(uninitialized: [1, low.height, low.width, 1])
    SuperResolutionLearner.write(low, to: input.pointer)
    var sums = EnlargedSums(base, factor: factor, scale: SuperResolutionLearner.scale)
    for (sample, weights) in weights.enumerated() {
      let views = ParameterViews(weights)
      let noise = key.ofSample(sample).at(tensor: NoiseStream.activations)
      let pass = Pass(.given(views), key: network.drawsNoise ? noise : nil, examples: [example])
      let (mean, logVariance) = parts(
        network(input, pass).reshaped(to: [low.height * low.width, outputs]), views)
      sums.add(mean, variance: logVariance.exp())
    }
    return sums.picture
  }

  var offers: Offers {
    var offers = Offers()
    offers.enlarging = self
    offers.evaluation = { key, crew in
      try SuperResolutionEvaluation(self, key: key, with: crew).metrics
    }
    return offers
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try SuperResolutionFigures.all(self, key: key, with: crew)
  }
}

extension SuperResolutionLearner: Enlarging {
  func enlarge(
    _ pictures: [GrayImage], samples: Int, key: RandomKey, with crew: Crew
  ) throws -> [EnlargedPicture] {
    let weights = try weightSource.samples(sampleCount(samples), of: self, key: key, with: crew)
    return try crew.map(pictures.count) { index in
      try self.enlarged(pictures[index], weights, example: UInt32(index), key: key)
    }
  }
}

extension NetworkRecipe {
  /// A network whose outputs for a pixel are `parts` numbers for each of the r² pixels that it becomes.
  fileprivate func enlarging(by factor: Int, parts: Int, layout: inout Layout) throws -> LayerStack {
    try pixelNetwork(
      name: "layers", outputs: parts * factor * factor, window: Window(3, padding: 1), layout: &layout)
  }
}
