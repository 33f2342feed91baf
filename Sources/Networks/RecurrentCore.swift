import Tensors

/// A layer with a state: what it makes of a tensor depends on the state, and makes the next one.
///
/// A core is a value, as a ``Layer`` is. The layers in it take their weights from the pass, the same at every step.
public protocol RecurrentCore: Sendable {
  /// How many numbers the state of one sequence has.
  var stateWidth: Int { get }
  func initialize(_ parameters: FlatBuffer, seed: UInt64)
  /// The state before the first step, [count, stateWidth].
  func initialState(_ count: Int, _ pass: Pass) -> Tensor
  /// One step of sequences: x [count, …] and their state [count, stateWidth].
  func callAsFunction(_ x: Tensor, _ state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor)
  /// Takes as many numbers of noise as its layers need.
  mutating func takeStreams(_ next: inout NoiseStreams)
}

extension RecurrentCore {
  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {}
  public func initialState(_ count: Int, _ pass: Pass) -> Tensor { .zeros([count, stateWidth]) }
  public mutating func takeStreams(_ next: inout NoiseStreams) {}

  /// One step after the other.
  /// - Returns: what each step puts out, and the state after the last.
  public func unrolled(over steps: [Tensor], from state: Tensor, _ pass: Pass) -> (outputs: [Tensor], state: Tensor) {
    var state = state
    let outputs = steps.map { x in
      let (output, next) = self(x, state, pass)
      state = next
      return output
    }
    return (outputs, state)
  }
}

/// Cores on top of each other: each sees what the one below puts out. The states stand side by side.
public struct RecurrentStack: RecurrentCore {
  public private(set) var cores: [any RecurrentCore]

  /// Numbers the noise of the cores in their order.
  public init(_ cores: [any RecurrentCore]) {
    self.cores = cores
    var streams = NoiseStreams()
    takeStreams(&streams)
  }

  public var stateWidth: Int { cores.reduce(0) { $0 + $1.stateWidth } }

  public mutating func takeStreams(_ next: inout NoiseStreams) {
    for index in cores.indices { cores[index].takeStreams(&next) }
  }

  public func initialize(_ parameters: FlatBuffer, seed: UInt64) {
    for core in cores { core.initialize(parameters, seed: seed) }
  }

  public func initialState(_ count: Int, _ pass: Pass) -> Tensor {
    let states = cores.map { $0.initialState(count, pass) }
    return states.dropFirst().reduce(states[0]) { $0.joiningColumns($1) }
  }

  public func callAsFunction(_ x: Tensor, _ state: Tensor, _ pass: Pass) -> (output: Tensor, state: Tensor) {
    var (x, first) = (x, 0)
    var states: [Tensor] = []
    for core in cores {
      let (output, next) = core(x, state.columns(first..<first + core.stateWidth), pass)
      states.append(next)
      (x, first) = (output, first + core.stateWidth)
    }
    return (x, states.dropFirst().reduce(states[0]) { $0.joiningColumns($1) })
  }
}
