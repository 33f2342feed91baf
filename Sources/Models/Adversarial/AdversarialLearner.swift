import CKernels
import Datasets
import Figures
import Networks
import Recipes
import Tensors
import Training

/// Two networks, one of which generates examples from noise while the other tells them from real ones.
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
  let inputs: Inputs
  let codes: LatentCodes
  /// Of training and test examples; nil: what samples are like cannot be told.
  let labels: ClassLabels?
  let testLabels: ClassLabels?
  /// How many test examples samples are compared with.
  let evaluatedExamples: Int
  private let objective: AdversarialObjective
  private let augmentation: Augmentation
  let generator: Player
  let discriminator: Player
  /// The generator's moving average and its decay.
  let average: (parameters: FlatBuffer, decay: Double)?
  private let watch: CollapseWatch
  /// The first training examples of one or two numbers, in the units of the data, which pictures show beside samples.
  let shown: FlatBuffer?
  /// Whether examples are images of bytes, which are taken to −1…1.
  let pixels: Bool

  init(_ recipe: Recipe, data: Dataset, seed: UInt64, defaults: Defaults) throws {
    inputs = try Inputs(data, recipe["data"])
    pixels = inputs.normalization == .unit && inputs.train.kind == .uint8
    codes = try LatentCodes(recipe, informed: defaults.hasCodes)
    objective = try AdversarialObjective(
      recipe["objective"], loss: defaults.loss, discriminatorSteps: defaults.discriminatorSteps, clip: defaults.clip,
      gradientPenalty: defaults.gradientPenalty)
    augmentation = try Augmentation(recipe["objective"], shape: inputs.train.shape)
    let networks = try AdversarialNetworks(
      recipe["network"],
      .init(
        latent: codes.width, example: ImageLayout(shape: inputs.train.shape), outputs: 1 + codes.outputs,
        isBounded: pixels),
      architecture: defaults.architecture)
    let decay = try recipe["objective"].number("generator_average", default: 0.999, in: 0...0.999_999)

    var layout = Layout()
    let starts = (
      generator: layout.add(networks.generatorLayout), discriminator: layout.add(networks.discriminatorLayout)
    )
    let averageStart = decay > 0 ? layout.add(networks.generatorLayout, prefix: "average.") : 0
    let whole = FlatBuffer("parameters", layout)
    parameters = whole
    func part(_ name: String, _ layout: Layout, _ start: Int) -> FlatBuffer {
      FlatBuffer(name, layout, of: whole, from: start)
    }
    recipe.inherit("discriminator_optimizer", from: "optimizer")
    generator = Player(
      network: networks.generator, parameters: part("generator", networks.generatorLayout, starts.generator),
      descent: try GradientDescent(recipe, parameters: networks.generatorLayout))
    discriminator = Player(
      network: networks.discriminator,
      parameters: part("discriminator", networks.discriminatorLayout, starts.discriminator),
      descent: try GradientDescent(
        recipe, section: "discriminator_optimizer", parameters: networks.discriminatorLayout),
      frozenLayers: try recipe["objective"].frozenLayers(of: networks.discriminatorLayout))
    // Different numbers for both: streams of initial parameters are told apart by a slot's number in its layout.
    generator.network.initialize(generator.parameters, seed: seed)
    discriminator.network.initialize(discriminator.parameters, seed: seed ^ 0x9E37_79B9_7F4A_7C15)
    average = decay > 0 ? (part("average", networks.generatorLayout, averageStart), decay) : nil
    average?.parameters.copy(from: generator.parameters)

    (labels, testLabels) = (data.train.labels, data.test?.labels)
    let examples = try recipe["evaluate"].integer("examples", default: 2000, in: 0...1_000_000)
    evaluatedExamples = testLabels == nil ? 0 : min(examples, inputs.test?.count ?? 0)

    var deviation = 0.0
    if data.reference == nil {
      let sample = min(inputs.train.count, 1000)
      let rows = inputs.trainRows(.range(0..<sample), key: RandomKey(seed: seed))
      deviation = AdversarialLearner.meanDeviation(of: pixels ? rows * 2 - 1 : rows)
    }
    watch = CollapseWatch(dataDeviation: deviation)
    shown = inputs.width <= 2 ? AdversarialLearner.shownRows(inputs, data) : nil

    let batch = try recipe.batch(examples: data.trainingCount / objective.discriminatorSteps)
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
      + (codes.categories > 0 ? ["code_accuracy"] : [])
  }

  /// Of a critic nobody can say whether it is fooled: its output has no zero.
  private static func generatorMetrics(_ objective: AdversarialObjective, _ codes: LatentCodes) -> [String] {
    ["generator_loss", "sample_deviation"] + (objective.loss == .wasserstein ? [] : ["fooled"])
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
    offers.sampling = SamplingOffer(
      picture: { try self.sample(LatentRequest(.draws($0)), key: $1, with: $2) },
      latent: LatentOffer(
        picture: { try self.sample($0, key: $1, with: $2) }, examples: { try self.examples($0, key: $1, with: $2) }))
    return offers
  }

  // MARK: A step

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    let isDiscriminators = phase < objective.discriminatorSteps
    let examples = shard.examples.shard(isDiscriminators ? phase : 0, of: objective.discriminatorSteps)
    contribution.examples = examples.count
    let values = contribution.values.float32
    guard examples.count > 0 else { return values.update(repeating: 0) }
    lane.tape.reset()
    let round = Round(
      examples: examples, indices: examples.indices, key: step.key, number: UInt32(phase), lane: lane,
      gradient: values.baseAddress!)
    let statistics =
      isDiscriminators
      ? discriminate(round, &contribution.metrics) : generate(round, &contribution.metrics)
    statistics.write(to: values.baseAddress!, examples: examples.count)
  }

  /// One shard's part of a phase.
  private struct Round {
    let examples: Examples
    let indices: [UInt32]
    let key: RandomKey
    let number: UInt32
    let lane: Lane
    let gradient: UnsafeMutablePointer<Float>

    func key(_ stream: UInt32) -> RandomKey { key.at(tensor: stream + number) }
    /// - Parameter layerNoise: keeps apart the noise of several passes of a phase.
    func pass(
      _ views: ParameterViews, _ statistics: BatchStatistics, layerNoise: UInt32, examples: [UInt32]? = nil
    ) -> Pass {
      let start = NoiseStream.activations + ((3 * number + layerNoise) << 8)
      return Pass(
        trainingWith: views, statistics: statistics, key: key.at(tensor: start), examples: examples ?? indices)
    }
  }

  private func discriminate(_ round: Round, _ metrics: inout Sums) -> BatchStatistics {
    let tape = round.lane.tape
    // Noise of generated examples is that of other numbers than the real ones'.
    let others = round.indices.map { ~$0 }
    let changes = round.key(NoiseStream.augmentation)
    let real = augmentation(
      scaled(inputs.trainRows(round.examples, key: round.key(NoiseStream.binarisation))), key: changes,
      examples: round.indices)
    let latents = codes.draw(round.key(NoiseStream.latent), examples: round.indices)
    let generated = augmentation(
      generator.network(
        latents, round.pass(ParameterViews(generator.parameters), BatchStatistics(), layerNoise: 0)),
      key: changes, examples: others)

    let views = ParameterViews(discriminator.parameters, on: tape, gradient: round.gradient)
    let statistics = BatchStatistics()
    let count = round.indices.count
    let outputs: (real: Tensor, generated: Tensor)
    if discriminator.network.mixesExamples {
      outputs = (
        discriminator.network(real, round.pass(views, statistics, layerNoise: 1)),
        discriminator.network(generated, round.pass(views, statistics, layerNoise: 2))
      )
    } else {
      // One pass over both kinds: the weights go through the cache once.
      let pass = round.pass(views, statistics, layerNoise: 1, examples: round.indices + others)
      let both = discriminator.network(real.joiningRows(generated), pass)
      outputs = (both.rows(0..<count), both.rows(count..<2 * count))
    }
    let (told, invented) = (outputs.real.output, outputs.generated.output)
    var loss = objective.discriminatorLoss(real: told, generated: invented)
    let threshold = objective.threshold(real: told, generated: invented)
    metrics["discriminator_loss"] = Double(loss.value)
    metrics["real_accuracy"] = Double(told.buffer.count { $0 > threshold })
    metrics["generated_accuracy"] = Double(invented.buffer.count { $0 <= threshold })
    metrics["real_output"] = Double(told.detached.sum().value)
    metrics["generated_output"] = Double(invented.detached.sum().value)
    func slope(_ name: String, at points: Tensor, _ penalty: (Tensor) -> Tensor) {
      let sum = objective.slopePenalty(at: points, on: tape, penalty) {
        discriminator.network($0, round.pass(views, BatchStatistics(), layerNoise: 1)).output
      }.sum()
      metrics[name] = Double(sum.value)
      loss = loss + sum
    }
    if objective.gradientPenalty > 0 {
      let share = Tensor.uniform(round.key(NoiseStream.penalty), rows: round.indices, columns: 1).reshaped(to: [count])
      let flat = Shape([count, inputs.width])
      let (x, y) = (real.reshaped(to: flat), generated.reshaped(to: flat))
      let between = x.multiplyingColumn(share) + y.multiplyingColumn(1 - share)
      slope("gradient_penalty", at: between.reshaped(to: real.shape)) {
        (($0 + 1e-12).squareRoot() - 1).squared() * objective.gradientPenalty
      }
    }
    if objective.r1 > 0 { slope("r1", at: real) { $0 * (0.5 * objective.r1) } }
    if codes.hasCodes {
      let reading = codes.read(outputs.generated.columns(1..<1 + codes.outputs), latents: latents)
      loss = loss - reading.weighted
      if codes.categories > 0 { metrics["code_accuracy"] = Double(reading.hits) }
    }
    tape.backward(from: loss)
    return statistics
  }

  private func generate(_ round: Round, _ metrics: inout Sums) -> BatchStatistics {
    let tape = round.lane.tape
    let latents = codes.draw(round.key(NoiseStream.latent), examples: round.indices)
    let statistics = BatchStatistics()
    let views = ParameterViews(generator.parameters, on: tape, gradient: round.gradient)
    let generated = generator.network(latents, round.pass(views, statistics, layerNoise: 0))
    let shown = augmentation(generated, key: round.key(NoiseStream.augmentation), examples: round.indices)
    let outputs = discriminator.network(
      shown, round.pass(ParameterViews(discriminator.parameters), BatchStatistics(), layerNoise: 1))
    let output = outputs.output
    var loss = objective.generatorLoss(output)
    metrics["generator_loss"] = Double(loss.value)
    metrics["sample_deviation"] =
      AdversarialLearner.meanDeviation(of: generated.detached) * Double(round.indices.count)
    if objective.loss != .wasserstein {
      let threshold = objective.threshold(real: output, generated: output)
      metrics["fooled"] = Double(output.buffer.count { $0 > threshold })
    }
    if codes.hasCodes {
      let reading = codes.read(outputs.columns(1..<1 + codes.outputs), latents: latents)
      loss = loss - reading.weighted
      metrics["information"] = reading.logLikelihood + Double(round.indices.count) * codes.entropy
    }
    tape.backward(from: loss)
    return statistics
  }

  /// The standard deviation of a number over the rows, averaged over an example's numbers: 0 when all rows are alike.
  private static func meanDeviation(of x: Tensor) -> Double {
    let rows = x.reshaped(to: [x.shape[0], x.count / x.shape[0]])
    let share = 1 / Float(rows.rows)
    let centred = rows.addingRow(rows.sumOfColumns() * -share)
    return Double(((centred.squared().sumOfColumns() * share).squareRoot()).mean().value)
  }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    guard total.examples > 0 else { return .goOn }
    if phase < objective.discriminatorSteps {
      let steps = objective.discriminatorSteps
      let norm = try discriminator.absorb(
        total, update: step.number * steps + phase, of: step.total * steps, epoch: step.epoch, clip: objective.clip,
        with: crew)
      if objective.loss != .wasserstein {
        let (real, generated) = (total.metrics["real_accuracy"], total.metrics["generated_accuracy"])
        watch.told(real: real / Double(total.examples), generated: generated / Double(total.examples))
      }
      return Verdict(metrics: ["discriminator_gradient_norm": norm])
    }
    let norm = try generator.absorb(
      total, update: step.number, of: step.total, epoch: step.epoch, with: crew)
    if let average {
      // Early on the average follows closely: else it would hold on to its start for thousands of steps.
      let decay = min(average.decay, Double(1 + step.number) / Double(10 + step.number))
      try average.parameters.approach(generator.parameters, by: Float(1 - decay), with: crew)
    }
    watch.generated(deviation: total.metrics["sample_deviation"] / Double(total.examples))
    let (metrics, cause) = watch.alarm
    return Verdict(metrics: metrics.merging(["generator_gradient_norm": norm]) { $1 }, alarm: cause)
  }

  /// Stored numbers as the networks see them.
  private func scaled(_ rows: Tensor) -> Tensor { pixels ? rows * 2 - 1 : rows }

  // MARK: Examples

  /// The discriminator's probability that a one-dimensional example is real, nil for a critic, which has none.
  func beliefs(at places: [Double]) -> [Double]? {
    guard objective.loss == .minimax || objective.loss == .nonSaturating else { return nil }
    let rows = Tensor(places.map { Float($0) }, [places.count, 1])
    let standardised = inputs.standardised(rows)
    let views = ParameterViews(discriminator.parameters)
    return discriminator.network(standardised, Pass(predictingWith: views)).output.sigmoid().values.map(Double.init)
  }

  /// What the discriminator says of examples in the units of the data: its output, then its readings of codes.
  func scores(of rows: Tensor) -> Tensor {
    let x = pixels ? scaled(rows) : inputs.standardised(rows)
    return discriminator.network(x, Pass(predictingWith: ParameterViews(discriminator.parameters)))
  }

  /// Examples from latent rows, in the units of the data.
  func generated(from latents: Tensor) -> Tensor {
    let views = ParameterViews(average?.parameters ?? generator.parameters)
    let x = generator.network(latents, Pass(predictingWith: views))
    let rows = x.reshaped(to: [latents.rows, inputs.width])
    return pixels ? (rows + 1) * 0.5 : inputs.restored(rows)
  }
}

extension FlatBuffer {
  /// Goes a share of the way to other numbers of the same layout.
  fileprivate func approach(_ target: FlatBuffer, by share: Float, with crew: Crew) throws {
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
  fileprivate var output: Tensor { columns(0..<1).reshaped(to: [rows]) }
}
