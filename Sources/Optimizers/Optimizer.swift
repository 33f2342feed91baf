import CKernels
import Glibc

/// A rule that moves parameters along a gradient: a pure function of parameters, gradient, named state and step, with
/// PyTorch's semantics and defaults (torch.optim).
///
/// State is what the rule remembers of earlier steps: one number a parameter for each of `stateNames`, zero before the
/// first step, kept by the caller in buffers of the parameters' layout. An update treats each parameter on its own, so
/// that ranges can be updated in any order, on any lanes, to the same bits.
public struct Optimizer: Hashable, Sendable {
  public enum Rule: Hashable, Sendable {
    /// w −= η g.
    case sgd
    /// v = μ v + (1 − dampening) g, at the first step v = g; w −= η v, or with Nesterov's look-ahead η (g + μ v).
    case momentum(_ momentum: Double = 0.9, dampening: Double = 0, nesterov: Bool = false)
    /// s += g²; w −= η g / (√s + ε) (Duchi, Hazan and Singer 2011).
    case adagrad(epsilon: Double = 1e-10)
    /// s = α s + (1 − α) g²; w −= η g / (√s + ε) (Tieleman and Hinton 2012).
    case rmsProp(decay: Double = 0.99, epsilon: Double = 1e-8)
    /// Bias-corrected first and second moments (Kingma and Ba 2014, algorithm 1). Weight decay adds to the gradient.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)
    /// Adam whose weight decay shrinks the parameters by 1 − η λ beside it (Loshchilov and Hutter 2017).
    case adamW(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)
  }

  public var rule: Rule
  /// λ: λ w is added to the gradient; with `adamW`, see there.
  public var weightDecay: Double

  public init(_ rule: Rule, weightDecay: Double = 0) {
    self.rule = rule
    self.weightDecay = weightDecay
  }

  /// The names of the state's parts, in the order in which `update` takes them.
  public var stateNames: [String] {
    switch rule {
    case .sgd: []
    case .momentum: ["momentum"]
    case .adagrad: ["squares"]
    case .rmsProp: ["squares"]
    case .adam, .adamW: ["m", "v"]
    }
  }

  /// Moves the parameters of a range. All pointers are to the first number of whole buffers of one layout. Allocates
  /// nothing and may run on many lanes at once as long as their ranges do not overlap.
  /// - Parameters:
  ///   - state: one buffer for each of `stateNames`; zeros before step 1.
  ///   - step: which update this is, from 1 on.
  ///   - learningRate: η of this step, the schedule's factor included.
  ///   - gradientScale: what the gradient is multiplied with first: one over a number of examples, say, or clipping.
  public func update(
    _ range: Range<Int>, of parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    state: [UnsafeMutablePointer<Float>], step: Int, learningRate: Double, gradientScale: Float = 1
  ) {
    precondition(step >= 1, "the first step is 1, not \(step)")
    let (w, g, n) = (parameters + range.lowerBound, gradient + range.lowerBound, range.count)
    func part(_ index: Int) -> UnsafeMutablePointer<Float> { state[index] + range.lowerBound }
    switch rule {
    case .sgd:
      elbo_sgd(w, g, learningRate, weightDecay, gradientScale, n)
    case .momentum(let momentum, let dampening, let nesterov):
      elbo_momentum(
        w, g, part(0), learningRate, momentum, step == 1 ? 0 : dampening, weightDecay, nesterov ? 1 : 0,
        gradientScale, n)
    case .adagrad(let epsilon):
      elbo_adagrad(w, g, part(0), learningRate, epsilon, weightDecay, gradientScale, n)
    case .rmsProp(let decay, let epsilon):
      elbo_rmsprop(w, g, part(0), learningRate, decay, epsilon, weightDecay, gradientScale, n)
    case .adam(let beta1, let beta2, let epsilon), .adamW(let beta1, let beta2, let epsilon):
      let decoupled = if case .adamW = rule { Int32(1) } else { Int32(0) }
      elbo_adam(
        w, g, part(0), part(1), learningRate, beta1, beta2, epsilon, oneMinusPower(beta1, step),
        oneMinusPower(beta2, step), weightDecay, decoupled, gradientScale, n)
    }
  }
}

/// 1 − βᵗ, the bias that a moving average of t terms from zero has; accurate for β near 1.
private func oneMinusPower(_ beta: Double, _ step: Int) -> Double { beta == 0 ? 1 : -expm1(Double(step) * log(beta)) }
