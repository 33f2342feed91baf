import Datasets
import Learners
import Networks
import Tensors
import Training

/// What a shard contributes to a step, and what becomes of the total.
extension AdversarialLearner {
  func contribute(_ contribution: Contribution, phase: Int, shard: Shard, of step: Step, on lane: Lane) throws {
    let isDiscriminators = phase < objective.discriminatorSteps
    let examples = shard.examples.shard(isDiscriminators ? phase : 0, of: objective.discriminatorSteps)
    contribution.examples = examples.count
    let values = contribution.values.float32
    guard examples.count > 0 else { return values.update(repeating: 0) }
    lane.tape.reset()
    let round = Round(
      examples: examples, indices: examples.indices, classes: classes(of: labels, examples.indices), key: step.key,
      number: UInt32(phase), lane: lane, gradient: values.baseAddress!, step: step.number,
      growth: growth?.growth(at: step.number * batch))
    let statistics =
      isDiscriminators
      ? discriminate(round, &contribution.metrics) : generate(round, &contribution.metrics)
    statistics.write(to: values.baseAddress!, examples: examples.count)
  }

  /// One shard's part of a phase.
  struct Round {
    let examples: Examples
    let indices: [UInt32]
    /// Of each example, and of the one that is generated beside it; empty where the networks receive no classes.
    let classes: [Int]
    let key: RandomKey
    let number: UInt32
    let lane: Lane
    let gradient: UnsafeMutablePointer<Float>
    /// The step's number, and how far the networks have grown in it.
    let step: Int
    let growth: Growth?

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
    let seen = shown(scaled(inputs.trainRows(round.examples, key: round.key(NoiseStream.binarisation))), round)
    let whole = view.always(seen, key: changes, examples: round.indices)
    let real = view.perhaps(whole, key: changes, examples: round.indices)
    let latents = codes.draw(round.key(NoiseStream.latent), examples: round.indices, classes: round.classes)
    let generated = view(
      generator.grown(to: round.growth)(
        latents, round.pass(ParameterViews(generator.parameters), BatchStatistics(), layerNoise: 0)),
      key: changes, examples: others)

    let views = ParameterViews(discriminator.parameters, on: tape, gradient: round.gradient)
    let statistics = BatchStatistics()
    let count = round.indices.count
    let outputs: (real: Tensor, generated: Tensor)
    let network = discriminator.grown(to: round.growth)
    if network.mixesExamples {
      outputs = (
        network(codes.told(real, round.classes), round.pass(views, statistics, layerNoise: 1)),
        network(codes.told(generated, round.classes), round.pass(views, statistics, layerNoise: 2))
      )
    } else {
      // One pass over both kinds: the weights go through the cache once.
      let pass = round.pass(views, statistics, layerNoise: 1, examples: round.indices + others)
      let both = network(real.joiningRows(generated), pass)
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
    if objective.drift > 0 {
      let drift = told.squared().sum() * objective.drift
      metrics["drift"] = Double(drift.value)
      loss = loss + drift
    }
    func slope(
      _ name: String, at points: Tensor, seen: (Tensor) -> Tensor = { $0 }, _ penalty: (Tensor) -> Tensor
    ) {
      let sum = objective.slopePenalty(at: points, on: tape, penalty) {
        network(codes.told(seen($0), round.classes), round.pass(views, BatchStatistics(), layerNoise: 1)).output
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
    let times = AdversarialObjective.times(objective.r1Interval, at: round.step)
    if objective.r1 * times > 0 {
      // Through the pipeline, as Karras et al. 2020 take it: D is to be flat where images are, not where it sees them.
      slope("r1", at: whole, seen: { view.perhaps($0, key: changes, examples: round.indices) }) {
        $0 * (0.5 * objective.r1 * times)
      }
    }
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
    let latents = codes.draw(round.key(NoiseStream.latent), examples: round.indices, classes: round.classes)
    let statistics = BatchStatistics()
    let views = ParameterViews(generator.parameters, on: tape, gradient: round.gradient)
    let generated = generator.grown(to: round.growth)(latents, round.pass(views, statistics, layerNoise: 0))
    let shown = view(generated, key: round.key(NoiseStream.augmentation), examples: round.indices)
    let outputs = discriminator.grown(to: round.growth)(
      codes.told(shown, round.classes),
      round.pass(ParameterViews(discriminator.parameters), BatchStatistics(), layerNoise: 1))
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
    let times = AdversarialObjective.times(objective.pathInterval, at: round.step)
    if objective.pathLength * times > 0, let style = generator.style {
      loss = loss + pathPenalty(round, style, views, times: times, &metrics)
    }
    tape.backward(from: loss)
    return statistics
  }

  /// Real examples as networks of this growth are shown them.
  private func shown(_ rows: Tensor, _ round: Round) -> Tensor {
    guard let growth, let present = round.growth else { return rows }
    let image = ImageLayout(shape: inputs.train.shape)
    return rows.reshaped(to: [rows.rows, image.height, image.width, image.channels])
      .faded(to: present, levels: growth.levels).reshaped(to: rows.shape)
  }

  /// Σ over examples of weight · (‖Jᵀ y‖ − a)², y noise of variance 1 / pixels and a the mean length so far (Karras et al. 2020,
  /// equation 4). It is taken of half of the examples, which stand for all.
  private func pathPenalty(
    _ round: Round, _ style: StyleGenerator, _ views: ParameterViews, times: Float, _ metrics: inout Sums
  ) -> Tensor {
    let half = Array(round.indices.prefix((round.indices.count + 1) / 2))
    let pass = round.pass(views, BatchStatistics(), layerNoise: 2, examples: half)
    let latents = codes.draw(
      round.key(NoiseStream.pathLength), examples: half, classes: Array(round.classes.prefix(half.count)))
    let columns = inputs.width
    let pixels = Float(columns / style.pyramid.channels)
    let noise = Tensor.normal(round.key(NoiseStream.pathLength + (1 << 16)), rows: half, columns: columns)
    let lengths = style.pathLengths(
      of: style.styles(of: latents, pass), along: noise * (1 / pixels.squareRoot()), on: round.lane.tape, pass)
    let share = times * Float(round.indices.count) / Float(half.count)
    let penalty = (lengths - state.pathLength).squared().sum() * (objective.pathLength * share)
    metrics["path_length"] = Double(lengths.detached.sum().value) * Double(share)
    metrics["path_penalty"] = Double(penalty.value)
    return penalty
  }

  // MARK: The total

  func absorb(_ total: Total, phase: Int, of step: Step, with crew: Crew) throws -> Verdict {
    guard total.examples > 0 else { return .goOn }
    if phase < objective.discriminatorSteps {
      let steps = objective.discriminatorSteps
      if phase == 0 { restartMoments(at: step.number) }
      let norm = try discriminator.absorb(
        total, update: step.number * steps + phase, of: step.total * steps, epoch: step.epoch,
        since: firstStep(like: step.number) * steps, clip: objective.clip, with: crew)
      if objective.loss != .wasserstein {
        let (real, generated) = (total.metrics["real_accuracy"], total.metrics["generated_accuracy"])
        watch.told(real: real / Double(total.examples), generated: generated / Double(total.examples))
      }
      view.probability.absorb(
        told: total.metrics["real_accuracy"], of: total.examples, step: step.number, isLast: phase == steps - 1)
      return Verdict(metrics: view.probability.metrics.merging(["discriminator_gradient_norm": norm]) { $1 })
    }
    let norm = try generator.absorb(
      total, update: step.number, of: step.total, epoch: step.epoch, since: firstStep(like: step.number), with: crew)
    if let average {
      // Early on the average follows closely: else it would hold on to its start for thousands of steps.
      let decay = min(average.decay, Double(1 + step.number) / Double(10 + step.number))
      try average.parameters.approach(generator.parameters, by: Float(1 - decay), with: crew)
    }
    var reported = state.absorb(
      growth: growth?.growth(at: step.number * batch),
      pathLength: objective.pathLength > 0 && step.number.isMultiple(of: objective.pathInterval)
        ? total.metrics["path_length"] / Double(total.examples * objective.pathInterval) : nil)
    reported["generator_gradient_norm"] = norm
    watch.generated(deviation: total.metrics["sample_deviation"] / Double(total.examples))
    let (metrics, cause) = watch.alarm
    let early = step.number == 0 ? shortfall(of: step.total) : nil
    return Verdict(metrics: metrics.merging(reported) { $1 }, alarm: cause ?? view.probability.alarm ?? early)
  }

  /// The first step in which the networks are in the same stretch of their growth.
  private func firstStep(like number: Int) -> Int {
    guard let growth else { return 0 }
    return (growth.start(ofStretch: growth.stretch(at: number * batch)) + batch - 1) / batch
  }

  /// Says what a training of so few steps leaves out.
  private func shortfall(of steps: Int) -> String? {
    if let cause = objective.rarePenalty(steps: steps) { return cause }
    guard let growth, (steps - 1) * batch < growth.length else { return nil }
    let sizes = growth.growth(at: (steps - 1) * batch)
    return "the training ends at size \(sizes.level + 1) of \(growth.levels): networks are complete after "
      + "\((growth.length + batch - 1) / batch) steps; take more, or lower network.stable_examples and fading_examples"
  }

  /// What the optimizers remember is of other networks when a size begins to fade in, or has (Karras et al. 2018,
  /// section 3).
  private func restartMoments(at number: Int) {
    guard growth != nil, number > 0, firstStep(like: number) == number else { return }
    for moment in auxiliary { moment.float32.update(repeating: 0) }
  }
}
