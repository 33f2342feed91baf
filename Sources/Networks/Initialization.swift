import CKernels
import Tensors

/// How a parameter begins. Its numbers are a function of the training's seed and of the slot's place in the layout
/// alone: no lane or node has a say in them.
public enum Initialization: Hashable, Sendable {
  case constant(Float)
  /// Uniform in [−bound, bound).
  case uniform(Float)
  /// Normal with mean 0 and this standard deviation.
  case normal(Float)
  /// Uniform in ±1/√fan-in: PyTorch's default for the weight and the bias of a linear layer (He et al. 2015 with a = √5).
  case fanIn
  /// Uniform in ±√(6 / fan-in): keeps the variance through a ReLU (He et al. 2015, equation 10).
  case heUniform
  /// Normal with variance 2 / fan-in (He et al. 2015, equation 10).
  case heNormal
  /// Uniform in ±gain √(6 / (fan-in + fan-out)) (Glorot and Bengio 2010, equation 16).
  case glorotUniform(gain: Float = 1)
  /// Normal with variance gain² · 2 / (fan-in + fan-out) (Glorot and Bengio 2010, equation 12).
  case glorotNormal(gain: Float = 1)

  public static let zeros = Initialization.constant(0)

  /// Fills a slot of a buffer. A weight's fan-in is the number of inputs that each of its outputs sums over.
  public func fill(_ slot: Slot, of parameters: FlatBuffer, seed: UInt64, fanIn: Int, fanOut: Int) {
    guard let index = parameters.layout.slots.firstIndex(of: slot) else {
      preconditionFailure("\(slot.name) is not a slot of \(parameters.name)")
    }
    let (inputs, outputs) = (Float(max(fanIn, 1)), Float(max(fanOut, 1)))
    let numbers = parameters.float32.baseAddress! + slot.offset
    let count = slot.shape.count
    let key = RandomKey(seed: seed).at(step: initialStep).at(tensor: UInt32(index))
    func uniform(_ bound: Float) {
      key.uniform(into: numbers, count: count)
      elbo_scale(numbers, 2 * bound, numbers, count)
      elbo_add_scalar(numbers, -bound, numbers, count)
    }
    func normal(_ deviation: Float) {
      key.normal(into: numbers, count: count)
      elbo_scale(numbers, deviation, numbers, count)
    }
    switch self {
    case .constant(let value): elbo_fill(value, numbers, count)
    case .uniform(let bound): uniform(bound)
    case .normal(let deviation): normal(deviation)
    case .fanIn: uniform((1 / inputs).squareRoot())
    case .heUniform: uniform((6 / inputs).squareRoot())
    case .heNormal: normal((2 / inputs).squareRoot())
    case .glorotUniform(let gain): uniform(gain * (6 / (inputs + outputs)).squareRoot())
    case .glorotNormal(let gain): normal(gain * (2 / (inputs + outputs)).squareRoot())
    }
  }
}

/// A step that no training reaches: it keeps initial parameters apart from all other noise.
private let initialStep = UInt32.max
