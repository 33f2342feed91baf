import CKernels
import Datasets
import Figures
import Learners
import Networks
import Recipes
import Synchronization
import Tensors
import Training

/// A network with a posterior over its weights. What is minimized over an epoch is KL(q ‖ p) − Σ E_q log p(y | x, w);
/// `Complexity` sets the part of it that a step takes.
///
/// The expectation is estimated by one draw of the weights for all shards (`scope: step`: only ∂nll/∂w travels, and the
/// prior's gradient is added when the total is absorbed), by one for each shard (`scope: shard`), or without drawing
/// weights for the data at all (local reparameterisation, Flipout).
final class VariationalLearner: Supervised {
  enum Estimator: String, CaseIterable {
    case weights, local, flipout
  }
  enum Scope: String, CaseIterable { case step, shard }
  enum Divergence: String, CaseIterable {
    /// Closed where there is a closed form.
    case automatic, closed
    case sampled
  }

  let parameters: FlatBuffer
  let order: Order.Kind
  let supervision: Supervision
  let posterior: VariationalPosterior
  let complexity: Complexity
  let estimator: Estimator
  let scope: Scope
  let isClosed: Bool
  let evaluationSamples: Int

  let network: LayerStack
  let likelihood: any Likelihood
  private let descent: PosteriorDescent
  /// The draw of a step; the means, for the estimators without one. Written in `prepare` alone.
  private let draw: FlatBuffer
  /// σ² (local) or w − μ (Flipout).
  private let spread: FlatBuffer?
  /// The μ, for the estimators that compute with them.
  private let means: FlatBuffer?
  /// The complexity cost at the step's draw, or in closed form.
  private let cost = Mutex(0.0)
  /// Draws of shards that are being computed; as many as there are lanes.
  private let storage = Mutex<[FlatBuffer]>([])

  init(_ model: any NetworkModel.Type, _ recipe: Recipe, data: Dataset, seed: UInt64) throws {
    supervision = try model.supervision(recipe, data)
    let isRegression = if case .values = supervision.kind { true } else { false }
    let objective = recipe["objective"]
    let section = recipe["network"]
    var likelihood = try model.likelihood(objective, supervision)
    try supervision.check(likelihood)
    var layout = Layout()
    network = try model.network(
      section, input: supervision.inputs.shape, outputs: likelihood.outputs, name: "layers", layout: &layout)
    likelihood.addSlots(to: &layout, prefix: "")
    self.likelihood = likelihood
    let running = Set(network.runningStatistics.map(\.slot.name))
    posterior = VariationalPosterior(
      over: layout, plain: Set((network.pointSlots + likelihood.slots).map(\.name)).subtracting(running),
      running: running, prior: try WeightPrior(objective))

    estimator = try objective.choice("estimator", default: .weights)
    scope = try objective.choice("scope", default: .step)
    let divergence = try objective.choice("divergence", default: Divergence.automatic)
    guard divergence != .closed || posterior.prior.gaussianDeviation != nil else {
      throw RecipeError(
        "objective.divergence is closed, which only a gaussian prior has: set it to automatic or sampled")
    }
    isClosed = divergence != .sampled && posterior.prior.gaussianDeviation != nil
    complexity = try Complexity(objective, examples: data.trainingCount)

    parameters = FlatBuffer("parameters", posterior.parameters)
    draw = FlatBuffer("draw", layout)
    means = estimator == .weights ? nil : FlatBuffer("means", layout)
    spread = estimator == .weights ? nil : FlatBuffer("spread", layout)
    network.initialize(draw, seed: seed)
    if let bound = try section.optionalNumber("initial_mean_bound", in: 1e-12...1e3) {
      for entry in posterior.entries where entry.rho != nil {
        Initialization.uniform(Float(bound)).fill(entry.weight, of: draw, seed: seed, fanIn: 1, fanOut: 1)
      }
    }
    likelihood.initialize(draw, seed: seed)
    let deviation = try section.number("initial_deviation", default: 0.02, in: 1e-12...1e3)
    posterior.initialize(parameters, from: draw, deviation: deviation)
    order = .shuffled(batch: try recipe.batch(examples: data.trainingCount, default: isRegression ? 32 : 128))
    descent = PosteriorDescent(
      posterior: posterior, descent: try GradientDescent(recipe, parameters: posterior.parameters))
    evaluationSamples = try recipe["evaluate"].integer("samples", default: 16, in: 1...1_000_000)
  }

  var auxiliary: [FlatBuffer] { descent.descent.moments }

  /// Whether each shard's own (a, b) sums travel, not one ∂nll/∂w.
  private var hasPairs: Bool { estimator != .weights || scope == .shard }
  /// Whether one draw of the weights is made for all shards.
  private var hasStepDraw: Bool { scope == .step || estimator == .local }

  var phases: [Phase] {
    let layout = hasPairs ? PosteriorDescent.pairs(of: posterior.weights) : posterior.weights
    return [Phase("gradient", layout: layout, metrics: ["elbo", "nll", "kl"])]
  }

  // MARK: Training

  private static let blockLength = Total.blockLength

  private func drawKey(_ step: Step, scope index: Int) -> RandomKey {
    step.key.at(tensor: NoiseStream.weights).at(sample: UInt32(index))
  }

  func prepare(phase: Int, of step: Step, with crew: Crew) throws {
    let key = drawKey(step, scope: 0)
    // The prior's density matters at the step's draw unless the divergence is closed.
    let needsDraw = hasStepDraw && (estimator != .local || !isClosed)
    let total = try crew.sumOverBlocks(of: posterior.weights.count) { [self] range in
      var sum = 0.0
      if let means { posterior.means(range, into: means, from: parameters) }
      if needsDraw {
        sum = posterior.draw(range, of: draw, from: parameters, key: key, withDensities: !isClosed)
      }
      if isClosed { sum = posterior.divergence(range, of: parameters)! }
      if let spread {
        if estimator == .local {
          posterior.variances(range, into: spread, from: parameters)
        } else if needsDraw {
          subtract(means!, from: draw, into: spread, range)
        }
      }
      return sum
    }
    cost.withLock { $0 = total }
  }

  private func subtract(_ a: FlatBuffer, from b: FlatBuffer, into y: FlatBuffer, _ range: Range<Int>) {
    elbo_sub(
      b.float32.baseAddress! + range.lowerBound, a.float32.baseAddress! + range.lowerBound,
      y.float32.baseAddress! + range.lowerBound, range.count)
  }

  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    let examples = shard.examples.indices
    let tape = lane.tape
    tape.reset()
    let x = supervision.inputs.trainRows(shard.examples, key: step.key.at(tensor: NoiseStream.binarisation))
    let a = contribution.values.float32.baseAddress!
    let b = a + posterior.weights.count
    let share = Double(examples.count) / Double(step.examples.count)
    let noise = step.key.at(tensor: NoiseStream.activations)
    let statistics = BatchStatistics()

    func backward(_ weights: WeightPolicy) -> Double {
      let pass = Pass(weights, statistics: statistics, key: unitNoise(step.key), examples: examples)
      let loss = likelihood.loss(
        network(x, pass), supervision, epochs: step.epochsPassed,
        Pass(.given(pass.parameters), key: step.key.at(tensor: NoiseStream.logits), examples: examples)
      ).sum()
      tape.backward(from: loss)
      return Double(loss.value)
    }

    var divergence = cost.withLock { $0 }
    let loss: Double
    switch (estimator, scope) {
    case (.weights, .step):
      loss = backward(.given(ParameterViews(draw, on: tape, gradient: a)))
    case (.weights, .shard):
      let own = takeStorage()
      defer { giveStorage(own) }
      let ratio = drawAll(own, key: drawKey(step, scope: shard.index))
      if !isClosed { divergence = ratio }
      loss = backward(.given(ParameterViews(own, on: tape, gradient: a)))
      makePairs(a, b, draw: own, share: share, step: step)
    case (.local, _):
      let means = ParameterViews(means!, on: tape, gradient: a)
      let variances = ParameterViews(spread!, on: tape, gradient: b)
      loss = backward(
        .localReparameterization(LocalReparameterization(means: means, variances: variances, key: noise)))
      // b is ∂nll/∂σ²; with dσ²/dρ = 2 σ² · σ′/σ it becomes what a (w − μ) sums to in the others.
      let count = posterior.weights.count
      elbo_mul(b, spread!.float32.baseAddress, b, count)
      elbo_scale(b, 2, b, count)
    case (.flipout, _):
      let own = scope == .step ? spread! : takeStorage()
      if scope == .shard {
        let ratio = drawAll(own, key: drawKey(step, scope: shard.index))
        if !isClosed { divergence = ratio }
      }
      // Under `shard` the draw itself is needed for the prior, so the deviations get a buffer of their own.
      let deviations = scope == .step ? spread! : takeStorage()
      if scope == .shard { subtract(means!, from: own, into: deviations, 0..<posterior.weights.count) }
      let means = ParameterViews(means!, on: tape, gradient: a)
      let views = ParameterViews(deviations, on: tape, gradient: b)
      loss = backward(.flipout(Flipout(means: means, deviations: views, key: noise)))
      // b is ∂nll/∂Δ, and Δ = w − μ.
      elbo_mul(b, deviations.float32.baseAddress, b, posterior.weights.count)
      if scope == .shard {
        if !isClosed { addPrior(a, b, draw: own, share: share, step: step) }
        giveStorage(own)
        giveStorage(deviations)
      }
    }
    statistics.write(to: a, examples: examples.count)
    let count = Double(examples.count)
    contribution.metrics["nll"] += loss
    contribution.metrics["kl"] += divergence * count
    contribution.metrics["elbo"] -= loss + divergence * count / Double(complexity.examples)
  }

  /// The cost in units of the sums, before they are scaled.
  private func costOfShard(_ share: Double, _ step: Step) -> Float {
    isClosed ? 0 : Float(complexity.cost(step) / complexity.scale(step) * share)
  }

  /// From ∂nll/∂w in a to a with the prior's part and b = a (w − μ).
  private func makePairs(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, draw: FlatBuffer, share: Double, step: Step
  ) {
    var prior = posterior.prior.kernel
    let (mu, w) = (parameters.float32.baseAddress!, draw.float32.baseAddress!)
    for entry in posterior.entries where entry.rho != nil {
      let place = entry.weight.offset
      withUnsafePointer(to: &prior) { prior in
        elbo_posterior_share(
          mu + entry.mean.offset, w + place, a + place, costOfShard(share, step), isClosed ? nil : prior, a + place,
          b + place, entry.weight.shape.count)
      }
    }
  }

  /// Adds the prior's part at a shard's draw to sums that hold the data's.
  private func addPrior(
    _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, draw: FlatBuffer, share: Double, step: Step
  ) {
    let own = takeStorage()
    let spread = takeStorage()
    defer {
      giveStorage(own)
      giveStorage(spread)
    }
    let (pull, turn) = (own.float32.baseAddress!, spread.float32.baseAddress!)
    pull.update(repeating: 0, count: posterior.weights.count)
    turn.update(repeating: 0, count: posterior.weights.count)
    makePairs(pull, turn, draw: draw, share: share, step: step)
    elbo_add(a, pull, a, posterior.weights.count)
    elbo_add(b, turn, b, posterior.weights.count)
  }

  private func drawAll(_ weights: FlatBuffer, key: RandomKey) -> Double {
    let count = posterior.weights.count
    return TreeSum.of(
      stride(from: 0, to: count, by: Self.blockLength).map { start in
        posterior.draw(
          start..<min(start + Self.blockLength, count), of: weights, from: parameters, key: key,
          withDensities: !isClosed)
      })
  }

  private func takeStorage() -> FlatBuffer {
    storage.withLock { $0.popLast() } ?? FlatBuffer("draw", posterior.weights)
  }

  private func giveStorage(_ buffer: FlatBuffer) { storage.withLock { $0.append(buffer) } }

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    let prior: PosteriorDescent.PriorPart =
      isClosed ? .closedForm : estimator != .local && scope == .shard ? .inSums : .atDraw(draw)
    let sums = PosteriorDescent.Sums(
      hasPairs: hasPairs, draw: draw, scale: complexity.scale(step), cost: complexity.cost(step), prior: prior)
    let averages = RunningAverages(
      network.runningStatistics, of: parameters, takenFrom: total, at: posterior.mean(of:), leavingZeros: false)
    try descent.absorb(total, sums: sums, into: parameters, step: step, with: crew)
    averages.write(to: parameters)
    return Verdict(metrics: ["temperature": complexity.weight])
  }

  /// The key of layers that draw noise of their own, apart from that of weights.
  private func unitNoise(_ key: RandomKey) -> RandomKey { key.at(tensor: NoiseStream.activations + (1 << 16)) }

  // MARK: Prediction

  var offers: Offers {
    var offers = supervisedOffers
    offers.pruning = self
    offers.documents = { try self.documents(with: $0) }
    return offers
  }

  let distinctSamples: Int? = nil

  func makeSampleStorage() -> FlatBuffer? { FlatBuffer("draw", posterior.weights) }

  func draw(_ sample: Int, into storage: FlatBuffer?, key: RandomKey, with crew: Crew) throws {
    let count = posterior.weights.count
    let key = key.ofSample(sample).at(tensor: NoiseStream.weights)
    try crew.forEachBlock(of: count) { [self] range in
      posterior.draw(range, of: storage!, from: parameters, key: key, withDensities: false)
    }
  }

  func predict(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    likelihood.prediction(
      outputs(x, examples: examples, sample: sample, with: storage!, key: key), supervision,
      likelihoodPass(storage!, key: key.ofSample(sample), examples: examples))
  }

  func measured<Measure>(
    _ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey,
    by measure: (any Likelihood, Tensor, Answers, Pass) -> Measure
  ) -> Measure {
    measure(
      likelihood, outputs(x, examples: examples, sample: sample, with: storage!, key: key),
      likelihood.answers(examples, of: .test, supervision),
      likelihoodPass(storage!, key: key.ofSample(sample), examples: examples))
  }

  private func likelihoodPass(_ draw: FlatBuffer, key: RandomKey, examples: [UInt32]) -> Pass {
    Pass(.given(ParameterViews(draw)), key: key.at(tensor: NoiseStream.logits), examples: examples)
  }

  func logits(_ x: Tensor, examples: [UInt32], sample: Int, with storage: FlatBuffer?, key: RandomKey) -> Tensor {
    outputs(x, examples: examples, sample: sample, with: storage!, key: key).columns(0..<supervision.width)
  }

  private func outputs(
    _ x: Tensor, examples: [UInt32], sample: Int, with draw: FlatBuffer, key: RandomKey
  ) -> Tensor {
    network(x, Pass(.given(ParameterViews(draw)), key: unitNoise(key.ofSample(sample)), examples: examples))
  }

  func figures(with crew: Crew, key: RandomKey) throws -> [Figure] {
    try PosteriorFigures.all(posterior, parameters) + predictiveFigures(with: crew, key: key)
  }
}

extension RandomKey {
  /// The key of a prediction's sample; training's steps lie below.
  package func ofSample(_ sample: Int) -> RandomKey { at(step: 0x8000_0000 | UInt32(sample)) }
}
