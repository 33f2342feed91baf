import Datasets
import Distributions
import Foundation
import Networks
import Recipes
import Tensors

/// Encoder and decoder of a VAE, the decoder the encoder's mirror image.
struct VAENetwork: Sendable {
  enum Likelihood: String, CaseIterable { case bernoulli, gaussian }

  let latent: Int
  let likelihood: Likelihood
  private let encoder: LayerStack
  private let decoder: LayerStack
  private let width: Int

  /// Whether the Gaussian decoder's means are pixels, held in 0…1 by a sigmoid (AEVB, appendix C.2).
  private let meansArePixels: Bool
  /// The Gaussian decoder's log variances are held above this: the likelihood of a pixel that never varies would be
  /// unbounded, and small variances let the reconstruction outweigh the prior, which leaves holes in the latent space.
  private let leastLogVariance: Float

  init(_ recipe: Recipe, inputs: Inputs, in layout: inout Layout) throws {
    width = inputs.width
    let section = recipe["network"]
    let network = try NetworkRecipe(section, input: inputs.shape, default: [500])
    latent = try section.integer("latent", default: 20, in: 1...100_000)
    likelihood = try recipe["objective"].choice("likelihood", default: .bernoulli)
    leastLogVariance = Float(try recipe["objective"].number("least_log_variance", default: -6, in: -30...10))
    meansArePixels = inputs.normalisation == .unit && inputs.train.kind == .uint8
    guard likelihood == .gaussian || inputs.normalisation != .standard else {
      throw RecipeError("objective.likelihood is bernoulli, which needs pixels in 0…1: set data.normalisation=unit")
    }
    (encoder, decoder) = try network.autoencoder(
      codes: 2 * latent, latent: latent, parts: likelihood == .gaussian ? 2 : 1, layout: &layout)
  }

  func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    encoder.initialize(parameters, seed: seed)
    decoder.initialize(parameters, seed: seed)
  }

  var runningStatistics: [RunningStatistic] { encoder.runningStatistics + decoder.runningStatistics }

  /// The posterior q(z|x): x [n, width] → mean and log variance, each [n, latent].
  func encode(_ x: Tensor, _ pass: Pass) -> (mean: Tensor, logVariance: Tensor) {
    let statistics = encoder(x, pass)
    return (statistics.columns(0..<latent), statistics.columns(latent..<2 * latent))
  }

  /// log p(x|z), in nats: x [n, width], z [n, latent] → [n].
  func logLikelihood(of x: Tensor, given z: Tensor, _ pass: Pass) -> Tensor {
    let output = decoder(z, pass)
    switch likelihood {
    case .bernoulli: return Bernoulli.logLikelihood(logits: output, targets: x)
    case .gaussian:
      let logVariance = output.columns(width..<2 * width).clamped(to: leastLogVariance...20)
      return Gaussian.logLikelihood(of: x, mean: gaussianMean(output), logVariance: logVariance)
    }
  }

  /// The mean of p(x|z): z [n, latent] → [n, width].
  func decode(_ z: Tensor, _ pass: Pass) -> Tensor {
    let output = decoder(z, pass)
    return likelihood == .bernoulli ? output.sigmoid() : gaussianMean(output)
  }

  private func gaussianMean(_ output: Tensor) -> Tensor {
    let mean = output.columns(0..<width)
    return meansArePixels ? mean.sigmoid() : mean
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
