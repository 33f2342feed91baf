import Computations
import Tensors

/// A cell of long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000), as PyTorch
/// computes it.
///
///     i = σ(Wᵢ x + bᵢ + Uᵢ h + cᵢ),  f, o alike,  g = tanh(W_g x + b_g + U_g h + c_g)
///     c' = f ∘ c + i ∘ g,  h' = o ∘ tanh(c')
///
/// The state is h and then c. The gates lie in the order i, f, g, o in `name.input.weight` [4 width, in],
/// `name.recurrent.weight` [4 width, width] and their biases. All numbers start uniform in ±`bound`, 1/√width unless said
/// otherwise.
public struct LSTMCell: RecurrentCore {
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
    input = Dense(name: "\(name).input", in: inputs, out: 4 * width, layout: &layout, weight: start, bias: start)
    recurrent = Dense(name: "\(name).recurrent", in: width, out: 4 * width, layout: &layout, weight: start, bias: start)
  }

  private var width: Int { recurrent.inputs }
  public var stateWidth: Int { 2 * width }

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
    let sums = input(x, pass) + recurrent(dropout(state.columns(0..<width), pass), pass)
    let gates = sums.columns(0..<2 * width).sigmoid()
    let cell =
      gates.columns(width..<2 * width) * state.columns(width..<2 * width)
      + gates.columns(0..<width) * sums.columns(2 * width..<3 * width).tanh()
    let hidden = sums.columns(3 * width..<4 * width).sigmoid() * cell.tanh()
    return (hidden, hidden.joiningColumns(cell))
  }

  /// One product for the inputs of all steps, and one operation for what goes on in time.
  public func unrolled(
    over x: Tensor, steps: Int, from state: Tensor, _ pass: (_ step: Int) -> Pass
  ) -> (outputs: Tensor, state: Tensor) {
    guard steps > 0, case .given(let views) = pass(0).weights else {
      return stepped(over: x, steps: steps, from: state, pass)
    }
    let sums = x.reshaped(to: [x.shape[0], input.inputs])
      .linear(weight: views[input.weight], bias: views[input.bias] + views[recurrent.bias])
    let states = sums.longShortTermMemory(
      from: state, weight: views[recurrent.weight], mask: dropout.mask(columns: width, steps: steps, pass))
    return (states.columns(0..<width), states.rows(ofStep: steps - 1, of: steps))
  }
}

extension LSTMCell: SteppedCore {
  public func steps(_ x: Value, _ state: Value, in block: inout Block) -> (output: Value, state: Value) {
    let hidden = block.slice(state, axis: 1, 0..<width)
    let sums = block.add(input.steps(x, in: &block), .value(recurrent.steps(hidden, in: &block)))
    func gate(_ number: Int, _ function: Operation.Function) -> Value {
      block.apply(function, to: block.slice(sums, axis: 1, number * width..<(number + 1) * width))
    }
    let kept = block.multiply(gate(1, .sigmoid), .value(block.slice(state, axis: 1, width..<2 * width)))
    let cell = block.add(kept, .value(block.multiply(gate(0, .sigmoid), .value(gate(2, .tanh)))))
    let output = block.multiply(gate(3, .sigmoid), .value(block.apply(.tanh, to: cell)))
    return (output, block.join(output, cell))
  }
}
