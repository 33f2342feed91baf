import Networks
import Optimizers
import Recipes
import Tensors
import Training

// The keys of `optimizer`, `train` and `network` that models share.

extension Recipe {
  /// `train.batch`: examples a step.
  package func batch(examples: Int, default batch: Int = 100) throws -> Int {
    let batch = try self["train"].integer("batch", default: batch, in: 1...1_000_000_000)
    guard batch > examples else { return batch }
    guard examples > 0 else {
      throw RecipeError("there are fewer training examples than objective.discriminator_steps: lower it")
    }
    remark("train.batch is \(batch), more than the \(examples) training examples: each step takes all of them")
    return examples
  }
}

extension Recipe {
  /// How many steps `train.steps` or `train.epochs` come to.
  /// - Throws: `RecipeError` unless one of the two is set.
  public func plannedSteps(perEpoch: Int) throws -> Int {
    exclude("train.steps", "train.epochs")
    let epochs = try self["train"].optionalInteger("epochs", in: 1...1_000_000_000)
    let steps = try self["train"].optionalInteger("steps", in: 1...1_000_000_000_000)
    guard (epochs == nil) != (steps == nil) else {
      throw RecipeError("set either train.epochs or train.steps, not \(epochs == nil ? "neither" : "both")")
    }
    return steps ?? epochs! * perEpoch
  }
}

extension RecipeSection {
  /// `network.activation`.
  package func nonlinearity(default value: NonlinearityName = .relu) throws -> Nonlinearity {
    try choice("activation", default: value).nonlinearity
  }

  /// `optimizer.learning_rate`.
  package func learningRate(default value: Double = 1e-3) throws -> Double {
    try number("learning_rate", default: value, in: 0...1e6)
  }

  private enum DecayName: String, CaseIterable {
    case constant, cosine, linear, step, exponential, epochs, cycles, averaging
  }

  /// `optimizer.schedule` and what belongs to it.
  package func schedule() throws -> Schedule {
    // So that `schedule` alone can be changed of a recipe that says more of its own.
    passOver(["floor", "step_every", "step_factor", "steady_epochs", "cycles", "start"])
    func floor(_ value: Double) throws -> Double { try number("floor", default: value, in: 0...1) }
    let decay: Schedule.Decay
    switch try choice("schedule", default: DecayName.constant) {
    case .constant: decay = .constant
    case .cosine: decay = .cosine(floor: try floor(0))
    case .linear: decay = .linear(floor: try floor(0))
    case .step:
      decay = .steps(
        every: try integer("step_every", default: 10_000, in: 1...1_000_000_000),
        factor: try number("step_factor", default: 0.1, in: 0...1))
    case .exponential: decay = .exponential(factor: try number("step_factor", default: 0.9999, in: 0...1))
    case .epochs:
      decay = .epochs(
        steady: try integer("steady_epochs", default: 4, in: 0...1_000_000_000),
        factor: try number("step_factor", default: 0.5, in: 0...1))
    case .cycles: decay = .cycles(try integer("cycles", default: 4, in: 1...1000), floor: try floor(0))
    case .averaging:
      decay = .averaging(start: try number("start", default: 0.5, in: 0.01...0.99), floor: try floor(0.2))
    }
    return Schedule(decay, warmupSteps: try integer("warmup_steps", default: 0, in: 0...1_000_000_000))
  }
}

extension GradientDescent {
  private enum RuleName: String, CaseIterable {
    case sgd, momentum, nesterov, adagrad, adam
    case rmsProp = "rmsprop"
    case adamW = "adamw"
  }

  /// Reads the rate and its schedule alone, for a rule that is none of `optimizer.name`: no moments are kept.
  package convenience init(ratesOf recipe: Recipe, parameters: Layout) throws {
    let section = recipe["optimizer"]
    self.init(
      Optimizer(.sgd), learningRate: try section.learningRate(default: 0.1), schedule: try section.schedule(),
      clipping: .none,
      parameters: parameters)
  }

  /// Reads the `optimizer` section.
  /// - Parameters:
  ///   - name: another section of the same keys.
  ///   - decay: a weight decay that follows from the model, in place of the recipe's.
  package convenience init(
    _ recipe: Recipe, section name: String = "optimizer", parameters: Layout, weightDecay decided: Double? = nil
  ) throws {
    let section = recipe[name]
    let name: RuleName = try section.choice("name", default: .adam)
    let rule: Optimizer.Rule
    switch name {
    case .sgd: rule = .sgd
    case .momentum, .nesterov:
      rule = .momentum(try section.number("momentum", default: 0.9, in: 0...1), nesterov: name == .nesterov)
    case .adagrad: rule = .adagrad(epsilon: try section.number("epsilon", default: 1e-10, in: 0...1))
    case .rmsProp:
      rule = .rmsProp(
        decay: try section.number("decay", default: 0.99, in: 0...1),
        epsilon: try section.number("epsilon", default: 1e-8, in: 0...1))
    case .adam, .adamW:
      let beta1 = try section.number("beta1", default: 0.9, in: 0...0.999_999_999)
      let beta2 = try section.number("beta2", default: 0.999, in: 0...0.999_999_999)
      let epsilon = try section.number("epsilon", default: 1e-8, in: 0...1)
      rule =
        name == .adam
        ? .adam(beta1: beta1, beta2: beta2, epsilon: epsilon) : .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon)
    }
    let weightDecay = try decided ?? section.number("weight_decay", default: name == .adamW ? 0.01 : 0, in: 0...1e6)
    let (rate, schedule) = try (section.learningRate(), section.schedule())
    let clipNorm = try section.number("clip_norm", default: 0, in: 0...1e12)
    let clipValue = try section.number("clip_value", default: 0, in: 0...1e12)
    guard clipNorm == 0 || clipValue == 0 else {
      throw RecipeError("\(section.name).clip_norm and \(section.name).clip_value are both set: choose one, 0 is off")
    }
    self.init(
      Optimizer(rule, weightDecay: weightDecay), learningRate: rate, schedule: schedule,
      clipping: clipNorm > 0 ? .norm(clipNorm) : clipValue > 0 ? .value(clipValue) : .none, parameters: parameters)
  }
}
