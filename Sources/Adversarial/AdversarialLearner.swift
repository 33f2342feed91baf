import CKernels
import Datasets
import Figures
import Learners
import Networks
import Recipes
import Tensors
import Training

/// Two networks: one generates examples from noise, the other distinguishes them from real ones.
///
/// A step has k phases of the discriminator and one of the generator. Each shard's examples are cut into k parts, one
/// for each of the discriminator's phases; the generator's phase makes as many examples as one part has. Noise is drawn
/// per example and phase, so no result depends on lanes.
///
/// Parameters are those of both players and, when asked for, a moving average of the generator's, which is what samples
/// are then drawn from.
final class AdversarialLearner: Learner {
  /// What sets one adversarial model apart from another.
  struct Defaults {
    var loss = AdversarialObjective.Loss.nonSaturating
    var discriminatorSteps = 1
    var clip = 0.0
    var gradientPenalty = 0.0
    var hasCodes = false
    var architecture = AdversarialNetworks.Architecture.dense
  }

  let parameters: FlatBuffer
  let phases: [Phase]
  let order: Order.Kind
  let inputs: NetworkInputs
  let codes: LatentCodes
  /// Of training and test examples; nil: metrics over modes and features cannot be computed.
  let labels: ClassLabels?
  let testLabels: ClassLabels?
  /// How many test examples samples are compared with, and by what.
  let evaluatedExamples: Int
  let measured: Set<GenerativeMetric>
  let objective: AdversarialObjective
  let view: DiscriminatorView
  let generator: Player
  let discriminator: Player
  /// The generator's moving average and its decay.
  let average: (parameters: FlatBuffer, decay: Double)?
  /// When the networks grow; nil: they are complete.
  let growth: GrowthPlan?
  /// What a training carries beside the networks; changed by `absorb` alone.
  let state: AdversarialState
  let batch: Int
  let watch: CollapseWatch
  /// The first training examples of one or two numbers, in the units of the data, which pictures show beside samples.
  let shown: FlatBuffer?
  /// Whether examples are images of bytes, which are taken to −1…1.
  let pixels: Bool

  init(_ recipe: Recipe, data: Dataset, seed: UInt64, defaults: Defaults) throws {
    inputs = try NetworkInputs(data, recipe["data"])
    pixels = inputs.normalization == .unit && inputs.train.kind == .uint8
    var codes = try LatentCodes(recipe, informed: defaults.hasCodes)
    objective = try AdversarialObjective(
      recipe["objective"], loss: defaults.loss, discriminatorSteps: defaults.discriminatorSteps, clip: defaults.clip,
      gradientPenalty: defaults.gradientPenalty)
    var view = try DiscriminatorView(recipe["objective"], shape: inputs.train.shape, loss: objective.loss)
    let networks = try AdversarialNetworks(
      recipe["network"],
      .init(
        latent: codes.width, classes: data.train.labels?.count, example: ImageLayout(shape: inputs.train.shape),
        outputs: 1 + codes.outputs, isBounded: pixels),
      architecture: defaults.architecture)
    guard networks.classes == 0 || !codes.hasCodes else {
      throw RecipeError("network.conditional tells networks the class, which an InfoGAN finds itself: set it to false")
    }
    codes.classes = networks.classes
    self.codes = codes
    let decay = try recipe["objective"].number("generator_average", default: 0.999, in: 0...0.999_999)

    var layout = Layout()
    let starts = (
      generator: layout.add(networks.generatorLayout), discriminator: layout.add(networks.discriminatorLayout)
    )
    let averageStart = decay > 0 ? layout.add(networks.generatorLayout, prefix: "average.") : 0
    var stateLayout = AdversarialState.layout(grows: networks.growth != nil, objective)
    let probabilityStart = stateLayout.add(view.probability.layout)
    let stateStart = layout.add(stateLayout, prefix: "state.")
    let whole = FlatBuffer("parameters", layout)
    parameters = whole
    func part(_ name: String, _ layout: Layout, _ start: Int) -> FlatBuffer {
      FlatBuffer(name, layout, of: whole, from: start)
    }
    view.probability.keep(in: part("probability", view.probability.layout, stateStart + probabilityStart))
    self.view = view
    recipe.inherit("discriminator_optimizer", from: "optimizer")
    generator = Player(
      network: networks.generator, parameters: part("generator", networks.generatorLayout, starts.generator),
      descent: try GradientDescent(recipe, parameters: networks.generatorLayout))
    discriminator = Player(
      network: networks.discriminator,
      parameters: part("discriminator", networks.discriminatorLayout, starts.discriminator),
      descent: try GradientDescent(
        recipe, section: "discriminator_optimizer", parameters: networks.discriminatorLayout),
      frozenLayers: try recipe["objective"].frozenLayers(of: networks.discriminatorLayout, networks.discriminator))
    // Different numbers for both: a slot's number in its layout distinguishes the streams of initial parameters.
    generator.network.initialize(generator.parameters, seed: seed)
    discriminator.network.initialize(discriminator.parameters, seed: seed ^ 0x9E37_79B9_7F4A_7C15)
    average = decay > 0 ? (part("average", networks.generatorLayout, averageStart), decay) : nil
    average?.parameters.copy(from: generator.parameters)
    state = AdversarialState(part("state", stateLayout, stateStart))
    growth = networks.growth
    if objective.pathLength > 0, generator.style == nil {
      throw RecipeError("objective.path_length needs styles: set network.generator_architecture=style, or it to 0")
    }

    (labels, testLabels) = (data.train.labels, data.test?.labels)
    let examples = try recipe["evaluate"].integer("examples", default: 2000, in: 0...1_000_000)
    let (areLabelled, arePictures) = (labels != nil, AdversarialLearner.arePictures(inputs))
    let named: [GenerativeMetric] = try recipe["evaluate"].choices("metrics")
    measured =
      named.isEmpty
      ? GenerativeMetric.usual(areLabelled: areLabelled, arePictures: arePictures) : Set(named)
    if data.reference == nil {
      try GenerativeMetric.check(
        measured, areLabelled: areLabelled, arePictures: arePictures, haveStyles: generator.style != nil)
    }
    evaluatedExamples = testLabels == nil && measured.isEmpty ? 0 : min(examples, inputs.test?.count ?? 0)

    var deviation = 0.0
    if data.reference == nil {
      let sample = min(inputs.train.count, 1000)
      let rows = inputs.trainRows(.range(0..<sample), key: RandomKey(seed: seed))
      deviation = AdversarialLearner.meanDeviation(of: pixels ? rows * 2 - 1 : rows)
    }
    watch = CollapseWatch(dataDeviation: deviation)
    shown = inputs.width <= 2 ? AdversarialLearner.shownRows(inputs, data) : nil

    batch = try recipe.batch(examples: data.trainingCount / objective.discriminatorSteps)
    order = .shuffled(batch: batch * objective.discriminatorSteps)
    let told = Phase(
      "discriminator", layout: networks.discriminatorLayout,
      metrics: AdversarialLearner.discriminatorMetrics(objective, codes))
    phases =
      Array(repeating: told, count: objective.discriminatorSteps) + [
        Phase(
          "generator", layout: networks.generatorLayout,
          metrics: AdversarialLearner.generatorMetrics(objective, codes))
      ]
  }

  private static func discriminatorMetrics(_ objective: AdversarialObjective, _ codes: LatentCodes) -> [String] {
    ["discriminator_loss", "real_accuracy", "generated_accuracy", "real_output", "generated_output"]
      + (objective.gradientPenalty > 0 ? ["gradient_penalty"] : []) + (objective.r1 > 0 ? ["r1"] : [])
      + (objective.drift > 0 ? ["drift"] : [])
      + (codes.categories > 0 ? ["code_accuracy"] : [])
  }

  /// Without `fooled` for a critic: its output has no zero that separates real from generated.
  private static func generatorMetrics(_ objective: AdversarialObjective, _ codes: LatentCodes) -> [String] {
    ["generator_loss", "sample_deviation"] + (objective.loss == .wasserstein ? [] : ["fooled"])
      + (objective.pathLength > 0 ? ["path_length", "path_penalty"] : [])
      + (codes.hasCodes ? ["information"] : [])
  }

  var learntCount: Int { generator.learntCount + discriminator.learntCount }
  var auxiliary: [FlatBuffer] { generator.descent.moments + discriminator.descent.moments }
  var dataStatistics: [FlatBuffer] { inputs.statistics + (shown.map { [$0] } ?? []) }
  var exampleCount: Int { inputs.train.count }

  var offers: Offers {
    var offers = Offers()
    offers.evaluation = { try self.evaluate(key: $0, with: $1) }
    offers.progress = { try self.progress(at: $0, key: $1, with: $2) }
    offers.export = { request, _ in try self.computations(request) }
    var latent = LatentOffer(
      styles: generator.style?.styleCount, classes: codes.classes > 0 ? labels!.shownNames : [],
      picture: { try self.sample($0, key: $1, with: $2) }, examples: { try self.examples($0, key: $1, with: $2) })
    if generator.style != nil { latent.project = { try self.project($0, with: $1) } }
    offers.sampling = SamplingOffer(
      picture: { try self.sample(LatentRequest(.draws($0)), key: $1, with: $2) },
      latent: latent)
    return offers
  }

  /// The standard deviation of a number over the rows, averaged over an example's numbers: 0 when all rows are alike.
  static func meanDeviation(of x: Tensor) -> Double {
    let rows = x.reshaped(to: [x.shape[0], x.count / x.shape[0]])
    let share = 1 / Float(rows.rows)
    let centred = rows.addingRow(rows.sumOfColumns() * -share)
    return Double(((centred.squared().sumOfColumns() * share).squareRoot()).mean().value)
  }

  /// Stored numbers as the networks see them.
  func scaled(_ rows: Tensor) -> Tensor { pixels ? rows * 2 - 1 : rows }

  /// How far the networks have grown, as the parameters say; nil: they do not grow.
  var present: Growth? { growth.map { _ in state.growth } }

  // MARK: Examples

  /// The discriminator's probability that a one-dimensional example is real, nil for a critic, which has none.
  func beliefs(at places: [Double]) -> [Double]? {
    guard objective.loss == .minimax || objective.loss == .nonSaturating else { return nil }
    let rows = Tensor(places.map { Float($0) }, [places.count, 1])
    let standardised = inputs.standardised(rows)
    let views = ParameterViews(discriminator.parameters)
    return discriminator.grown(to: present)(standardised, Pass(predictingWith: views)).output.sigmoid().values.map(
      Double.init)
  }

  /// The class of each of some examples, by their labels; empty where the networks receive no classes.
  func classes(of labels: ClassLabels?, _ examples: some Sequence<UInt32>) -> [Int] {
    codes.classes > 0 ? examples.map { Int(labels!.indices[Int($0)]) } : []
  }

  /// What the discriminator says of examples in the units of the data, and of their classes: its output, then its readings of
  /// codes.
  func scores(of rows: Tensor, _ classes: [Int]) -> Tensor {
    let x = codes.told(pixels ? scaled(rows) : inputs.standardised(rows), classes)
    return discriminator.grown(to: present)(x, Pass(predictingWith: ParameterViews(discriminator.parameters)))
  }

  /// Examples from latent rows, in the units of the data.
  func generated(from latents: Tensor) -> Tensor {
    let views = ParameterViews(average?.parameters ?? generator.parameters)
    return restored(generator.grown(to: present)(latents, Pass(predictingWith: views)))
  }

  /// Generated rows in the units of the data; pixels beyond black and white are held there.
  func restored(_ generated: Tensor) -> Tensor {
    let rows = generated.reshaped(to: [generated.shape[0], inputs.width])
    return pixels ? ((rows + 1) * 0.5).clamped(to: 0...1) : inputs.restored(rows)
  }
}

extension FlatBuffer {
  /// Goes a share of the way to other numbers of the same layout.
  func approach(_ target: FlatBuffer, by share: Float, with crew: Crew) throws {
    let block = 1 << 14  // both parts stay in the cache between the two kernels
    try crew.forEach((layout.count + block - 1) / block) { index, _ in
      let start = index * block
      let count = min(block, self.layout.count - start)
      let (mean, present) = (self.float32.baseAddress! + start, target.float32.baseAddress! + start)
      elbo_scale(mean, 1 - share, mean, count)
      elbo_axpy(share, present, mean, count)
    }
  }
}

extension Tensor {
  /// The first column, [n]: what the discriminator says; codes' readings follow it.
  var output: Tensor { columns(0..<1).reshaped(to: [rows]) }
}
