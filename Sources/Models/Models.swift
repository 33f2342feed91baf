import Adversarial
import Autoencoders
import BayesianNetworks
import Components
import Learners
import Mixtures
import Processes
import Recipes
import Regression
import Sequences
import Synchronization
import Vision

/// The table of models.
public enum Models {
  /// The models that Elbo ships.
  public static let all: [any Model.Type] = [
    VAE.self, Autoencoder.self, BayesByBackprop.self, BayesByBackpropPaper.self, BayesByBackpropRegression.self,
    MCDropout.self, MCDropoutRegression.self, PlainNetwork.self, IVON.self, SWAG.self, LangevinDynamics.self,
    LaplaceNetwork.self,
    GAN.self, DCGAN.self, WGAN.self, WGANGP.self, InfoGAN.self, ProgressiveGAN.self, StyleGAN.self,
    KMeansClustering.self, GMM.self, VariationalGMM.self, PCA.self, PPCA.self, VQVAE.self,
    MaximumLikelihoodRegression.self, BayesianRegression.self, BayesianRidge.self, BayesianLogisticRegression.self,
    GaussianProcessRegression.self, Segmentation.self, SuperResolution.self, HMM.self, LDS.self, LSTM.self,
    BayesianRNN.self,
    Captioning.self,
  ]

  private static let registered = Mutex<[any Model.Type]>([])

  /// The models that recipes may name: those that Elbo ships, and those that the program has registered.
  public static var available: [any Model.Type] { all + registered.withLock { $0 } }

  /// Adds a model of the program's own. Every process that trains it or opens its runs has to register it.
  /// - Throws: `RecipeError` when the name is taken, or is not letters, digits and hyphens.
  public static func register(_ model: any Model.Type) throws(RecipeError) {
    let name = model.name
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    guard let first = name.first, first != "-", name.allSatisfy(allowed.contains) else {
      throw RecipeError("a model cannot be named `\(name)`: use letters, digits and hyphens, and begin with no hyphen")
    }
    try registered.withLock { (models) throws(RecipeError) in
      guard !(all + models).contains(where: { $0.name == name }) else {
        throw RecipeError("there is a model \(name) already: give yours another name")
      }
      models.append(model)
    }
  }

  public static func named(_ name: String) throws(RecipeError) -> any Model.Type {
    let models = available
    if let model = models.first(where: { $0.name == name }) { return model }
    let hint = nearest(to: name, among: models.map { $0.name }).map { "; the nearest is \($0)" } ?? ""
    throw RecipeError("there is no model \(name)\(hint); `elbo recipes` lists them")
  }
}
