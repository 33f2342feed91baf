import Datasets
import Figures
import Foundation
import Learners
import Networks
import Recipes
import Tensors
import Training

/// An auto-encoder whose middle is an image of codes from a codebook (van den Oord, Vinyals and Kavukcuoglu 2017).
public enum VQVAE: Model {
  public static let name = "vq-vae"
  public static let summary = "auto-encoder through an image of discrete codes, whose codebook follows averages"
  public static var recipe: [UInt8] { PackageResources.vq_vae_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try VQVAELearner(recipe, data: data, seed: seed)
  }
}

/// Minimizes, for each example, the mean over pixels of the squared error over the variance of the training data, and β
/// times the mean over positions and channels of |z − sg(e)|² (equation 3, scaled as in DeepMind's sonnet). The codebook
/// follows averages: see ``CodebookAverages``. A prior adds the mean over positions of −log p(code), which reaches its own
/// parameters alone.
final class VQVAELearner: GradientLearner {
  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let metrics: [String]
  let inputs: NetworkInputs
  let encoder: LayerStack
  let decoder: LayerStack
  let quantizer: VectorQuantizer
  private let codebook: CodebookAverages
  /// Nil: codes are drawn one by one from all alike, the prior of the auto-encoder's training.
  private let prior: CodePrior?
  private let commitment: Float
  /// Of the codes' image, [height, width].
  let positions: [Int]
  /// The variance of the training data's numbers.
  private let variance: FlatBuffer

  init(_ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    inputs = try NetworkInputs(data, recipe["data"])
    let section = recipe["network"]
    let network = try NetworkRecipe(section, input: inputs.shape, default: [])
    let codes = try section.integer("codes", default: 512, in: 1...65_536)
    let width = try section.integer("code_width", default: 64, in: 1...65_536)
    var layout = Layout()
    let networks = try network.imageAutoencoder(channels: width, layout: &layout)
    (encoder, decoder, positions) = (networks.encoder, networks.decoder, networks.size)
    quantizer = VectorQuantizer(name: "quantizer", codes: codes, width: width, layout: &layout)
    prior = try CodePrior.read(recipe, codes: codes, size: positions, layout: &layout)
    metrics = ["squared_error", "commitment"] + (prior == nil ? [] : ["code_bits"])
    parameters = FlatBuffer("parameters", layout)
    prior?.initialize(parameters, seed: seed)
    encoder.initialize(parameters, seed: seed)
    decoder.initialize(parameters, seed: seed)
    quantizer.initialize(parameters, seed: seed)
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount, default: 32))
    let objective = recipe["objective"]
    commitment = Float(try objective.number("commitment", default: 0.25, in: 0...1e6))
    codebook = try CodebookAverages(objective, quantizer)
    codebook.start(from: parameters)
    descent = try GradientDescent(recipe, parameters: layout)
    var numbers = Layout()
    numbers.add("variance", [1])
    variance = FlatBuffer("variance", numbers, precision: .float64)
    if data.reference == nil { variance.float64[0] = VQVAELearner.variance(of: inputs) }
  }

  /// Of all numbers of the training examples, as the network sees them; 1 where they do not differ.
  private static func variance(of inputs: NetworkInputs) -> Double {
    var (sum, square) = (0.0, 0.0)
    for start in stride(from: 0, to: inputs.train.count, by: 1000) {
      let rows = inputs.rows(
        of: inputs.train, .range(start..<min(start + 1000, inputs.train.count)), key: RandomKey(seed: 0))
      for number in rows.buffer {
        sum += Double(number)
        square += Double(number) * Double(number)
      }
    }
    let count = Double(inputs.train.count * inputs.width)
    let variance = square / count - sum / count * (sum / count)
    return variance > 0 ? variance : 1
  }

  var exampleCount: Int { inputs.train.count }
  var dataStatistics: [FlatBuffer] { inputs.statistics + [variance] }
  var auxiliary: [FlatBuffer] { descent.moments + [codebook.averages] }
  var statistics: Layout { codebook.statistics }
  var runningStatistics: [RunningStatistic] { encoder.runningStatistics + decoder.runningStatistics }
  /// Without the codes, which no gradient reaches.
  var learntCount: Int {
    parameters.layout.parameterCount
      - runningStatistics.reduce(quantizer.codes.shape.count) { $0 + $1.slot.shape.count }
  }

  /// Of an image of codes.
  private var places: Int { positions.reduce(1, *) }

  // MARK: Training

  /// Vectors of the encoder, a row a position: [n, in] → [n · positions, width].
  private func encode(_ x: Tensor, _ pass: Pass) -> Tensor {
    let z = encoder(x, pass)
    return z.reshaped(to: [z.count / quantizer.width, quantizer.width])
  }

  private func decode(_ vectors: Tensor, _ pass: Pass) -> Tensor {
    decoder(
      vectors.reshaped(to: [
        vectors.rows / places, vectors.count * places / vectors.rows,
      ]), pass)
  }

  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let x = inputs.trainRows(batch.examples, key: batch.key(NoiseStream.binarisation))
    let z = encode(x, batch.pass())
    let (vectors, indices) = quantizer(z, batch.parameters)
    codebook.observe(z, indices, of: batch, positions: places)
    let error = Loss.squaredError(decode(vectors, batch.pass(1)), x).sum()
    let distance = (z - quantizer.vectors(indices, batch.parameters)).squared().sum()
    metrics["squared_error"] += Double(error.value)
    let share = Float(1 / Double(places * quantizer.width))
    metrics["commitment"] += Double(distance.value) * Double(share)
    let loss = error * Float(1 / (Double(inputs.width) * variance.float64[0])) + distance * (commitment * share)
    guard let prior, prior.learns(at: batch.step) else { return loss }
    let surprise = prior.loss(indices, batch.parameters)
    metrics["code_bits"] += Double(surprise.value) / log(2) / Double(places)
    return loss + surprise * Float(1 / Double(places))
  }

  func absorb(statistics: TotalStatistics, of step: Step) {
    codebook.absorb(statistics, into: parameters)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    try descend(total, of: step, with: crew)
    let use = CodeUse(counts: Array(total.statistics()[codebook.count]))
    return Verdict(metrics: ["codes/perplexity": use.perplexity, "codes/used": Double(use.used)])
  }

  // MARK: Evaluation

  var evaluationCount: Int { inputs.test?.count ?? 0 }

  private func codes(_ x: Tensor) -> [Int] {
    let pass = Pass(predictingWith: ParameterViews(parameters))
    return quantizer.nearest(encode(x, pass), pass.parameters)
  }

  private func decoded(_ codes: [Int]) -> Tensor {
    let pass = Pass(predictingWith: ParameterViews(parameters))
    return decode(quantizer.vectors(codes, pass.parameters), pass)
  }

  /// Over the whole test part: counts of the codes add, perplexities do not.
  private func evaluation(_ key: RandomKey, _ crew: Crew) throws -> [String: Double] {
    let (count, block) = (evaluationCount, 100)
    let parts = try crew.map((count + block - 1) / block) { index in
      let range = index * block..<min((index + 1) * block, count)
      let x = self.inputs.testRows(range, key: key.at(tensor: NoiseStream.binarisation))
      let codes = self.codes(x)
      let bits = self.prior.map { Double($0.loss(codes, ParameterViews(self.parameters)).value) / log(2) }
      return (Double(Loss.squaredError(self.decoded(codes), x).sum().value), codes, bits)
    }
    var counts = [Double](repeating: 0, count: quantizer.count)
    for code in parts.lazy.flatMap(\.1) { counts[code] += 1 }
    let error = TreeSum.of(parts.map(\.0)) / Double(count)
    let use = CodeUse(counts: counts)
    var metrics = [
      "squared_error": error, "nmse": error / Double(inputs.width) / variance.float64[0],
      "codes/perplexity": use.perplexity, "codes/used": Double(use.used),
      "codes/bits": log2(use.perplexity) * Double(places),
    ]
    if prior != nil { metrics["codes/prior_bits"] = TreeSum.of(parts.map { $0.2! }) / Double(count) }
    return metrics
  }

  var offers: Offers {
    var offers = Offers()
    offers.evaluation = { key, crew in try self.evaluation(key, crew) }
    offers.sampling = SamplingOffer(picture: { count, key, crew in
      try self.sample(count: count, key: key, with: crew)
    })
    offers.export = { request, _ in try self.computations(request) }
    return offers
  }

  // MARK: Pictures

  /// Pictures of codes that the prior draws; without one, of codes that are drawn one by one from all alike.
  private func sample(count: Int, key: RandomKey, with crew: Crew) throws -> Figure {
    let key = key.at(tensor: NoiseStream.latent)
    guard let prior else {
      let uniform = Tensor.uniform(key, rows: (0..<UInt32(count)).map { $0 }, columns: places)
      return imageGrid(
        "samples", title: "Pictures of codes without a prior: each is drawn by itself",
        inputs.restored(decoded(uniform.buffer.map { min(Int($0 * Float(quantizer.count)), quantizer.count - 1) })),
        inputs: inputs, columns: 10)
    }
    // Few at a time, so that all lanes have some; as many for any number of lanes.
    let block = 10
    let codes = try crew.map((count + block - 1) / block) { index in
      prior.sample(
        index * block..<min((index + 1) * block, count), ParameterViews(self.parameters), key: key)
    }
    return imageGrid(
      "samples", title: "Pictures of codes that the prior draws", inputs.restored(decoded(codes.flatMap { $0 })),
      inputs: inputs, columns: 10)
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    let shown = inputs.test ?? inputs.train
    let x = inputs.rows(
      of: shown, .range(0..<min(shown.count, 50)), key: key.at(tensor: NoiseStream.binarisation))
    return try [
      besideOriginals(inputs.restored(x), inputs.restored(decoded(codes(x))), inputs: inputs),
      sample(count: 100, key: key, with: crew),
    ]
  }
}

/// How evenly codes are used.
struct CodeUse {
  /// exp of the entropy of the codes' frequencies: from 1 to the number of codes.
  let perplexity: Double
  let used: Int

  init(counts: [Double]) {
    let total = counts.reduce(0, +)
    perplexity = total > 0 ? exp(counts.reduce(0) { $1 > 0 ? $0 - $1 / total * log($1 / total) : $0 }) : 1
    used = counts.count { $0 > 0 }
  }
}
