import Networks
import Recipes
import Tensors

/// What discriminator and generator make small. With D the discriminator's output (a logit, or a critic's value), x
/// real and x̃ = G(z) generated:
///
/// | loss | discriminator | generator |
/// |---|---|---|
/// | minimax | −log σ(D(x)) − log(1 − σ(D(x̃))) | log(1 − σ(D(x̃))) |
/// | non-saturating | the same | −log σ(D(x̃)) |
/// | least-squares | ½ (D(x) − 1)² + ½ D(x̃)² | ½ (D(x̃) − 1)² |
/// | wasserstein | D(x̃) − D(x) | −D(x̃) |
///
/// Goodfellow et al. 2014, equation 1 and section 3; Mao et al. 2017, equation 9; Arjovsky, Chintala and Bottou 2017,
/// algorithm 1.
struct AdversarialObjective: Sendable {
  enum Loss: String, CaseIterable {
    case minimax
    case nonSaturating = "non-saturating"
    case leastSquares = "least-squares"
    case wasserstein
  }

  let loss: Loss
  /// k: discriminator steps before each generator step.
  let discriminatorSteps: Int
  /// c: the discriminator's weights are held in −c…c after each of its steps; 0: not (Arjovsky et al. 2017).
  let clip: Float
  /// λ of λ (‖∇D(x̂)‖ − 1)² at points x̂ between real and generated ones (Gulrajani et al. 2017, equation 3).
  let gradientPenalty: Float
  /// γ of γ/2 ‖∇D(x)‖² at real points (Mescheder, Geiger and Nowozin 2018, equation 9).
  let r1: Float
  /// Every how many steps the R1 penalty is taken; it then counts as often as it was left out (Karras et al. 2020,
  /// "Analyzing and improving the image quality of StyleGAN", section 3.1), in the step's one update.
  let r1Interval: Int
  /// ε of ε D(x)² at real points, which keeps a critic's outputs near 0 (Karras et al. 2018, appendix A.1).
  let drift: Float
  /// Weight of the path length penalty, and every how many steps it is taken (Karras et al. 2020, equation 4).
  let pathLength: Float
  let pathInterval: Int

  /// Reads the `objective` section; the defaults are a model's.
  init(_ section: RecipeSection, loss: Loss, discriminatorSteps: Int, clip: Double, gradientPenalty: Double) throws {
    self.loss = try section.choice("loss", default: loss)
    self.discriminatorSteps = try section.integer("discriminator_steps", default: discriminatorSteps, in: 1...1000)
    self.clip = Float(try section.number("clip", default: clip, in: 0...1e6))
    self.gradientPenalty = Float(try section.number("gradient_penalty", default: gradientPenalty, in: 0...1e6))
    r1 = Float(try section.number("r1", default: 0, in: 0...1e6))
    r1Interval = try section.integer("r1_interval", default: 1, in: 1...1_000_000)
    drift = Float(try section.number("drift", default: 0, in: 0...1e6))
    pathLength = Float(try section.number("path_length", default: 0, in: 0...1e6))
    pathInterval = try section.integer("path_interval", default: 4, in: 1...1_000_000)
  }

  /// Says which penalty is taken in the first step alone.
  func rarePenalty(steps: Int) -> String? {
    for (name, interval, weight) in [("r1", r1Interval, r1), ("path", pathInterval, pathLength)]
    where weight > 0 && interval > 1 && interval >= steps {
      return
        "objective.\(name)_interval is \(interval), and the training has \(steps) steps: the penalty is taken once; "
        + "lower it, or take more steps"
    }
    return nil
  }

  /// How often a penalty counts at a step: `interval` times at every such step, 0 at the others.
  static func times(_ interval: Int, at step: Int) -> Float { step.isMultiple(of: interval) ? Float(interval) : 0 }

  /// Σ over examples; outputs [n].
  func discriminatorLoss(real: Tensor, generated: Tensor) -> Tensor {
    switch loss {
    case .minimax, .nonSaturating: (-real).softplus().sum() + generated.softplus().sum()
    case .leastSquares: (real - 1).squared().sum() * 0.5 + generated.squared().sum() * 0.5
    case .wasserstein: generated.sum() - real.sum()
    }
  }

  func generatorLoss(_ generated: Tensor) -> Tensor {
    switch loss {
    case .minimax: -generated.softplus().sum()
    case .nonSaturating: (-generated).softplus().sum()
    case .leastSquares: (generated - 1).squared().sum() * 0.5
    case .wasserstein: -generated.sum()
    }
  }

  /// The output above which an example is taken for real. A critic knows none: there it is the middle between the
  /// mean outputs of both kinds.
  func threshold(real: Tensor, generated: Tensor) -> Float {
    switch loss {
    case .minimax, .nonSaturating: 0
    case .leastSquares: 0.5
    case .wasserstein: 0.5 * (real.detached.mean().value + generated.detached.mean().value)
    }
  }

  /// Σ over examples of the penalties on the discriminator's slope in its input, differentiable in its parameters:
  /// a second derivative.
  /// - Parameters:
  ///   - points: [n, …], off the tape.
  ///   - output: the discriminator, made of variables of `tape`.
  ///   - penalty: of the squared lengths [n] of the slopes.
  func slopePenalty(
    at points: Tensor, on tape: Tape, _ penalty: (Tensor) -> Tensor, of output: (Tensor) -> Tensor
  ) -> Tensor {
    let points = tape.variable(points)
    let slopes = tape.gradient(of: output(points), withRespectTo: [points], recorded: true)[0]
    let rows = slopes.reshaped(to: [points.shape[0], points.count / max(points.shape[0], 1)])
    return penalty(rows.squared().sumOfRows())
  }
}
