import Computations
import Datasets
import Distributions
import Foundation
import Learners
import Networks
import Recipes
import Tensors

/// Encoder, decoder and likelihood of a VAE.
struct VAENetwork: Sendable {
  private let networks: LatentNetworks
  private let likelihood: any Likelihood
  private let width: Int

  init(_ model: any LatentVariableModel.Type, _ recipe: Recipe, inputs: NetworkInputs, in layout: inout Layout) throws {
    width = inputs.width
    var likelihood = try model.likelihood(recipe["objective"], of: inputs)
    try inputs.check(likelihood.support, advice: "set objective.likelihood=gaussian, or scale the data")
    networks = try model.networks(
      recipe["network"], input: inputs.shape, outputs: likelihood.outputs, layout: &layout)
    likelihood.addSlots(to: &layout, prefix: "")
    self.likelihood = likelihood
  }

  var latent: Int { networks.latent }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    networks.encoder.initialize(parameters, seed: seed)
    networks.decoder.initialize(parameters, seed: seed)
    likelihood.initialize(parameters, seed: seed)
  }

  var runningStatistics: [RunningStatistic] {
    networks.encoder.runningStatistics + networks.decoder.runningStatistics
  }

  /// The posterior q(z|x): x [n, width] → mean and log variance, each [n, latent].
  func encode(_ x: Tensor, _ pass: Pass) -> (mean: Tensor, logVariance: Tensor) {
    let statistics = networks.encoder(x, pass)
    return (statistics.columns(0..<latent), statistics.columns(latent..<2 * latent))
  }

  /// log p(x|z), in nats: x [n, width], z [n, latent] → [n].
  func logLikelihood(of x: Tensor, given z: Tensor, _ pass: Pass) -> Tensor {
    likelihood.checkedLogLikelihood(networks.decoder(z, pass), of: Answers(targets: x), ofLikelihood(pass))
  }

  /// The mean of p(x|z): z [n, latent] → [n, width].
  func decode(_ z: Tensor, _ pass: Pass) -> Tensor {
    likelihood.checkedPrediction(networks.decoder(z, pass), width: 2 * width, ofLikelihood(pass)).columns(0..<width)
  }

  /// `encode` of examples as the data has them.
  func encoder(_ inputs: NetworkInputs, _ constants: [Computation.Constant]) throws -> Computation {
    var block = Block()
    let port = inputs.port(in: &block)
    let statistics = block.channelsLast(try networks.encoder.steps(inputs.steps(port, in: &block), in: &block))
    return Computation(
      name: "encoder", summary: "x, as the data has it -> mean and log_variance of q(z|x), each [n, \(latent)].",
      inputs: [port],
      outputs: [
        .init("mean", block.slice(statistics, axis: 1, 0..<latent)),
        .init("log_variance", block.slice(statistics, axis: 1, latent..<2 * latent)),
      ], block: block, constants: constants + inputs.constants)
  }

  /// `decode` to the units of the data.
  func decoder(_ inputs: NetworkInputs, _ constants: [Computation.Constant]) throws -> Computation {
    var block = Block()
    let port = Computation.Port("latent", block.input([Value.examples, latent]))
    let outputs = block.channelsLast(try networks.decoder.steps(port.value, in: &block))
    let mean = block.slice(try likelihood.predictionSteps(outputs, in: &block), axis: 1, 0..<width)
    return Computation(
      name: "decoder", summary: "latent [n, \(latent)], standard normal -> the mean of p(x|z); pixels lie in 0...1.",
      inputs: [port], outputs: [.init("mean", inputs.restoring(mean, in: &block))], block: block,
      constants: constants + inputs.constants)
  }

  /// A pass of the likelihood: its noise is apart from that of the decoder's layers.
  private func ofLikelihood(_ pass: Pass) -> Pass {
    let key = pass.key.map { $0.at(tensor: $0.tensor - NoiseStream.activations + NoiseStream.logits) }
    return Pass(.given(pass.parameters), key: key, examples: pass.examples)
  }

  /// The importance-weighted bound log 1/K Σ p(x|z) p(z) / q(z|x), z from q (Burda, Grosse and Salakhutdinov 2015,
  /// equation 8): it rises with K towards log p(x).
  /// - Parameters:
  ///   - x: [n, width].
  ///   - examples: the examples' numbers, which key the noise.
  /// - Returns: n numbers, in nats.
  func importanceWeightedBound(
    of x: Tensor, posterior: (mean: Tensor, logVariance: Tensor), examples: [UInt32], samples: Int, key: RandomKey,
    _ pass: Pass
  ) -> [Double] {
    // log Σ exp as a running maximum and a sum relative to it, in double: K is large and weights vary by many nats.
    var greatest = [Double](repeating: -.infinity, count: examples.count)
    var sum = [Double](repeating: 0, count: examples.count)
    for sample in 0..<samples {
      let noise = Tensor.normal(key.at(tensor: key.tensor + UInt32(sample)), rows: examples, columns: latent)
      let z = Gaussian.sample(mean: posterior.mean, logVariance: posterior.logVariance, noise: noise)
      let logWeight =
        logLikelihood(of: x, given: z, pass) + Gaussian.standardNormalLogLikelihood(of: z)
        - Gaussian.logLikelihood(of: z, mean: posterior.mean, logVariance: posterior.logVariance)
      for (row, weight) in logWeight.buffer.enumerated() {
        let weight = Double(weight)
        if weight > greatest[row] {
          sum[row] = sum[row] * exp(greatest[row] - weight) + 1
          greatest[row] = weight
        } else {
          sum[row] += exp(weight - greatest[row])
        }
      }
    }
    return zip(greatest, sum).map { $0 + log($1 / Double(samples)) }
  }
}
