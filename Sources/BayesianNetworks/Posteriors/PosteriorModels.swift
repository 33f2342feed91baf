import Datasets
import Learners
import Recipes
import Training

/// Variational learning at the cost of Adam (Shen et al. 2024).
public enum IVON: NetworkModel {
  public static let name = "ivon"
  public static let summary = "a network with a Gaussian posterior that its optimizer makes: IVON"
  public static var recipe: [UInt8] { PackageResources.ivon_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try learner(recipe, data: data, seed: seed, posterior: .ivon)
  }
}

/// Averages of weights and their spread (Maddox et al. 2019), or snapshots of cycles.
public enum SWAG: NetworkModel {
  public static let name = "swag"
  public static let summary = "a network with a Gaussian around its averaged weights (SWAG), or snapshots of cycles"
  public static var recipe: [UInt8] { PackageResources.swag_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try learner(recipe, data: data, seed: seed, posterior: .swag)
  }
}

/// Samples of the posterior by stochastic gradients and noise, or by Hamiltonian Monte Carlo.
public enum LangevinDynamics: NetworkModel {
  public static let name = "langevin"
  public static let summary = "samples of a network's posterior: SGHMC and SGLD with cycles, HMC for tiny problems"
  public static var recipe: [UInt8] { PackageResources.langevin_yaml }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try learner(recipe, data: data, seed: seed, posterior: .sghmc)
  }
}
