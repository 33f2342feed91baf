import Computations
import Recipes
import Tensors

/// A core that says what one step computes in prediction, in operations that PyTorch and ONNX have.
public protocol SteppedCore: RecurrentCore {
  /// Adds a step's operations to a block.
  /// - Parameters:
  ///   - x: [n, …].
  ///   - state: [n, stateWidth].
  func steps(_ x: Value, _ state: Value, in block: inout Block) throws(RecipeError) -> (output: Value, state: Value)
}

extension RecurrentCore {
  /// - Throws: `RecipeError` when the core has no counterpart.
  func stepsIfKnown(
    _ x: Value, _ state: Value, in block: inout Block
  ) throws(RecipeError) -> (output: Value, state: Value) {
    guard let core = self as? any SteppedCore else {
      throw RecipeError(
        "the network has a core \(type(of: self)), which PyTorch and ONNX do not know: export to a file NAME.elbo")
    }
    return try core.steps(x, state, in: &block)
  }
}

/// Without noise.
extension DroppedInput: SteppedCore {
  public func steps(
    _ x: Value, _ state: Value, in block: inout Block
  ) throws(RecipeError) -> (output: Value, state: Value) { try core.stepsIfKnown(x, state, in: &block) }
}

extension RecurrentStack: SteppedCore {
  public func steps(
    _ x: Value, _ state: Value, in block: inout Block
  ) throws(RecipeError) -> (output: Value, state: Value) {
    var (x, first) = (x, 0)
    var joined: Value?
    for core in cores {
      let own = block.slice(state, axis: 1, first..<first + core.stateWidth)
      let (output, next) = try core.stepsIfKnown(x, own, in: &block)
      joined = joined.map { block.join($0, next) } ?? next
      (x, first) = (output, first + core.stateWidth)
    }
    return (x, joined!)
  }

  /// The state before the first step, for as many sequences as a value [n, …] has rows.
  public func initialState(like x: Value, in block: inout Block) -> Value {
    let zero = block.multiply(block.slice(x, axis: 1, 0..<1), .number(0))
    return block.add(
      zero, block.constant("state/initial", shape: [stateWidth], [Float](repeating: 0, count: stateWidth)))
  }
}
