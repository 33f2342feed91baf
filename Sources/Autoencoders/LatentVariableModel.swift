import Computations
import Datasets
import Distributions
import Learners
import Networks
import Recipes
import Tensors
import Training

/// A generative model with a latent variable z ~ N(0, 1) for each example, and a likelihood of the example's numbers
/// given what a decoder makes of z. Elbo trains it as a variational auto-encoder, evaluates it, and makes new examples.
///
/// Both the networks and the likelihood have defaults: those of `vae`, whose keys the recipe has.
///
/// ```swift
/// enum CountsVAE: LatentVariableModel {
///   static let name = "counts-vae"
///   static let summary = "vectors of counts with a latent variable"
///   static let recipe = Array("model: counts-vae\ntrain: {epochs: 100}\n".utf8)
///   static func likelihood(_ objective: RecipeSection, of inputs: NetworkInputs) -> any Likelihood {
///     PoissonLikelihood(outputs: inputs.width)
///   }
/// }
/// ```
public protocol LatentVariableModel: Model {
  /// What the decoder's outputs say of an example, whose numbers, [n, width], are the ``Answers/targets``. The means of
  /// its ``Likelihood/prediction(_:_:)`` are the new examples.
  static func likelihood(_ objective: RecipeSection, of inputs: NetworkInputs) throws -> any Likelihood
  /// The encoder and the decoder.
  /// - Parameters:
  ///   - section: the recipe's `network` section.
  ///   - input: the shape of an example, [height, width, channels]; a row of numbers is [1, numbers, 1].
  ///   - outputs: how many numbers the decoder makes.
  ///   - layout: what the layers add their slots to.
  static func networks(
    _ section: RecipeSection, input: [Int], outputs: Int, layout: inout Layout
  ) throws -> LatentNetworks
}

/// q(z|x) and p(x|z) of a model with a latent variable.
public struct LatentNetworks: Sendable {
  /// [n, input] → [n, 2 · latent]: means and then log variances.
  public let encoder: LayerStack
  /// [n, latent] → [n, outputs].
  public let decoder: LayerStack
  public let latent: Int

  public init(encoder: LayerStack, decoder: LayerStack, latent: Int) {
    (self.encoder, self.decoder, self.latent) = (encoder, decoder, latent)
  }
}

private enum LikelihoodName: String, CaseIterable { case bernoulli, gaussian }

extension LatentVariableModel {
  /// By `objective.likelihood`: Bernoulli pixels, or numbers with Gaussian noise.
  public static func likelihood(_ objective: RecipeSection, of inputs: NetworkInputs) throws -> any Likelihood {
    let name = try objective.choice("likelihood", default: LikelihoodName.bernoulli)
    let leastLogVariance = Float(try objective.number("least_log_variance", default: -6, in: -30...10))
    if name == .bernoulli {
      // Bytes as they are have no probability.
      let areBytes = inputs.train.kind == .uint8 && inputs.binarisation == .none
      try inputs.require(areBytes ? [.unit] : [.unit, .none], "objective.likelihood is bernoulli")
    }
    return name == .bernoulli
      ? PixelLikelihood(outputs: inputs.width)
      : GaussianDecoderLikelihood(
        width: inputs.width, meansArePixels: inputs.normalization == .unit && inputs.train.kind == .uint8,
        leastLogVariance: leastLogVariance)
  }

  /// The recipe's network, and its mirror image as the decoder.
  public static func networks(
    _ section: RecipeSection, input: [Int], outputs: Int, layout: inout Layout
  ) throws -> LatentNetworks {
    let network = try NetworkRecipe(section, input: input, default: [500])
    let latent = try section.integer("latent", default: 20, in: 1...100_000)
    let width = input.reduce(1, *)
    precondition(outputs % width == 0, "a mirror image makes as many numbers of each input, not \(outputs) of \(width)")
    let (encoder, decoder) = try network.autoencoder(
      codes: 2 * latent, latent: latent, parts: outputs / width, layout: &layout)
    return LatentNetworks(encoder: encoder, decoder: decoder, latent: latent)
  }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try VAELearner(Self.self, recipe, data: data, seed: seed)
  }
}

/// Pixels in 0…1, or bits, whose logits are the outputs.
private struct PixelLikelihood: Likelihood {
  let outputs: Int
  let support = Support.unitInterval

  func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    Bernoulli.logLikelihood(logits: outputs, targets: answers.targets)
  }

  func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor {
    let mean = outputs.sigmoid()
    return mean.joiningColumns(mean * (1 - mean))
  }

  func predictionSteps(_ outputs: Value, in block: inout Block) -> Value {
    let mean = block.apply(.sigmoid, to: outputs)
    let square = block.multiply(mean, .value(mean))
    return block.join(mean, block.subtract(mean, .value(square)))
  }
}

/// Numbers with Gaussian noise; the outputs are means and log variances.
private struct GaussianDecoderLikelihood: Likelihood {
  let width: Int
  /// Whether the means are pixels, held in 0…1 by a sigmoid (AEVB, appendix C.2).
  let meansArePixels: Bool
  /// Log variances are held above this: the likelihood of a pixel that never varies would be unbounded, and small
  /// variances let the reconstruction outweigh the prior, which leaves holes in the latent space.
  let leastLogVariance: Float

  var outputs: Int { 2 * width }
  var isGaussian: Bool { true }

  func logLikelihood(_ outputs: Tensor, of answers: Answers, _ pass: Pass) -> Tensor {
    Gaussian.logLikelihood(of: answers.targets, mean: mean(outputs), logVariance: logVariance(outputs))
  }

  func prediction(_ outputs: Tensor, _ pass: Pass) -> Tensor {
    mean(outputs).joiningColumns(logVariance(outputs).exp())
  }

  func predictionSteps(_ outputs: Value, in block: inout Block) -> Value {
    let mean = block.slice(outputs, axis: 1, 0..<width)
    let logVariance = block.clamp(block.slice(outputs, axis: 1, width..<2 * width), to: leastLogVariance...20)
    return block.join(
      meansArePixels ? block.apply(.sigmoid, to: mean) : mean, block.apply(.exp, to: logVariance))
  }

  private func mean(_ outputs: Tensor) -> Tensor {
    let mean = outputs.columns(0..<width)
    return meansArePixels ? mean.sigmoid() : mean
  }

  private func logVariance(_ outputs: Tensor) -> Tensor {
    outputs.columns(width..<2 * width).clamped(to: leastLogVariance...20)
  }
}
