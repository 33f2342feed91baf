import Datasets
import Learners
import Networks
import Recipes
import Tensors
import Training

/// A supervised model that is a network and a likelihood: Elbo trains, distributes, evaluates and predicts it.
///
/// Both have defaults: a model of its own likelihood has the network that the recipe's `network` section describes, and a
/// model of its own network has the likelihood that suits the data, a categorical or a Gaussian one.
///
/// ```swift
/// enum PoissonRegression: NetworkModel {
///   static let name = "poisson-regression"
///   static let summary = "counts whose log rate is a network"
///   static let recipe = Array("model: poisson-regression\ntrain: {epochs: 100, batch: 10}\n".utf8)
///   static let answers: Supervision.Wanted? = .values
///   static func likelihood(_ objective: RecipeSection, _ task: Supervision) -> any Likelihood { PoissonLikelihood() }
/// }
/// ```
///
/// Recipes of such models have the keys of `mlp` and `mc-dropout`: `network.hidden`, `dropout`, `input_dropout`,
/// `drop_connect` and `concrete`, which are off unless they are set; `train.members` for an ensemble; `evaluate.samples`.
/// With `objective.posterior: variational` they have those of `bbb` in their place, and with the other posteriors those of
/// `ivon`, `swag`, `langevin` and `laplace`.
public protocol NetworkModel: Model {
  /// Whether the model learns classes or numbers; nil, the default: what `objective.task` says or the data has.
  static var answers: Supervision.Wanted? { get }
  /// The units of the dense layers where the recipe names no others; by default twice 400.
  static var hidden: [Int] { get }
  /// The layers from an example to the outputs that the likelihood needs: [n, …] → [n, outputs]. By default those of the
  /// recipe.
  ///
  /// It is called more than once, with other names, and makes the same layers each time.
  /// - Parameters:
  ///   - section: the recipe's `network` section. Reading a key is what makes it known.
  ///   - input: the shape of an example, [height, width, channels]; a row of numbers is [1, numbers, 1]. The stack gets
  ///     rows, [n, height · width · channels].
  ///   - outputs: how many numbers the likelihood needs of each example.
  ///   - name: what the names of the layers' slots begin with.
  ///   - layout: what the layers add their slots to.
  static func network(
    _ section: RecipeSection, input: [Int], outputs: Int, name: String, layout: inout Layout
  ) throws -> LayerStack
  /// What the outputs say of an answer.
  /// - Parameters:
  ///   - objective: the recipe's `objective` section.
  ///   - task: what is learned, such as how many classes there are.
  static func likelihood(_ objective: RecipeSection, _ task: Supervision) throws -> any Likelihood
}

private enum ClassLikelihood: String, CaseIterable { case categorical, evidential }

extension NetworkModel {
  public static var answers: Supervision.Wanted? { nil }
  public static var hidden: [Int] { [400, 400] }

  public static func network(
    _ section: RecipeSection, input: [Int], outputs: Int, name: String, layout: inout Layout
  ) throws -> LayerStack {
    try NetworkRecipe(section, input: input, default: hidden).network(name: name, outputs: outputs, layout: &layout)
  }

  public static func likelihood(_ objective: RecipeSection, _ task: Supervision) throws -> any Likelihood {
    switch task.kind {
    case .classes(let count, _):
      switch try objective.choice("likelihood", default: ClassLikelihood.categorical) {
      case .categorical: try CategoricalLikelihood(objective, classes: count)
      case .evidential: try EvidentialLikelihood(objective, classes: count)
      }
    case .values: try GaussianLikelihood(objective, task)
    }
  }

  public static func learner(_ recipe: Recipe, data: Dataset, seed: UInt64) throws -> any Learner {
    try learner(recipe, data: data, seed: seed, posterior: .none)
  }

  /// The learner with the posterior that the recipe names.
  /// - Parameter usual: the posterior where the recipe does not say.
  static func learner(
    _ recipe: Recipe, data: Dataset, seed: UInt64, posterior usual: PosteriorName
  ) throws -> any Learner {
    let name = try recipe["objective"].choice("posterior", default: usual)
    for (section, keys) in name.keysOfOthers { recipe[section].passOver(keys) }
    func wrapped(_ posterior: any WeightPosterior.Type) throws -> any Learner {
      try WeightPosteriorLearner(Self.self, recipe, data: data, seed: seed, name, posterior)
    }
    return switch name {
    case .none: try DropoutLearner(Self.self, recipe, data: data, seed: seed, noise: .none)
    case .variational: try VariationalLearner(Self.self, recipe, data: data, seed: seed)
    case .ivon: try wrapped(IVONPosterior.self)
    case .swag: try wrapped(SWAGPosterior.self)
    case .snapshots: try wrapped(Snapshots.self)
    case .sgld, .sghmc: try wrapped(Langevin.self)
    case .hmc: try wrapped(HamiltonianMonteCarlo.self)
    case .laplace: try LaplaceLearner(Self.self, recipe, data: data, seed: seed)
    }
  }

  /// What is learned, and the inputs it is learned from.
  static func supervision(_ recipe: Recipe, _ data: Dataset) throws -> Supervision {
    var wanted = answers
    if wanted == nil {
      switch try recipe["objective"].choice("task", default: TaskName.automatic) {
      case .automatic: wanted = data.train.labels == nil ? .values : .classes
      case .classification: wanted = .classes
      case .regression: wanted = .values
      }
    }
    // Pictures keep their scale; the columns of a table have units of their own.
    let isTable = data.train.inputs.kind != .uint8 && data.train.inputs.shape.count == 1
    var supervision = try Supervision(
      data, recipe["data"], wants: wanted!, default: isTable || wanted == .values ? .standard : .unit)
    try supervision.readLabelWeights(recipe["objective"], data)
    return supervision
  }
}

private enum TaskName: String, CaseIterable { case automatic, classification, regression }
