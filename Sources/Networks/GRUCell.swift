import Computations
import Tensors

/// A gated recurrent unit (Cho et al. 2014, equations 5 to 8), in the form that cuDNN and PyTorch compute: the reset gate
/// acts on the recurrent product.
///
///     r = σ(Wᵣ x + bᵣ + Uᵣ h + cᵣ),  z = σ(W_z x + b_z + U_z h + c_z)
///     n = tanh(Wₙ x + bₙ + r ∘ (Uₙ h + cₙ)),  h' = (1 − z) ∘ n + z ∘ h
///
/// The gates lie in the order r, z, n in `name.input.weight` [3 width, in], `name.recurrent.weight` [3 width, width] and
/// their biases. All numbers start uniform in ±`bound`, 1/√width unless said otherwise.
public struct GRUCell: RecurrentCore {
  private var input: Dense
  private var recurrent: Dense
  /// Acts on the state in the recurrent product alone.
  private var dropout: Dropout

  /// Adds the slots to a layout.
  /// - Parameter stateDropout: the rate of the numbers of h that the gates do not see (Gal and Ghahramani 2016).
  public init(
    name: String, in inputs: Int, width: Int, bound: Float? = nil, stateDropout: Double = 0, layout: inout Layout
  ) {
    dropout = Dropout(rate: stateDropout)
    let start = Initialization.uniform(bound ?? (1 / Float(width)).squareRoot())
    input = Dense(name: "\(name).input", in: inputs, out: 3 * width, layout: &layout, weight: start, bias: start)
    recurrent = Dense(name: "\(name).recurrent", in: width, out: 3 * width, layout: &layout, weight: start, bias: start)
  }

  public var stateWidth: Int { recurrent.inputs }

  public mutating func takeStreams(_ next: inout NoiseStreams) {
    input.takeStreams(&next)
    recurrent.takeStreams(&next)
    if dropout.rate > 0 { dropout.takeStreams(&next) }
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    input.initialize(parameters, seed: seed)
    recurrent.initialize(parameters, seed: seed)
  }

  public func callAsFunction(_ x: Tensor, _ state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor) {
    let width = stateWidth
    let (fromInput, fromState) = (input(x, pass), recurrent(dropout(state, pass), pass))
    let gates = (fromInput.columns(0..<2 * width) + fromState.columns(0..<2 * width)).sigmoid()
    let (reset, update) = (gates.columns(0..<width), gates.columns(width..<2 * width))
    let new = (fromInput.columns(2 * width..<3 * width) + reset * fromState.columns(2 * width..<3 * width)).tanh()
    let next = new + update * (state - new)
    return (next, next)
  }
}

extension GRUCell: SteppedCore {
  public func steps(_ x: Value, _ state: Value, in block: inout Block) -> (output: Value, state: Value) {
    let sums = [input.steps(x, in: &block), recurrent.steps(state, in: &block)]
    func part(_ sum: Int, _ number: Int) -> Value {
      block.slice(sums[sum], axis: 1, number * stateWidth..<(number + 1) * stateWidth)
    }
    func gate(_ number: Int) -> Value {
      block.apply(.sigmoid, to: block.add(part(0, number), .value(part(1, number))))
    }
    let fromState = block.multiply(gate(0), .value(part(1, 2)))
    let new = block.apply(.tanh, to: block.add(part(0, 2), .value(fromState)))
    let next = block.add(new, .value(block.multiply(gate(1), .value(block.subtract(state, .value(new))))))
    return (next, next)
  }
}
