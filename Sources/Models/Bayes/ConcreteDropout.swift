import Foundation
import Networks
import Tensors

/// Dropout whose rate p is learnt with the weights (Gal, Hron and Kendall, Concrete Dropout, NeurIPS 2017): the mask is
/// relaxed to numbers between 0 and 1, through which the loss has a derivative by p.
struct ConcreteDropout: Sendable {
  /// log p − log(1 − p); p is the probability of a zero, not of keeping.
  let logit: Slot
  /// Of the relaxation (section 4.1 of the paper).
  private static let temperature: Float = 0.1
  /// p from 4.5e-5 to 1 − 4.5e-5.
  private static let bounds: ClosedRange<Float> = -10...10

  init(name: String, layout: inout Layout) { logit = layout.add(name + ".logit", .scalar) }

  func initialize(_ parameters: FlatBuffer, rate: Double) {
    let rate = min(max(rate, 1e-3), 1 - 1e-3)
    parameters.float32[logit.offset] = Float(log(rate) - log1p(-rate))
  }

  /// p.
  func rate(_ parameters: FlatBuffer) -> Double { 1 / (1 + exp(-Double(parameters.float32[logit.offset]))) }

  private func clamped(_ views: ParameterViews) -> Tensor { views[logit].clamped(to: ConcreteDropout.bounds) }

  /// x [n, d] → [n, d] = x (1 − z) / (1 − p), z = sigmoid((logit p + log u − log(1 − u)) / t) (equation 5), with u
  /// uniform, a function of the key and of the row's example alone.
  func callAsFunction(_ x: Tensor, _ views: ParameterViews, key: RandomKey, examples: [UInt32]) -> Tensor {
    // In [1e-7, 1 − 1e-7], as in the authors' code.
    let u = Tensor.uniform(key, rows: examples, columns: x.columns).clamped(to: 1e-7...(1 - 1e-7))
    let noise = u.log() - (1 - u).log()
    let logit = clamped(views)
    let kept = ((-logit).repeated(to: x.shape) - noise) * (1 / ConcreteDropout.temperature)
    // 1 / (1 − p) = 1 + exp(logit p).
    return x * kept.sigmoid() * (logit.exp() + 1).repeated(to: x.shape)
  }

  /// KL of the approximate posterior of the layer behind from the prior, without what does not depend on parameters
  /// (equations 2 to 4): l² (1 − p) / 2 · |M|² − d H(p), of M = w / (1 − p), since what is kept is scaled up by it.
  /// - Parameter lengthScale: l.
  func divergence(of layer: Dense, _ views: ParameterViews, lengthScale: Float) -> Tensor {
    let logit = clamped(views)
    let weights = views[layer.weight].squared().sum() * (logit.exp() + 1) * (lengthScale * lengthScale / 2)
    // H(p) = p softplus(−logit p) + (1 − p) softplus(logit p).
    let entropy = logit.sigmoid() * (-logit).softplus() + (-logit).sigmoid() * logit.softplus()
    return weights - entropy * Float(layer.inputs)
  }
}
