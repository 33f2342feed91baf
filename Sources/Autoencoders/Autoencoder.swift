import Computations
import Datasets
import Distributions
import Figures
import Learners
import Networks
import Recipes
import Tensors
import Training

/// The auto-encoder: a network that restores its input through a narrow middle, by least squares.
///
/// Its middle is no distribution: points drawn from a Gaussian there decode to nothing in particular, which the figure
/// `latent` and the samples show beside the VAE's.
public enum Autoencoder: Model {
  public static let name = "autoencoder"
  public static let summary =
    "auto-encoder trained by squared error; its latent space is no prior, and the figures show it"
  public static var recipe: [UInt8] { PackageResources.autoencoder_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AutoencoderLearner(recipe, data: data, seed: seed)
  }
}

final class AutoencoderLearner: GradientLearner {
  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  private let inputs: NetworkInputs
  private let labels: ClassLabels?
  private let latent: Int
  private let encoder: LayerStack
  private let decoder: LayerStack

  init(_ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    inputs = try NetworkInputs(data, recipe["data"])
    labels = data.test?.labels
    let section = recipe["network"]
    let network = try NetworkRecipe(section, input: inputs.shape, default: [500])
    latent = try section.integer("latent", default: 2, in: 1...100_000)
    // Pixels lie in 0…1, and so do the outputs; standardised columns are not bounded.
    let output: Nonlinearity = inputs.normalization == .unit && inputs.train.kind == .uint8 ? .sigmoid : .identity
    var layout = Layout()
    (encoder, decoder) = try network.autoencoder(
      codes: latent, latent: latent, outputActivation: output, layout: &layout)
    parameters = FlatBuffer("parameters", layout)
    encoder.initialize(parameters, seed: seed)
    decoder.initialize(parameters, seed: seed)
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount))
    descent = try GradientDescent(recipe, parameters: layout)
  }

  var exampleCount: Int { inputs.train.count }
  var dataStatistics: [FlatBuffer] { inputs.statistics }
  let metrics = ["squared_error"]

  var runningStatistics: [RunningStatistic] { encoder.runningStatistics + decoder.runningStatistics }

  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let x = inputs.trainRows(batch.examples, key: batch.key(NoiseStream.binarisation))
    let loss = Loss.squaredError(decoder(encoder(x, batch.pass()), batch.pass(1)), x).sum()
    metrics["squared_error"] += Double(loss.value)
    return loss
  }

  private var predicting: Pass { Pass(predictingWith: ParameterViews(parameters)) }

  // MARK: Evaluation

  var evaluationCount: Int { inputs.test?.count ?? 0 }
  let evaluationMetrics = ["squared_error"]

  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {
    let pass = predicting
    let x = inputs.testRows(examples, key: key.at(tensor: NoiseStream.binarisation))
    sums["squared_error"] += Double(Loss.squaredError(decoder(encoder(x, pass), pass), x).sum().value)
  }

  func report(_ means: [String: Double], examples: Int) -> [String: Double] {
    var means = means
    means["rmse"] = means["squared_error"].map { ($0 / Double(inputs.width)).squareRoot() }
    return means
  }

  // MARK: Pictures

  var offers: Offers {
    var offers = Offers()
    offers.sampling = SamplingOffer(picture: { count, key, _ in self.sample(count: count, key: key) })
    offers.export = { request, _ in try self.computations(request) }
    return offers
  }

  private func computations(_ request: ExportRequest) throws -> [Computation] {
    try request.requireNoDraws("the weights of an auto-encoder have no posterior")
    let constants = parameters.constants() + inputs.constants
    var (first, second) = (Block(), Block())
    let examples = inputs.port(in: &first)
    let code = first.channelsLast(try encoder.steps(inputs.steps(examples, in: &first), in: &first))
    let latent = Computation.Port("latent", second.input([Value.examples, latent]))
    let restored = try decoder.steps(latent.value, in: &second)
    return [
      Computation(
        name: "encoder", summary: "x, as the data has it -> latent [n, \(self.latent)].", inputs: [examples],
        outputs: [.init("latent", code)], block: first, constants: constants),
      Computation(
        name: "decoder", summary: "latent [n, \(self.latent)] -> the example; pixels lie in 0...1.", inputs: [latent],
        outputs: [.init("mean", inputs.restoring(restored, in: &second))], block: second, constants: constants),
    ]
  }

  /// Decodes draws from a standard Gaussian, as if the latent space had that prior.
  func sample(count: Int, key: RandomKey) -> Figure {
    let z = Tensor.normal(key.at(tensor: NoiseStream.latent), rows: (0..<UInt32(count)).map { $0 }, columns: latent)
    return imageGrid(
      "samples", title: "Decoded draws from a Gaussian that the latent space does not follow",
      inputs.restored(decoder(z, predicting)), inputs: inputs, columns: 10)
  }

  func figures(with crew: Crew, key: RandomKey) -> [Figure] {
    let pass = predicting
    let shown = inputs.test ?? inputs.train
    let x = inputs.rows(
      of: shown, .range(0..<min(shown.count, 2000)), key: key.at(tensor: NoiseStream.binarisation))
    let z = encoder(x, pass)
    let first = 0..<min(shown.count, 50)
    var figures = [
      besideOriginals(
        inputs.restored(x.rows(first)), inputs.restored(decoder(z.rows(first), pass)), inputs: inputs),
      sample(count: 100, key: key),
    ]
    if latent == 2 {
      figures.append(latentScatter(z, labels: labels, title: "Codes, and the Gaussian that they do not follow"))
    }
    return figures
  }
}
