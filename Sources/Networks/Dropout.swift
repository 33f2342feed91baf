import Foundation
import Tensors

/// Sets numbers to zero at random and scales the others up, so that their mean stays (Srivastava et al. 2014). Kept on
/// at prediction it is a sample of an approximate posterior (Gal and Ghahramani 2016).
///
/// It acts where the pass has a key. The mask of a row is a function of the key, the layer's number and the row's
/// example alone.
public struct Dropout: Hashable, Layer {
  /// The probability of a zero, not of keeping.
  public let rate: Double
  /// Keeps the noise of several such layers apart.
  public private(set) var stream: UInt32
  private let isNumbered: Bool

  /// - Parameter stream: a number of the layer's noise; nil: the stack numbers it.
  public init(rate: Double, stream: UInt32? = nil) {
    precondition(rate >= 0 && rate < 1, "a dropout rate lies in 0 ..< 1, not at \(rate)")
    self.rate = rate
    (self.stream, isNumbered) = (stream ?? 0, stream != nil)
  }

  public mutating func takeStreams(_ next: inout NoiseStreams) {
    if !isNumbered { stream = next.takeActivations() }
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    mask(columns: x.count / max(x.shape[0], 1), pass).map { x * $0.reshaped(to: x.shape) } ?? x
  }

  /// The same of the rows of several steps, which lie one behind the other, each with the noise of its own pass.
  public func callAsFunction(_ x: Tensor, steps: Int, _ pass: (_ step: Int) -> Pass) -> Tensor {
    mask(columns: x.columns, steps: steps, pass).map { x * $0 } ?? x
  }

  /// What the rows of several steps are multiplied with, [rows, columns]; nil: they stay.
  func mask(columns: Int, steps: Int, _ pass: (_ step: Int) -> Pass) -> Tensor? {
    let masks = (0..<steps).compactMap { mask(columns: columns, pass($0)) }
    return masks.isEmpty ? nil : masks.joinedRows
  }

  private func mask(columns: Int, _ pass: Pass) -> Tensor? {
    guard let key = pass.key, rate > 0 else { return nil }
    let uniform = Tensor.uniform(key.stream(stream), rows: pass.examples, columns: columns)
    // At the uniform number that is the rate itself, step is 0: one in 2²⁴.
    return (uniform - Float(rate)).step() * Float(1 / (1 - rate))
  }
}

/// Dropout whose rate p is learned with the weights (Gal, Hron and Kendall, Concrete Dropout, NeurIPS 2017): the mask is
/// relaxed to numbers between 0 and 1, through which the loss has a derivative by p. Of images it drops whole channels,
/// as the authors' spatial variant does.
public struct ConcreteDropout: Layer {
  /// log p − log(1 − p); p is the probability of a zero, not of keeping.
  public let logit: Slot
  /// The weight behind the dropout, and how many units are dropped before it.
  private let guarded: (weight: Slot, units: Int)
  private let start: Double
  private var stream: UInt32 = 0
  /// Of the relaxation (section 4.1 of the paper).
  private static let temperature: Float = 0.1
  /// p from 4.5e-5 to 1 − 4.5e-5.
  private static let bounds: ClosedRange<Float> = -10...10

  /// Adds the slot `name.logit` to a layout.
  public init(name: String, before layer: any LinearLayer, rate: Double, layout: inout Layout) {
    logit = layout.add(name + ".logit", .scalar)
    guarded = (layer.slots.weight, layer.slots.weight.shape[1])
    start = min(max(rate, 1e-3), 1 - 1e-3)
  }

  public var pointSlots: [Slot] { [logit] }

  public mutating func takeStreams(_ next: inout NoiseStreams) { stream = next.takeActivations() }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    parameters.float32[logit.offset] = Float(log(start) - log1p(-start))
  }

  /// p.
  public func rate(_ parameters: FlatBuffer) -> Double { 1 / (1 + exp(-Double(parameters.float32[logit.offset]))) }

  private func clamped(_ views: ParameterViews) -> Tensor { views[logit].clamped(to: ConcreteDropout.bounds) }

  /// x (1 − z) / (1 − p), z = sigmoid((logit p + log u − log(1 − u)) / t) (equation 5), with u uniform.
  public func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    guard let key = pass.key else { return x }
    // In [1e-7, 1 − 1e-7], as in the authors' code.
    let u = Tensor.uniform(key.stream(stream), rows: pass.examples, columns: x.shape[x.shape.rank - 1])
      .clamped(to: 1e-7...(1 - 1e-7))
    let noise = (u.log() - (1 - u).log()).repeatedOverPixels(of: x.shape)
    let logit = clamped(pass.parameters)
    let kept = ((-logit).repeated(to: x.shape) - noise) * (1 / ConcreteDropout.temperature)
    // 1 / (1 − p) = 1 + exp(logit p).
    return x * kept.sigmoid() * (logit.exp() + 1).repeated(to: x.shape)
  }

  /// KL of the approximate posterior of the layer behind from the prior, without what does not depend on parameters
  /// (equations 2 to 4): l² (1 − p) / 2 · |M|² − d H(p), of M = w / (1 − p), since what is kept is scaled up by it.
  /// - Parameter lengthScale: l.
  public func divergence(_ views: ParameterViews, lengthScale: Float) -> Tensor {
    let logit = clamped(views)
    let weights = views[guarded.weight].squared().sum() * (logit.exp() + 1) * (lengthScale * lengthScale / 2)
    // H(p) = p softplus(−logit p) + (1 − p) softplus(logit p).
    let entropy = logit.sigmoid() * (-logit).softplus() + (-logit).sigmoid() * logit.softplus()
    return weights - entropy * Float(guarded.units)
  }
}
