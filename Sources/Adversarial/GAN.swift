import Datasets
import Learners
import Recipes
import Training

/// The generative adversarial network (Goodfellow et al. 2014) and its descendants that differ in their objective:
/// one learner, whose recipes differ.
public enum GAN: Model {
  public static let name = "gan"
  public static let summary = "generative adversarial network (minimax, non-saturating, least squares; R1)"
  public static var recipe: [UInt8] { PackageResources.gan_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AdversarialLearner(recipe, data: data, seed: seed, defaults: .init())
  }
}

/// The deep convolutional GAN (Radford, Metz and Chintala 2016).
public enum DCGAN: Model {
  public static let name = "dcgan"
  public static let summary = "GAN of strided convolutions with batch normalisation, for images"
  public static var recipe: [UInt8] { PackageResources.dcgan_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AdversarialLearner(recipe, data: data, seed: seed, defaults: .init(architecture: .convolutional))
  }
}

/// The Wasserstein GAN whose critic is held Lipschitz by clipping its weights (Arjovsky, Chintala and Bottou 2017).
public enum WGAN: Model {
  public static let name = "wgan"
  public static let summary = "Wasserstein GAN, the critic's weights clipped"
  public static var recipe: [UInt8] { PackageResources.wgan_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AdversarialLearner(
      recipe, data: data, seed: seed, defaults: .init(loss: .wasserstein, discriminatorSteps: 5, clip: 0.01))
  }
}

/// The Wasserstein GAN with a penalty on the critic's slope (Gulrajani et al. 2017).
public enum WGANGP: Model {
  public static let name = "wgan-gp"
  public static let summary = "Wasserstein GAN with gradient penalty, a true second derivative"
  public static var recipe: [UInt8] { PackageResources.wgan_gp_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AdversarialLearner(
      recipe, data: data, seed: seed,
      defaults: .init(loss: .wasserstein, discriminatorSteps: 5, gradientPenalty: 10))
  }
}

/// The GAN whose networks grow with their images (Karras, Aila, Laine and Lehtinen 2018).
public enum ProgressiveGAN: Model {
  public static let name = "progressive-gan"
  public static let summary = "GAN whose networks grow from small images to large ones"
  public static var recipe: [UInt8] { PackageResources.progressive_gan_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AdversarialLearner(
      recipe, data: data, seed: seed,
      defaults: .init(loss: .wasserstein, gradientPenalty: 10, architecture: .progressive))
  }
}

/// The GAN whose generator follows styles (Karras, Laine and Aila 2019; Karras et al. 2020).
public enum StyleGAN: Model {
  public static let name = "stylegan"
  public static let summary = "GAN whose generator follows styles at every size (StyleGAN2; AdaIN for the first)"
  public static var recipe: [UInt8] { PackageResources.stylegan_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AdversarialLearner(recipe, data: data, seed: seed, defaults: .init(architecture: .style))
  }
}

/// The GAN whose generator is given codes that the discriminator's network reads back (Chen et al. 2016).
public enum InfoGAN: Model {
  public static let name = "infogan"
  public static let summary = "GAN with a categorical code and continuous ones that its samples tell"
  public static var recipe: [UInt8] { PackageResources.infogan_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try AdversarialLearner(recipe, data: data, seed: seed, defaults: .init(hasCodes: true))
  }
}
