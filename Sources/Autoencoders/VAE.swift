import Datasets
import Distributions
import Figures
import Learners
import LinearAlgebra
import Networks
import Recipes
import Tensors
import Training

/// The variational auto-encoder, trained by auto-encoding variational Bayes.
///
/// Kingma and Welling, Auto-Encoding Variational Bayes, arXiv 1312.6114: encoder q(z|x) = N(μ(x), diag σ²(x)), prior
/// p(z) = N(0, 1), decoder p(x|z) Bernoulli or Gaussian. What is maximised is the sum over examples of
///
/// - estimator A (equation 6): 1/L Σ log p(x|z) + log p(z) − log q(z|x)
/// - estimator B (equation 7): 1/L Σ log p(x|z) − KL(q(z|x) ‖ p(z)), the divergence in closed form (appendix B)
///
/// with z = μ + σ ε (equation 4). The noise ε of an example is a function of seed, step, sample and example.
public enum VAE: LatentVariableModel {
  public static let name = "vae"
  public static let summary = "variational auto-encoder (estimators A and B, Bernoulli and Gaussian decoders)"
  public static var recipe: [UInt8] { PackageResources.vae_yaml }
}

final class VAELearner: GradientLearner {
  enum Estimator: String, CaseIterable { case a, b }

  let parameters: FlatBuffer
  let descent: GradientDescent
  let order: Order.Kind
  let inputs: NetworkInputs
  let labels: ClassLabels?
  let network: VAENetwork

  private let estimator: Estimator
  private let samples: Int
  private let beta: Double
  private let warmupEpochs: Double
  private let importanceSamples: Int
  private let importanceExamples: Int

  init(_ model: any LatentVariableModel.Type, _ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    inputs = try NetworkInputs(data, recipe["data"])
    labels = data.test?.labels
    let objective = recipe["objective"]
    estimator = try objective.choice("estimator", default: .b)
    samples = try objective.integer("samples", default: 1, in: 1...10_000)
    beta = try objective.number("beta", default: 1, in: 0...1e6)
    warmupEpochs = try objective.number("warmup_epochs", default: 0, in: 0...1e6)

    var layout = Layout()
    network = try VAENetwork(model, recipe, inputs: inputs, in: &layout)
    parameters = FlatBuffer("parameters", layout)
    network.initialize(parameters, seed: seed)
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount))
    descent = try GradientDescent(recipe, parameters: layout)

    let evaluate = recipe["evaluate"]
    importanceSamples = try evaluate.integer("importance_samples", default: 100, in: 0...100_000)
    importanceExamples = try evaluate.integer("importance_examples", default: 1000, in: 0...100_000_000)
  }

  var exampleCount: Int { inputs.train.count }
  var dataStatistics: [FlatBuffer] { inputs.statistics }
  let metrics = ["elbo", "log_likelihood", "kl"]

  var runningStatistics: [RunningStatistic] { network.runningStatistics }

  /// −Σ of the estimate over the examples.
  func loss(_ batch: ShardBatch, metrics: inout Sums) -> Tensor {
    let x = inputs.trainRows(batch.examples, key: batch.key(NoiseStream.binarisation))
    let weight = beta * warmup(batch.step)
    let terms = terms(x, of: batch)
    metrics["log_likelihood"] += Double(terms.logLikelihood.sum().value)
    metrics["kl"] += Double(terms.divergence.sum().value)
    metrics["elbo"] = metrics["log_likelihood"] - metrics["kl"]
    return (terms.divergence * Float(weight) - terms.logLikelihood).sum()
  }

  private func warmup(_ step: Step) -> Double {
    guard warmupEpochs > 0 else { return 1 }
    return min(Double(step.number) / (warmupEpochs * Double(step.stepsPerEpoch)), 1)
  }

  /// Both parts of the estimate for each example: E log p(x|z) and KL(q ‖ p), by sampling in estimator A.
  /// - Parameter x: [n, width].
  /// - Returns: two tensors [n], in nats.
  private func terms(_ x: Tensor, of batch: ShardBatch) -> (logLikelihood: Tensor, divergence: Tensor) {
    let posterior = network.encode(x, batch.pass())
    var logLikelihood: Tensor?
    var divergence: Tensor?
    for sample in 0..<samples {
      let noise = Tensor.normal(
        batch.key(NoiseStream.latent + UInt32(sample)), rows: batch.indices, columns: network.latent)
      let z = Gaussian.sample(mean: posterior.mean, logVariance: posterior.logVariance, noise: noise)
      let likelihood = network.logLikelihood(of: x, given: z, batch.pass(1 + sample))
      logLikelihood = logLikelihood.map { $0 + likelihood } ?? likelihood
      if estimator == .a {
        let ratio =
          Gaussian.logLikelihood(of: z, mean: posterior.mean, logVariance: posterior.logVariance)
          - Gaussian.standardNormalLogLikelihood(of: z)
        divergence = divergence.map { $0 + ratio } ?? ratio
      }
    }
    let share = 1 / Float(samples)
    if let divergence { return (logLikelihood! * share, divergence * share) }
    return (
      samples == 1 ? logLikelihood! : logLikelihood! * share,
      Gaussian.divergenceFromStandardNormal(mean: posterior.mean, logVariance: posterior.logVariance)
    )
  }

  // MARK: Evaluation

  var evaluationCount: Int { inputs.test?.count ?? 0 }

  var evaluationMetrics: [String] { ["elbo", "log_likelihood", "kl", "iw_log_likelihood"] }

  func evaluate(_ examples: Range<Int>, into sums: inout Sums, key: RandomKey, on lane: Lane) {
    let pass = predicting
    let x = inputs.testRows(examples, key: key.at(tensor: NoiseStream.binarisation))
    let indices = examples.map { UInt32($0) }
    let posterior = network.encode(x, pass)
    let noise = Tensor.normal(key.at(tensor: NoiseStream.latent), rows: indices, columns: network.latent)
    let z = Gaussian.sample(mean: posterior.mean, logVariance: posterior.logVariance, noise: noise)
    let likelihood = Double(network.logLikelihood(of: x, given: z, pass).sum().value)
    let divergence = Double(
      Gaussian.divergenceFromStandardNormal(mean: posterior.mean, logVariance: posterior.logVariance).sum().value)
    sums["elbo"] += likelihood - divergence
    sums["log_likelihood"] += likelihood
    sums["kl"] += divergence

    let weighted = examples.clamped(to: 0..<importanceExamples)
    guard importanceSamples > 0, !weighted.isEmpty else { return sums.add(0, to: "iw_log_likelihood", over: 0) }
    let rows = 0..<weighted.count
    let bound = network.importanceWeightedBound(
      of: x.rows(rows), posterior: (posterior.mean.rows(rows), posterior.logVariance.rows(rows)),
      examples: Array(indices[rows]), samples: importanceSamples, key: key.at(tensor: NoiseStream.importance), pass)
    sums.add(bound.reduce(0, +), to: "iw_log_likelihood", over: weighted.count)
  }

  // MARK: Pictures

  var offers: Offers {
    var offers = Offers()
    offers.sampling = SamplingOffer(picture: { count, key, _ in self.sample(count: count, key: key) })
    offers.export = { request, _ in
      try request.requireNoDraws("the weights of a VAE have no posterior")
      let constants = self.parameters.constants()
      return try [
        self.network.encoder(self.inputs, constants), self.network.decoder(self.inputs, constants),
      ]
    }
    return offers
  }

  func sample(count: Int, key: RandomKey) -> Figure {
    let rows = (0..<UInt32(count)).map { $0 }
    let z = Tensor.normal(key.at(tensor: NoiseStream.latent), rows: rows, columns: network.latent)
    return pictures("samples", title: "Samples from the prior", of: network.decode(z, predicting))
  }

  private var predicting: Pass { Pass(predictingWith: ParameterViews(parameters)) }

  func figures(with crew: Crew, key: RandomKey) -> [Figure] {
    let pass = predicting
    let shown = inputs.test ?? inputs.train
    let examples = Examples.range(0..<min(shown.count, 2000))
    let x = inputs.rows(of: shown, examples, key: key.at(tensor: NoiseStream.binarisation))
    let mean = network.encode(x, pass).mean
    let first = 0..<min(shown.count, 50)
    let restored = inputs.restored(network.decode(mean.rows(first), pass))
    var figures = [
      besideOriginals(inputs.restored(x.rows(first)), restored, inputs: inputs),
      sample(count: 100, key: key),
    ]
    if network.latent == 2 {
      figures.append(manifold(pass))
      figures.append(latentScatter(mean, labels: labels, title: "Posterior means and the prior"))
    }
    return figures
  }

  /// The decoder's mean over a grid of the unit square, put through the inverse CDF of the Gaussian (figure 4).
  private func manifold(_ pass: Pass) -> Figure {
    let side = 20
    let coordinates = (0..<side).map { Float(normalQuantile((Double($0) + 0.5) / Double(side))) }
    let grid = (0..<side * side).flatMap { [coordinates[$0 % side], -coordinates[$0 / side]] }
    return pictures(
      "manifold", title: "The latent manifold", of: network.decode(Tensor(grid, [side * side, 2]), pass),
      columns: side, padding: 0)
  }

  private func pictures(
    _ name: String, title: String, of rows: Tensor, columns: Int = 10, padding: Int = 2
  ) -> Figure {
    imageGrid(name, title: title, inputs.restored(rows), inputs: inputs, columns: columns, padding: padding)
  }
}
