import Tensors

/// A core whose input loses numbers at random; its state does not (Zaremba et al. 2014, section 3.1).
public struct DroppedInput: RecurrentCore {
  private(set) var core: any RecurrentCore
  private var dropout: Dropout

  public init(_ core: any RecurrentCore, rate: Double) { (self.core, dropout) = (core, Dropout(rate: rate)) }

  public var stateWidth: Int { core.stateWidth }

  public mutating func takeStreams(_ next: inout NoiseStreams) {
    dropout.takeStreams(&next)
    core.takeStreams(&next)
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) { core.initialize(parameters, seed: seed) }
  public func initialState(_ count: Int, _ pass: Pass) -> Tensor { core.initialState(count, pass) }

  public func callAsFunction(_ x: Tensor, _ state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor) {
    core(dropout(x, pass), state, pass)
  }

  public func unrolled(
    over x: Tensor, steps: Int, from state: Tensor, _ pass: (_ step: Int) -> Pass
  ) -> (outputs: Tensor, state: Tensor) {
    core.unrolled(over: dropout(x, steps: steps, pass), steps: steps, from: state, pass)
  }
}
